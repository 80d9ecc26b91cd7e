//! A tenant, a client, and the life of its wallet.

use core::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

use portal_lifecycle::ids::{
    BackupSharePairId, ClientId, CustodianId, DeviceId, EnvironmentId, OperationId,
    SigningSharePairId, TraceId, WalletId, WebhookSecretId,
};
use portal_lifecycle::{
    BackupCommit, BackupMethod, BackupMode, CipherTextDigest, Curve, Effect, Epoch, Event, Fence,
    OperationKind, PerCurve, Plan, Point, PublicPoints, SigningCommit, SigningPair, SigningStatus,
    Start, Timestamp, Wallet,
};
use portal_seal::{SealingKey, SecretBytes};
use uuid::Uuid;

use crate::audit::{Actor, AuditAct, AuditFilter, AuditLine, Digest, Origin, verify_chain};
use crate::kms::{KeyFileKms, Kms};
use crate::{
    AuditStore, CommitError, CredentialHash, FormerSecret, NewClient, NewCustodian, NewSession,
    Secrets, Store, StoreError, StoredWallet, WalletCommit, WalletVersion, WebhookConfig,
    WebhookSecret, WebhookVersion,
};

/// The time at which everything here begins.
#[must_use]
pub const fn now() -> Timestamp {
    Timestamp::from_ms(1_790_000_000_000)
}

/// The KMS that a property seals under.
#[must_use]
pub fn kms() -> Arc<dyn Kms> {
    // Like nothing that lies in a database in clear: tests look for it there.
    kms_of(*b"a sealing key, for tests only  \x5e")
}

/// A KMS whose one key is `key`.
pub(super) fn kms_of(key: [u8; 32]) -> Arc<dyn Kms> {
    Arc::new(KeyFileKms::from_key(SealingKey::from_bytes(key.into())))
}

/// A number that no other call gives, as an id; larger than all before.
pub(super) fn fresh() -> Uuid {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = u128::from(NEXT.fetch_add(1, Ordering::Relaxed));
    Uuid::from_u128((0x019a_0000_0000_7000_8000 << 48) | number)
}

pub(super) fn fresh_hash() -> CredentialHash {
    let (mut hash, bytes) = ([0xc4; 32], fresh().into_bytes());
    hash.iter_mut()
        .zip(bytes)
        .for_each(|(byte, from)| *byte = from);
    CredentialHash(hash)
}

/// A custodian that is nowhere yet, with a webhook.
#[must_use]
pub fn new_custodian() -> NewCustodian {
    NewCustodian {
        custodian_id: CustodianId(fresh()),
        custodian_name: "Acme".to_owned(),
        environment_id: EnvironmentId(fresh()),
        environment_name: "production".to_owned(),
        backup_mode: BackupMode::Sealed,
        api_key: fresh_hash(),
        webhook: Some(WebhookConfig {
            version: WebhookVersion::FIRST,
            base_url: "https://acme.example/portal".to_owned(),
            secret: webhook_secret(b"the secret of the webhook"),
            former: Some(FormerSecret {
                secret: webhook_secret(b"the secret of before"),
                expires_at: now().plus_ms(1_000),
            }),
        }),
        created_at: now(),
    }
}

/// What a client sealed to the custodian for these pairs; not like another pair's.
#[must_use]
pub fn blinds_of(ids: PerCurve<BackupSharePairId>) -> PerCurve<Vec<u8>> {
    ids.map(|id| [b"sealed for ".as_slice(), &id.to_bytes()].concat())
}

/// A secret of this text.
pub(super) fn webhook_secret(text: &[u8]) -> WebhookSecret {
    WebhookSecret {
        id: WebhookSecretId(fresh()),
        text: SecretBytes::new(text.to_vec()),
        created_at: now(),
    }
}

/// A client that is nowhere yet; its session is idle in ten seconds and over in a hundred.
#[must_use]
pub fn new_client(environment_id: EnvironmentId) -> NewClient {
    NewClient {
        client_id: ClientId(fresh()),
        environment_id,
        is_account_abstracted: true,
        api_key: fresh_hash(),
        session: new_session(),
        created_at: now(),
    }
}

pub(super) fn new_session() -> NewSession {
    NewSession {
        token: fresh_hash(),
        created_at: now(),
        idle_until: now().plus_ms(10_000),
        expires_at: now().plus_ms(100_000),
    }
}

