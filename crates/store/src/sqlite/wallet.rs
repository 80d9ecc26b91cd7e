//! Wallets: read as one snapshot, committed as one transaction.

use async_trait::async_trait;
use portal_lifecycle::ids::{ClientId, SigningSharePairId};
use portal_lifecycle::{Curve, Timestamp, Wallet};
use portal_seal::SecretBytes;
use sqlx::sqlite::SqliteConnection;

use super::row::{Row, count, ms, refers_to};
use super::{SqliteStore, outbox, pairs, wallet_rows};
use crate::sealed::Place;
use crate::{
    AuditRecord, CommitError, StoreError, StoredWallet, WalletCommit, WalletStore, WalletVersion,
};

#[async_trait]
impl WalletStore for SqliteStore {
    async fn wallet(&self, client: ClientId) -> Result<Option<StoredWallet>, StoreError> {
        let mut transaction = self.read().await?;
        wallet_rows::load(&mut transaction, client).await
    }

    async fn commit_wallet(&self, commit: WalletCommit) -> Result<WalletVersion, CommitError> {
        let client = commit.client_id;
        let mut transaction = self.write().await?;
        check_version(&mut transaction, client, commit.expected).await?;
        let stored = wallet_rows::load(&mut transaction, client).await?;
        let version = WalletVersion(
            commit
                .expected
                .map_or(1, |expected| expected.0.saturating_add(1)),
        );
        let (signing_pairs, backup_pairs) = match stored {
            None => {
                insert_wallet(&mut transaction, &commit, version).await?;
                (Vec::new(), Vec::new())
            }
            Some(stored) => {
                update_wallet(&mut transaction, &commit, version).await?;
                (stored.wallet.signing_pairs, stored.wallet.backup_pairs)
            }
        };
        let (next, secrets) = (&commit.wallet, &commit.secrets);
        pairs::write_signing(
            &mut transaction,
            &self.sealer,
            client,
            &signing_pairs,
            next,
            secrets,
        )
        .await?;
        pairs::write_backup(&mut transaction, client, &backup_pairs, &next.backup_pairs).await?;
        outbox::write(
            &mut transaction,
            &self.sealer,
            client,
            next,
            secrets,
            commit.now,
        )
        .await?;
        if let Some(record) = &commit.audit {
            insert_audit(&mut transaction, client, version, record, commit.now).await?;
        }
        transaction.commit().await?;
        Ok(version)
    }

    async fn signing_share(
        &self,
        client: ClientId,
        curve: Curve,
        pair: SigningSharePairId,
    ) -> Result<Option<SecretBytes>, StoreError> {
        let mut transaction = self.read().await?;
        sqlx::query(
            "SELECT sealed_share, secp256k1_wallet_id, ed25519_wallet_id
             FROM signing_share_pairs JOIN wallets USING (client_id)
             WHERE client_id = ?1 AND curve = ?2 AND pair_id = ?3 AND sealed_share IS NOT NULL",
        )
        .bind(client.0)
        .bind(curve.as_str())
        .bind(pair.0)
        .fetch_optional(&mut *transaction)
        .await?
        .map(|row| {
            let row = Row::new("signing_share_pairs", &row);
            let place = Place::SigningShare {
                client,
                wallet: *wallet_rows::wallet_ids(row)?.of(curve),
                pair,
                curve,
            };
            self.sealer.open(&place, row.value("sealed_share")?)
        })
        .transpose()
    }

    async fn audit(
        &self,
        client: ClientId,
        expected: WalletVersion,
        record: AuditRecord,
        now: Timestamp,
    ) -> Result<(), CommitError> {
        let mut transaction = self.write().await?;
        check_version(&mut transaction, client, Some(expected)).await?;
        insert_audit(&mut transaction, client, expected, &record, now).await?;
        Ok(transaction.commit().await?)
    }
}

/// What was decided was decided on this version, and inside a write transaction it stays so.
async fn check_version(
    connection: &mut SqliteConnection,
    client: ClientId,
    expected: Option<WalletVersion>,
) -> Result<(), CommitError> {
    let stored = sqlx::query("SELECT version FROM wallets WHERE client_id = ?1")
        .bind(client.0)
        .fetch_optional(connection)
        .await?
        .map(|row| Row::new("wallets", &row).counter("version"))
        .transpose()?
        .map(WalletVersion);
    if stored == expected {
        Ok(())
    } else {
        Err(CommitError::Conflict)
    }
}

async fn insert_wallet(
    connection: &mut SqliteConnection,
    commit: &WalletCommit,
    version: WalletVersion,
) -> Result<(), StoreError> {
    let columns = StateColumns::of(&commit.wallet, version)?;
    sqlx::query(
        "INSERT INTO wallets (client_id, secp256k1_wallet_id, ed25519_wallet_id, generation, fence,
             version, lease_operation_id, lease_kind, lease_device_id, lease_fence,
             lease_generation, lease_expires_at, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?13)",
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
    .bind(ms(commit.now))
    .execute(connection)
    .await
    .map_err(refers_to("clients"))?;
    Ok(())
}

async fn update_wallet(
    connection: &mut SqliteConnection,
    commit: &WalletCommit,
    version: WalletVersion,
) -> Result<(), StoreError> {
    let columns = StateColumns::of(&commit.wallet, version)?;
    // The ids are written too: the schema refuses others than those that the shares are sealed for.
    sqlx::query(
        "UPDATE wallets SET secp256k1_wallet_id = ?2, ed25519_wallet_id = ?3, generation = ?4,
             fence = ?5, version = ?6, lease_operation_id = ?7, lease_kind = ?8,
             lease_device_id = ?9, lease_fence = ?10, lease_generation = ?11,
             lease_expires_at = ?12, updated_at = ?13
         WHERE client_id = ?1",
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
    .bind(ms(commit.now))
    .execute(connection)
    .await?;
    Ok(())
}

/// What of a wallet stands in its own row, as it is stored.
struct StateColumns {
    generation: i64,
    fence: i64,
    version: i64,
    lease_operation_id: Option<uuid::Uuid>,
    lease_kind: Option<&'static str>,
    lease_device_id: Option<uuid::Uuid>,
    lease_fence: Option<i64>,
    lease_generation: Option<i64>,
    lease_expires_at: Option<i64>,
}

impl StateColumns {
    fn of(wallet: &Wallet, version: WalletVersion) -> Result<Self, StoreError> {
        let count = |number, column| count(number, "wallets", column);
        let lease = wallet.lease.as_ref();
        Ok(Self {
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
            lease_expires_at: lease.map(|lease| ms(lease.expires_at)),
        })
    }
}

async fn insert_audit(
    connection: &mut SqliteConnection,
    client: ClientId,
    version: WalletVersion,
    record: &AuditRecord,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO audit_events (client_id, wallet_version, action, subject, digest, trace_id,
             created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )
    .bind(client.0)
    .bind(count(version.0, "audit_events", "wallet_version")?)
    .bind(record.action)
    .bind(&record.subject)
    .bind(record.digest.as_slice())
    .bind(record.trace_id.0)
    .bind(ms(now))
    .execute(connection)
    .await?;
    Ok(())
}
