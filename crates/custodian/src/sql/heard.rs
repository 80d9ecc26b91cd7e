//! The table of calls that are answered once.

use portal_lifecycle::Timestamp;

use super::SqlCustodianStore;
use super::engine::query;
use crate::StoreError;

impl SqlCustodianStore {
    pub(super) async fn hear(
        &self,
        webhook_id: &str,
        now: Timestamp,
        forgotten_before: Timestamp,
    ) -> Result<bool, StoreError> {
        // Two that forget at once must not wait for each other's rows crosswise.
        let forget = self.engine.either(
            "DELETE FROM heard_call WHERE heard_at_ms < $1",
            "DELETE FROM heard_call WHERE webhook_id IN (
                 SELECT webhook_id FROM heard_call WHERE heard_at_ms < $1
                 FOR UPDATE SKIP LOCKED)",
        );
        let mut transaction = self.engine.write().await?;
        query(forget)
            .bind(forgotten_before)
            .execute(&mut transaction)
            .await?;
        let inserted = query(
            "INSERT INTO heard_call (webhook_id, heard_at_ms) VALUES ($1, $2)
             ON CONFLICT DO NOTHING",
        )
        .bind(webhook_id)
        .bind(now)
        .execute(&mut transaction)
        .await?;
        transaction.commit().await?;
        Ok(inserted == 1)
    }
}
