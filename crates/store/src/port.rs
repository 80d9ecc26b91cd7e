//! What the server asks of its storage. Each method is one transaction.

use async_trait::async_trait;
use portal_lifecycle::ids::{
    BackupSharePairId, ClientId, EnvironmentId, SigningSharePairId, TraceId,
};
use portal_lifecycle::{BackupMode, Curve, Epoch, PerCurve, Timestamp};
use portal_seal::SecretBytes;
use uuid::Uuid;

use crate::audit::{AuditAct, AuditFilter, AuditLine, ChainPart, Origin, ShownCredential};
use crate::{
    Act, Begun, Claim, ClaimTimes, ClientAuth, ClientRecord, CommitError, CredentialHash,
    CredentialKind, CustodianAuth, CustodianKey, Delivery, IdempotentRequest, NewClient,
    NewCustodian, NewSession, Notice, OutboxDepth, PageOf, Rewrapped, SealedAt, SigningPolicies,
    SigningTurn, StoreError, StoredWallet, Tenant, WalletCommit, WalletVersion, WebhookStore,
};

/// Custodians, their environments and keys.
#[async_trait]
pub trait CustodianStore: Send + Sync {
    /// Makes a custodian with one environment and one API key.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; the custodian is then not there in part either.
    async fn create_custodian(&self, new: NewCustodian, origin: Origin) -> Result<(), StoreError>;

    /// Whom an API key belongs to; none if it is unknown or revoked.
    ///
    /// # Errors
    ///
    /// [`StoreError`], which never means "unknown".
    async fn custodian_by_key(
        &self,
        key: CredentialHash,
    ) -> Result<Option<CustodianAuth>, StoreError>;

