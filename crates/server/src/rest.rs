//! The REST endpoints. Each handler's annotation is the endpoint's description, and its route.

mod audit;
mod browser;
mod cipher_text;
mod client;
mod custodian;
mod description;
mod eject;
mod health;
mod signing_policy;
mod webhook;

use axum::Router;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};
use utoipa_axum::routes;

use crate::{ApiError, App, session};

/// All endpoints, and what is answered elsewhere.
pub(crate) fn router() -> Router<App> {
    let (router, _) = routes().split_for_parts();
    router
        .fallback(|| async { ApiError::not_found() })
        .method_not_allowed_fallback(|| async { ApiError::wrong_method() })
}

/// All endpoints with their description.
pub(crate) fn routes() -> OpenApiRouter<App> {
    // Functions, so that the descriptions are not all on the stack at once: they are large.
    let endpoints: &[fn() -> UtoipaMethodRouter<App>] = &[
        || routes!(custodian::create_client, custodian::list_clients),
        || routes!(custodian::create_client_by_older_path),
        || routes!(custodian::client),
        || routes!(custodian::create_session, custodian::revoke_sessions),
        || routes!(custodian::create_session_by_older_path),
        || {
            routes!(
                custodian::replace_client_api_key,
                custodian::revoke_client_api_key
            )
        },
        || routes!(custodian::create_web_otp),
        || routes!(browser::redeem_web_otp),
        || routes!(signing_policy::put, signing_policy::policy),
        || {
            routes!(
                signing_policy::put_of_client,
                signing_policy::policy_of_client,
                signing_policy::remove_of_client
            )
        },
        || routes!(audit::events),
        || routes!(webhook::put, webhook::get),
        || routes!(webhook::test),
        || routes!(webhook::deliveries),
        || routes!(eject::enable, eject::disable),
        || routes!(eject::shares),
        || routes!(client::state),
        || routes!(client::update_signing_pairs),
        || routes!(client::update_backup_pairs),
        || routes!(client::signing_pairs),
        || routes!(client::backup_pairs),
        || routes!(cipher_text::keep, cipher_text::kept),
        || routes!(eject::prepare),
        || routes!(eject::eject),
        || routes!(session::upgrade),
        || routes!(health::live),
        || routes!(health::ready),
        || routes!(description::openapi),
        || routes!(description::error),
    ];
    let none = OpenApiRouter::new();
    let add = |router: OpenApiRouter<App>, endpoint: &fn() -> UtoipaMethodRouter<App>| {
        router.routes(endpoint())
    };
    endpoints.iter().fold(none, add)
}
