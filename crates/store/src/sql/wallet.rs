//! Wallets: read as one snapshot, committed as one transaction.

use async_trait::async_trait;
use portal_lifecycle::ids::{ClientId, EnvironmentId, SigningSharePairId};
use portal_lifecycle::{Curve, Epoch, Timestamp, Wallet};
use portal_seal::SecretBytes;
use tracing::Span;

use super::audit::{Entry, append_on, environment_of};
use super::engine::{Engine, Transaction, locking, query};
use super::row::{Row, count, refers_to};
use super::{SqlStore, managed, outbox, pairs, wallet_rows};
use crate::audit::{AuditAct, Origin, changes};
use crate::sealed::Place;
use crate::{
    CommitError, Grounds, HeldTurn, Secrets, SigningTurn, StoreError, StoredWallet, WalletCommit,
    WalletStore, WalletVersion,
};

#[async_trait]
impl WalletStore for SqlStore {
    async fn wallet(&self, client: ClientId) -> Result<Option<StoredWallet>, StoreError> {
        let mut transaction = self.engine.read().await?;
        wallet_rows::load(&mut transaction, client).await
    }

    async fn commit_wallet(&self, commit: WalletCommit) -> Result<WalletVersion, CommitError> {
        if matches!(commit.secrets, Secrets::StoreCustodianShare { .. }) {
            self.claim_backups_once().await?;
        }
        let secrets = self.sealer.seal_secrets(&commit).await?;
        let client = commit.client_id;
        let mut transaction = self.engine.write().await?;
        if wallet_rows::epoch(&mut transaction).await? != commit.wallet.epoch {
            return Err(CommitError::Conflict);
        }
        let version = write_wallet(&mut transaction, &commit).await?;
        let (signing, backup) = wallet_rows::pairs(&mut transaction, client).await?;
        let next = &commit.wallet;
        pairs::write_signing(&mut transaction, client, &signing, next, &secrets).await?;
        pairs::write_backup(&mut transaction, client, &backup, &next.backup_pairs).await?;
        outbox::write(&mut transaction, &commit, &secrets).await?;
        managed::write(&mut transaction, client, next, &secrets, commit.now).await?;
        let mut acts = commit.acts.clone();
        acts.extend(changes::of_pairs(&signing, &backup, next));
        let entry = Entry {
            environment: environment_of(&mut transaction, client).await?,
            client: Some(client),
            acts: &acts,
            origin: commit.origin,
            at: commit.now,
        };
        append_on(&mut transaction, entry, commit.grounds.as_ref()).await?;
        transaction.commit().await?;
        Ok(version)
    }

    async fn signing_share(
        &self,
        client: ClientId,
        curve: Curve,
        pair: SigningSharePairId,
    ) -> Result<Option<SecretBytes>, StoreError> {
        let mut transaction = self.engine.read().await?;
        let row = query(
            "SELECT sealed_share, secp256k1_wallet_id, ed25519_wallet_id
             FROM signing_share_pairs JOIN wallets USING (client_id)
             WHERE client_id = $1 AND curve = $2 AND pair_id = $3 AND sealed_share IS NOT NULL",
        )
        .bind(client.0)
        .bind(curve.as_str())
        .bind(pair.0)
        .fetch_optional(&mut transaction)
        .await?;
        drop(transaction);
        let Some(row) = row else { return Ok(None) };
        let row = Row::new("signing_share_pairs", &row);
        let place = Place::SigningShare {
            client,
            wallet: *wallet_rows::wallet_ids(row)?.of(curve),
            pair,
            curve,
        };
        let sealed: Vec<u8> = row.value("sealed_share")?;
        self.sealer.open(&place, &sealed).await.map(Some)
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
        let mut transaction = self.engine.write().await?;
        // Locked against a commit, and not against another line.
        let row = locking(
            &transaction,
            "SELECT version, environment_id FROM wallets JOIN clients USING (client_id)
             WHERE client_id = $1",
            "SELECT version, environment_id FROM wallets JOIN clients USING (client_id)
             WHERE client_id = $1 FOR SHARE OF wallets",
        )
        .bind(client.0)
        .fetch_optional(&mut transaction)
        .await?;
        let Some(row) = row else {
            return Err(CommitError::Conflict);
        };
        let row = Row::new("wallets", &row);
        if row.counter("version")? != expected.0 {
            return Err(CommitError::Conflict);
        }
        let entry = Entry {
            environment: row.id("environment_id", EnvironmentId)?,
            client: Some(client),
            acts: &[act],
            origin,
            at: now,
        };
        append_on(&mut transaction, entry, grounds).await?;
        Ok(transaction.commit().await?)
    }

