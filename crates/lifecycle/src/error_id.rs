//! The ids of all errors, with what their pages say. Ids are a contract: never rename one.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::{ErrorPage, Retry};

macro_rules! errors {
    ($($(#[$doc:meta])* $variant:ident = $wire:literal, $status:literal, $retry:ident, $title:literal, $meaning:literal, $what_to_do:literal;)*) => {
        /// The stable id of an error; callers branch on it alone.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum ErrorId {
            $(#[doc = $title] #[serde(rename = $wire)] $variant,)*
        }

        // By hand: a derive does not see the names on the wire, which come through a macro.
        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for ErrorId {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .enum_values(Some(Self::ALL.iter().map(|value| value.as_str())))
                    .into()
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::ToSchema for ErrorId {}

        impl ErrorId {
            /// Every id, in the order of the reference.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The id on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $wire,)* }
            }

            /// The HTTP status it is answered with, unless an occurrence says otherwise.
            #[must_use]
            pub const fn http_status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }

            /// What stands on its page.
            #[must_use]
            pub const fn page(self) -> ErrorPage {
                match self {
                    $(Self::$variant => ErrorPage {
                        id: self,
                        title: $title,
                        meaning: $meaning,
                        retry: Retry::$retry,
                        what_to_do: $what_to_do,
                    },)*
                }
            }
        }
    };
}

errors! {
    // General
    BadRequest = "BAD_REQUEST", 400, No,
        "The request is not well formed",
        "A field is missing, unknown, of another type, or out of its range; `detail` names it.",
        "Correct the request as `detail` says.";
    NotFound = "NOT_FOUND", 404, No,
        "There is no such thing",
        "The id does not exist, or belongs to another custodian, environment or client: the two are not told apart.",
        "Check the id, and that the credential is the one of its owner.";
    AuthFailed = "AUTH_FAILED", 401, No,
        "The credential is not accepted",
        "The credential is missing, unknown, expired or revoked.",
        "Make a new session for the client, or use the API key that is in force.";
    Forbidden = "FORBIDDEN", 403, No,
        "The credential may not do this",
        "The credential is good and of the right kind, and was not given this permission.",
        "Ask whoever gave out the credential for the permission.";
    RateLimited = "RATE_LIMITED", 429, Yes,
        "Too many requests",
        "The caller is over its limit.",
        "Wait as long as `Retry-After` says.";
    PayloadTooLarge = "PAYLOAD_TOO_LARGE", 413, No,
        "The request is too large",
        "The body, or what is to be signed, is over the limit that `detail` names. A WebSocket frame over its limit is WS_MSG_MALFORMED.",
        "Send less at once.";
    InternalError = "INTERNAL_ERROR", 500, Yes,
        "Portal failed",
        "A fault on Portal's side; its log has the rest under the same `traceId`.",
        "Try again; if it stays, report the `traceId`.";
    Unavailable = "UNAVAILABLE", 503, Yes,
        "Portal cannot answer now",
        "The server cannot be reached, is stopping, or its database does not answer.",
        "Try again shortly.";
    OperationInProgress = "OPERATION_IN_PROGRESS", 409, Yes,
        "Another operation is under way",
        "Another device, or a newer run, works on this wallet; or the custodian has not acknowledged a backup yet. `detail` says which.",
        "Wait for it to finish, then try again.";
    StateInvalid = "STATE_INVALID", 409, No,
        "The wallet is not in a state for this",
        "A pair is in another status than the call needs, or the server's database was restored from an older copy and the pair has not proved itself since; `detail` says which.",
        "Read the wallet's state and go on from there; after a restore, confirm the pair in force again (an SDK does so by itself).";
    IdempotentRequestInProgress = "IDEMPOTENT_REQUEST_IN_PROGRESS", 409, Yes,
        "The first request of this key is still running",
        "An `Idempotency-Key` was used again before its first request was answered.",
        "Wait as long as `Retry-After` says, then repeat the same request.";
    IdempotentRequestMismatch = "IDEMPOTENT_REQUEST_MISMATCH", 422, No,
        "This key belongs to another request",
        "An idempotency key or operation id was used again for something else, or the credential in its answer was revoked since.",
        "Use a new key for a new request.";
    // Wallet
    WalletAlreadyExists = "WALLET_ALREADY_EXISTS", 409, No,
        "The client already has a wallet",
        "`create_wallet` was called for a client whose wallet both sides hold. A new key would orphan the old one, so none is made.",
        "Use the wallet; on a new device, recover it.";
    WalletNotFound = "WALLET_NOT_FOUND", 404, No,
        "The client has no wallet",
        "The operation needs a wallet that both sides hold, and there is none yet.",
        "Call `create_wallet` first.";
    SigningShareNotOnDevice = "SIGNING_SHARE_NOT_ON_DEVICE", 409, No,
        "This device holds no signing share",
        "The keychain holds no share of this client's wallet.",
        "Recover the wallet on this device, or create it if there is none.";
    SigningShareSuperseded = "SIGNING_SHARE_SUPERSEDED", 409, No,
        "A newer share is in force",
        "The wallet was recovered or refreshed since; this device's share is of an older generation.",
        "Recover the wallet on this device. The old share is kept, not deleted.";
    SigningShareFrozen = "SIGNING_SHARE_FROZEN", 409, No,
        "The signing pair is frozen",
        "A signing session of this pair failed a check that only a cheating peer fails, so the pair gives out nothing any more.",
        "Recover or refresh the wallet: that makes a new pair. Find out what ran on the device.";
    SignShareMismatch = "SIGN_SHARE_MISMATCH", 409, No,
        "The signing share does not fit its pair",
        "The stored share is damaged or belongs to another pair: it does not match the public point on record.",
        "Recover the wallet on this device.";
    BackupNotComplete = "BACKUP_NOT_COMPLETE", 409, No,
        "No backup was ever completed",
        "Recover needs a backup that reached `STORED_CLIENT_BACKUP_SHARE`, and none did.",
        "Back up from the device that holds the signing share, and confirm it.";
    BackupShareMismatch = "BACKUP_SHARE_MISMATCH", 409, No,
        "The backup share does not fit",
        "A backup share, cipher text or digest belongs to another pair, or to a backup that is no longer the active one.",
        "Use the cipher text and custodian share of the active backup; or make a new backup.";
    BackupModeMismatch = "BACKUP_MODE_MISMATCH", 409, No,
        "The backup modes differ",
        "The environment makes backups in one mode, and the app asks for another; or the backup was made in a mode that the app is not set up for. `detail` says which. Nothing was made.",
        "For sealed backups, give the SDK the custodian's sealing key; for others, give it none.";
    RecoveryNotOpen = "RECOVERY_NOT_OPEN", 403, No,
        "The app's backend has not opened a recovery",
        "The backup is sealed: its custodian gives out nothing unless the app's own backend has let this client recover, for some minutes and a few tries. Nothing has changed.",
        "Have the app check who asks, then open a recovery and run it again.";
    SealingKeyUnknown = "SEALING_KEY_UNKNOWN", 409, No,
        "The custodian does not have this sealing key",
        "Something was sealed to a public key whose private half the custodian's backend does not hold.",
        "Pin the key that the custodian's backend shows now, if its operator says that it changed.";
    WalletEjected = "WALLET_EJECTED", 409, No,
        "The wallet was ejected",
        "The user took the private key out; Portal signs no more for it.",
        "Use the ejected key.";
    EjectNotEnabled = "EJECT_NOT_ENABLED", 403, No,
        "Eject is not enabled",
        "The custodian has not enabled eject for this wallet, or the time has run out.",
        "Ask the app to enable it.";
    // MPC
    DkgFailed = "DKG_FAILED", 422, Yes,
        "Generating the key failed",
        "The two parties did not agree on a new key; nothing was stored.",
        "Try again.";
    ReshareFailed = "RESHARE_FAILED", 422, Yes,
        "Resharing the key failed",
        "The two parties did not agree on a new pair; the old one is untouched.",
        "Try again; if it stays, the shares in use do not fit their key.";
    SignFailed = "SIGN_FAILED", 422, Yes,
        "Signing failed",
        "The two parties did not produce a valid signature; nothing was given out.",
        "Try again.";
    MpcSessionMismatch = "MPC_SESSION_MISMATCH", 409, Yes,
        "The parties are not in the same session",
        "The transcripts differ: a message was altered, lost or mixed up on its way. Nobody is blamed.",
        "Try again; if it stays, something between device and server changes messages.";
    MpcPeerMisbehaved = "MPC_PEER_MISBEHAVED", 422, No,
        "The other party broke the protocol",
        "A message failed a check that an honest party passes.",
        "Do not go on with this peer; look at its version and its integrity.";
    MpcProtocolUnsupported = "MPC_PROTOCOL_UNSUPPORTED", 400, No,
        "The protocol version is not supported",
        "A share or message is of a version that this side does not speak.",
        "Update the older side; for a share, recover or refresh the wallet.";
    WsMsgMalformed = "WS_MSG_MALFORMED", 400, No,
        "The WebSocket message is malformed",
        "A frame is no JSON of the expected type, is out of turn, or of the wrong kind (text or binary).",
        "Send the frames in the order of the protocol page.";
    WsClosed = "WS_CLOSED", 503, Yes,
        "The WebSocket closed early",
        "The connection ended before the session did. What was stored stays; the run can be repeated.",
        "Run the operation again.";
    WsTimeout = "WS_TIMEOUT", 504, Yes,
        "The WebSocket session took too long",
        "The other side did not answer in time.",
        "Run the operation again.";
    // Storage
    KeychainUnavailable = "KEYCHAIN_UNAVAILABLE", 503, Yes,
        "The keychain is not available",
        "The device's keychain did not pass a write, read and delete before the operation began. Nothing was started.",
        "Unlock the keychain or grant access, then try again.";
    KeychainReadFailed = "KEYCHAIN_READ_FAILED", 500, Yes,
        "Reading the keychain failed",
        "An entry could not be read or did not decrypt.",
        "Unlock the keychain and try again; a damaged entry needs a recovery.";
    KeychainWriteFailed = "KEYCHAIN_WRITE_FAILED", 500, Yes,
        "Writing the keychain failed",
        "A share could not be written and read back. The former share is untouched.",
        "Free space or unlock the keychain, then run the operation again.";
    BackupStorageUnavailable = "BACKUP_STORAGE_UNAVAILABLE", 503, Yes,
        "The backup storage is not available",
        "The user's storage did not pass a write, read and delete before the operation began, or failed during it.",
        "Sign in to the storage, then try again.";
    BackupKeyNotFound = "BACKUP_KEY_NOT_FOUND", 404, No,
        "The backup key is not in the storage",
        "The user's storage was reached, and holds no key for this backup.",
        "Choose the account that the backup was made with, or another recovery method.";
    PasswordRequired = "PASSWORD_REQUIRED", 400, No,
        "A password is required",
        "The method is PASSWORD and no password was given.",
        "Ask the user for the password.";
    EncryptFailed = "ENCRYPT_FAILED", 500, Yes,
        "Encrypting the backup share failed",
        "The share could not be encrypted, or the trial decryption failed. No cipher text was handed out.",
        "Run the backup again.";
    DecryptFailed = "DECRYPT_FAILED", 422, No,
        "Decrypting the backup share failed",
        "The password or key is wrong, or the cipher text was cut or changed.",
        "Ask for the password again, or fetch the cipher text anew.";
    CipherTextUnsupported = "CIPHER_TEXT_UNSUPPORTED", 400, No,
        "The cipher text is not one that can be read",
        "It is not a Portal backup, is of an unknown version, or asks for more than is allowed.",
        "Check that it is the text that `backup_wallet` returned; update the SDK.";
    WebhookFailed = "WEBHOOK_FAILED", 502, Yes,
        "The custodian's webhook failed",
        "The custodian's backend did not store or return its share as it should. The former backup is still in force; delivery is tried again.",
        "Mend the webhook, then run the operation again.";
    WebhookNotConfigured = "WEBHOOK_NOT_CONFIGURED", 409, No,
        "No webhook is configured",
        "The environment has no backup webhook, so there is nowhere to store the custodian's share.",
        "Configure the webhook of the environment.";
    CustodianShareNotFound = "CUSTODIAN_SHARE_NOT_FOUND", 404, No,
        "The custodian does not hold its share",
        "The custodian's backend answered, without the share of the active backup.",
        "Restore the custodian's store; nothing on Portal's side has changed.";
    // Chains
    MethodUnsupported = "METHOD_UNSUPPORTED", 400, No,
        "The method is not supported",
        "The chain does not know this signing method.",
        "Use a method that the chain's page lists.";
    ChainUnsupported = "CHAIN_UNSUPPORTED", 400, No,
        "The chain is not supported",
        "The chain id is not CAIP-2, or its namespace is unknown.",
        "Use a chain id such as `eip155:1`.";
    TxBuildFailed = "TX_BUILD_FAILED", 400, No,
        "The transaction cannot be built",
        "A field of the transaction is missing, malformed or contradicts another; `detail` names it.",
        "Correct the transaction.";
    MsgBuildFailed = "MSG_BUILD_FAILED", 400, No,
        "The message cannot be built",
        "The message to sign is malformed, or is one that must not be signed as a message.",
        "Correct the message.";
    SignatureRejected = "SIGNATURE_REJECTED", 422, No,
        "The signature was rejected",
        "A signature does not verify under the wallet's key, or the custodian refused to approve it.",
        "Do not use it; look at `detail`.";
    AddressBlocked = "ADDRESS_BLOCKED", 403, No,
        "The address is blocked",
        "The recipient is on the block list.",
        "Send to another address.";
    RpcOpFailed = "RPC_OP_FAILED", 502, Yes,
        "The chain's node failed",
        "The RPC node did not answer, or with an error.",
        "Try again, or use another node.";
}

impl ErrorId {
    /// Whether the same call may succeed later, unchanged.
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        matches!(self.page().retry, Retry::Yes)
    }

    /// The id of that name, if there is one.
    #[must_use]
    pub fn from_wire(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|id| id.as_str() == name)
    }
}

impl fmt::Display for ErrorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
