//! The tables of recovery windows and of what was answered in them.

use async_trait::async_trait;
use portal_lifecycle::Timestamp;
use portal_lifecycle::ids::ClientId;
use sqlx::sqlite::SqliteRow;

use super::SqliteCustodianStore;
use super::driver::{BEGIN, TableRow, failed, stored_ms};
use crate::StoreError;
use crate::recovery::{
    RecoveryError, RecoveryPolicy, RecoveryRequest, RecoveryStore, RecoveryWindow,
};

const WINDOWS: &str = "recovery_window";
const USES: &str = "recovery_use";

const NEWEST: &str = "SELECT seq, opened_at_ms, closes_at_ms, uses_allowed,
        (SELECT count(*) FROM recovery_use WHERE window_seq = recovery_window.seq) AS uses
    FROM recovery_window WHERE client_id = ? ORDER BY seq DESC LIMIT ?";

#[async_trait]
impl RecoveryStore for SqliteCustodianStore {
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
        sqlx::query(
            "INSERT INTO recovery_window (client_id, opened_at_ms, closes_at_ms, uses_allowed)
             VALUES (?, ?, ?, ?)",
        )
        .bind(client_id.to_string())
        .bind(stored_ms(window.opened_at))
        .bind(stored_ms(window.closes_at))
        .bind(window.uses_allowed)
        .execute(&self.writer)
        .await
        .map_err(failed)?;
        Ok(window)
    }

    async fn recoveries(&self, client_id: ClientId) -> Result<Vec<RecoveryWindow>, StoreError> {
        sqlx::query(NEWEST)
            .bind(client_id.to_string())
            .bind(100)
            .fetch_all(&self.readers)
            .await
            .map_err(failed)?
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
        let mut transaction = self.writer.begin_with(BEGIN).await.map_err(failed)?;
        let row = sqlx::query(NEWEST)
            .bind(client_id.to_string())
            .bind(1)
            .fetch_optional(&mut *transaction)
            .await
            .map_err(failed)?
            .ok_or(RecoveryError::NotOpen)?;
        let window = window_of_row(&row)?;
        if now < window.opened_at || now >= window.closes_at {
            return Err(RecoveryError::NotOpen);
        }
        let earlier = sqlx::query(
            "SELECT request_digest FROM recovery_use
             WHERE request_digest = ? OR blinds_digest = ?",
        )
        .bind(request.request.0.to_vec())
        .bind(request.blinds.0.to_vec())
        .fetch_optional(&mut *transaction)
        .await
        .map_err(failed)?;
        if let Some(earlier) = earlier {
            let row = TableRow {
                table: USES,
                row: &earlier,
            };
            let digest: &[u8] = row.value("request_digest")?;
            return if digest == request.request.0 {
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
        sqlx::query(
            "INSERT INTO recovery_use (window_seq, request_digest, blinds_digest, used_at_ms)
             VALUES (?, ?, ?, ?)",
        )
        .bind(seq)
        .bind(request.request.0.to_vec())
        .bind(request.blinds.0.to_vec())
        .bind(stored_ms(now))
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(())
    }
}

fn window_of_row(row: &SqliteRow) -> Result<RecoveryWindow, StoreError> {
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
