//! The audit log, for the custodian whose environment it is.

use axum::extract::State;
use portal_api::Time;
use portal_api::audit::{AuditActor, AuditEvent, AuditQuery};
use portal_api::limits::PAGE_ENTRIES;
use portal_api::rest::{Page, PageMetadata};
use portal_lifecycle::ErrorId;
use portal_store::audit::{AuditAct, AuditFilter, AuditLine};

use crate::auth::Custodian;
use crate::body::Query;
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
    let bad = |what: String| ApiError::new(ErrorId::BadRequest, what);
    let take = query.take.unwrap_or(PAGE_ENTRIES);
    if take == 0 || take > PAGE_ENTRIES {
        return Err(bad(format!("expected `take` from 1 to {PAGE_ENTRIES}")));
    }
    let after = match query.cursor.as_deref().map(str::parse) {
        None => 0,
        Some(Ok(sequence)) => sequence,
        Some(Err(_)) => return Err(bad("expected the `cursor` of a former page".to_owned())),
    };
    if let Some(act) = &query.act
        && !AuditAct::NAMES.contains(&act.as_str())
    {
        let names = AuditAct::NAMES.join(", ");
        return Err(bad(format!("expected `act` to be one of {names}")));
    }
    let filter = AuditFilter {
        client_id: query.client_id,
        wallet_id: query.wallet_id,
        act: query.act,
        since: query.since.map(|time| time.0),
        until: query.until.map(|time| time.0),
    };
    let page = app
        .store
        .audit_lines(custodian.environment_id, filter, after, take)
        .await?;
    let full = u32::try_from(page.entries.len()).is_ok_and(|entries| entries == take);
    let last = page.entries.last().filter(|_| full);
    let metadata = PageMetadata {
        cursor: last.map(|line| line.sequence.to_string()),
        take,
        total: page.total,
    };
    Ok(axum::Json(Page {
        results: page.entries.into_iter().map(event).collect(),
        metadata,
    }))
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