    async fn epoch(&self) -> Result<Epoch, StoreError> {
        let mut transaction = self.engine.read().await?;
        wallet_rows::epoch(&mut transaction).await
    }

    async fn clients_with_wallets(
        &self,
        after: Option<ClientId>,
        take: u32,
    ) -> Result<Vec<ClientId>, StoreError> {
        let mut transaction = self.engine.read().await?;
        query(
            "SELECT client_id FROM wallets WHERE ($1 IS NULL OR client_id > $1)
             ORDER BY client_id LIMIT $2",
        )
        .bind(after.map(|client| client.0))
        .bind(take)
        .fetch_all(&mut transaction)
        .await?
        .iter()
        .map(|row| Row::new("wallets", row).id("client_id", ClientId))
        .collect()
    }

    async fn signing_turn(&self, client: ClientId) -> Result<SigningTurn, StoreError> {
        match &self.engine {
            // One process serves a file; it takes turns by itself.
            Engine::Sqlite { .. } => Ok(SigningTurn::new(OneProcess)),
            Engine::Postgres { turns, .. } => {
                let mut transaction = Transaction::postgres(turns.begin().await?, Span::none());
                // The lock is of this transaction: it ends with the turn, or with the process.
                query("SELECT pg_advisory_xact_lock($1)")
                    .bind(turn_key(client))
                    .execute(&mut transaction)
                    .await?;
                Ok(SigningTurn::new(transaction))
            }
        }
    }
}

/// The process that serves the file.
struct OneProcess;

#[async_trait]
impl HeldTurn for OneProcess {
    async fn is_held(&mut self) -> bool {
        true
    }
}

#[async_trait]
impl HeldTurn for Transaction {
    /// The lock lives as long as the transaction, and that as long as its connection.
    async fn is_held(&mut self) -> bool {
        query("SELECT count(*) FROM deployment")
            .fetch_optional(self)
            .await
            .is_ok()
    }
}

/// Two clients whose ids end alike wait for each other; that is all.
fn turn_key(client: ClientId) -> i64 {
    let bytes = client.to_bytes();
    let (_, last) = bytes.split_last_chunk::<8>().unwrap_or((&[], &[0; 8]));
    i64::from_be_bytes(*last)
}

/// Writes the wallet's own row, if it is still as it was read.
///
/// What was decided was decided on that version; whoever writes the row first holds it until the
/// transaction ends.
async fn write_wallet(
    transaction: &mut Transaction,
    commit: &WalletCommit,
) -> Result<WalletVersion, CommitError> {
    let version = WalletVersion(
        commit
            .expected
            .map_or(1, |expected| expected.0.saturating_add(1)),
    );
    let written = match commit.expected {
        None => insert_wallet(transaction, commit, version).await?,
        // A version that no column holds is none that was read.
        Some(_) if i64::try_from(version.0).is_err() => 0,
        Some(expected) => update_wallet(transaction, commit, expected, version).await?,
    };
    if written == 1 {
        Ok(version)
    } else {
        Err(CommitError::Conflict)
    }
}

