//! The audit log: what was done, to what, and by whom; one chain of lines for each environment.
//!
//! A line is written in the transaction of its act, so that neither is there without the other.
//! It carries the hash of the line before it ([`AuditHash`]): whoever knows the hash of one line
//! knows everything before it. [`ChainVerifier`] walks a chain again.
//!
//! # Architecture invariants
//!
//! What a line says is an [`AuditAct`]: a variant with typed fields. There is no free text, and no
//! field can hold a secret; see [`act`].
//!
//! Lines of pairs are not asked for: a backend writes one for every pair that a commit makes and
//! for every status that it changes (`changes`).

pub mod act;
pub(crate) mod changes;
mod hash;
mod verify;
mod walk;

use core::fmt;
use core::str::FromStr;
use std::collections::BTreeMap;

use portal_lifecycle::Timestamp;
use portal_lifecycle::ids::{ClientId, EnvironmentId, TraceId};

pub use act::{AuditAct, Digest, Name, ShownCredential};
pub use verify::{AuditFinding, ChainVerifier, FindingKind};
pub use walk::{WalkedChain, verify_chain};

use crate::CredentialHash;

/// Version of the lines that are written.
pub const LINE_VERSION: u8 = 1;

/// Who acted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// A custodian's backend, with this API key.
    Custodian(KeyId),
    /// A client, with its API key or a session.
    Client(ClientId),
    /// Who has the server's storage and a prompt.
    Operator,
    /// A worker of the server.
    Worker,
}

impl Actor {
    /// The kind's name on the wire and at rest.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Custodian(_) => "CUSTODIAN_KEY",
            Self::Client(_) => "CLIENT",
            Self::Operator => "OPERATOR",
            Self::Worker => "WORKER",
        }
    }

    /// Which of that kind, where there are several.
    #[must_use]
    pub fn id(&self) -> Option<String> {
        match self {
            Self::Custodian(key) => Some(key.to_string()),
            Self::Client(client) => Some(client.to_string()),
            Self::Operator | Self::Worker => None,
        }
    }
}

/// Names a custodian API key or a one-time password: the first 8 bytes of its SHA-256. Nobody gets
/// back to its 256 random bits from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyId([u8; 8]);

impl KeyId {
    /// The id of the credential that has this hash.
    #[must_use]
    pub fn of(key: CredentialHash) -> Self {
        let (id, _) = key.0.split_first_chunk().unwrap_or((&[0; 8], &[]));
        Self(*id)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// Where an act comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// Who acted.
    pub actor: Actor,
    /// The request.
    pub trace_id: TraceId,
}

/// SHA-256 over a line, and with it over every line before it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AuditHash(pub [u8; 32]);

impl AuditHash {
    /// What the first line continues.
    pub const START: Self = Self([0; 32]);
}

impl fmt::Display for AuditHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for AuditHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for AuditHash {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut hash = [0; 32];
        hex::decode_to_slice(text, &mut hash)?;
        Ok(Self(hash))
    }
}

/// A place in a chain and everything before it: what an auditor keeps elsewhere. The head of a
/// chain is one, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// Number of the line, from 1; 0 before the first.
    pub sequence: u64,
    /// The line's hash.
    pub hash: AuditHash,
}

impl Checkpoint {
    /// The head of a chain that has no line yet.
    pub const START: Self = Self {
        sequence: 0,
        hash: AuditHash::START,
    };
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.sequence, self.hash)
    }
}

/// Text that is no checkpoint.
#[derive(Debug, thiserror::Error)]
#[error("expected a checkpoint: a line's number, a colon, and its hash of 64 hexadecimal digits")]
pub struct NoCheckpoint;

impl FromStr for Checkpoint {
    type Err = NoCheckpoint;

    fn from_str(text: &str) -> Result<Self, NoCheckpoint> {
        let (sequence, hash) = text.split_once(':').ok_or(NoCheckpoint)?;
        Ok(Self {
            sequence: sequence.parse().map_err(|_| NoCheckpoint)?,
            hash: hash.parse().map_err(|_| NoCheckpoint)?,
        })
    }
}

/// What an act is about, by name; every value is text.
pub type Details = BTreeMap<String, String>;

/// A line as it is stored, with all that its hash covers. Acts and actors are names here: an older
/// program reads the lines of a newer one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditLine {
    /// How it is hashed.
    pub version: u8,
    /// Whose chain it is in.
    pub environment_id: EnvironmentId,
    /// Its number in the chain, from 1.
    pub sequence: u64,
    /// Hash of the line before it.
    pub previous_hash: AuditHash,
    /// When it happened, by the clock of the node that wrote it.
    pub at: Timestamp,
    /// Kind of who acted.
    pub actor_kind: String,
    /// Which of that kind, where there are several.
    pub actor_id: Option<String>,
    /// The request.
    pub trace_id: TraceId,
    /// Whom it is about; none for an act on the environment as a whole.
    pub client_id: Option<ClientId>,
    /// Name of what was done.
    pub act: String,
    /// What it was done to.
    pub details: Details,
    /// Hash of all the above.
    pub hash: AuditHash,
}

impl AuditLine {
    /// The line that follows `head`.
    #[must_use]
    pub(crate) fn after(
        head: Checkpoint,
        environment_id: EnvironmentId,
        client_id: Option<ClientId>,
        act: &AuditAct,
        origin: Origin,
        at: Timestamp,
    ) -> Self {
        let mut line = Self {
            version: LINE_VERSION,
            environment_id,
            sequence: head.sequence.saturating_add(1),
            previous_hash: head.hash,
            at,
            actor_kind: origin.actor.kind().to_owned(),
            actor_id: origin.actor.id(),
            trace_id: origin.trace_id,
            client_id,
            act: act.name().to_owned(),
            details: act.details(),
            hash: AuditHash::START,
        };
        line.hash = line.computed_hash();
        line
    }

    /// The hash that the rest of the line has.
    #[must_use]
    pub fn computed_hash(&self) -> AuditHash {
        hash::of_line(self)
    }

    /// The place of this line.
    #[must_use]
    pub const fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            sequence: self.sequence,
            hash: self.hash,
        }
    }
}

/// Some lines of a chain and its head, of one state of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainPart {
    /// The number and hash of the last line, as the database keeps it beside the lines; none where
    /// even that is gone.
    pub head: Option<Checkpoint>,
    /// The lines, in order.
    pub lines: Vec<AuditLine>,
}

/// Which lines of a chain are read; what is not given does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// About this client.
    pub client_id: Option<ClientId>,
    /// About the client whose wallet this is, on either curve.
    pub wallet_id: Option<portal_lifecycle::ids::WalletId>,
    /// Name of the act.
    pub act: Option<String>,
    /// Of that time or later.
    pub since: Option<Timestamp>,
    /// Before that time.
    pub until: Option<Timestamp>,
}