    /// An environment's API keys, those that are revoked as well, oldest first.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn custodian_keys(
        &self,
        environment: EnvironmentId,
    ) -> Result<Vec<CustodianKey>, StoreError>;

    /// Gives an environment another API key, unless `most` of them are in force already; says
    /// whether it did.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRow`] for an unknown environment, or another [`StoreError`].
    async fn add_custodian_key(
        &self,
        environment: EnvironmentId,
        key: CredentialHash,
        most: u32,
        origin: Origin,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Ends a key of an environment, at once; says whether there was such a key in force.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn revoke_custodian_key(
        &self,
        environment: EnvironmentId,
        key: CredentialHash,
        origin: Origin,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Sets in which mode an environment's clients back up from now on. Pairs that are there keep
    /// theirs.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRow`] for an unknown environment, or another [`StoreError`].
    async fn put_backup_mode(
        &self,
        environment: EnvironmentId,
        mode: BackupMode,
        origin: Origin,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Sets the signing policy of an environment, or of one of its clients; none removes it.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRow`] for an unknown environment, or a client that is not of it; or
    /// another [`StoreError`].
    async fn put_signing_policy(
        &self,
        environment: EnvironmentId,
        client: Option<ClientId>,
        policy: Option<&str>,
        origin: Origin,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// The signing policies of an environment and, if one is named, of its client.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRow`] as for [`put_signing_policy`](Self::put_signing_policy); or
    /// another [`StoreError`], which never means that there is no policy.
    async fn signing_policies(
        &self,
        environment: EnvironmentId,
        client: Option<ClientId>,
    ) -> Result<SigningPolicies, StoreError>;
}

/// Clients and their credentials.
#[async_trait]
pub trait ClientStore: Send + Sync {
    /// Makes a client with both its credentials.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRow`] for an unknown environment, or another [`StoreError`]; the
    /// client is then not there in part either.
    async fn create_client(&self, new: NewClient, origin: Origin) -> Result<(), StoreError>;

    /// A client of this environment; none if it is another environment's.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn client(
        &self,
        environment: EnvironmentId,
        client: ClientId,
    ) -> Result<Option<ClientRecord>, StoreError>;

    /// A page of an environment's clients, by id, those after `after`.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn clients(
        &self,
        environment: EnvironmentId,
        after: Option<ClientId>,
        take: u32,
    ) -> Result<PageOf<ClientRecord>, StoreError>;

    /// Gives a client another session; the others go on, and those that are over are forgotten.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRow`] for an unknown client, or another [`StoreError`].
    async fn create_session(
        &self,
        client: ClientId,
        session: NewSession,
        origin: Origin,
    ) -> Result<(), StoreError>;

    /// Gives a client another API key, in the place of those that it has.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRow`] for an unknown client, or another [`StoreError`].
    async fn replace_client_key(
        &self,
        client: ClientId,
        key: CredentialHash,
        origin: Origin,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Ends all of a client's credentials of one kind, at once; with its sessions the one-time
    /// passwords that would give it others.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRow`] for an unknown client, or another [`StoreError`].
    async fn revoke_client(
        &self,
        client: ClientId,
        kind: CredentialKind,
        origin: Origin,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Keeps a one-time password of a client until `expires_at`; forgets those that are over.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRow`] for an unknown client, or another [`StoreError`].
    async fn create_web_otp(
        &self,
        client: ClientId,
        otp: CredentialHash,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(), StoreError>;

    /// Whom a one-time password is for, which stays as it is; none if it is unknown, over, or was
    /// taken.
    ///
    /// # Errors
    ///
    /// [`StoreError`], which never means "unknown".
    async fn web_otp(
        &self,
        otp: CredentialHash,
        now: Timestamp,
    ) -> Result<Option<ClientRecord>, StoreError>;

    /// Takes a one-time password for a session of the client that it is for; none if it is
    /// unknown, over, or was taken before.
    ///
    /// # Errors
    ///
    /// [`StoreError`], which never means "unknown"; the password is then as it was.
    async fn redeem_web_otp(
        &self,
        otp: CredentialHash,
        session: NewSession,
        trace_id: TraceId,
    ) -> Result<Option<ClientRecord>, StoreError>;

    /// Whom a client API key or session token belongs to; none if it is unknown, revoked, or
    /// past its time. A session that is used lives until `idle_until` from now on, but never
    /// past its end.
    ///
    /// # Errors
    ///
    /// [`StoreError`], which never means "unknown".
    async fn client_by_credential(
        &self,
        credential: CredentialHash,
        now: Timestamp,
        idle_until: Timestamp,
    ) -> Result<Option<ClientAuth>, StoreError>;

    /// The same, without using the session: whose the credential is at this moment.
    ///
    /// # Errors
    ///
    /// [`StoreError`], which never means "unknown".
    async fn owner_of_credential(
        &self,
        credential: CredentialHash,
        now: Timestamp,
    ) -> Result<Option<ClientAuth>, StoreError>;

    /// A client's environment and custodian.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRow`] for an unknown client, or another [`StoreError`].
    async fn tenant(&self, client: ClientId) -> Result<Tenant, StoreError>;
}

/// Wallets and the server's signing shares.
#[async_trait]
pub trait WalletStore: Send + Sync {
    /// A client's wallet, if any operation on it ever began.
    ///
    /// # Errors
    ///
    /// [`StoreError`], which never means "none".
    async fn wallet(&self, client: ClientId) -> Result<Option<StoredWallet>, StoreError>;

    /// Stores a wallet's next state and the shares that go with it, all or nothing.
    /// When this returns, they survive a crash. A signing pair that becomes `PURGED` loses
    /// its share here. The audit log gets a line for every pair that is new, every status that
    /// changes, and every act that the commit names.
    ///
    /// # Errors
    ///
    /// [`CommitError::Conflict`] where the wallet is not at `expected` any more. As
    /// [`CommitError::Store`]: [`StoreError::NoSuchRow`] for an unknown client, or for
    /// secrets of a pair that this commit does not make; [`StoreError::HistoryRewritten`]
    /// where a stored pair is missing or altered beyond its status (and digest);
    /// [`StoreError::Statement`] where the schema's own guards refuse the state: two pairs
    /// in force, a falling generation, a new signing pair without the server's share.
    async fn commit_wallet(&self, commit: WalletCommit) -> Result<WalletVersion, CommitError>;

    /// The server's share of a pair on one curve, if it was stored and not purged.
    ///
    /// # Errors
    ///
    /// [`StoreError`], which never means "none".
    async fn signing_share(
        &self,
        client: ClientId,
        curve: Curve,
        pair: SigningSharePairId,
    ) -> Result<Option<SecretBytes>, StoreError>;

