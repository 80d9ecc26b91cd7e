//! The tables of recovery windows and of what was answered in them.

use async_trait::async_trait;
use hkdf::Hkdf;
use portal_api::sealed::RecoveryTicket;
use portal_lifecycle::Timestamp;
use portal_lifecycle::ids::ClientId;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::SqlCustodianStore;
use super::engine::{AnyRow, Transaction, query};
use super::row::TableRow;
use crate::StoreError;
use crate::framing::framed;
use crate::recovery::{
    RecoveryError, RecoveryPolicy, RecoveryRequest, RecoveryStore, RecoveryWindow,
};

const WINDOWS: &str = "recovery_window";
const USES: &str = "recovery_use";

const NEWEST: &str = "SELECT seq, opened_at_ms, closes_at_ms, uses_allowed,
        (SELECT count(*) FROM recovery_use WHERE window_seq = recovery_window.seq) AS uses,
        (SELECT closed_at_ms FROM recovery_close
         WHERE window_seq = recovery_window.seq) AS closed_at_ms
    FROM recovery_window WHERE client_id = $1 ORDER BY seq DESC LIMIT $2";

impl SqlCustodianStore {
    /// What a window is known by: of this store's key and the window's place, so that nothing
    /// secret lies in the table.
    fn ticket(&self, client_id: ClientId, seq: i64, opened_at: Timestamp) -> RecoveryTicket {
        let place = framed(&[
            b"portal recovery ticket v1",
            &client_id.to_bytes(),
            &seq.to_be_bytes(),
            &opened_at.as_ms().to_be_bytes(),
        ]);
        let key = self.key.expose(); // to derive from it
        let derived = Hkdf::<Sha256>::new(None, key);
        let mut ticket = Zeroizing::new([0; 32]);
        // 32 bytes are one block of the most that there may be.
        let _ = derived.expand(&place, ticket.as_mut_slice());
        RecoveryTicket(ticket)
    }

    fn window_of_row(
        &self,
        client_id: ClientId,
        row: &AnyRow,
    ) -> Result<RecoveryWindow, StoreError> {
        let row = TableRow {
            table: WINDOWS,
            row,
        };
        let count = |column| {
            let count = row.number(column)?;
            u32::try_from(count).map_err(|_| row.corrupt(column))
        };
        let opened_at = Timestamp::from_ms(row.number("opened_at_ms")?);
        let closed_at_ms: Option<i64> = row.value("closed_at_ms")?;
        let closed_at_ms = closed_at_ms
            .map(|ms| u64::try_from(ms).map_err(|_| row.corrupt("closed_at_ms")))
            .transpose()?;
        Ok(RecoveryWindow {
            opened_at,
            closes_at: Timestamp::from_ms(row.number("closes_at_ms")?),
            closed_at: closed_at_ms.map(Timestamp::from_ms),
            uses_allowed: count("uses_allowed")?,
            uses: count("uses")?,
            ticket: self.ticket(client_id, row.value("seq")?, opened_at),
        })
    }

    async fn newest_window(
        &self,
        client_id: ClientId,
        on: &mut Transaction,
    ) -> Result<Option<(i64, RecoveryWindow)>, StoreError> {
        let row = query(NEWEST).bind(client_id).bind(1_u32).fetch(on).await?;
        let Some(row) = row else { return Ok(None) };
        let seq = TableRow {
            table: WINDOWS,
            row: &row,
        }
        .value("seq")?;
        Ok(Some((seq, self.window_of_row(client_id, &row)?)))
    }
}

#[async_trait]
impl RecoveryStore for SqlCustodianStore {
    async fn open_recovery(
        &self,
        client_id: ClientId,
        policy: RecoveryPolicy,
        now: Timestamp,
    ) -> Result<RecoveryWindow, StoreError> {
        let mut transaction = self.engine.write().await?;
        // So that the newest is the one that was made here.
        transaction.alone_with(client_id).await?;
        query(
            "INSERT INTO recovery_window (client_id, opened_at_ms, closes_at_ms, uses_allowed)
             VALUES ($1, $2, $3, $4)",
        )
        .bind(client_id)
        .bind(now)
        .bind(now.plus_ms(policy.window_ms))
        .bind(policy.uses)
        .execute(&mut transaction)
        .await?;
        let made = self.newest_window(client_id, &mut transaction).await?;
        transaction.commit().await?;
        made.map(|(_, window)| window).ok_or(StoreError::Corrupt {
            table: WINDOWS,
            column: "seq",
        })
    }

    async fn recovery_in_force(
        &self,
        client_id: ClientId,
        now: Timestamp,
    ) -> Result<RecoveryWindow, RecoveryError> {
        let row = query(NEWEST)
            .bind(client_id)
            .bind(1_u32)
            .read(&self.engine)
            .await?
            .ok_or(RecoveryError::NotOpen)?;
        let window = self.window_of_row(client_id, &row)?;
        if window.is_open(now) {
            Ok(window)
        } else {
            Err(RecoveryError::NotOpen)
        }
    }

    async fn close_recovery(&self, client_id: ClientId, now: Timestamp) -> Result<(), StoreError> {
        let mut transaction = self.engine.write().await?;
        transaction.alone_with(client_id).await?;
        let newest = self.newest_window(client_id, &mut transaction).await?;
        if let Some((seq, window)) = newest
            && window.is_open(now)
        {
            query("INSERT INTO recovery_close (window_seq, closed_at_ms) VALUES ($1, $2)")
                .bind(seq)
                .bind(now)
                .execute(&mut transaction)
                .await?;
        }
        transaction.commit().await
    }

    async fn recoveries(&self, client_id: ClientId) -> Result<Vec<RecoveryWindow>, StoreError> {
        query(NEWEST)
            .bind(client_id)
            .bind(100_u32)
            .read_all(&self.engine)
            .await?
            .iter()
            .map(|row| self.window_of_row(client_id, row))
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
        let newest = self.newest_window(client_id, &mut transaction).await?;
        let (seq, window) = newest.ok_or(RecoveryError::NotOpen)?;
        if !window.is_open(now) {
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
