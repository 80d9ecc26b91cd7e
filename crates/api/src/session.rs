//! Text frames of the MPC WebSocket, `GET /api/v3/clients/me/mpc`.
//!
//! One connection runs one session:
//!
//! 1. server → client: [`ServerFrame::Hello`] with the server's nonce
//! 2. client → server: [`ClientFrame::Start`] with the client's nonce (for a signature,
//!    the first MPC message follows at once)
//! 3. server → client: [`ServerFrame::Started`] with the ids of what is being made
//!    (not for a signature: both sides know its pair)
//! 4. MPC messages, one binary frame each, client first, in turn; in a sealed backup, the client's
//!    [`ClientFrame::Blinds`] come before its first
//! 5. server → client: [`ServerFrame::Done`]
//!
//! [`ServerFrame::Problem`] may come instead of any of the server's frames and ends the session.
//!
//! The server sends a ping every ten seconds, whatever it does. A client that closes the
//! connection cancels the session: what was not committed leaves nothing, and the wallet's lease
//! is free at once.

use portal_lifecycle::ids::{
    BackupSharePairId, DeviceId, OperationId, SigningSharePairId, TraceId, WalletId,
};
use portal_lifecycle::{BackupMethod, BackupMode, BackupStatus, Curve, PerCurve, SigningStatus};
use serde::{Deserialize, Serialize};

use crate::sealed::{BlindedRecovery, SealedBlind};
use crate::{Base64Bytes, Problem, Time};

/// Version of this conversation; a server refuses others with `MPC_PROTOCOL_UNSUPPORTED`.
pub const PROTOCOL_VERSION: u16 = 2;

/// Path of the WebSocket.
pub const PATH: &str = "/api/v3/clients/me/mpc";

/// What a server sends as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = SessionServerFrame))]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum ServerFrame {
    /// Opens the conversation.
    #[cfg_attr(feature = "openapi", schema(rename_all = "camelCase"))]
    Hello {
        /// The version that the server speaks.
        protocol_version: u16,
        /// 32 random bytes, fresh for this session.
        server_nonce: Base64Bytes,
    },
    /// The operation holds the lease; MPC messages may flow.
    Started(Started),
    /// The session ended well.
    Done(Done),
    /// The session ended with an error.
    Problem {
        /// The error.
        problem: Problem,
    },
}

/// What a session is about to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = SessionStarted))]
#[serde(rename_all = "camelCase")]
pub struct Started {
    /// The keys.
    pub wallet_ids: PerCurve<WalletId>,
    /// Generation of the pair that is being made.
    pub generation: u64,
    /// Its ids; signing or backup pair, as the operation has it.
    pub new_pair: PairIds,
    /// The pair that it is made from; none for a Generate.
    pub source_pair: Option<PairIds>,
}

impl PairIds {
    /// The id on `curve`, as the MPC session is bound to it.
    #[must_use]
    pub const fn to_bytes(&self, curve: Curve) -> [u8; 16] {
        match self {
            Self::Signing(ids) => ids.of(curve).to_bytes(),
            Self::Backup(ids) => ids.of(curve).to_bytes(),
        }
    }
}

/// Ids of a pair on both curves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = SessionPairIds))]
#[serde(rename_all = "camelCase")]
pub enum PairIds {
    /// A signing pair.
    Signing(PerCurve<SigningSharePairId>),
    /// A backup pair.
    Backup(PerCurve<BackupSharePairId>),
}

/// How a session ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = SessionDone))]
#[serde(rename_all = "camelCase")]
pub struct Done {
    /// What was made, or found made by the same operation id; nothing for a signature.
    pub outcome: Outcome,
    /// Microseconds that the server computed during the session.
    pub server_us: u64,
}

/// What a session made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = SessionOutcome))]
#[serde(
    tag = "made",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Outcome {
    /// A signing pair.
    #[cfg_attr(feature = "openapi", schema(rename_all = "camelCase"))]
    SigningPair {
        /// Its ids.
        ids: PerCurve<SigningSharePairId>,
        /// How far it has come.
        status: SigningStatus,
    },
    /// A backup pair.
    #[cfg_attr(feature = "openapi", schema(rename_all = "camelCase"))]
    BackupPair {
        /// Its ids.
        ids: PerCurve<BackupSharePairId>,
        /// How far it has come.
        status: BackupStatus,
        /// Of a sealed backup: the custodian's proofs that it holds its shares, for
        /// `custodian_challenge`; the device checks them for itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        proofs: Option<PerCurve<Base64Bytes>>,
    },
    /// A signature.
    Signature,
    /// Nothing: a backup was shown to be good.
    #[cfg_attr(feature = "openapi", schema(rename_all = "camelCase"))]
    BackupProof {
        /// The pair.
        ids: PerCurve<BackupSharePairId>,
        /// When.
        proved_at: Time,
        /// The custodian's proofs, as of a backup.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        proofs: Option<PerCurve<Base64Bytes>>,
    },
}

