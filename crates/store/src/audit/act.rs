//! What the audit log tells of.
//!
//! To add an act, add a variant to [`AuditAct`] below. Its fields are ids, names, numbers and
//! digests: whatever implements [`Detail`], which text and bytes do not. Then write it with the
//! change that it tells of: in [`WalletCommit::acts`](crate::WalletCommit::acts) for a wallet, by
//! the backends' `append` for anything else. An act's name and those of its fields are wire values.

use core::fmt;

use portal_lifecycle::ids::{
    BackupSharePairId, CustodianId, OperationId, SigningSharePairId, WalletId, WebhookSecretId,
};
use portal_lifecycle::{
    BackupMethod, BackupMode, CipherTextDigest, Curve, Generation, OperationKind, PerCurve,
    Timestamp,
};

use sha2::Digest as _;

use super::{Details, KeyId};
use crate::{CredentialKind, WebhookConfig};

/// What a field of an act may be: nothing that could hold a secret or a person's words.
pub trait Detail {
    /// Puts the field into `details`.
    fn put(&self, name: &'static str, details: &mut Details);
}

/// SHA-256 of what was acted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// A name of the program's own: of a chain, a method, a call. None of anybody's words fits into it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Name {
    bytes: [u8; NAME_BYTES],
    used: usize,
}

const NAME_BYTES: usize = 64;

impl Name {
    /// A name of letters, digits, `:`, `-` and `_`, at most 64 of them; none for another text.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'-' | b'_');
        if !text.bytes().all(fits) {
            return None;
        }
        let mut bytes = [0; NAME_BYTES];
        bytes
            .get_mut(..text.len())?
            .copy_from_slice(text.as_bytes());
        let used = text.len();
        Some(Self { bytes, used })
    }

    fn as_str(&self) -> &str {
        let used = self.bytes.get(..self.used);
        let text = used.and_then(|used| core::str::from_utf8(used).ok());
        text.unwrap_or_default()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// A credential that an answer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShownCredential {
    /// A client's API key, perhaps with a session token.
    ClientApiKey,
    /// A client's session token.
    SessionToken,
    /// The secret that signs an environment's webhook.
    WebhookSecret,
}

impl fmt::Display for ShownCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ClientApiKey => "CLIENT_API_KEY",
            Self::SessionToken => "SESSION_TOKEN",
            Self::WebhookSecret => "WEBHOOK_SECRET",
        })
    }
}

macro_rules! shown_details {
    ($($kind:ty),* $(,)?) => {
        $(impl Detail for $kind {
            fn put(&self, name: &'static str, details: &mut Details) {
                details.insert(name.to_owned(), self.to_string());
            }
        })*
    };
}

shown_details!(
    BackupMethod,
    BackupMode,
    BackupSharePairId,
    Curve,
    CustodianId,
    Digest,
    KeyId,
    Name,
    OperationId,
    OperationKind,
    ShownCredential,
    SigningSharePairId,
    WalletId,
    WebhookSecretId,
    u64,
);

impl Detail for Generation {
    fn put(&self, name: &'static str, details: &mut Details) {
        self.0.put(name, details);
    }
}

/// In milliseconds since 1970.
impl Detail for Timestamp {
    fn put(&self, name: &'static str, details: &mut Details) {
        self.as_ms().put(name, details);
    }
}

impl Detail for CipherTextDigest {
    fn put(&self, name: &'static str, details: &mut Details) {
        Digest(self.0).put(name, details);
    }
}

/// Left out where there is none.
impl<T: Detail> Detail for Option<T> {
    fn put(&self, name: &'static str, details: &mut Details) {
        if let Some(value) = self {
            value.put(name, details);
        }
    }
}

/// Two details, `<name>.SECP256K1` and `<name>.ED25519`.
impl<T: fmt::Display + Detail> Detail for PerCurve<T> {
    fn put(&self, name: &'static str, details: &mut Details) {
        for (curve, value) in self.iter() {
            details.insert(format!("{name}.{curve}"), value.to_string());
        }
    }
}

