//! What a browser calls before it has a credential.

use axum::extract::State;
use axum::http::StatusCode;
use portal_api::rest::{CreatedSession, RedeemWebOtp};

use super::custodian::new_session;
use crate::auth::{Origin, failed};
use crate::body::Json;
use crate::idempotency::Answer;
use crate::openapi::problems;
use crate::{ApiError, App, credential, trace};

problems!(Redeeming: AuthFailed, RateLimited);

/// Takes a one-time password for a session of the client that it was made for.
///
/// The password is in the body, never in the URL, and good once: where the answer is lost, ask
/// the app's backend for another.
#[utoipa::path(
    post,
    path = "/api/v3/clients/sessions",
    operation_id = "redeemWebOtp",
    tag = "client",
    request_body = RedeemWebOtp,
    responses((status = 201, description = "The session.", body = CreatedSession), Redeeming)
)]
pub(crate) async fn redeem_web_otp(
    State(app): State<App>,
    Origin(address): Origin,
    Json(body): Json<RedeemWebOtp>,
) -> Result<Answer, ApiError> {
    app.rates.may_authenticate(address)?;
    let otp = credential::hash(&body.otp);
    let client = app.store.web_otp(otp, app.clock.now()).await?;
    let client = client.ok_or_else(|| failed(&app, address))?;
    // Before it is taken: who is told to wait comes again with it.
    app.rates.client(client.client_id)?;
    let (client_session_token, session) = new_session(&app);
    let redeemed = app
        .store
        .redeem_web_otp(otp, session, trace::current())
        .await?;
    let client = redeemed.ok_or_else(|| failed(&app, address))?;
    let created = CreatedSession {
        id: client.client_id,
        client_session_token,
        is_account_abstracted: client.is_account_abstracted,
    };
    Answer::json(StatusCode::CREATED, &created)
}
