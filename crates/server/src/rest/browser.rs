//! What a browser calls before it has a credential.

use axum::extract::State;
use axum::http::StatusCode;
use portal_api::rest::{CreatedSession, RedeemWebOtp};
use portal_store::audit::Actor;
use portal_store::{Act, CommitError};

use super::custodian::new_session;
use crate::auth::{Origin, failed};
use crate::body::Json;
use crate::idempotency::{Answer, IdempotencyKey, once};
use crate::openapi::problems;
use crate::wallets::origin;
use crate::{ApiError, App, credential};

problems!(Redeeming: AuthFailed, RateLimited);

/// Takes a one-time password for a session of the client that it was made for.
///
/// The password is in the body, never in the URL, and good once. Where the answer is lost, the
/// same request with the same `Idempotency-Key` gets it again for as long as the password would
/// have been good; else ask the app's backend for another.
#[utoipa::path(
    post,
    path = "/api/v3/clients/sessions",
    operation_id = "redeemWebOtp",
    tag = "client",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = RedeemWebOtp,
    responses((status = 201, description = "The session.", body = CreatedSession), Redeeming)
)]
pub(crate) async fn redeem_web_otp(
    State(app): State<App>,
    Origin(address): Origin,
    key: IdempotencyKey,
    Json(body): Json<RedeemWebOtp>,
) -> Result<Answer, ApiError> {
    app.rates.may_authenticate(address)?;
    let otp = credential::hash(body.otp.expose());
    let known = app.store.web_otp(otp, app.clock.now()).await?;
    // With one that was taken comes who repeats the request, and nobody else.
    let known = known.filter(|known| !known.is_taken || key.is_given());
    let client = known.ok_or_else(|| failed(&app, address))?.client;
    // Before it is taken: who is told to wait comes again with it.
    app.rates.client(client.client_id)?;
    let origin = origin(Actor::Client(client.client_id));
    let asked = hex::encode(otp.0);
    let (acting, of) = (app.clone(), client.clone());
    let taking = async move |keeper: crate::idempotency::Keeper| {
        let (client_session_token, session) = new_session(&acting);
        let created = CreatedSession {
            id: of.client_id,
            client_session_token,
            is_account_abstracted: of.is_account_abstracted,
        };
        let answer = Answer::json(StatusCode::CREATED, &created)?;
        let act = Act::RedeemWebOtp {
            otp,
            session,
            trace_id: origin.trace_id,
        };
        match keeper.commit(act, &answer).await {
            Ok(()) => Ok(answer),
            Err(CommitError::Conflict) => Err(failed(&acting, address)),
            Err(error) => Err(error.into()),
        }
    };
    once(&app, key, &client, origin, "redeemWebOtp", &asked, taking).await
}
