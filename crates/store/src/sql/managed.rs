//! Managed mode: the custodian's shares and the cipher texts, kept here.

use async_trait::async_trait;
use portal_lifecycle::ids::{BackupSharePairId, ClientId};
use portal_lifecycle::{Curve, PerCurve, Timestamp, Wallet};
use portal_seal::SecretBytes;

use super::audit::{Entry, append, environment_of};
use super::engine::{Transaction, query};
use super::row::{Row, refers_to};
use super::{SqlStore, wallet_rows};
use crate::audit::{AuditAct, Digest, Origin};
use crate::sealed::{Place, SealedSecrets};
use crate::{ManagedBackupStore, StoreError};

#[async_trait]
impl ManagedBackupStore for SqlStore {
    async fn custodian_share(
        &self,
        client: ClientId,
        curve: Curve,
        pair: BackupSharePairId,
    ) -> Result<Option<SecretBytes>, StoreError> {
        let mut transaction = self.engine.read().await?;
        let row = query(
            "SELECT sealed_share, secp256k1_wallet_id, ed25519_wallet_id
             FROM managed_backup_shares JOIN wallets USING (client_id)
             WHERE client_id = $1 AND curve = $2 AND pair_id = $3",
        )
        .bind(client.0)
        .bind(curve.as_str())
        .bind(pair.0)
        .fetch_optional(&mut transaction)
        .await?;
        drop(transaction);
        let Some(row) = row else { return Ok(None) };
        let row = Row::new("managed_backup_shares", &row);
        let place = Place::ManagedShare {
            client,
            wallet: *wallet_rows::wallet_ids(row)?.of(curve),
            pair,
            curve,
        };
        let sealed: Vec<u8> = row.value("sealed_share")?;
        self.sealer.open(&place, &sealed).await.map(Some)
    }

    async fn keep_cipher_text(
        &self,
        client: ClientId,
        ids: PerCurve<BackupSharePairId>,
        cipher_text: &str,
        origin: Origin,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.engine.write().await?;
        if let Some(stored) = stored_cipher_text(&mut transaction, client, ids).await? {
            return Ok(stored == cipher_text);
        }
        let inserted = query(
            "INSERT INTO managed_cipher_texts (secp256k1_pair_id, ed25519_pair_id, client_id,
                 cipher_text, created_at)
             VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT DO NOTHING",
        )
        .bind(ids.secp256k1.0)
        .bind(ids.ed25519.0)
        .bind(client.0)
        .bind(cipher_text)
        .bind(now)
        .execute(&mut transaction)
        .await
        .map_err(refers_to("backup_share_pairs"))?;
        if inserted == 0 {
            // On Postgres, another call may have been faster.
            let stored = stored_cipher_text(&mut transaction, client, ids).await?;
            return Ok(stored.as_deref() == Some(cipher_text));
        }
        let entry = Entry {
            environment: environment_of(&mut transaction, client).await?,
            client: Some(client),
            acts: &[AuditAct::CipherTextKept {
                ids,
                cipher_text: Digest::of(cipher_text.as_bytes()),
            }],
            origin,
            at: now,
        };
        append(&mut transaction, entry).await?;
        transaction.commit().await?;
        Ok(true)
    }

    async fn cipher_text(
        &self,
        client: ClientId,
        ids: PerCurve<BackupSharePairId>,
    ) -> Result<Option<String>, StoreError> {
        let mut transaction = self.engine.read().await?;
        stored_cipher_text(&mut transaction, client, ids).await
    }
}

async fn stored_cipher_text(
    transaction: &mut Transaction,
    client: ClientId,
    ids: PerCurve<BackupSharePairId>,
) -> Result<Option<String>, StoreError> {
    query(
        "SELECT cipher_text FROM managed_cipher_texts
         WHERE client_id = $1 AND secp256k1_pair_id = $2 AND ed25519_pair_id = $3",
    )
    .bind(client.0)
    .bind(ids.secp256k1.0)
    .bind(ids.ed25519.0)
    .fetch_optional(transaction)
    .await?
    .map(|row| Row::new("managed_cipher_texts", &row).value("cipher_text"))
    .transpose()
}

/// Stores the custodian's share of a new pair, with the pair.
pub(super) async fn write(
    transaction: &mut Transaction,
    client: ClientId,
    next: &Wallet,
    secrets: &SealedSecrets,
    now: Timestamp,
) -> Result<(), StoreError> {
    let SealedSecrets::StoreCustodianShare { ids, sealed } = secrets else {
        return Ok(());
    };
    if next.backup_pair_of(*ids).is_none() {
        return Err(StoreError::NoSuchRow {
            table: "backup_share_pairs",
        });
    }
    for (curve, sealed) in sealed.iter() {
        query(
            "INSERT INTO managed_backup_shares (pair_id, client_id, curve, sealed_share, created_at)
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(ids.of(curve).0)
        .bind(client.0)
        .bind(curve.as_str())
        .bind(sealed)
        .bind(now)
        .execute(transaction)
        .await?;
    }
    Ok(())
}
