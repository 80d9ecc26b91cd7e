//! Everything that is here of a client, for who takes it elsewhere.

use portal_lifecycle::ids::ClientId;

use super::SqlCustodianStore;
use super::engine::query;
use super::row::TableRow;
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

impl SqlCustodianStore {
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
        query(
            "SELECT DISTINCT client_id FROM backup_share WHERE client_id > $1
             ORDER BY client_id LIMIT $2",
        )
        .bind(after.map(|id| id.to_string()).unwrap_or_default())
        .bind(take)
        .read_all(&self.engine)
        .await?
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
        let rows = self.rows_of(client_id).await?;
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
