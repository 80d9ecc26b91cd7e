//! The tables of recovery windows and of what was answered in them.

use async_trait::async_trait;
use portal_lifecycle::Timestamp;
use portal_lifecycle::ids::ClientId;

use super::SqlCustodianStore;
use super::engine::{AnyRow, query};
use super::row::TableRow;
use crate::StoreError;
use crate::recovery::{
    RecoveryError, RecoveryPolicy, RecoveryRequest, RecoveryStore, RecoveryWindow,
};

const WINDOWS: &str = "recovery_window";
const USES: &str = "recovery_use";

const NEWEST: &str = "SELECT seq, opened_at_ms, closes_at_ms, uses_allowed,
        (SELECT count(*) FROM recovery_use WHERE window_seq = recovery_window.seq) AS uses
    FROM recovery_window WHERE client_id = $1 ORDER BY seq DESC LIMIT $2";

#[async_trait]
impl RecoveryStore for SqlCustodianStore {
    async fn open_recovery(
        &self,
        client_id: ClientId,
        policy: RecoveryPolicy,
        now: Timestamp,
    ) -> Result<RecoveryWindow, StoreError> {
        let window = RecoveryWindow {
            opened_at: now,
            closes_at: now.plus_ms(policy.window_ms),
            uses_allowed: policy.uses,
            uses: 0,
        };
        let mut transaction = self.engine.write().await?;
        query(
            "INSERT INTO recovery_window (client_id, opened_at_ms, closes_at_ms, uses_allowed)
             VALUES ($1, $2, $3, $4)",
        )
        .bind(client_id)
        .bind(window.opened_at)
        .bind(window.closes_at)
        .bind(window.uses_allowed)
        .execute(&mut transaction)
        .await?;
        transaction.commit().await?;
        Ok(window)
    }

    async fn recoveries(&self, client_id: ClientId) -> Result<Vec<RecoveryWindow>, StoreError> {
        query(NEWEST)
            .bind(client_id)
            .bind(100_u32)
            .read_all(&self.engine)
            .await?
            .iter()
            .map(window_of_row)
            .collect()
    }

    async fn use_recovery(
        &self,
        client_id: ClientId,
        request: RecoveryRequest,
        now: Timestamp,
    ) -> Result<(), RecoveryError> {
        let mut transaction = self.engine.write().await?;
        // So that the uses that are counted are all there are.
        transaction.alone_with(client_id).await?;
        let row = query(NEWEST)
            .bind(client_id)
            .bind(1_u32)
            .fetch(&mut transaction)
            .await?
            .ok_or(RecoveryError::NotOpen)?;
        let window = window_of_row(&row)?;
        if now < window.opened_at || now >= window.closes_at {
            return Err(RecoveryError::NotOpen);
        }
        let earlier = query(
            "SELECT request_digest FROM recovery_use
             WHERE request_digest = $1 OR blinds_digest = $2",
        )
        .bind(request.request)
        .bind(request.blinds)
        .fetch(&mut transaction)
        .await?;
        if let Some(earlier) = earlier {
            let row = TableRow {
                table: USES,
                row: &earlier,
            };
            return if row.digest("request_digest")? == request.request {
                Ok(())
            } else {
                Err(RecoveryError::Replayed)
            };
        }
        if window.uses >= window.uses_allowed {
            return Err(RecoveryError::NotOpen);
        }
        let seq: i64 = TableRow {
            table: WINDOWS,
            row: &row,
        }
        .value("seq")?;
        query(
            "INSERT INTO recovery_use (window_seq, request_digest, blinds_digest, used_at_ms)
             VALUES ($1, $2, $3, $4)",
        )
        .bind(seq)
        .bind(request.request)
        .bind(request.blinds)
        .bind(now)
        .execute(&mut transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }
}

fn window_of_row(row: &AnyRow) -> Result<RecoveryWindow, StoreError> {
    let row = TableRow {
        table: WINDOWS,
        row,
    };
    let count = |column| {
        let count = row.number(column)?;
        u32::try_from(count).map_err(|_| row.corrupt(column))
    };
    Ok(RecoveryWindow {
        opened_at: Timestamp::from_ms(row.number("opened_at_ms")?),
        closes_at: Timestamp::from_ms(row.number("closes_at_ms")?),
        uses_allowed: count("uses_allowed")?,
        uses: count("uses")?,
    })
}
