//! A storage whose every call may fail.

use async_trait::async_trait;
use portal_lifecycle::ids::{
    BackupSharePairId, ClientId, EnvironmentId, SigningSharePairId, TraceId, WebhookDeliveryId,
};
use portal_lifecycle::{BackupMode, Curve, Epoch, PerCurve, Timestamp};
use portal_seal::SecretBytes;
use portal_store::audit::{AuditAct, AuditFilter, AuditLine, ChainPart, Origin, ShownCredential};
use portal_store::{
    Act, AuditStore, Begun, Claim, ClaimTimes, ClientAuth, ClientRecord, ClientStore, CommitError,
    CredentialHash, CredentialKind, CustodianAuth, CustodianKey, CustodianStore, Delivery, Grounds,
    IdempotencyStore, IdempotentRequest, KmsRole, Maintenance, ManagedBackupStore, MemoryStore,
    NewClient, NewCustodian, NewEnvironment, NewSession, Notice, OutboxDepth, OutboxStore, PageOf,
    Rewrapped, SealedAt, Secrets, SigningPolicies, SigningTurn, Store, StoreError, StoredWallet,
    Tenant, WalletCommit, WalletStore, WalletVersion, WebOtp, WebhookAttempt, WebhookConfig,
    WebhookStore,
};
use uuid::Uuid;

use super::faults::Faults;
use super::record::{Place, Record};

/// The storage as one node of the server sees it.
pub(crate) struct FaultyStore {
    pub(crate) inner: MemoryStore,
    pub(crate) faults: Faults,
    pub(crate) record: Record,
    pub(crate) host: &'static str,
}

impl FaultyStore {
    /// Takes down the shares of a commit, as the server has them.
    fn record(&self, secrets: &Secrets) {
        let (shares, blinds) = match secrets {
            Secrets::StoreSigningShare { shares, .. }
            | Secrets::StoreCustodianShare { shares, .. } => (shares, None),
            Secrets::Enqueue { shares, blinds, .. } => (shares, blinds.as_ref()),
            _ => return,
        };
        for (_, share) in shares.iter() {
            self.record.take(Place::Storage, share.expose()); // to be looked for
        }
        for (_, blind) in blinds.iter().flat_map(|blinds| blinds.iter()) {
            self.record.take(Place::Storage, blind);
        }
    }

    async fn around<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.faults.around(self.host, unavailable, work).await
    }

    async fn around_commit<T>(
        &self,
        work: impl Future<Output = Result<T, CommitError>>,
    ) -> Result<T, CommitError> {
        let failed = || CommitError::Store(unavailable());
        self.faults.around(self.host, failed, work).await
    }
}

/// What a database that does not answer looks like.
fn unavailable() -> StoreError {
    StoreError::Kms {
        source: portal_store::kms::KmsError::Unavailable {
            problem: "simulated".to_owned(),
        },
    }
}

#[async_trait]
impl CustodianStore for FaultyStore {
    async fn create_custodian(&self, new: NewCustodian, origin: Origin) -> Result<(), StoreError> {
        self.around(self.inner.create_custodian(new, origin)).await
    }

    async fn create_environment(
        &self,
        new: NewEnvironment,
        origin: Origin,
    ) -> Result<(), StoreError> {
        self.around(self.inner.create_environment(new, origin))
            .await
    }

    async fn tenants(
        &self,
        after: Option<EnvironmentId>,
        take: u32,
    ) -> Result<Vec<Tenant>, StoreError> {
        self.around(self.inner.tenants(after, take)).await
    }

    async fn custodian_by_key(
        &self,
        key: CredentialHash,
    ) -> Result<Option<CustodianAuth>, StoreError> {
        self.around(self.inner.custodian_by_key(key)).await
    }

    async fn custodian_keys(
        &self,
        environment: EnvironmentId,
    ) -> Result<Vec<CustodianKey>, StoreError> {
        self.around(self.inner.custodian_keys(environment)).await
    }

    async fn add_custodian_key(
        &self,
        environment: EnvironmentId,
        key: CredentialHash,
        most: u32,
        origin: Origin,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let work = self
            .inner
            .add_custodian_key(environment, key, most, origin, now);
        self.around(work).await
    }

