//! What goes into storage and comes out of it.

use async_trait::async_trait;
use portal_lifecycle::ids::{
    BackupSharePairId, ClientId, CustodianId, EnvironmentId, SigningSharePairId, TraceId,
};
use portal_lifecycle::{
    BackupMethod, BackupMode, BackupStatus, Garbage, Generation, PerCurve, Timestamp, Wallet,
};
use portal_seal::SecretBytes;

use crate::WebhookConfig;
use crate::audit::{AuditAct, KeyId, Origin};

/// SHA-256 of a credential of 256 random bits; the credential itself is never stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CredentialHash(pub [u8; 32]);

/// A custodian with its first environment, API key and, if it has one, webhook.
#[derive(Debug, Clone)]
pub struct NewCustodian {
    /// The custodian's id.
    pub custodian_id: CustodianId,
    /// What people call it.
    pub custodian_name: String,
    /// The environment's id.
    pub environment_id: EnvironmentId,
    /// What people call it.
    pub environment_name: String,
    /// Who holds the custodian's shares of its clients' backups.
    pub backup_mode: BackupMode,
    /// Hash of the environment's API key.
    pub api_key: CredentialHash,
    /// Where backup shares go.
    pub webhook: Option<WebhookConfig>,
    /// When this happens.
    pub created_at: Timestamp,
}

/// Another environment of a custodian, with its API key and, if it has one, webhook.
#[derive(Debug, Clone)]
pub struct NewEnvironment {
    /// Whose it is.
    pub custodian_id: CustodianId,
    /// Its id.
    pub environment_id: EnvironmentId,
    /// What people call it.
    pub name: String,
    /// Who holds the custodian's shares of its clients' backups.
    pub backup_mode: BackupMode,
    /// Hash of its API key.
    pub api_key: CredentialHash,
    /// Where backup shares go.
    pub webhook: Option<WebhookConfig>,
    /// When this happens.
    pub created_at: Timestamp,
}

impl NewCustodian {
    /// The custodian's name, and its first environment.
    pub(crate) fn split(self) -> (String, NewEnvironment) {
        let first = NewEnvironment {
            custodian_id: self.custodian_id,
            environment_id: self.environment_id,
            name: self.environment_name,
            backup_mode: self.backup_mode,
            api_key: self.api_key,
            webhook: self.webhook,
            created_at: self.created_at,
        };
        (self.custodian_name, first)
    }
}

/// Signing policies as they were put, each for all that it holds for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SigningPolicies {
    /// For every client of the environment.
    pub environment: Option<String>,
    /// For one client.
    pub client: Option<String>,
}

/// What an act was allowed by. It is done only where that still stands, at the moment of its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grounds {
    /// The policies that it was judged by.
    pub policies: SigningPolicies,
    /// Who asked, with which credential.
    pub caller: ClientAuth,
}

/// Whom a custodian API key belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CustodianAuth {
    /// The custodian.
    pub custodian_id: CustodianId,
    /// The environment that the key is for.
    pub environment_id: EnvironmentId,
    /// Names the key.
    pub key: KeyId,
}

/// An API key of an environment, by what may be shown of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CustodianKey {
    /// Its hash.
    pub hash: CredentialHash,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
}

/// Whom a client credential belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAuth {
    /// The client.
    pub client_id: ClientId,
    /// Its environment.
    pub environment_id: EnvironmentId,
    /// Which kind of credential it was.
    pub kind: CredentialKind,
    /// Its hash, to ask later whether it is in force still.
    pub credential: CredentialHash,
}

/// The kinds of client credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialKind {
    /// Lives until revoked.
    ApiKey,
    /// Lives for some idle time, and for some time at most.
    Session,
}

/// A session token to be made.
#[derive(Debug, Clone, Copy)]
pub struct NewSession {
    /// Hash of the token.
    pub token: CredentialHash,
    /// When it is made.
    pub created_at: Timestamp,
    /// It ends if it is not used until then; each use moves this on.
    pub idle_until: Timestamp,
    /// It ends then in any case.
    pub expires_at: Timestamp,
}

