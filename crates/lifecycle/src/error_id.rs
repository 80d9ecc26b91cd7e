//! The ids of all errors, with what their pages say. Ids are a contract: never rename one.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::{ErrorPage, Retry};

macro_rules! when {
    (not_yet) => {
        None
    };
    ($when:literal) => {
        Some($when)
    };
}

macro_rules! errors {
    ($($(#[$doc:meta])* $variant:ident = $wire:literal, $status:literal, $retry:ident, $title:literal, $meaning:literal, $when:tt, $what_to_do:literal;)*) => {
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
                        when: when!($when),
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
        "What was sent is not what the call takes.",
        "A field is missing, unknown, of another type or out of its range, or a path does not know the method (405), a body is not declared as JSON (415), does not arrive in time (408), or a WebSocket was not asked for (426); `detail` names it. The SDK raises it for a server URL, sealing key or certificate that is none.",
        "Correct the request as `detail` says.";
    NotFound = "NOT_FOUND", 404, No,
        "There is no such thing",
        "The id or path does not exist, or belongs to another custodian, environment or client: the two are not told apart.",
        "A request names a client, wallet, pair, cipher text or path that its credential cannot see; or one of sealed backups reaches a customer's backend that takes none.",
        "Check the id, and that the credential is the one of its owner.";
    AuthFailed = "AUTH_FAILED", 401, No,
        "The credential is not accepted",
        "The credential is missing, unknown, of another kind, expired or revoked.",
        "A request or session begins with such a credential, or it is revoked while a session is under way. At the customer's backend also where a webhook call is not signed as it should be, is too old or too early, or was answered before.",
        "Make a new session for the client, or use the API key that is in force. Of a webhook: compare the secret, and both clocks.";
    Forbidden = "FORBIDDEN", 403, No,
        "This is not allowed",
        "The request is understood, and somebody's rules do not allow it. The credential is good.",
        "The signing policy does not let the wallet sign this; payloads alone are to be signed (raw signing) and the policy does not allow that; the customer's backend was asked to approve a signature and denied it; or an API key says where webhooks go, on a server where only the operator does. `detail` says which.",
        "Ask whoever set the rule: the customer for the signing policy and approval, the operator for where webhooks go. Asking again changes nothing.";
    RateLimited = "RATE_LIMITED", 429, Yes,
        "Too many requests",
        "The caller is over its limit.",
        "A client or a customer has made too many requests or operations within a minute, or an address has shown too many wrong credentials. Each server counts for itself.",
        "Wait as long as `Retry-After` says.";
    PayloadTooLarge = "PAYLOAD_TOO_LARGE", 413, No,
        "The request is too large",
        "The body, or what is to be signed, is over its limit.",
        "A body, a cipher text or the payloads to sign are over the limit that `detail` names. A WebSocket frame over its limit is WS_MSG_MALFORMED.",
        "Send less at once.";
    InternalError = "INTERNAL_ERROR", 500, Yes,
        "Portal failed",
        "A fault on Portal's side, or of the customer's backend; its log has the rest under the same `traceId`.",
        "Something that is stored cannot be read, a computation did not end, or an answer is not what it should be. The SDK raises it where the server's answer cannot be read.",
        "Try again; if it stays, report the `traceId`.";
    Unavailable = "UNAVAILABLE", 503, Yes,
        "Portal cannot answer now",
        "Who was asked is there and cannot answer now, or cannot be reached.",
        "The server or the customer's backend cannot be reached, is stopping, or has as many sessions as it may; or its database, its KMS, the app's login or the app's own rules do not answer.",
        "Try again shortly.";
    OperationInProgress = "OPERATION_IN_PROGRESS", 409, Yes,
        "Another operation is under way",
        "Something else is being done with this wallet or environment that has to end first.",
        "Another device, or a newer run, works on this wallet; the custodian has not acknowledged a backup that is to be completed (425); or the wallet, the webhook or the signing policy is being changed by other requests. `detail` says which.",
        "Wait for it to finish, then try again.";
    StateInvalid = "STATE_INVALID", 409, No,
        "The wallet is not in a state for this",
        "A pair or wallet is not as the call needs it.",
        "A pair is in another status than the call needs; the key or the cipher text of a backup is to be confirmed and is not stored; a call is for another backup mode; the server's database was restored from an older copy and the pair has not proved itself since; or the device holds a wallet that the server has forgotten. `detail` says which.",
        "Read the wallet's state and go on from there; after a restore, confirm the pair in force again (an SDK does so by itself).";
    IdempotentRequestInProgress = "IDEMPOTENT_REQUEST_IN_PROGRESS", 409, Yes,
        "The first request of this key is still running",
        "The answer that would be given again is not there yet.",
        "An `Idempotency-Key` is used again before its first request was answered.",
        "Wait as long as `Retry-After` says, then repeat the same request.";
    IdempotentRequestMismatch = "IDEMPOTENT_REQUEST_MISMATCH", 422, No,
        "This key belongs to another request",
        "A name that stands for one request was used for another.",
        "An `Idempotency-Key` or operation id is used again for something else, or the credential in its answer was revoked since.",
        "Use a new key for a new request.";
    // Wallet
    WalletAlreadyExists = "WALLET_ALREADY_EXISTS", 409, No,
        "The client already has a wallet",
        "Both sides hold a wallet of this client. A new key would orphan the old one, so none is made.",
        "`create_wallet` is called for such a client.",
        "Use the wallet; on a new device, recover it.";
    WalletNotFound = "WALLET_NOT_FOUND", 404, No,
        "The client has no wallet",
        "There is no wallet of this client that both sides hold.",
        "An operation needs a wallet before `create_wallet` was done.",
        "Call `create_wallet` first.";
    SigningShareNotOnDevice = "SIGNING_SHARE_NOT_ON_DEVICE", 409, No,
        "This device holds no signing share",
        "The keychain holds no share of this client's wallet.",
        "A signature, a backup or a refresh is asked for on a new device, or on one whose keychain is gone.",
        "Recover the wallet on this device, or create it if there is none.";
    SigningShareSuperseded = "SIGNING_SHARE_SUPERSEDED", 409, No,
        "A newer share is in force",
        "The wallet was recovered or refreshed since; this device's share is of an older generation.",
        "The device confirms or uses its share after another device recovered or refreshed, or after it was restored from an old copy itself.",
        "Recover the wallet on this device. The old share is kept, not deleted.";
    SigningShareFrozen = "SIGNING_SHARE_FROZEN", 409, No,
        "The signing pair is frozen",
        "The pair gives out nothing any more.",
        "A signing session of this pair failed a check that only a cheating peer fails, in this call or an earlier one.",
        "Recover or refresh the wallet: that makes a new pair. Find out what ran on the device.";
    SignShareMismatch = "SIGN_SHARE_MISMATCH", 409, No,
        "The signing share does not fit its pair",
        "The stored share is damaged or belongs to another pair: it does not match the public point on record.",
        "A proof that the device holds its share does not hold, when a pair is confirmed or a session begins; or the share in the keychain is none.",
        "Recover the wallet on this device.";
    BackupNotComplete = "BACKUP_NOT_COMPLETE", 409, No,
        "No backup was ever completed",
        "There is nothing to recover from: no backup reached `STORED_CLIENT_BACKUP_SHARE`.",
        "A recovery or an eject begins on such a wallet.",
        "Back up from the device that holds the signing share, and confirm it.";
    BackupShareMismatch = "BACKUP_SHARE_MISMATCH", 409, No,
        "The backup share does not fit",
        "A backup share, cipher text, digest or proof belongs to another pair, or to a backup that is no longer the one in force.",
        "A recovery or an eject is given the cipher text of another backup; a backup is confirmed that was overtaken or has another cipher text; a share or cipher text is sent under an id that holds another one; the shares do not fit the points on record; the device or custodian cannot prove that it holds its share; or, at the end of an eject, the device cannot prove that it holds both whole keys.",
        "Use the cipher text and custodian share of the backup in force; or make a new backup.";
    BackupModeMismatch = "BACKUP_MODE_MISMATCH", 409, No,
        "The backup modes differ",
        "Backups are sealed, plain or managed, and two sides do not mean the same. Nothing was made or stored.",
        "The environment makes backups in one mode and the app asks for another; the backup was made in a mode that the app is not set up for; or a plain share reaches a backend that takes sealed ones only. `detail` says which.",
        "For sealed backups, give the SDK the custodian's sealing key; for others, give it none.";
    RecoveryNotOpen = "RECOVERY_NOT_OPEN", 403, No,
        "The app's backend has not opened a recovery",
        "The backup is sealed: its custodian gives out nothing unless the app's own backend has let this client recover, for some minutes and a few tries. Nothing has changed.",
        "A recovery or an eject of a sealed backup begins without a ticket, or with one whose recovery is over, used up or closed.",
        "Have the app check who asks, then open a recovery and run it again.";
    SealingKeyUnknown = "SEALING_KEY_UNKNOWN", 409, No,
        "The custodian does not have this sealing key",
        "Something was sealed to a public key whose private half the custodian's backend does not hold.",
        "A backup or recovery is sealed to a key that was taken away at the backend, or was never its own.",
        "Pin the key that the custodian's backend shows now, if its operator says that it changed.";
    WalletEjected = "WALLET_EJECTED", 409, No,
        "The wallet was ejected",
        "The user took the private key out; Portal signs no more for it.",
        "The wallet is asked to sign, or to be changed, after that.",
        "Use the ejected key. If it is lost, have the app enable eject once more: the last backup still gives it.";
    EjectNotEnabled = "EJECT_NOT_ENABLED", 403, No,
        "Eject is not enabled",
        "Nobody may take the private key out now.",
        "The custodian has not enabled eject for this wallet, closed it again, or the time has run out; or the window was moved while the end was decided.",
        "Ask the app to enable it.";
    // MPC
    DkgFailed = "DKG_FAILED", 422, Yes,
        "Generating the key failed",
        "The two parties did not agree on a new key; nothing was stored.",
        "The protocol engine fails in `create_wallet` without either party being at fault.",
        "Try again.";
    ReshareFailed = "RESHARE_FAILED", 422, Yes,
        "Resharing the key failed",
        "The two parties did not agree on a new pair; the old one is untouched.",
        "The protocol engine fails in a backup, recovery or refresh, or the new pair is one of another key.",
        "Try again; if it stays, the shares in use do not fit their key.";
    SignFailed = "SIGN_FAILED", 422, Yes,
        "Signing failed",
        "The two parties did not produce a valid signature; nothing was given out.",
        "The protocol engine fails while signing without either party being at fault.",
        "Try again.";
    MpcSessionMismatch = "MPC_SESSION_MISMATCH", 409, Yes,
        "The parties are not in the same session",
        "The transcripts differ: a message was altered, lost or mixed up on its way. Nobody is blamed.",
        "A protocol message carries another transcript, session or step than its receiver has.",
        "Try again; if it stays, something between device and server changes messages.";
    MpcPeerMisbehaved = "MPC_PEER_MISBEHAVED", 422, No,
        "The other party broke the protocol",
        "A message failed a check that an honest party passes.",
        "The server or the SDK checks a protocol message, a proof, or the point of a sealed backup's blind, and it does not hold.",
        "Do not go on with this peer; look at its version and its integrity.";
    MpcProtocolUnsupported = "MPC_PROTOCOL_UNSUPPORTED", 400, No,
        "The protocol version is not supported",
        "A session, share or message is of a version that this side does not speak.",
        "A session begins between an older and a newer side, or a stored share is of another version.",
        "Update the older side; for a share, recover or refresh the wallet.";
    WsMsgMalformed = "WS_MSG_MALFORMED", 400, No,
        "The WebSocket message is malformed",
        "A frame is not what stands next.",
        "A frame is no JSON of the expected type, is out of turn, too large, or of the wrong kind (text or binary).",
        "Send the frames in the order of the protocol page.";
    WsClosed = "WS_CLOSED", 503, Yes,
        "The WebSocket closed early",
        "The connection ended before the session did. What was stored stays; the run can be repeated.",
        "The network or the other side goes away in the middle of an operation.",
        "Run the operation again.";
    WsTimeout = "WS_TIMEOUT", 504, Yes,
        "The WebSocket session took too long",
        "The other side did not answer in time.",
        "A frame, or the session as a whole, takes longer than `detail` says.",
        "Run the operation again.";
    // Storage
    KeychainUnavailable = "KEYCHAIN_UNAVAILABLE", 503, Yes,
        "The keychain is not available",
        "The device's keychain is locked, or does not keep what it is given. Nothing was started.",
        "The keychain does not pass a write, read and delete before the operation begins.",
        "Unlock the keychain or grant access, then try again.";
    KeychainReadFailed = "KEYCHAIN_READ_FAILED", 500, Yes,
        "Reading the keychain failed",
        "An entry is there and cannot be used.",
        "An entry cannot be read, does not decrypt, or is damaged.",
        "Unlock the keychain and try again; a damaged entry needs a recovery.";
    KeychainWriteFailed = "KEYCHAIN_WRITE_FAILED", 500, Yes,
        "Writing the keychain failed",
        "A share is not known to be stored. The former share is untouched.",
        "A share cannot be written, or is not what is read back.",
        "Free space or unlock the keychain, then run the operation again.";
    BackupStorageUnavailable = "BACKUP_STORAGE_UNAVAILABLE", 503, Yes,
        "The backup storage is not available",
        "The user's own storage cannot keep or give a backup's key now.",
        "The storage does not pass a write, read and delete before the operation begins, fails during it, or none was given to the SDK.",
        "Sign in to the storage, then try again.";
    BackupKeyNotFound = "BACKUP_KEY_NOT_FOUND", 404, No,
        "The backup key is not in the storage",
        "The user's storage was reached, and holds no key for this backup.",
        "A recovery looks for the key that the cipher text names, in another account or folder than the backup's, or after it was deleted.",
        "Choose the account that the backup was made with, or another recovery method.";
    PasswordRequired = "PASSWORD_REQUIRED", 400, No,
        "A password is required",
        "The method is PASSWORD and no password was given.",
        "A backup or recovery by password is asked for without one, or with an empty one.",
        "Ask the user for the password.";
    EncryptFailed = "ENCRYPT_FAILED", 500, Yes,
        "Encrypting the backup share failed",
        "There is no cipher text that is known to open. None was handed out.",
        "The share cannot be encrypted, or the trial decryption before the backup is handed out fails.",
        "Run the backup again.";
    DecryptFailed = "DECRYPT_FAILED", 422, No,
        "Decrypting the backup share failed",
        "The password or key is wrong, or what is encrypted was cut or changed.",
        "A recovery opens its cipher text, or the customer's backend a seal that was made for something else.",
        "Ask for the password again, or fetch the cipher text anew.";
    CipherTextUnsupported = "CIPHER_TEXT_UNSUPPORTED", 400, No,
        "The cipher text is not one that can be read",
        "It is not a Portal backup, is of an unknown version, or asks for more than is allowed.",
        "A recovery reads the header of its cipher text.",
        "Check that it is the text that `backup_wallet` returned; update the SDK.";
    WebhookFailed = "WEBHOOK_FAILED", 502, Yes,
        "The custodian's webhook failed",
        "The customer's backend did not answer as it should, so it is not known to have done what it was asked. Nothing was signed, and the former backup is still in force.",
        "The backend does not take, return or prove its share of a backup (delivery is tried again), does not give it for a recovery, or says nothing to the question whether a signature is approved: within 5 seconds, where a denial would be FORBIDDEN. `detail` says what came instead.",
        "Mend the webhook, then run the operation again.";
    WebhookNotConfigured = "WEBHOOK_NOT_CONFIGURED", 409, No,
        "No webhook is configured",
        "The environment has no webhook, so the customer's backend cannot be asked.",
        "A plain or sealed backup, a recovery from one, a test of the webhook, or a signature that needs approval begins.",
        "Configure the webhook of the environment.";
    CustodianShareNotFound = "CUSTODIAN_SHARE_NOT_FOUND", 404, No,
        "The custodian does not hold its share",
        "The customer's backend answered, without the share of the backup in force.",
        "A recovery, an eject or a check of the backup asks for the share; offline, where the file of shares is of another client or backup than the cipher text.",
        "Restore the custodian's store; nothing on Portal's side has changed.";
    // Chains
    MethodUnsupported = "METHOD_UNSUPPORTED", 400, No,
        "The method is not supported",
        "The chain does not know this signing method.",
        "A request to sign is read, by the SDK and again by the server.",
        "Use a method that `detail` lists.";
    ChainUnsupported = "CHAIN_UNSUPPORTED", 400, No,
        "The chain is not supported",
        "The chain id is not CAIP-2, or its namespace is unknown.",
        "A request to sign is read, by the SDK and again by the server.",
        "Use a chain id such as `eip155:1`.";
    TxBuildFailed = "TX_BUILD_FAILED", 400, No,
        "The transaction cannot be built",
        "The transaction is not one that can be signed as it stands.",
        "A field is missing, unknown, malformed, contradicts another, or names another chain or signer; `detail` names it.",
        "Correct the transaction.";
    MsgBuildFailed = "MSG_BUILD_FAILED", 400, No,
        "The message cannot be built",
        "The message is not one that may be signed as a message.",
        "The message is malformed, is for another chain or signer, or would be a valid transaction.",
        "Correct the message.";
    SignatureRejected = "SIGNATURE_REJECTED", 422, No,
        "The signature was rejected",
        "A signature does not verify under the wallet's key. It was not given out.",
        "The SDK checks what a signing session produced before it builds the signed transaction or message. A signature that somebody's rules forbid is FORBIDDEN or ADDRESS_BLOCKED.",
        "Do not use it; look at `detail`, and at what ran on the other side.";
    AddressBlocked = "ADDRESS_BLOCKED", 403, No,
        "The address is blocked",
        "The signing policy's block list names an address that the request names.",
        "The policy judges a request to sign.",
        "Send to another address, or have the customer change the list.";
    RpcOpFailed = "RPC_OP_FAILED", 502, Yes,
        "The chain's node failed",
        "The RPC node did not answer, or answered with an error.",
        not_yet,
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