    async fn revoke_custodian_key(
        &self,
        environment: EnvironmentId,
        key: CredentialHash,
        origin: Origin,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let work = self
            .inner
            .revoke_custodian_key(environment, key, origin, now);
        self.around(work).await
    }

    async fn put_backup_mode(
        &self,
        environment: EnvironmentId,
        mode: BackupMode,
        origin: Origin,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let work = self.inner.put_backup_mode(environment, mode, origin, now);
        self.around(work).await
    }

    async fn put_signing_policy(
        &self,
        environment: EnvironmentId,
        client: Option<ClientId>,
        policy: Option<&str>,
        origin: Origin,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let work = self
            .inner
            .put_signing_policy(environment, client, policy, origin, now);
        self.around(work).await
    }

    async fn signing_policies(
        &self,
        environment: EnvironmentId,
        client: Option<ClientId>,
    ) -> Result<SigningPolicies, StoreError> {
        self.around(self.inner.signing_policies(environment, client))
            .await
    }
}

#[async_trait]
impl WebhookStore for FaultyStore {
    async fn put_webhook(
        &self,
        environment: EnvironmentId,
        webhook: WebhookConfig,
        origin: Origin,
        now: Timestamp,
    ) -> Result<(), CommitError> {
        self.around_commit(self.inner.put_webhook(environment, webhook, origin, now))
            .await
    }

    async fn webhook(
        &self,
        environment: EnvironmentId,
    ) -> Result<Option<WebhookConfig>, StoreError> {
        self.around(self.inner.webhook(environment)).await
    }

    async fn record_webhook_attempt(&self, attempt: WebhookAttempt) -> Result<(), StoreError> {
        self.around(self.inner.record_webhook_attempt(attempt))
            .await
    }

    async fn webhook_attempts(
        &self,
        environment: EnvironmentId,
        before: Option<WebhookDeliveryId>,
        take: u32,
    ) -> Result<PageOf<WebhookAttempt>, StoreError> {
        self.around(self.inner.webhook_attempts(environment, before, take))
            .await
    }

    async fn prune_webhooks(
        &self,
        now: Timestamp,
        oldest: Timestamp,
        keep: u32,
    ) -> Result<(), StoreError> {
        self.around(self.inner.prune_webhooks(now, oldest, keep))
            .await
    }
}

#[async_trait]
impl ClientStore for FaultyStore {
    async fn create_client(&self, new: NewClient, origin: Origin) -> Result<(), StoreError> {
        self.around(self.inner.create_client(new, origin)).await
    }

    async fn client(
        &self,
        environment: EnvironmentId,
        client: ClientId,
    ) -> Result<Option<ClientRecord>, StoreError> {
        self.around(self.inner.client(environment, client)).await
    }

    async fn clients(
        &self,
        environment: EnvironmentId,
        after: Option<ClientId>,
        take: u32,
    ) -> Result<PageOf<(ClientRecord, Option<StoredWallet>)>, StoreError> {
        self.around(self.inner.clients(environment, after, take))
            .await
    }

    async fn create_session(
        &self,
        client: ClientId,
        session: NewSession,
        origin: Origin,
    ) -> Result<(), StoreError> {
        self.around(self.inner.create_session(client, session, origin))
            .await
    }

    async fn replace_client_key(
        &self,
        client: ClientId,
        key: CredentialHash,
        origin: Origin,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.around(self.inner.replace_client_key(client, key, origin, now))
            .await
    }

    async fn revoke_client(
        &self,
        client: ClientId,
        kind: CredentialKind,
        origin: Origin,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.around(self.inner.revoke_client(client, kind, origin, now))
            .await
    }

    async fn create_web_otp(
        &self,
        client: ClientId,
        otp: CredentialHash,
        origin: Origin,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let inner = &self.inner;
        let work = inner.create_web_otp(client, otp, origin, now, expires_at);
        self.around(work).await
    }

    async fn web_otp(
        &self,
        otp: CredentialHash,
        now: Timestamp,
    ) -> Result<Option<WebOtp>, StoreError> {
        self.around(self.inner.web_otp(otp, now)).await
    }