/// A client to be made, with both its credentials.
#[derive(Debug, Clone)]
pub struct NewClient {
    /// The client's id.
    pub client_id: ClientId,
    /// Where it lives.
    pub environment_id: EnvironmentId,
    /// Whether its EVM account is a smart account.
    pub is_account_abstracted: bool,
    /// Hash of its API key.
    pub api_key: CredentialHash,
    /// Its first session.
    pub session: NewSession,
    /// When this happens.
    pub created_at: Timestamp,
}

/// A client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientRecord {
    /// Its id.
    pub client_id: ClientId,
    /// Where it lives.
    pub environment_id: EnvironmentId,
    /// Whether its EVM account is a smart account.
    pub is_account_abstracted: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A one-time password that a browser may show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebOtp {
    /// Whom it is for.
    pub client: ClientRecord,
    /// Whether it was taken for a session already.
    pub is_taken: bool,
}

/// A page of a list, oldest entry first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageOf<T> {
    /// The entries.
    pub entries: Vec<T>,
    /// How many entries the whole list has.
    pub total: u64,
}

/// An environment and its custodian.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// The custodian.
    pub custodian_id: CustodianId,
    /// What people call it.
    pub custodian_name: String,
    /// The environment.
    pub environment_id: EnvironmentId,
    /// What people call it.
    pub environment_name: String,
    /// Who holds the custodian's shares of new backups.
    pub backup_mode: BackupMode,
}

/// Grows with every commit of one wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct WalletVersion(pub u64);

/// A wallet as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredWallet {
    /// Its state.
    pub wallet: Wallet,
    /// Shown again at the commit.
    pub version: WalletVersion,
    /// When its first operation began.
    pub created_at: Timestamp,
}

/// A wallet's next state, with everything that becomes durable together with it.
#[derive(Debug, Clone)]
pub struct WalletCommit {
    /// Whose wallet it is.
    pub client_id: ClientId,
    /// The version that was read; none if there was no wallet yet.
    pub expected: Option<WalletVersion>,
    /// The state that was decided.
    pub wallet: Wallet,
    /// Shares that are stored or erased with it.
    pub secrets: Secrets,
    /// Where it comes from, as the audit log says.
    pub origin: Origin,
    /// What the audit log says of it, besides what became of the pairs.
    pub acts: Vec<AuditAct>,
    /// What those were allowed by, if by more than the wallet's own state.
    pub grounds: Option<Grounds>,
    /// When this happens.
    pub now: Timestamp,
}

/// Shares that are stored or erased together with a wallet's state.
#[derive(Debug, Clone)]
pub enum Secrets {
    /// None.
    Unchanged,
    /// The server's share of a new signing pair.
    StoreSigningShare {
        /// The pair.
        ids: PerCurve<SigningSharePairId>,
        /// The server's share of each curve.
        shares: PerCurve<SecretBytes>,
    },
    /// The custodian's share of a new backup pair goes into the outbox.
    Enqueue {
        /// The pair.
        ids: PerCurve<BackupSharePairId>,
        /// The custodian's share of each curve; in sealed mode the server's part of it.
        shares: PerCurve<SecretBytes>,
        /// In sealed mode: what the client sealed to the custodian. No secret.
        blinds: Option<PerCurve<Vec<u8>>>,
        /// When the worker may take it up, if nobody delivers it before.
        due_at: Timestamp,
    },
    /// Managed mode: the custodian's share of a new backup pair is kept here.
    StoreCustodianShare {
        /// The pair.
        ids: PerCurve<BackupSharePairId>,
        /// The custodian's share of each curve.
        shares: PerCurve<SecretBytes>,
    },
    /// The custodian has acknowledged its share: the outbox forgets it.
    EraseOutbox {
        /// The pair.
        ids: PerCurve<BackupSharePairId>,
    },
    /// What was collected: the outbox forgets its backup pairs, and the custodian is to be told
    /// of each of them.
    Collect {
        /// What was collected.
        garbage: Vec<Garbage>,
        /// When the custodian is told.
        due_at: Timestamp,
    },
}