/// Makes a custodian; says its environment.
pub(super) async fn environment(store: &impl Store) -> EnvironmentId {
    let new = new_custodian();
    let environment = new.environment_id;
    let made = store.create_custodian(new, origin()).await;
    made.expect("a new custodian");
    environment
}

/// The share that these tests keep under a pair id: long enough to be looked for in a file.
#[must_use]
pub fn share_of(pair: Uuid) -> SecretBytes {
    let mut share = b"planted share of ".to_vec();
    share.extend_from_slice(pair.as_bytes());
    SecretBytes::new(share)
}

/// The share of each curve of a pair.
#[must_use]
pub fn shares_of(pair: PerCurve<Uuid>) -> PerCurve<SecretBytes> {
    pair.map(share_of)
}

/// Whether `needle` occurs in `bytes`.
#[must_use]
pub fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

pub(super) fn points(key: u8, share: u8) -> PerCurve<PublicPoints> {
    let points = |curve: u8, bytes| PublicPoints {
        key: Point(vec![key ^ curve; bytes]),
        client: Point(vec![share ^ curve; bytes]),
        server: Point(vec![!share ^ curve; bytes]),
    };
    PerCurve::new(points(0, 33), points(1, 32))
}

/// Where the acts of these tests come from.
#[must_use]
pub const fn origin() -> Origin {
    Origin {
        actor: Actor::Operator,
        trace_id: TraceId(Uuid::from_u128(0x7e57)),
    }
}

/// A signature, for the audit log.
#[must_use]
pub fn signature() -> AuditAct {
    AuditAct::Signature {
        curve: Curve::Secp256k1,
        pair: SigningSharePairId(fresh()),
        payload: Digest([0xd1; 32]),
        chain: None,
        method: None,
        environment_policy: None,
        client_policy: None,
        approval: None,
    }
}

/// An environment's audit log, oldest line first; its chain is whole.
pub async fn audit_log(store: &impl AuditStore, environment: EnvironmentId) -> Vec<AuditLine> {
    let tell = |finding| panic!("{finding}");
    let walked = verify_chain(store, environment, None, tell).await;
    let walked = walked.expect("a chain that can be read");
    let all = AuditFilter::default();
    let page = store.audit_lines(environment, all, 0, u32::MAX).await;
    let page = page.expect("lines that can be read");
    assert_eq!(page.total, walked.lines, "the total counts every line");
    assert_eq!(page.entries.len() as u64, walked.lines);
    page.entries
}

/// One client's wallet, led through its life by the rules; every step is committed, read
/// back and compared.
#[derive(Debug)]
pub struct Life<'s, S> {
    pub(super) store: &'s S,
    /// Whose wallet it is.
    pub client: ClientId,
    /// Where the client lives.
    pub environment: EnvironmentId,
    /// The state that was committed last.
    pub wallet: Wallet,
    /// Its version; none before the first commit.
    pub version: Option<WalletVersion>,
    /// The time, moved on by each step.
    pub now: Timestamp,
}

impl<'s, S: Store> Life<'s, S> {
    /// Makes a custodian and a client that has no wallet yet.
    pub async fn new(store: &'s S) -> Self {
        Self::of(store, environment(store).await).await
    }

    /// Makes a client of this environment that has no wallet yet.
    pub async fn of(store: &'s S, environment: EnvironmentId) -> Self {
        let new = new_client(environment);
        let client = new.client_id;
        let made = store.create_client(new, origin()).await;
        made.expect("a new client");
        Self {
            store,
            client,
            environment,
            wallet: Wallet::new(
                PerCurve::new(WalletId(fresh()), WalletId(fresh())),
                Epoch::FIRST,
            ),
            version: None,
            now: now(),
        }
    }