    async fn redeem_web_otp(
        &self,
        otp: CredentialHash,
        session: NewSession,
        trace_id: TraceId,
    ) -> Result<Option<ClientRecord>, StoreError> {
        self.around(self.inner.redeem_web_otp(otp, session, trace_id))
            .await
    }

    async fn client_by_credential(
        &self,
        credential: CredentialHash,
        now: Timestamp,
        idle_until: Timestamp,
    ) -> Result<Option<ClientAuth>, StoreError> {
        let work = self.inner.client_by_credential(credential, now, idle_until);
        self.around(work).await
    }

    async fn owner_of_credential(
        &self,
        credential: CredentialHash,
        now: Timestamp,
    ) -> Result<Option<ClientAuth>, StoreError> {
        let work = self.inner.owner_of_credential(credential, now);
        self.around(work).await
    }

    async fn tenant(&self, client: ClientId) -> Result<Tenant, StoreError> {
        self.around(self.inner.tenant(client)).await
    }
}

#[async_trait]
impl WalletStore for FaultyStore {
    async fn wallet(&self, client: ClientId) -> Result<Option<StoredWallet>, StoreError> {
        self.around(self.inner.wallet(client)).await
    }

    async fn commit_wallet(&self, commit: WalletCommit) -> Result<WalletVersion, CommitError> {
        self.record(&commit.secrets);
        self.around_commit(self.inner.commit_wallet(commit)).await
    }

    async fn signing_share(
        &self,
        client: ClientId,
        curve: Curve,
        pair: SigningSharePairId,
    ) -> Result<Option<SecretBytes>, StoreError> {
        self.around(self.inner.signing_share(client, curve, pair))
            .await
    }

    async fn audit(
        &self,
        client: ClientId,
        expected: WalletVersion,
        origin: Origin,
        act: AuditAct,
        grounds: Option<&Grounds>,
        now: Timestamp,
    ) -> Result<(), CommitError> {
        let inner = &self.inner;
        let work = inner.audit(client, expected, origin, act, grounds, now);
        self.around_commit(work).await
    }

    async fn epoch(&self) -> Result<Epoch, StoreError> {
        self.around(self.inner.epoch()).await
    }

    async fn clients_with_wallets(
        &self,
        after: Option<ClientId>,
        take: u32,
    ) -> Result<Vec<ClientId>, StoreError> {
        self.around(self.inner.clients_with_wallets(after, take))
            .await
    }

    async fn signing_turn(&self, client: ClientId) -> Result<SigningTurn, StoreError> {
        self.around(self.inner.signing_turn(client)).await
    }
}

#[async_trait]
impl OutboxStore for FaultyStore {
    async fn delivery(
        &self,
        client: ClientId,
        ids: PerCurve<BackupSharePairId>,
    ) -> Result<Option<Delivery>, StoreError> {
        self.around(self.inner.delivery(client, ids)).await
    }

    async fn due_environments(&self, now: Timestamp) -> Result<Vec<EnvironmentId>, StoreError> {
        self.around(self.inner.due_environments(now)).await
    }

    async fn claim_deliveries(
        &self,
        environment: EnvironmentId,
        now: Timestamp,
        claimed_until: Timestamp,
        take: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        self.around(
            self.inner
                .claim_deliveries(environment, now, claimed_until, take),
        )
        .await
    }

    async fn delivery_failed(
        &self,
        client: ClientId,
        ids: PerCurve<BackupSharePairId>,
        next_due_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.around(self.inner.delivery_failed(client, ids, next_due_at))
            .await
    }

    async fn claim_notices(
        &self,
        environment: EnvironmentId,
        now: Timestamp,
        claimed_until: Timestamp,
        take: u32,
    ) -> Result<Vec<Notice>, StoreError> {
        self.around(
            self.inner
                .claim_notices(environment, now, claimed_until, take),
        )
        .await
    }

    async fn notice_heard(&self, notice: &Notice) -> Result<(), StoreError> {
        self.around(self.inner.notice_heard(notice)).await
    }

    async fn notice_failed(
        &self,
        notice: &Notice,
        next_due_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.around(self.inner.notice_failed(notice, next_due_at))
            .await
    }

