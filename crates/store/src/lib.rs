//! The server's transactional storage.
//!
//! One trait per concern ([`CustodianStore`], [`ClientStore`], [`WalletStore`],
//! [`OutboxStore`], [`ManagedBackupStore`], [`IdempotencyStore`], [`AuditStore`], [`Maintenance`]), joined as [`Store`]; each method is one transaction. Backends
//! stand beside them ([`SqlStore`] on SQLite or Postgres), and every backend passes one exported suite
//! (`conformance`).
//!
//! # Architecture invariants
//!
//! SQL never decides. A wallet's next state is decided by `portal-lifecycle`; a
//! backend stores it, provided that nobody else changed the wallet since it was read
//! ([`CommitError::Conflict`]).
//!
//! Shares go in and come out in clear and lie sealed, each bound to its wallet, pair,
//! curve and role. Credentials never come here: only their hashes do.

#![deny(clippy::indexing_slicing)]

pub mod audit;
#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
mod history;
mod idempotency;
mod key_check;
pub mod kms;
mod memory;
mod port;
mod record;
mod sealed;
mod sql;
mod webhook;

pub use error::{CommitError, StoreError, UnsealingError};
pub use idempotency::{Act, Begun, Claim, ClaimTimes, IdempotentRequest};
pub use key_check::KmsRole;
pub use memory::MemoryStore;
pub use port::{
    AuditStore, ClientStore, CustodianStore, IdempotencyStore, Maintenance, ManagedBackupStore,
    OutboxStore, Store, WalletStore,
};
pub use record::{
    ClientAuth, ClientRecord, CredentialHash, CredentialKind, CustodianAuth, CustodianKey,
    DatabaseConnections, Delivery, Grounds, HeldTurn, NewClient, NewCustodian, NewEnvironment,
    NewSession, Notice, OutboxDepth, PageOf, Rewrapped, SealedAt, Secrets, SigningPolicies,
    SigningTurn, StoredWallet, Tenant, WalletCommit, WalletVersion, WebOtp,
};
pub use sql::SqlStore;
pub use webhook::{
    FormerSecret, WebhookAttempt, WebhookConfig, WebhookSecret, WebhookStore, WebhookVersion,
};
