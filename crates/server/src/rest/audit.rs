//! The audit log, for the custodian whose environment it is.

use axum::extract::State;
use portal_api::Time;
use portal_api::audit::{AuditActor, AuditEvent, AuditQuery};
use portal_api::rest::Page;
use portal_lifecycle::ErrorId;
use portal_store::audit::{AuditAct, AuditFilter, AuditLine};

use crate::auth::Custodian;
use crate::body::Query;
use crate::page::{Wanted, page};
use crate::{ApiError, App};

/// Lists the environment's audit log, oldest line first; each line holds the hash of the one before.
#[utoipa::path(
    get,
    path = "/api/v3/custodians/me/audit-events",
    operation_id = "listAuditEvents",
    tag = "custodian",
    security(("custodianApiKey" = [])),
    params(AuditQuery),
    responses((status = 200, description = "A page of the log.", body = Page<AuditEvent>))
)]
pub(crate) async fn events(
    State(app): State<App>,
    Custodian(custodian): Custodian,
    Query(query): Query<AuditQuery>,
) -> Result<axum::Json<Page<AuditEvent>>, ApiError> {
    let wanted = Wanted::parse(query.cursor.as_deref(), query.take)?;
    if let Some(act) = &query.act
        && !AuditAct::NAMES.contains(&act.as_str())
    {
        let names = AuditAct::NAMES.join(", ");
        let what = format!("expected `act` to be one of {names}");
        return Err(ApiError::new(ErrorId::BadRequest, what));
    }
    let filter = AuditFilter {
        client_id: query.client_id,
        wallet_id: query.wallet_id,
        act: query.act,
        since: query.since.map(|time| time.0),
        until: query.until.map(|time| time.0),
    };
    let found = app
        .store
        .audit_lines(
            custodian.environment_id,
            filter,
            wanted.after.unwrap_or(0),
            wanted.with_next(),
        )
        .await?;
    let results = found.entries.into_iter().map(event).collect();
    let cursor = |event: &AuditEvent| event.sequence.to_string();
    Ok(page(results, wanted.take, found.total, cursor))
}

fn event(line: AuditLine) -> AuditEvent {
    AuditEvent {
        version: line.version,
        environment_id: line.environment_id,
        sequence: line.sequence,
        previous_hash: line.previous_hash.to_string(),
        created_at: Time(line.at),
        actor: AuditActor {
            kind: line.actor_kind,
            id: line.actor_id,
        },
        trace_id: line.trace_id,
        client_id: line.client_id,
        act: line.act,
        details: line.details,
        hash: line.hash.to_string(),
    }
}
