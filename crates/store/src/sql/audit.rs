//! The chains of the audit log.

mod carry;

use async_trait::async_trait;
use portal_lifecycle::Timestamp;
use portal_lifecycle::ids::{ClientId, EnvironmentId, TraceId, WalletId};
use uuid::Uuid;

pub(super) use carry::carry_former_lines;

use super::engine::{AnyRow, Transaction, locking, query};
use super::row::{Row, count};
use super::{SqlStore, client, custodian};
use crate::audit::{
    AuditAct, AuditFilter, AuditHash, AuditLine, ChainPart, Checkpoint, Details, Origin,
};
use crate::{AuditStore, CommitError, Grounds, PageOf, StoreError};

const EVENTS: &str = "audit_events";
const HEADS: &str = "audit_heads";

/// Lines about one client, or about an environment as a whole.
pub(super) struct Entry<'a> {
    pub(super) environment: EnvironmentId,
    pub(super) client: Option<ClientId>,
    pub(super) acts: &'a [AuditAct],
    pub(super) origin: Origin,
    pub(super) at: Timestamp,
}

/// Continues an environment's chain. Nobody else does until the transaction ends: so this comes
/// last in it, after whatever else it locks, and several environments come in the order of their
/// ids.
pub(super) async fn append(
    transaction: &mut Transaction,
    entry: Entry<'_>,
) -> Result<(), StoreError> {
    if entry.acts.is_empty() {
        return Ok(());
    }
    let mut head = lock_head(transaction, entry.environment).await?;
    for act in entry.acts {
        let (environment, client) = (entry.environment, entry.client);
        let line = AuditLine::after(head, environment, client, act, entry.origin, entry.at);
        insert(transaction, &line).await?;
        head = line.checkpoint();
    }
    Ok(())
}

/// The same, provided that what the acts were allowed by still stands.
///
/// Policies are put and credentials revoked with a line in this chain: whoever holds its end sees
/// all that were, and comes before all that will be.
pub(super) async fn append_on(
    transaction: &mut Transaction,
    entry: Entry<'_>,
    grounds: Option<&Grounds>,
) -> Result<(), CommitError> {
    if let Some(grounds) = grounds {
        lock_head(transaction, entry.environment).await?;
        if !stand(transaction, &entry, grounds).await? {
            return Err(CommitError::Overtaken);
        }
    }
    Ok(append(transaction, entry).await?)
}

async fn stand(
    transaction: &mut Transaction,
    entry: &Entry<'_>,
    grounds: &Grounds,
) -> Result<bool, StoreError> {
    let caller = grounds.caller;
    if entry.client != Some(caller.client_id) || entry.environment != caller.environment_id {
        return Ok(false);
    }
    let present = client::find_credential(transaction, caller.credential, entry.at).await?;
    if present != Some(caller) {
        return Ok(false);
    }
    let present = custodian::policies(transaction, entry.environment, entry.client).await?;
    Ok(present == grounds.policies)
}

/// Where a client's lines go.
pub(super) async fn environment_of(
    transaction: &mut Transaction,
    client: ClientId,
) -> Result<EnvironmentId, StoreError> {
    let row = query("SELECT environment_id FROM clients WHERE client_id = $1")
        .bind(client.0)
        .fetch_optional(transaction)
        .await?
        .ok_or(StoreError::NoSuchRow { table: "clients" })?;
    Row::new("clients", &row).id("environment_id", EnvironmentId)
}

async fn lock_head(
    transaction: &mut Transaction,
    environment: EnvironmentId,
) -> Result<Checkpoint, StoreError> {
    let row = locking(
        transaction,
        "SELECT sequence, hash FROM audit_heads WHERE environment_id = $1",
        "SELECT sequence, hash FROM audit_heads WHERE environment_id = $1 FOR UPDATE",
    )
    .bind(environment.0)
    .fetch_optional(transaction)
    .await?
    .ok_or(StoreError::NoSuchRow { table: HEADS })?;
    checkpoint(Row::new(HEADS, &row))
}

