//! A kept answer may hold a credential: whoever has another key of the environment could ask for it
//! again, weeks later.

use portal_lifecycle::ErrorId;
use portal_lifecycle::ids::{ClientId, EnvironmentId, WebhookSecretId};
use portal_store::audit::{Origin, ShownCredential};
use serde::Deserialize;

use crate::{ApiError, App, credential};

/// What an answer may hold, of all that is made once. The texts have no escapes, so nothing of them
/// is copied.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Held<'a> {
    id: Option<ClientId>,
    #[serde(borrow)]
    client_api_key: Option<&'a str>,
    client_session_token: Option<&'a str>,
    secret: Option<&'a str>,
    #[serde(default)]
    secrets: Vec<HeldSecret>,
}

#[derive(Deserialize)]
struct HeldSecret {
    id: WebhookSecretId,
}

/// Writes a line for the credential in an answer that is about to be given again.
///
/// # Errors
///
/// `IDEMPOTENT_REQUEST_MISMATCH` where the credential was revoked or has ended: whoever ended it meant all copies.
pub(super) async fn note(
    app: &App,
    environment: EnvironmentId,
    body: &[u8],
    origin: Origin,
) -> Result<(), ApiError> {
    let Ok(held) = serde_json::from_slice::<Held<'_>>(body) else {
        return Ok(()); // no JSON: no answer of that kind is made
    };
    let now = app.clock.now();
    let (credential, is_in_force) = match held {
        // It outlives the session token that came with it.
        Held {
            client_api_key: Some(text),
            ..
        } => (ShownCredential::ClientApiKey, is_in_force(app, text).await?),
        Held {
            client_session_token: Some(text),
            ..
        } => (ShownCredential::SessionToken, is_in_force(app, text).await?),
        Held {
            secret: Some(_), ..
        } => {
            let shown = held.secrets.first().map(|secret| secret.id);
            let webhook = app.store.webhook(environment).await?;
            let signs = webhook.is_some_and(|webhook| {
                let mut secrets = webhook.secrets_at(now);
                secrets.any(|secret| Some(secret.id) == shown)
            });
            (ShownCredential::WebhookSecret, signs)
        }
        _ => return Ok(()),
    };
    if !is_in_force {
        return Err(ApiError::new(
            ErrorId::IdempotentRequestMismatch,
            "the first request with this Idempotency-Key was answered with a credential that was \
             revoked or has ended since; ask for another one with a new key",
        ));
    }
    let noted = app
        .store
        .answered_again(environment, held.id, credential, origin, now);
    Ok(noted.await?)
}

async fn is_in_force(app: &App, text: &str) -> Result<bool, ApiError> {
    let owner = app
        .store
        .owner_of_credential(credential::hash(text), app.clock.now());
    Ok(owner.await?.is_some())
}
