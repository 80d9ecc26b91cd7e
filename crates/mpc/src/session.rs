//! What a session is about, agreed by both parties before the first message.

use core::fmt;

use crate::group::Group;
use crate::hash::TaggedHash;

/// Which of the two parties.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// C: the client's device; speaks first.
    Client,
    /// S: the server, or whoever holds the custodian's share.
    Server,
}

impl Role {
    /// The other party.
    #[must_use]
    pub const fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }

    /// The party's index as a Shamir participant; also its byte on the wire.
    pub(crate) const fn index(self) -> u8 {
        match self {
            Self::Client => 1,
            Self::Server => 2,
        }
    }

    pub(crate) const fn from_index(index: u8) -> Option<Self> {
        match index {
            1 => Some(Self::Client),
            2 => Some(Self::Server),
            _ => None,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "client",
            Self::Server => "server",
        })
    }
}

/// What a session does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// A new key, shared as a signing pair.
    Generate,
    /// A signing pair reshared to a backup pair.
    Backup,
    /// A backup pair reshared to a signing pair.
    Recover,
    /// A signing pair reshared to a signing pair.
    Refresh,
    /// A signature.
    Sign,
}

impl Operation {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Generate => 1,
            Self::Backup => 2,
            Self::Recover => 3,
            Self::Refresh => 4,
            Self::Sign => 5,
        }
    }
}

/// One value for each curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BothCurves<T> {
    /// For secp256k1.
    pub secp256k1: T,
    /// For Ed25519.
    pub ed25519: T,
}

/// An id as 16 bytes; this crate gives ids no meaning, it binds to them.
pub type Id = [u8; 16];

/// What both parties know of a session before it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// What it does.
    pub operation: Operation,
    /// Generation of the pair that is made, or that signs.
    pub generation: u64,
    /// 32 random bytes of the client, fresh for this session.
    pub client_nonce: [u8; 32],
    /// 32 random bytes of the server, fresh for this session.
    pub server_nonce: [u8; 32],
}

/// What both parties know of a session's key on one curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyContext {
    /// The key.
    pub wallet_id: Id,
    /// The pair that is made; none for a signature.
    pub new_pair: Option<Id>,
    /// The pair that is used; none for Generate.
    pub source_pair: Option<Id>,
}

/// A session's id on one curve: everything in it is bound to this.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sid(pub(crate) [u8; 32]);

impl Session {
    /// `payload` is what is signed; empty for other operations.
    pub(crate) fn sid<G: Group>(&self, key: &KeyContext, payload: &[u8]) -> Sid {
        Sid(TaggedHash::new("session")
            .field(&[self.operation.code()])
            .field(&key.wallet_id)
            .optional(key.new_pair.as_ref().map(<[u8; 16]>::as_slice))
            .optional(key.source_pair.as_ref().map(<[u8; 16]>::as_slice))
            .field(&[G::CODE, G::ENGINE])
            .field(&self.client_nonce)
            .field(&self.server_nonce)
            .field(&self.generation.to_be_bytes())
            .field(payload)
            .short())
    }
}