/// The schema moves the head on with it.
async fn insert(transaction: &mut Transaction, line: &AuditLine) -> Result<(), StoreError> {
    let details = encode(&line.details);
    query(
        "INSERT INTO audit_events (environment_id, sequence, version, previous_hash, created_at,
             actor_kind, actor_id, trace_id, client_id, act, details, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(line.environment_id.0)
    .bind(count(line.sequence, EVENTS, "sequence")?)
    .bind(i64::from(line.version))
    .bind(line.previous_hash.0.as_slice())
    .bind(line.at)
    .bind(&line.actor_kind)
    .bind(line.actor_id.as_deref())
    .bind(line.trace_id.0)
    .bind(line.client_id.map(|client| client.0))
    .bind(&line.act)
    .bind(&details)
    .bind(line.hash.0.as_slice())
    .execute(transaction)
    .await?;
    Ok(())
}

#[async_trait]
impl AuditStore for SqlStore {
    async fn audit_lines(
        &self,
        environment: EnvironmentId,
        filter: AuditFilter,
        after: u64,
        take: u32,
    ) -> Result<PageOf<AuditLine>, StoreError> {
        let mut transaction = self.engine.read().await?;
        let client = match filter.wallet_id {
            None => filter.client_id,
            Some(wallet) => {
                let owner = owner_of(&mut transaction, wallet).await?;
                // A wallet of nobody, or of another than the client that was asked for.
                match owner.filter(|owner| filter.client_id.is_none_or(|asked| asked == *owner)) {
                    Some(owner) => Some(owner),
                    None => {
                        return Ok(PageOf {
                            entries: Vec::new(),
                            total: 0,
                        });
                    }
                }
            }
        };
        let filter = AuditFilter {
            client_id: client,
            ..filter
        };
        let total = total(&mut transaction, environment, &filter).await?;
        let entries = select(&mut transaction, environment, &filter, after, take).await?;
        Ok(PageOf { entries, total })
    }

    async fn audit_chain(
        &self,
        environment: EnvironmentId,
        after: u64,
        take: u32,
    ) -> Result<ChainPart, StoreError> {
        let mut transaction = self.engine.read().await?;
        let head = head(&mut transaction, environment).await?;
        let all = AuditFilter::default();
        let lines = select(&mut transaction, environment, &all, after, take).await?;
        Ok(ChainPart { head, lines })
    }

    async fn audited_environments(
        &self,
        after: Option<EnvironmentId>,
        take: u32,
    ) -> Result<Vec<EnvironmentId>, StoreError> {
        let mut transaction = self.engine.read().await?;
        // Also one whose head is gone.
        query(
            "SELECT environment_id FROM environments WHERE ($1 IS NULL OR environment_id > $1)
             ORDER BY environment_id LIMIT $2",
        )
        .bind(after.map(|environment| environment.0))
        .bind(take)
        .fetch_all(&mut transaction)
        .await?
        .iter()
        .map(|row| Row::new("environments", row).id("environment_id", EnvironmentId))
        .collect()
    }
}

async fn head(
    transaction: &mut Transaction,
    environment: EnvironmentId,
) -> Result<Option<Checkpoint>, StoreError> {
    query("SELECT sequence, hash FROM audit_heads WHERE environment_id = $1")
        .bind(environment.0)
        .fetch_optional(transaction)
        .await?
        .map(|row| checkpoint(Row::new(HEADS, &row)))
        .transpose()
}

async fn owner_of(
    transaction: &mut Transaction,
    wallet: WalletId,
) -> Result<Option<ClientId>, StoreError> {
    query("SELECT client_id FROM wallets WHERE secp256k1_wallet_id = $1 OR ed25519_wallet_id = $1")
        .bind(wallet.0)
        .fetch_optional(transaction)
        .await?
        .map(|row| Row::new("wallets", &row).id("client_id", ClientId))
        .transpose()
}

async fn total(
    transaction: &mut Transaction,
    environment: EnvironmentId,
    filter: &AuditFilter,
) -> Result<u64, StoreError> {
    if *filter == AuditFilter::default() {
        let head = head(transaction, environment).await?;
        return Ok(head.map_or(0, |head| head.sequence));
    }
    let statement = match filter.client_id {
        Some(client) => query(
            "SELECT count(*) AS total FROM audit_events
             WHERE environment_id = $1 AND ($2 IS NULL OR act = $2)
                 AND ($3 IS NULL OR created_at >= $3) AND ($4 IS NULL OR created_at < $4)
                 AND client_id = $5",
        )
        .bind(environment.0)
        .bind(filter.act.as_deref())
        .bind(filter.since)
        .bind(filter.until)
        .bind(client.0),
        None => query(
            "SELECT count(*) AS total FROM audit_events
             WHERE environment_id = $1 AND ($2 IS NULL OR act = $2)
                 AND ($3 IS NULL OR created_at >= $3) AND ($4 IS NULL OR created_at < $4)",
        )
        .bind(environment.0)
        .bind(filter.act.as_deref())
        .bind(filter.since)
        .bind(filter.until),
    };
    let row = statement
        .fetch_optional(transaction)
        .await?
        .ok_or(StoreError::NoSuchRow { table: EVENTS })?;
    Row::new(EVENTS, &row).counter("total")
}

async fn select(
    transaction: &mut Transaction,
    environment: EnvironmentId,
    filter: &AuditFilter,
    after: u64,
    take: u32,
) -> Result<Vec<AuditLine>, StoreError> {
    // A number that no column holds is after every line.
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    // A text of its own for one client, so that its index is used.
    let statement = match filter.client_id {
        Some(client) => query(
            "SELECT * FROM audit_events
             WHERE environment_id = $1 AND ($2 IS NULL OR act = $2)
                 AND ($3 IS NULL OR created_at >= $3) AND ($4 IS NULL OR created_at < $4)
                 AND sequence > $5 AND client_id = $6
             ORDER BY sequence LIMIT $7",
        )
        .bind(environment.0)
        .bind(filter.act.as_deref())
        .bind(filter.since)
        .bind(filter.until)
        .bind(after)
        .bind(client.0)
        .bind(take),
        None => query(
            "SELECT * FROM audit_events
             WHERE environment_id = $1 AND ($2 IS NULL OR act = $2)
                 AND ($3 IS NULL OR created_at >= $3) AND ($4 IS NULL OR created_at < $4)
                 AND sequence > $5
             ORDER BY sequence LIMIT $6",
        )
        .bind(environment.0)
        .bind(filter.act.as_deref())
        .bind(filter.since)
        .bind(filter.until)
        .bind(after)
        .bind(take),
    };
    let rows = statement.fetch_all(transaction).await?;
    rows.iter().map(line).collect()
}

fn checkpoint(row: Row<'_>) -> Result<Checkpoint, StoreError> {
    Ok(Checkpoint {
        sequence: row.counter("sequence")?,
        hash: hash(row, "hash")?,
    })
}

fn line(row: &AnyRow) -> Result<AuditLine, StoreError> {
    let row = Row::new(EVENTS, row);
    let version = row.counter("version")?;
    let client: Option<Uuid> = row.value("client_id")?;
    Ok(AuditLine {
        version: u8::try_from(version).map_err(|_| row.corrupt("version"))?,
        environment_id: row.id("environment_id", EnvironmentId)?,
        sequence: row.counter("sequence")?,
        previous_hash: hash(row, "previous_hash")?,
        at: row.time("created_at")?,
        actor_kind: row.value("actor_kind")?,
        actor_id: row.value("actor_id")?,
        trace_id: row.id("trace_id", TraceId)?,
        client_id: client.map(ClientId),
        act: row.value("act")?,
        details: decode(row.value("details")?),
        hash: hash(row, "hash")?,
    })
}

fn hash(row: Row<'_>, column: &'static str) -> Result<AuditHash, StoreError> {
    let bytes: Vec<u8> = row.value(column)?;
    <[u8; 32]>::try_from(bytes.as_slice())
        .map(AuditHash)
        .map_err(|_| row.corrupt(column))
}

/// JSON, in the order of the names' bytes.
fn encode(details: &Details) -> String {
    // Text by text has a JSON always.
    serde_json::to_string(details).unwrap_or_default()
}

/// What was not written by [`encode`] is shown as it is, under no name: a walk along the chain
/// then finds that the line was altered, rather than nothing.
fn decode(text: String) -> Details {
    match serde_json::from_str(&text) {
        Ok(details) if encode(&details) == text => details,
        _ => [(String::new(), text)].into(),
    }
}