/// E18: a custodian is to be told that one backup pair is of no use any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Whose wallet it is.
    pub client_id: ClientId,
    /// Whose webhook it goes to.
    pub environment_id: EnvironmentId,
    /// The pair.
    pub ids: PerCurve<BackupSharePairId>,
    /// What became of it: `ABANDONED` or `PURGED`.
    pub status: BackupStatus,
    /// How often it was tried.
    pub attempts: u32,
    /// The request that it comes from; none of what was put in before requests were noted.
    pub trace_id: Option<TraceId>,
}

/// How far a pass over all sealed secrets has come; shown again, it goes on there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealedAt {
    pub(crate) table: u8,
    pub(crate) after: Option<uuid::Uuid>,
}

impl SealedAt {
    pub(crate) const FIRST: Self = Self {
        table: 0,
        after: None,
    };
}

/// What one step of a pass over all sealed secrets did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rewrapped {
    /// Secrets it looked at.
    pub seen: u64,
    /// Those whose data key it wrapped anew, or that somebody else has just replaced.
    pub rewrapped: u64,
    /// Those that do not open, and were left alone; the log names them.
    pub unreadable: u64,
    /// Where to go on; none at the end.
    pub next: Option<SealedAt>,
}

impl Rewrapped {
    pub(crate) const NOTHING: Self = Self {
        seen: 0,
        rewrapped: 0,
        unreadable: 0,
        next: None,
    };
}

/// A wallet's turn to run a step of an ECDSA signature: nobody else has it, on any node, until
/// this is dropped, or the process that holds it ends.
pub struct SigningTurn(Box<dyn HeldTurn>);

/// What holds a turn until it is dropped.
#[async_trait]
pub trait HeldTurn: Send {
    /// Whether it still does: a database may have ended the connection that does.
    async fn is_held(&mut self) -> bool;
}

impl SigningTurn {
    /// A turn that ends when `held` is dropped.
    #[must_use]
    pub fn new(held: impl HeldTurn + 'static) -> Self {
        Self(Box::new(held))
    }

    /// Whether nobody else can have had the turn until now.
    pub async fn is_held(&mut self) -> bool {
        self.0.is_held().await
    }
}

impl core::fmt::Debug for SigningTurn {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SigningTurn")
    }
}

/// A custodian's share on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Whose wallet it is.
    pub client_id: ClientId,
    /// Whose webhook it goes to.
    pub environment_id: EnvironmentId,
    /// The pair.
    pub ids: PerCurve<BackupSharePairId>,
    /// The wallet's ids.
    pub wallet_ids: PerCurve<portal_lifecycle::ids::WalletId>,
    /// The pair's generation.
    pub generation: Generation,
    /// How the client's part is encrypted.
    pub method: BackupMethod,
    /// The shares; in sealed mode the server's parts of them.
    pub shares: PerCurve<SecretBytes>,
    /// In sealed mode: what the client sealed to the custodian.
    pub blinds: Option<PerCurve<Vec<u8>>>,
    /// How often it was tried.
    pub attempts: u32,
    /// The request that it comes from; none of what was put in before requests were noted.
    pub trace_id: Option<TraceId>,
}

/// What waits in the outbox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OutboxDepth {
    /// Pairs whose shares no custodian has acknowledged yet.
    pub deliveries: u64,
    /// Notices that no custodian has heard yet.
    pub notices: u64,
}

/// Connections to the database.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DatabaseConnections {
    /// Those that are open.
    pub open: u32,
    /// Those of them that somebody uses.
    pub in_use: u32,
}