/// What a client sends as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = SessionClientFrame))]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum ClientFrame {
    /// Begins an operation.
    Start(Start),
    /// Of a sealed backup, after [`ServerFrame::Started`]: what the server hands on.
    Blinds {
        /// ρ of each curve, sealed to the custodian.
        blinds: PerCurve<SealedBlind>,
    },
}

/// The beginning of an operation.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = SessionStart))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Start {
    /// The version that the client speaks.
    pub protocol_version: u16,
    /// The credential, where the request's headers could not carry it (in a browser).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The request, as the client's logs have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<TraceId>,
    /// The installation that asks.
    pub device_id: DeviceId,
    /// The caller's id for this run; the same id again finds what it made.
    pub operation_id: OperationId,
    /// 32 random bytes, fresh for this session.
    pub client_nonce: Base64Bytes,
    /// How long the caller waits for the session's end; the server ends it then at the latest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u64>,
    /// What to do.
    pub operation: Operation,
}

impl core::fmt::Debug for Start {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Start")
            .field("operation_id", &self.operation_id)
            .field("device_id", &self.device_id)
            .field("operation", &self.operation)
            .finish_non_exhaustive()
    }
}

/// What is to be signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = SessionWanted))]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum Wanted {
    /// A request of a chain. Each side computes for itself what is signed.
    #[cfg_attr(feature = "openapi", schema(rename_all = "camelCase"))]
    Request {
        /// CAIP-2 id, or short name.
        chain: String,
        /// A JSON-RPC method of that chain.
        method: String,
        /// Its parameters.
        params: serde_json::Value,
        /// Which of the request's payloads: 0, but for a Bitcoin transaction of several inputs.
        payload_index: u16,
    },
    /// Bytes as they are: on secp256k1 a 32-byte digest, on Ed25519 a message. Refused unless the
    /// custodian allowed it.
    Raw {
        /// The bytes.
        payload: Base64Bytes,
    },
}

impl Wanted {
    /// Bytes as they are.
    #[must_use]
    pub fn raw(payload: impl Into<Vec<u8>>) -> Self {
        Self::Raw {
            payload: Base64Bytes(payload.into()),
        }
    }
}

const fn plain() -> BackupMode {
    BackupMode::Plain
}

/// What an operation does, and what it works on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = SessionOperation))]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum Operation {
    /// A new key.
    Generate,
    /// A new backup pair from the signing pair that the device holds.
    #[cfg_attr(feature = "openapi", schema(rename_all = "camelCase"))]
    Backup {
        /// How the client will encrypt its share.
        backup_method: BackupMethod,
        /// Who will hold the custodian's share; refused if it is not the environment's mode.
        #[serde(default = "plain")]
        backup_mode: BackupMode,
        /// The pair that the device holds.
        signing_share_pair_ids: PerCurve<SigningSharePairId>,
    },
    /// A new signing pair from the backup pair whose cipher text was decrypted.
    #[cfg_attr(feature = "openapi", schema(rename_all = "camelCase"))]
    Recover {
        /// The pair that the cipher text names.
        backup_share_pair_ids: PerCurve<BackupSharePairId>,
        /// Of a pair that was made in sealed mode: what the custodian wants to see.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        blinded: Option<Box<BlindedRecovery>>,
    },
    /// A new signing pair from the one that the device holds.
    #[cfg_attr(feature = "openapi", schema(rename_all = "camelCase"))]
    Refresh {
        /// The pair that the device holds.
        signing_share_pair_ids: PerCurve<SigningSharePairId>,
    },
    /// A signature.
    #[cfg_attr(feature = "openapi", schema(rename_all = "camelCase"))]
    Sign {
        /// The curve to sign on.
        curve: Curve,
        /// The pair that the device holds on that curve.
        signing_share_pair_id: SigningSharePairId,
        /// What to sign.
        wanted: Wanted,
    },
    /// A proof that the backup in force would recover the wallet; no share moves.
    #[cfg_attr(feature = "openapi", schema(rename_all = "camelCase"))]
    CheckBackup {
        /// The pair that the cipher text names.
        backup_share_pair_ids: PerCurve<BackupSharePairId>,
        /// SHA-256 of the cipher text that was opened.
        cipher_text_digest: Base64Bytes,
        /// For each curve, a proof of possession of the client's share, for the server's nonce.
        proofs: PerCurve<Base64Bytes>,
    },
}