    /// The same life, on another handle of its database.
    pub fn on<T: Store>(self, store: &T) -> Life<'_, T> {
        Life {
            store,
            client: self.client,
            environment: self.environment,
            wallet: self.wallet,
            version: self.version,
            now: self.now,
        }
    }

    /// A commit of `wallet` on the version that was committed last.
    pub fn commit_of(&self, wallet: &Wallet, secrets: Secrets) -> WalletCommit {
        WalletCommit {
            client_id: self.client,
            expected: self.version,
            wallet: wallet.clone(),
            secrets,
            origin: origin(),
            acts: Vec::new(),
            grounds: None,
            now: self.now,
        }
    }

    /// Commits `wallet`, reads it back and compares.
    pub async fn keep(&mut self, wallet: Wallet, secrets: Secrets) {
        let commit = self.commit_of(&wallet, secrets);
        let version = self.store.commit_wallet(commit).await;
        self.version = Some(version.unwrap_or_else(|error| panic!("{error}: {error:?}")));
        self.wallet = wallet;
        self.check().await;
    }

    /// The stored wallet is the one that was committed last.
    pub async fn check(&self) {
        let stored = self.stored().await;
        assert_eq!(
            stored.as_ref().map(|stored| &stored.wallet),
            self.version.map(|_| &self.wallet)
        );
        assert_eq!(stored.map(|stored| stored.version), self.version);
    }

    /// The wallet as it is stored.
    pub async fn stored(&self) -> Option<StoredWallet> {
        let stored = self.store.wallet(self.client).await;
        stored.expect("a wallet can be read")
    }

    /// The audit log's lines about this client, oldest first, without its making.
    pub async fn audit_log(&self) -> Vec<AuditLine> {
        let lines = audit_log(self.store, self.environment).await;
        let about = |line: &AuditLine| line.client_id == Some(self.client);
        lines.into_iter().filter(about).skip(1).collect()
    }

    /// Tries to commit `wallet`; whether it is refused or not, `self` stays where it is.
    pub async fn try_keep(
        &self,
        wallet: &Wallet,
        secrets: Secrets,
    ) -> Result<WalletVersion, CommitError> {
        self.store
            .commit_wallet(self.commit_of(wallet, secrets))
            .await
    }

    /// Applies `event` and commits what the rules make of it.
    pub async fn happen(&mut self, event: Event) -> Effect {
        self.now = self.now.plus_ms(1);
        let decided = self.wallet.apply(event, self.now);
        let decided = decided.expect("the rules allow this step");
        let secrets = match &decided.effect {
            Effect::StoreSigningShare(ids) => Secrets::StoreSigningShare {
                ids: *ids,
                shares: shares_of(ids.map(|id| id.0)),
            },
            Effect::EnqueueCustodianShare(ids) => Secrets::Enqueue {
                ids: *ids,
                shares: shares_of(ids.map(|id| id.0)),
                blinds: Some(blinds_of(*ids)),
                due_at: self.now.plus_ms(1_000),
            },
            Effect::StoreCustodianShare(ids) => Secrets::StoreCustodianShare {
                ids: *ids,
                shares: shares_of(ids.map(|id| id.0)),
            },
            Effect::EraseOutbox(ids) => Secrets::EraseOutbox { ids: *ids },
            Effect::Collect(garbage) => Secrets::Collect {
                garbage: garbage.clone(),
                due_at: self.now,
            },
            _ => Secrets::Unchanged,
        };
        self.keep(decided.wallet, secrets).await;
        decided.effect
    }

    /// What an operation of this kind would be made from now.
    #[must_use]
    pub fn plan(&self, kind: OperationKind) -> Plan {
        let signing = || {
            let current = self.wallet.current_signing();
            current.expect("a signing pair is in force").ids
        };
        let backup = || {
            let active = self.wallet.active_backup();
            active.expect("a backup is in force").ids
        };
        match kind {
            OperationKind::Generate => Plan::Generate,
            OperationKind::Backup => Plan::Backup {
                source: signing(),
                method: BackupMethod::Unknown,
                mode: BackupMode::Sealed,
            },
            OperationKind::Recover => Plan::Recover { source: backup() },
            OperationKind::Refresh => Plan::Refresh { source: signing() },
        }
    }

    /// Takes the lease for an operation.
    pub async fn start(&mut self, kind: OperationKind) -> Fence {
        let start = Start {
            operation_id: OperationId(fresh()),
            device_id: DeviceId(fresh()),
            plan: self.plan(kind),
            lease_ms: 60_000,
        };
        match self.happen(Event::Start(start)).await {
            Effect::LeaseTaken(taken) => taken.fence,
            other => panic!("expected a lease, got {other:?}"),
        }
    }

    /// Makes a signing pair, up to `STORED_DATABASE`.
    pub async fn make_signing(&mut self, kind: OperationKind) -> PerCurve<SigningSharePairId> {
        let plan = self.plan(kind);
        let fence = self.start(kind).await;
        let (ids, points) = self.next_signing();
        let commit = SigningCommit {
            fence,
            ids,
            points,
            plan,
        };
        self.happen(Event::CommitSigning(commit)).await;
        ids
    }

    /// Makes a signing pair, up to `STORED_CLIENT`.
    pub async fn sign_up(&mut self, kind: OperationKind) -> PerCurve<SigningSharePairId> {
        let ids = self.make_signing(kind).await;
        let epoch = self.wallet.epoch.number;
        self.happen(Event::ConfirmSigning { ids, epoch }).await;
        ids
    }

    /// Makes a backup pair, up to `PENDING`.
    pub async fn make_backup(&mut self, method: BackupMethod) -> PerCurve<BackupSharePairId> {
        self.make_backup_in(BackupMode::Sealed, method).await
    }

    /// The same in this mode; a managed one is not `PENDING`.
    pub async fn make_backup_in(
        &mut self,
        mode: BackupMode,
        method: BackupMethod,
    ) -> PerCurve<BackupSharePairId> {
        let fence = self.start(OperationKind::Backup).await;
        let source = self.wallet.current_signing().map(|pair| pair.ids);
        let ids = PerCurve::new(BackupSharePairId(fresh()), BackupSharePairId(fresh()));
        let commit = BackupCommit {
            fence,
            ids,
            points: points(b'Q', fresh().as_bytes()[15]),
            source: source.expect("a backup is made from a signing pair"),
            method,
            mode,
        };
        self.happen(Event::CommitBackup(commit)).await;
        ids
    }

    /// Makes a backup pair, up to `STORED_CLIENT_BACKUP_SHARE`.
    pub async fn back_up(&mut self, method: BackupMethod) -> PerCurve<BackupSharePairId> {
        let ids = self.make_backup(method).await;
        self.complete_backup(ids).await;
        ids
    }

    /// Brings a backup pair to `STORED_CLIENT_BACKUP_SHARE`.
    pub async fn complete_backup(&mut self, ids: PerCurve<BackupSharePairId>) {
        self.happen(Event::CustodianAcknowledged { ids }).await;
        self.happen(Event::ClientKeyStored { ids }).await;
        let cipher_text_digest = Some(CipherTextDigest([0xd0; 32]));
        self.happen(Event::ConfirmBackup {
            ids,
            cipher_text_digest,
        })
        .await;
    }

    /// Ids and points for another signing pair of the same key.
    pub fn next_signing(&self) -> (PerCurve<SigningSharePairId>, PerCurve<PublicPoints>) {
        let ids = PerCurve::new(SigningSharePairId(fresh()), SigningSharePairId(fresh()));
        (ids, points(b'Q', fresh().as_bytes()[15]))
    }

    /// The server's share, as it is read.
    pub async fn signing_share(
        &self,
        curve: Curve,
        ids: PerCurve<SigningSharePairId>,
    ) -> Option<SecretBytes> {
        let share = self.store.signing_share(self.client, curve, *ids.of(curve));
        share.await.expect("a share can be read")
    }
}

/// Whether the storage's own guards said no.
pub(super) fn is_refused<T>(result: &Result<T, CommitError>) -> bool {
    matches!(
        result,
        Err(CommitError::Store(
            StoreError::Statement { .. } | StoreError::Refused { .. }
        ))
    )
}

/// The wallet with one more pair, `STORED_DATABASE`, and the secrets that go with it.
#[must_use]
pub fn with_new_pair<S: Store>(life: &Life<'_, S>) -> (Wallet, Secrets) {
    let (ids, points) = life.next_signing();
    let mut next = life.wallet.clone();
    next.generation.0 += 1;
    let newest = next.signing_pairs.last().expect("has a pair").clone();
    next.signing_pairs.push(SigningPair {
        ids,
        points,
        generation: next.generation,
        status: SigningStatus::StoredDatabase,
        ..newest
    });
    let shares = shares_of(ids.map(|id| id.0));
    (next, Secrets::StoreSigningShare { ids, shares })
}