    /// Writes a line of the audit log, provided that the wallet is still at `expected`.
    ///
    /// # Errors
    ///
    /// [`CommitError::Conflict`] where the wallet has changed since it was read.
    async fn audit(
        &self,
        client: ClientId,
        expected: WalletVersion,
        origin: Origin,
        act: AuditAct,
        now: Timestamp,
    ) -> Result<(), CommitError>;

    /// The database's epoch (E20).
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn epoch(&self) -> Result<Epoch, StoreError>;

    /// Clients that have a wallet, by id, those after `after`; `take` at most.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn clients_with_wallets(
        &self,
        after: Option<ClientId>,
        take: u32,
    ) -> Result<Vec<ClientId>, StoreError>;

    /// Waits until nobody else, on any node, runs a step of an ECDSA signature of this client.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] where that takes too long.
    async fn signing_turn(&self, client: ClientId) -> Result<SigningTurn, StoreError>;
}

/// What is on its way to the custodians: their shares, and notices.
///
/// Any node may claim what is due. A claim ends by itself, so a node that dies in the midst of a
/// delivery only delays it.
#[async_trait]
pub trait OutboxStore: Send + Sync {
    /// The delivery of one pair, if it is still in the outbox.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn delivery(
        &self,
        client: ClientId,
        ids: PerCurve<BackupSharePairId>,
    ) -> Result<Option<Delivery>, StoreError>;

    /// The environments of which anything is due, the one that has waited longest first.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn due_environments(&self, now: Timestamp) -> Result<Vec<EnvironmentId>, StoreError>;

    /// Claims deliveries of an environment that are due, the one that has been due longest first,
    /// `take` at most: nobody else gets them until `claimed_until`. One that cannot be read is logged and left
    /// out, so that it does not hold up the others.
    ///
    /// # Errors
    ///
    /// [`StoreError`], also where some are due and none of them can be read.
    async fn claim_deliveries(
        &self,
        environment: EnvironmentId,
        now: Timestamp,
        claimed_until: Timestamp,
        take: u32,
    ) -> Result<Vec<Delivery>, StoreError>;

    /// Notes a failed attempt, and when to try again; nothing, if it was acknowledged meanwhile.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn delivery_failed(
        &self,
        client: ClientId,
        ids: PerCurve<BackupSharePairId>,
        next_due_at: Timestamp,
    ) -> Result<(), StoreError>;

    /// Claims notices that are due, in the same way.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn claim_notices(
        &self,
        environment: EnvironmentId,
        now: Timestamp,
        claimed_until: Timestamp,
        take: u32,
    ) -> Result<Vec<Notice>, StoreError>;

    /// Forgets a notice that the custodian has heard.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn notice_heard(&self, notice: &Notice) -> Result<(), StoreError>;

    /// Notes a failed attempt, and when to try again.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn notice_failed(
        &self,
        notice: &Notice,
        next_due_at: Timestamp,
    ) -> Result<(), StoreError>;

    /// When the delivery that has waited longest was put into the outbox, if there is one.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn oldest_delivery(&self) -> Result<Option<Timestamp>, StoreError>;

    /// How much waits in the outbox.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn outbox_depth(&self) -> Result<OutboxDepth, StoreError>;
}

/// Requests that are acted on once, however often they come.
#[async_trait]
pub trait IdempotencyStore: Send + Sync {
    /// Claims a request, unless somebody has: of those who ask at once, one gets it.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; nothing is claimed then.
    async fn begin_once(
        &self,
        id: Uuid,
        request: &IdempotentRequest,
        times: ClaimTimes,
    ) -> Result<Begun, StoreError>;

    /// Acts on a claimed request and keeps its answer, all or nothing.
    ///
    /// # Errors
    ///
    /// [`CommitError::Conflict`] where the act was decided on what another one has changed since. As
    /// [`CommitError::Store`]: [`StoreError::ClaimLost`] where the claim was over; those of the act;
    /// another [`StoreError`]. Nothing is left of the act then, and the claim is as it was.
    async fn finish_once(
        &self,
        claim: &Claim,
        act: Act,
        answer: &SecretBytes,
    ) -> Result<(), CommitError>;

