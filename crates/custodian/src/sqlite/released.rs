//! The table of released pairs.

use portal_lifecycle::ids::{BackupSharePairId, ClientId};
use portal_lifecycle::{PerCurve, Timestamp};

use super::SqliteCustodianStore;
use super::driver::{BEGIN, TableRow, failed, stored_ms};
use crate::StoreError;

const TABLE: &str = "released_pair";

impl SqliteCustodianStore {
    pub(super) async fn release(
        &self,
        client_id: ClientId,
        pair_ids: PerCurve<BackupSharePairId>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut transaction = self.writer.begin_with(BEGIN).await.map_err(failed)?;
        for id in pair_ids.into_array() {
            sqlx::query(
                "INSERT INTO released_pair (client_id, backup_share_pair_id, created_at_ms)
                 VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            )
            .bind(client_id.to_string())
            .bind(id.to_string())
            .bind(stored_ms(now))
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)?;
        Ok(())
    }

    pub(super) async fn released(
        &self,
        client_id: ClientId,
    ) -> Result<Vec<BackupSharePairId>, StoreError> {
        sqlx::query("SELECT backup_share_pair_id FROM released_pair WHERE client_id = ?")
            .bind(client_id.to_string())
            .fetch_all(&self.readers)
            .await
            .map_err(failed)?
            .iter()
            .map(|row| {
                let row = TableRow { table: TABLE, row };
                row.text("backup_share_pair_id", |text| text.parse().ok())
            })
            .collect()
    }
}