macro_rules! acts {
    ($($(#[$doc:meta])* $act:ident = $wire:literal {
        $($(#[$field_doc:meta])* $field:ident as $name:literal: $kind:ty),* $(,)?
    })*) => {
        /// What was done, and to what. Whom it is about, who did it and when stand beside it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[expect(
            clippy::large_enum_variant,
            reason = "there are one or two at a time, on their way to a line"
        )]
        pub enum AuditAct {
            $($(#[$doc])* $act { $($(#[$field_doc])* $field: $kind),* },)*
        }

        impl AuditAct {
            /// The name of every act.
            pub const NAMES: &'static [&'static str] = &[$($wire),*];

            /// The act's name on the wire and at rest.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self { $(Self::$act { .. } => $wire,)* }
            }

            /// The act's fields, by name.
            #[must_use]
            pub fn details(&self) -> Details {
                #[allow(unused_mut, reason = "some acts have no fields")]
                let mut details = Details::new();
                match self {
                    $(Self::$act { $($field),* } => { $($field.put($name, &mut details);)* })*
                }
                details
            }
        }
    };
}

acts! {
    /// An environment was made, with its custodian.
    EnvironmentMade = "ENVIRONMENT_MADE" {
        /// Whose it is.
        custodian as "custodianId": CustodianId,
    }
    /// Backup shares go somewhere else from now on, or under another secret.
    WebhookChanged = "WEBHOOK_CHANGED" {
        /// SHA-256 of the base URL.
        base_url as "baseUrlDigest": Digest,
        /// The secret that signs.
        secret as "secretId": WebhookSecretId,
        /// The one of before, where it goes on signing for a while.
        former_secret as "formerSecretId": Option<WebhookSecretId>,
    }
    /// An environment got another API key.
    CustodianKeyMade = "CUSTODIAN_KEY_MADE" {
        /// The key.
        key as "keyId": KeyId,
    }
    /// An environment's API key is in force no longer.
    CustodianKeyRevoked = "CUSTODIAN_KEY_REVOKED" {
        /// The key.
        key as "keyId": KeyId,
    }
    /// Who holds the custodian's shares of the backups that are made from now on.
    BackupModeChanged = "BACKUP_MODE_CHANGED" {
        /// The mode.
        mode as "backupMode": BackupMode,
    }
    /// What wallets may sign is another from now on: the client's, or all of the environment's.
    SigningPolicyChanged = "SIGNING_POLICY_CHANGED" {
        /// SHA-256 of the policy as it is stored; none where it was removed.
        policy as "policyDigest": Option<Digest>,
    }
    /// A client was made, with both its credentials.
    ClientMade = "CLIENT_MADE" {}
    /// A client got another session.
    SessionMade = "SESSION_MADE" {
        /// The one-time password that was taken for it, if one was.
        otp as "otpId": Option<KeyId>,
    }
    /// A one-time password was given out, with which a browser gets a session of the client.
    WebOtpMade = "WEB_OTP_MADE" {
        /// The password.
        otp as "otpId": KeyId,
    }
    /// A client's sessions of before are in force no longer, nor one-time passwords for others.
    SessionsRevoked = "SESSIONS_REVOKED" {}
    /// A client got another API key, in the place of the one of before.
    ClientKeyReplaced = "CLIENT_KEY_REPLACED" {}
    /// A client's API key is in force no longer.
    ClientKeyRevoked = "CLIENT_KEY_REVOKED" {}
    /// A credential was given out once more, to who repeated the request that made it.
    CredentialShownAgain = "CREDENTIAL_SHOWN_AGAIN" {
        /// What it opens.
        credential as "credential": ShownCredential,
    }
    /// A signature left the server.
    Signature = "SIGNATURE" {
        /// The curve.
        curve as "curve": Curve,
        /// The pair that signed.
        pair as "pairId": SigningSharePairId,
        /// SHA-256 of the payload: of the digest on secp256k1, of the message on Ed25519.
        payload as "payloadDigest": Digest,
        /// The chain that it was asked for; none for raw bytes.
        chain as "chain": Option<Name>,
        /// The method.
        method as "method": Option<Name>,
        /// SHA-256 of the environment's policy that it was judged by, as it is stored.
        environment_policy as "environmentPolicyDigest": Option<Digest>,
        /// The same of the client's own.
        client_policy as "clientPolicyDigest": Option<Digest>,
        /// The webhook call by which the custodian's backend allowed it.
        approval as "approvalId": Option<Name>,
    }
    /// The server's share of a new signing pair was stored: Generate, Recover or Refresh.
    SigningPairMade = "SIGNING_PAIR_MADE" {
        /// The pair.
        ids as "pairId": PerCurve<SigningSharePairId>,
        /// Its generation.
        generation as "generation": Generation,
        /// The kind of operation.
        made_by as "madeBy": OperationKind,
        /// The operation.
        operation as "operationId": OperationId,
    }
    /// The client holds its share, and the pair signs from now on.
    SigningPairConfirmed = "SIGNING_PAIR_CONFIRMED" {
        /// The pair.
        ids as "pairId": PerCurve<SigningSharePairId>,
        /// Its generation.
        generation as "generation": Generation,
    }
    /// A newer pair has taken its place.
    SigningPairSuperseded = "SIGNING_PAIR_SUPERSEDED" {
        /// The pair.
        ids as "pairId": PerCurve<SigningSharePairId>,
        /// Its generation.
        generation as "generation": Generation,
    }
    /// The client cheated, and the pair never signs again (E12).
    SigningPairFrozen = "SIGNING_PAIR_FROZEN" {
        /// The pair.
        ids as "pairId": PerCurve<SigningSharePairId>,
        /// Its generation.
        generation as "generation": Generation,
    }
    /// It was never confirmed, and is given up (E9).
    SigningPairAbandoned = "SIGNING_PAIR_ABANDONED" {
        /// The pair.
        ids as "pairId": PerCurve<SigningSharePairId>,
        /// Its generation.
        generation as "generation": Generation,
    }
    /// The server's share is erased (E10).
    SigningPairPurged = "SIGNING_PAIR_PURGED" {
        /// The pair.
        ids as "pairId": PerCurve<SigningSharePairId>,
        /// Its generation.
        generation as "generation": Generation,
    }
    /// The pair in force proved itself after the database was put back (E20).
    WalletProved = "WALLET_PROVED" {
        /// The database's epoch.
        epoch as "epoch": u64,
    }
    /// A backup pair was made; the custodian's share is on its way.
    BackupPairMade = "BACKUP_PAIR_MADE" {
        /// The pair.
        ids as "pairId": PerCurve<BackupSharePairId>,
        /// Its generation.
        generation as "generation": Generation,
        /// How the client's share will be encrypted.
        method as "method": BackupMethod,
        /// The operation.
        operation as "operationId": OperationId,
    }
    /// The custodian holds its share (E15).
    BackupPairDelivered = "BACKUP_PAIR_DELIVERED" {
        /// The pair.
        ids as "pairId": PerCurve<BackupSharePairId>,
        /// Its generation.
        generation as "generation": Generation,
    }
    /// The key of the cipher text is in the user's storage (E16).
    BackupKeyStored = "BACKUP_KEY_STORED" {
        /// The pair.
        ids as "pairId": PerCurve<BackupSharePairId>,
        /// Its generation.
        generation as "generation": Generation,
    }
    /// The cipher text is stored, and the wallet can be recovered from this pair (E17).
    BackupPairCompleted = "BACKUP_PAIR_COMPLETED" {
        /// The pair.
        ids as "pairId": PerCurve<BackupSharePairId>,
        /// Its generation.
        generation as "generation": Generation,
        /// SHA-256 of the cipher text.
        cipher_text as "cipherTextDigest": Option<CipherTextDigest>,
    }
    /// Both sides proved that the wallet would be recovered from this pair.
    BackupPairProved = "BACKUP_PAIR_PROVED" {
        /// The pair.
        ids as "pairId": PerCurve<BackupSharePairId>,
        /// Its generation.
        generation as "generation": Generation,
    }
    /// A newer backup has taken its place.
    BackupPairSuperseded = "BACKUP_PAIR_SUPERSEDED" {
        /// The pair.
        ids as "pairId": PerCurve<BackupSharePairId>,
        /// Its generation.
        generation as "generation": Generation,
    }
    /// It can no longer be completed, and is given up (E18).
    BackupPairAbandoned = "BACKUP_PAIR_ABANDONED" {
        /// The pair.
        ids as "pairId": PerCurve<BackupSharePairId>,
        /// Its generation.
        generation as "generation": Generation,
    }
    /// Managed mode: the cipher text of a backup is kept here.
    CipherTextKept = "BACKUP_CIPHER_TEXT_KEPT" {
        /// The pair.
        ids as "pairId": PerCurve<BackupSharePairId>,
        /// SHA-256 of the cipher text.
        cipher_text as "cipherTextDigest": Digest,
    }
    /// It was overtaken long ago, and the custodian is told so (E18).
    BackupPairPurged = "BACKUP_PAIR_PURGED" {
        /// The pair.
        ids as "pairId": PerCurve<BackupSharePairId>,
        /// Its generation.
        generation as "generation": Generation,
    }
    /// The custodian lets the user take the key out.
    EjectEnabled = "EJECT_ENABLED" {
        /// The key that was named; both curves' may be taken out.
        wallet as "walletId": WalletId,
        /// Until when.
        until as "ejectableUntil": Timestamp,
    }
    /// The custodian closes that window before its end.
    EjectDisabled = "EJECT_DISABLED" {
        /// The key.
        wallet as "walletId": PerCurve<WalletId>,
    }
    /// The custodian's share of the backup in force is given out, to take the key out.
    BackupShareReleased = "BACKUP_SHARE_RELEASED" {
        /// The key.
        wallet as "walletId": WalletId,
        /// Its curve.
        curve as "curve": Curve,
    }
    /// The user holds the whole key; the server's signing shares are erased.
    Ejected = "EJECTED" {
        /// The key.
        wallet as "walletId": PerCurve<WalletId>,
        /// SHA-256 of what the device said it is.
        platform as "platformDigest": Digest,
    }
    /// The database was put back to an older state (E20). The chain goes on from that state: lines
    /// that had followed are gone, and an auditor's later checkpoint says so.
    EpochRaised = "EPOCH_RAISED" {
        /// The new epoch.
        epoch as "epoch": u64,
    }
    /// A signature of before there was a chain, carried into it as it was found: nothing vouches
    /// for it from before.
    CarriedSignature = "CARRIED_SIGNATURE" {
        /// The pair that signed.
        pair as "pairId": SigningSharePairId,
        /// SHA-256 of the payload.
        payload as "payloadDigest": Digest,
        /// Its number in the log of before.
        former_number as "formerNumber": u64,
    }
}

impl AuditAct {
    /// What may be signed from now on.
    pub(crate) fn signing_policy_changed(policy: Option<&str>) -> Self {
        Self::SigningPolicyChanged {
            policy: policy.map(|policy| Digest::of(policy.as_bytes())),
        }
    }

    /// Where shares go from now on: the digest of the URL alone, which may hold a password.
    pub(crate) fn webhook_changed(webhook: &WebhookConfig) -> Self {
        Self::WebhookChanged {
            base_url: Digest::of(webhook.base_url.as_bytes()),
            secret: webhook.secret.id,
            former_secret: webhook.former.as_ref().map(|former| former.secret.id),
        }
    }

    /// What became of a client's credentials of one kind.
    pub(crate) const fn revoked(kind: CredentialKind) -> Self {
        match kind {
            CredentialKind::ApiKey => Self::ClientKeyRevoked {},
            CredentialKind::Session => Self::SessionsRevoked {},
        }
    }
}