    async fn oldest_delivery(&self) -> Result<Option<Timestamp>, StoreError> {
        self.around(self.inner.oldest_delivery()).await
    }

    async fn outbox_depth(&self) -> Result<OutboxDepth, StoreError> {
        self.around(self.inner.outbox_depth()).await
    }
}

#[async_trait]
impl AuditStore for FaultyStore {
    async fn audit_lines(
        &self,
        environment: EnvironmentId,
        filter: AuditFilter,
        after: u64,
        take: u32,
    ) -> Result<PageOf<AuditLine>, StoreError> {
        self.around(self.inner.audit_lines(environment, filter, after, take))
            .await
    }

    async fn audit_chain(
        &self,
        environment: EnvironmentId,
        after: u64,
        take: u32,
    ) -> Result<ChainPart, StoreError> {
        self.around(self.inner.audit_chain(environment, after, take))
            .await
    }

    async fn audited_environments(
        &self,
        after: Option<EnvironmentId>,
        take: u32,
    ) -> Result<Vec<EnvironmentId>, StoreError> {
        self.around(self.inner.audited_environments(after, take))
            .await
    }
}

#[async_trait]
impl IdempotencyStore for FaultyStore {
    async fn begin_once(
        &self,
        id: Uuid,
        request: &IdempotentRequest,
        times: ClaimTimes,
    ) -> Result<Begun, StoreError> {
        self.around(self.inner.begin_once(id, request, times)).await
    }

    async fn finish_once(
        &self,
        claim: &Claim,
        act: Act,
        answer: &SecretBytes,
    ) -> Result<(), CommitError> {
        self.around_commit(self.inner.finish_once(claim, act, answer))
            .await
    }

    async fn answered_again(
        &self,
        environment: EnvironmentId,
        client: Option<ClientId>,
        credential: ShownCredential,
        origin: Origin,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let work = self
            .inner
            .answered_again(environment, client, credential, origin, now);
        self.around(work).await
    }

    async fn give_up_once(&self, claim: &Claim) -> Result<(), StoreError> {
        self.around(self.inner.give_up_once(claim)).await
    }

    async fn forget_answers(&self, now: Timestamp, take: u32) -> Result<u64, StoreError> {
        self.around(self.inner.forget_answers(now, take)).await
    }
}

#[async_trait]
impl ManagedBackupStore for FaultyStore {
    async fn custodian_share(
        &self,
        client: ClientId,
        curve: Curve,
        pair: BackupSharePairId,
    ) -> Result<Option<SecretBytes>, StoreError> {
        self.around(self.inner.custodian_share(client, curve, pair))
            .await
    }

    async fn keep_cipher_text(
        &self,
        client: ClientId,
        ids: PerCurve<BackupSharePairId>,
        cipher_text: &str,
        origin: Origin,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let inner = &self.inner;
        let work = inner.keep_cipher_text(client, ids, cipher_text, origin, now);
        self.around(work).await
    }

    async fn cipher_text(
        &self,
        client: ClientId,
        ids: PerCurve<BackupSharePairId>,
    ) -> Result<Option<String>, StoreError> {
        self.around(self.inner.cipher_text(client, ids)).await
    }
}

#[async_trait]
impl Maintenance for FaultyStore {
    async fn raise_epoch(&self, now: Timestamp, origin: Origin) -> Result<Epoch, StoreError> {
        self.around(self.inner.raise_epoch(now, origin)).await
    }

    async fn depends_on(&self, role: KmsRole) -> Result<bool, StoreError> {
        self.around(self.inner.depends_on(role)).await
    }

    async fn claim(&self, role: KmsRole) -> Result<(), StoreError> {
        self.around(self.inner.claim(role)).await
    }

    async fn rewrap(&self, from: Option<SealedAt>, take: u32) -> Result<Rewrapped, StoreError> {
        self.around(self.inner.rewrap(from, take)).await
    }
}

#[async_trait]
impl Store for FaultyStore {
    async fn ping(&self) -> Result<(), StoreError> {
        self.around(self.inner.ping()).await
    }

    async fn try_kms(&self) -> Result<(), StoreError> {
        self.around(self.inner.try_kms()).await
    }
}
