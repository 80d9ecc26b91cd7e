//! Everything that is here of a client, for who takes it elsewhere.

use portal_lifecycle::ids::ClientId;

use super::SqliteCustodianStore;
use super::driver::{TableRow, failed};
use crate::{StoreError, StoredShare};

const TABLE: &str = "backup_share";

/// The shares of one client.
#[derive(Debug)]
pub struct ExportedShares {
    /// Those that opened, the newest generation first.
    pub shares: Vec<StoredShare>,
    /// How many there are that did not open.
    pub unreadable: usize,
}

impl SqliteCustodianStore {
    /// The clients that have a share here, in the order of their ids: at most `take` of those
    /// after `after`.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn clients(
        &self,
        after: Option<ClientId>,
        take: u32,
    ) -> Result<Vec<ClientId>, StoreError> {
        sqlx::query(
            "SELECT DISTINCT client_id FROM backup_share WHERE client_id > ?
             ORDER BY client_id LIMIT ?",
        )
        .bind(after.map(|id| id.to_string()).unwrap_or_default())
        .bind(take)
        .fetch_all(&self.readers)
        .await
        .map_err(failed)?
        .iter()
        .map(|row| TableRow { table: TABLE, row }.text("client_id", |text| text.parse().ok()))
        .collect()
    }

    /// Every share of a client, released ones too, and how many did not open.
    ///
    /// # Errors
    ///
    /// [`StoreError`], where the database does not answer.
    pub async fn export(&self, client_id: ClientId) -> Result<ExportedShares, StoreError> {
        let rows = sqlx::query(
            "SELECT client_id, backup_share_pair_id, wallet_id, curve, generation, delivery_digest,
                 sealed_share
             FROM backup_share WHERE client_id = ?
             ORDER BY generation DESC, curve DESC, backup_share_pair_id DESC",
        )
        .bind(client_id.to_string())
        .fetch_all(&self.readers)
        .await
        .map_err(failed)?;
        let shares: Vec<_> = rows
            .iter()
            .filter_map(|row| {
                let share = self.share_of_row(row);
                share
                    .inspect_err(|fault| tracing::error!(%fault, "a share is left out"))
                    .ok()
            })
            .collect();
        Ok(ExportedShares {
            unreadable: rows.len() - shares.len(),
            shares,
        })
    }
}