async fn insert_wallet(
    transaction: &mut Transaction,
    commit: &WalletCommit,
    version: WalletVersion,
) -> Result<u64, StoreError> {
    let columns = StateColumns::of(&commit.wallet, version)?;
    // The same commit made twice at once collides on the wallet's ids as well as on the client, and
    // Postgres forgives only what the clause names: it names none, so that it means them all.
    query(
        "INSERT INTO wallets (client_id, secp256k1_wallet_id, ed25519_wallet_id, generation, fence,
             version, lease_operation_id, lease_kind, lease_device_id, lease_fence,
             lease_generation, lease_expires_at, proved_in, ejectable_until, ejected_at, created_at,
             updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16)
         ON CONFLICT DO NOTHING",
    )
    .bind(commit.client_id.0)
    .bind(commit.wallet.ids.secp256k1.0)
    .bind(commit.wallet.ids.ed25519.0)
    .bind(columns.generation)
    .bind(columns.fence)
    .bind(columns.version)
    .bind(columns.lease_operation_id)
    .bind(columns.lease_kind)
    .bind(columns.lease_device_id)
    .bind(columns.lease_fence)
    .bind(columns.lease_generation)
    .bind(columns.lease_expires_at)
    .bind(columns.proved_in)
    .bind(commit.wallet.ejectable_until)
    .bind(commit.wallet.ejected_at)
    .bind(commit.now)
    .execute(transaction)
    .await
    .map_err(refers_to("clients"))
}

async fn update_wallet(
    transaction: &mut Transaction,
    commit: &WalletCommit,
    expected: WalletVersion,
    version: WalletVersion,
) -> Result<u64, StoreError> {
    let columns = StateColumns::of(&commit.wallet, version)?;
    // The ids are written too: the schema refuses others than those that the shares are sealed for.
    query(
        "UPDATE wallets SET secp256k1_wallet_id = $2, ed25519_wallet_id = $3, generation = $4,
             fence = $5, version = $6, lease_operation_id = $7, lease_kind = $8,
             lease_device_id = $9, lease_fence = $10, lease_generation = $11,
             lease_expires_at = $12, proved_in = $13, ejectable_until = $14, ejected_at = $15,
             updated_at = $16
         WHERE client_id = $1 AND version = $17",
    )
    .bind(commit.client_id.0)
    .bind(commit.wallet.ids.secp256k1.0)
    .bind(commit.wallet.ids.ed25519.0)
    .bind(columns.generation)
    .bind(columns.fence)
    .bind(columns.version)
    .bind(columns.lease_operation_id)
    .bind(columns.lease_kind)
    .bind(columns.lease_device_id)
    .bind(columns.lease_fence)
    .bind(columns.lease_generation)
    .bind(columns.lease_expires_at)
    .bind(columns.proved_in)
    .bind(commit.wallet.ejectable_until)
    .bind(commit.wallet.ejected_at)
    .bind(commit.now)
    .bind(count(expected.0, "wallets", "version")?)
    .execute(transaction)
    .await
    .map_err(StoreError::from)
}

/// What of a wallet stands in its own row, as it is stored.
struct StateColumns {
    proved_in: i64,
    generation: i64,
    fence: i64,
    version: i64,
    lease_operation_id: Option<uuid::Uuid>,
    lease_kind: Option<&'static str>,
    lease_device_id: Option<uuid::Uuid>,
    lease_fence: Option<i64>,
    lease_generation: Option<i64>,
    lease_expires_at: Option<Timestamp>,
}

impl StateColumns {
    fn of(wallet: &Wallet, version: WalletVersion) -> Result<Self, StoreError> {
        let count = |number, column| count(number, "wallets", column);
        let lease = wallet.lease.as_ref();
        Ok(Self {
            proved_in: count(wallet.proved_in, "proved_in")?,
            generation: count(wallet.generation.0, "generation")?,
            fence: count(wallet.fence.0, "fence")?,
            version: count(version.0, "version")?,
            lease_operation_id: lease.map(|lease| lease.operation_id.0),
            lease_kind: lease.map(|lease| lease.kind.as_str()),
            lease_device_id: lease.map(|lease| lease.device_id.0),
            lease_fence: lease
                .map(|lease| count(lease.fence.0, "lease_fence"))
                .transpose()?,
            lease_generation: lease
                .map(|lease| count(lease.generation.0, "lease_generation"))
                .transpose()?,
            lease_expires_at: lease.map(|lease| lease.expires_at),
        })
    }
}
