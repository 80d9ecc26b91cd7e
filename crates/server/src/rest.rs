//! The REST endpoints.

mod audit;
mod client;
mod custodian;
mod health;
mod signing_policy;

use axum::Router;
use axum::routing::{get, patch, post, put};

use crate::{ApiError, App, session};

/// All endpoints.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route(
            "/api/v3/custodians/me/clients",
            post(custodian::create_client).get(custodian::list_clients),
        )
        .route("/api/v3/custodians/me/clients/{id}", get(custodian::client))
        .route(
            "/api/v3/custodians/me/clients/{id}/sessions",
            post(custodian::create_session),
        )
        .route(
            "/api/v3/custodians/me/signing-policy",
            put(signing_policy::put).get(signing_policy::policy),
        )
        .route(
            "/api/v3/custodians/me/clients/{id}/signing-policy",
            put(signing_policy::put_of_client)
                .get(signing_policy::policy_of_client)
                .delete(signing_policy::remove_of_client),
        )
        .route("/api/v3/custodians/me/audit-events", get(audit::events))
        .route("/api/v3/clients/me", get(client::state))
        .route(
            "/api/v3/clients/me/signing-share-pairs",
            patch(client::update_signing_pairs),
        )
        .route(
            "/api/v3/clients/me/backup-share-pairs",
            patch(client::update_backup_pairs),
        )
        .route(
            "/api/v3/clients/me/wallets/{id}/signing-share-pairs",
            get(client::signing_pairs),
        )
        .route(
            "/api/v3/clients/me/wallets/{id}/backup-share-pairs",
            get(client::backup_pairs),
        )
        .route(portal_api::session::PATH, get(session::upgrade))
        .route("/live", get(health::live))
        .route("/ready", get(health::ready))
        .fallback(|| async { ApiError::not_found() })
        .method_not_allowed_fallback(|| async { ApiError::wrong_method() })
}
