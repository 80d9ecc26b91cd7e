//! The log of before there was a chain, carried into the chains when the database is opened.

use portal_lifecycle::ids::{ClientId, EnvironmentId, SigningSharePairId, TraceId};

use super::{Entry, append};
use crate::StoreError;
use crate::audit::{Actor, AuditAct, Digest, Origin};
use crate::sql::engine::{AnyRow, Engine, query};
use crate::sql::row::Row;

const FORMER: &str = "former_audit_events";
const BATCH_LINES: u32 = 500;

/// Moves the lines of before to the chains of their environments, each as a `CARRIED_SIGNATURE`
/// with its own time and request, in batches: what is interrupted goes on when the database is
/// opened again.
pub(in crate::sql) async fn carry_former_lines(engine: &Engine) -> Result<(), StoreError> {
    let mut transaction = engine.read().await?;
    let some = query("SELECT audit_event_id FROM former_audit_events LIMIT 1")
        .fetch_optional(&mut transaction)
        .await?;
    drop(transaction);
    if some.is_some() {
        while carry_some(engine).await? {}
    }
    Ok(())
}

/// Whether there may be more.
async fn carry_some(engine: &Engine) -> Result<bool, StoreError> {
    let mut transaction = engine.write().await?;
    if transaction.locks_rows() {
        // Another node may be opening the database, too.
        query("LOCK TABLE former_audit_events IN EXCLUSIVE MODE")
            .execute(&mut transaction)
            .await?;
    }
    let rows = query(
        "SELECT audit_event_id, client_id, environment_id, subject, digest, trace_id,
             former_audit_events.created_at AS written_at
         FROM former_audit_events JOIN clients USING (client_id)
         ORDER BY audit_event_id LIMIT $1",
    )
    .bind(BATCH_LINES)
    .fetch_all(&mut transaction)
    .await?;
    let mut lines = rows.iter().map(former).collect::<Result<Vec<_>, _>>()?;
    let Some(last) = lines.last().map(|line| line.number) else {
        return Ok(false);
    };
    // Heads are locked in the order of their environments.
    lines.sort_by_key(|line| (line.environment, line.number));
    for line in lines {
        let entry = Entry {
            environment: line.environment,
            client: Some(line.client),
            acts: &[line.act],
            origin: line.origin,
            at: line.at,
        };
        append(&mut transaction, entry).await?;
    }
    query("DELETE FROM former_audit_events WHERE audit_event_id <= $1")
        .bind(last)
        .execute(&mut transaction)
        .await?;
    transaction.commit().await?;
    Ok(true)
}

struct FormerLine {
    number: i64,
    environment: EnvironmentId,
    client: ClientId,
    act: AuditAct,
    origin: Origin,
    at: portal_lifecycle::Timestamp,
}

fn former(row: &AnyRow) -> Result<FormerLine, StoreError> {
    let row = Row::new(FORMER, row);
    let digest: Vec<u8> = row.value("digest")?;
    let digest = digest.try_into().map_err(|_| row.corrupt("digest"))?;
    let client = row.id("client_id", ClientId)?;
    let act = AuditAct::CarriedSignature {
        pair: row.named("subject", |pair| pair.parse().ok().map(SigningSharePairId))?,
        payload: Digest(digest),
        former_number: row.counter("audit_event_id")?,
    };
    Ok(FormerLine {
        number: row.value("audit_event_id")?,
        environment: row.id("environment_id", EnvironmentId)?,
        client,
        act,
        origin: Origin {
            actor: Actor::Client(client),
            trace_id: row.id("trace_id", TraceId)?,
        },
        at: row.time("written_at")?,
    })
}
