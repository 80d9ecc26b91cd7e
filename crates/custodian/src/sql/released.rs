//! The table of released pairs.

use portal_lifecycle::ids::{BackupSharePairId, ClientId};
use portal_lifecycle::{PerCurve, Timestamp};

use super::SqlCustodianStore;
use super::engine::query;
use super::row::TableRow;
use crate::StoreError;

const TABLE: &str = "released_pair";

impl SqlCustodianStore {
    pub(super) async fn release(
        &self,
        client_id: ClientId,
        pair_ids: PerCurve<BackupSharePairId>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut transaction = self.engine.write().await?;
        for id in pair_ids.into_array() {
            query(
                "INSERT INTO released_pair (client_id, backup_share_pair_id, created_at_ms)
                 VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            )
            .bind(client_id)
            .bind(id)
            .bind(now)
            .execute(&mut transaction)
            .await?;
        }
        transaction.commit().await
    }

    pub(super) async fn released(
        &self,
        client_id: ClientId,
    ) -> Result<Vec<BackupSharePairId>, StoreError> {
        query("SELECT backup_share_pair_id FROM released_pair WHERE client_id = $1")
            .bind(client_id)
            .read_all(&self.engine)
            .await?
            .iter()
            .map(|row| {
                let row = TableRow { table: TABLE, row };
                row.text("backup_share_pair_id", |text| text.parse().ok())
            })
            .collect()
    }
}