    /// Writes down that a kept answer is given again, with a credential in it: of this client, or
    /// of the environment itself.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; the answer must not be given then.
    async fn answered_again(
        &self,
        environment: EnvironmentId,
        client: Option<ClientId>,
        credential: ShownCredential,
        origin: Origin,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Gives a claim up that was not acted on; the key is free then.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; the claim ends by itself then.
    async fn give_up_once(&self, claim: &Claim) -> Result<(), StoreError>;

    /// Forgets answers and claims that are over, `take` at most; says how many.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn forget_answers(&self, now: Timestamp, take: u32) -> Result<u64, StoreError>;
}

/// The audit log, as it is read. Lines are written with what they tell of, by the other ports.
#[async_trait]
pub trait AuditStore: Send + Sync {
    /// A page of an environment's lines, oldest first, those after line `after`, `take` at most.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn audit_lines(
        &self,
        environment: EnvironmentId,
        filter: AuditFilter,
        after: u64,
        take: u32,
    ) -> Result<PageOf<AuditLine>, StoreError>;

    /// A part of an environment's chain as it stands there, whatever became of it: the lines after
    /// line `after`, `take` at most, and the head, of one state of the database.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn audit_chain(
        &self,
        environment: EnvironmentId,
        after: u64,
        take: u32,
    ) -> Result<ChainPart, StoreError>;

    /// The environments that have a chain, by id, those after `after`, `take` at most.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn audited_environments(
        &self,
        after: Option<EnvironmentId>,
        take: u32,
    ) -> Result<Vec<EnvironmentId>, StoreError>;
}

/// What the server keeps of backups in managed mode. Insert-only: nothing of it is replaced or
/// deleted. The custodian's share comes with the commit of its pair.
#[async_trait]
pub trait ManagedBackupStore: Send + Sync {
    /// The custodian's share of a pair on one curve, if it is kept here.
    ///
    /// # Errors
    ///
    /// [`StoreError`], which never means "none".
    async fn custodian_share(
        &self,
        client: ClientId,
        curve: Curve,
        pair: BackupSharePairId,
    ) -> Result<Option<SecretBytes>, StoreError>;

    /// Stores the cipher text of a pair; says whether it is the one that is stored now. It is not
    /// where another one was stored before.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRow`] for an unknown pair, or another [`StoreError`].
    async fn keep_cipher_text(
        &self,
        client: ClientId,
        ids: PerCurve<BackupSharePairId>,
        cipher_text: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// The cipher text of a pair, if one is stored.
    ///
    /// # Errors
    ///
    /// [`StoreError`], which never means "none".
    async fn cipher_text(
        &self,
        client: ClientId,
        ids: PerCurve<BackupSharePairId>,
    ) -> Result<Option<String>, StoreError>;
}

/// What an operator does to the database as a whole.
#[async_trait]
pub trait Maintenance: Send + Sync {
    /// E20: says that the database was put back to an older state; every environment's audit log
    /// gets a line.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; the epoch is then as it was.
    async fn raise_epoch(&self, now: Timestamp, origin: Origin) -> Result<Epoch, StoreError>;

    /// Opens one secret of each kind that there is: a KMS that does not is not this database's.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unsealing`] where it does not open; another [`StoreError`].
    async fn try_one_secret(&self) -> Result<(), StoreError>;

    /// Wraps the data keys of the next `take` sealed secrets under the present key of the KMS,
    /// beginning at `from`. Readers and writers go on beside it; what is rewrapped already is
    /// left alone, so a pass that was interrupted can simply be run again.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; what was rewrapped until then stays so.
    async fn rewrap(&self, from: Option<SealedAt>, take: u32) -> Result<Rewrapped, StoreError>;
}

/// Everything that the server stores.
#[async_trait]
pub trait Store:
    CustodianStore
    + WebhookStore
    + ClientStore
    + WalletStore
    + OutboxStore
    + ManagedBackupStore
    + IdempotencyStore
    + AuditStore
    + Maintenance
{
    /// Whether the database answers.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`].
    async fn ping(&self) -> Result<(), StoreError>;

    /// Whether each KMS wraps a key and opens it again. The key is drawn for this and thrown away.
    ///
    /// # Errors
    ///
    /// [`StoreError::Kms`].
    async fn try_kms(&self) -> Result<(), StoreError>;
}
