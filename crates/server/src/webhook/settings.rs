//! Changing an environment's webhook: its URL, and the secrets that sign.

use portal_api::Time;
use portal_api::rest::{WebhookDelivery, WebhookSecretSummary, WebhookSettings};
use portal_api::webhook::signature::{MalformedSecret, SigningSecret};
use portal_lifecycle::Timestamp;
use portal_lifecycle::ids::{EnvironmentId, WebhookSecretId};
use portal_seal::SecretBytes;
use portal_store::audit::Origin;
use portal_store::{
    CommitError, FormerSecret, Store, StoreError, WebhookAttempt, WebhookConfig, WebhookSecret,
    WebhookVersion,
};
use url::Url;

use super::{WebhookPolicy, WebhookUrlError};
use crate::entropy;

/// How long a former secret signs beside the new one unless another time is asked for: a day.
pub(crate) const FORMER_LIFE_S: u32 = 24 * 3_600;
/// How long it may at most: a week.
pub(crate) const FORMER_LIFE_MAX_S: u32 = 7 * 24 * 3_600;

/// How often a change is decided anew when another one came between.
pub(crate) const DECISIONS: u32 = 8;

/// What is to become of an environment's webhook.
pub struct WebhookChange {
    /// Another base URL.
    pub base_url: Option<String>,
    /// What becomes of the secret. An environment that has none gets one in any case.
    pub secret: SecretChange,
    /// Whether a former secret ends now.
    pub ends_former: bool,
}

/// What is to become of a webhook's secret.
pub enum SecretChange {
    /// It stays, unless the webhook moves to another origin: what signs there must not be what
    /// the receiver of before believes.
    Keep,
    /// A new one is drawn; the present one signs beside it for so many seconds, unless the webhook
    /// moves to another origin.
    Rotate {
        /// How long, in seconds; a week at most.
        former_life_s: u32,
    },
    /// This one takes its place at once.
    Set(SecretBytes),
}

/// Why a webhook stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum WebhookSettingsError {
    /// The URL will not do.
    #[error(transparent)]
    Url(#[from] WebhookUrlError),
    /// The secret will not do.
    #[error(transparent)]
    Secret(#[from] MalformedSecret),
    /// The former secret would live too long.
    #[error("expected a former secret to end within {FORMER_LIFE_MAX_S} seconds")]
    TooLong,
    /// There is no webhook to change.
    #[error("this environment has no webhook; give a base URL to configure one")]
    NotConfigured,
    /// Others change it all the time.
    #[error("the webhook is being changed by another request; try again")]
    Busy,
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Changes a webhook; gives the secret, if one was drawn.
pub(crate) async fn change(
    store: &dyn Store,
    policy: WebhookPolicy,
    environment: EnvironmentId,
    change: &WebhookChange,
    origin: Origin,
    now: Timestamp,
) -> Result<Option<SigningSecret>, WebhookSettingsError> {
    for _ in 0..DECISIONS {
        let stored = store.webhook(environment).await?;
        let (next, drawn) = decide(policy, stored, change, now)?;
        match store.put_webhook(environment, next, origin, now).await {
            Ok(()) => return Ok(drawn),
            Err(CommitError::Conflict | CommitError::Overtaken) => {}
            Err(CommitError::Store(error)) => return Err(error.into()),
        }
    }
    Err(WebhookSettingsError::Busy)
}

/// A webhook as its owner sees it: without its secrets, but for one that was just drawn.
pub(crate) async fn state(
    store: &dyn Store,
    environment: EnvironmentId,
    drawn: Option<&SigningSecret>,
    now: Timestamp,
) -> Result<WebhookSettings, WebhookSettingsError> {
    let stored = store.webhook(environment).await?;
    let webhook = stored.ok_or(WebhookSettingsError::NotConfigured)?;
    let page = store.webhook_attempts(environment, None, 1).await?;
    Ok(shown(webhook, page.entries.first(), drawn, now))
}

/// A webhook and its last call, as [`state`] shows them.
pub(crate) fn shown(
    webhook: WebhookConfig,
    last: Option<&WebhookAttempt>,
    drawn: Option<&SigningSecret>,
    now: Timestamp,
) -> WebhookSettings {
    let expires_at = webhook.former.as_ref().map(|former| former.expires_at);
    let secrets = webhook.secrets_at(now).enumerate();
    let secrets = secrets.map(|(place, secret)| WebhookSecretSummary {
        id: secret.id,
        created_at: Time(secret.created_at),
        expires_at: expires_at.filter(|_| place > 0).map(Time),
    });
    WebhookSettings {
        secrets: secrets.collect(),
        last_delivery: last.map(delivery),
        secret: drawn.map(|drawn| drawn.expose().into()), // shown this once
        static_secret: drawn.map(|drawn| drawn.static_header().into()),
        base_url: webhook.base_url,
    }
}

/// A call as the webhook's owner sees it.
pub(crate) fn delivery(attempt: &WebhookAttempt) -> WebhookDelivery {
    WebhookDelivery {
        id: attempt.id,
        kind: attempt.kind,
        webhook_id: attempt.webhook_id.clone(),
        client_id: attempt.client_id,
        backup_share_pair_id: attempt.backup_share_pair_id,
        outcome: attempt.outcome,
        status_code: attempt.status_code,
        latency_ms: attempt.latency_ms,
        trace_id: attempt.trace_id,
        created_at: Time(attempt.created_at),
    }
}

/// A first webhook, as a change to none.
pub(crate) fn first(
    policy: WebhookPolicy,
    base_url: String,
    secret: SecretBytes,
    now: Timestamp,
) -> Result<WebhookConfig, WebhookSettingsError> {
    let change = WebhookChange {
        base_url: Some(base_url),
        secret: SecretChange::Set(secret),
        ends_former: false,
    };
    Ok(decide(policy, None, &change, now)?.0)
}

/// What a change makes of a stored webhook, and the secret, if one is drawn.
pub(crate) fn decide(
    policy: WebhookPolicy,
    stored: Option<WebhookConfig>,
    change: &WebhookChange,
    now: Timestamp,
) -> Result<(WebhookConfig, Option<SigningSecret>), WebhookSettingsError> {
    let (version, base_url, present, former) = match stored {
        Some(stored) => {
            let former = stored.former.filter(|former| former.expires_at > now);
            let (version, present) = (stored.version.next(), Some(stored.secret));
            (version, Some(stored.base_url), present, former)
        }
        None => (WebhookVersion::FIRST, None, None, None),
    };
    let from = base_url.clone();
    let base_url = change.base_url.clone().or(base_url);
    let base_url = base_url.ok_or(WebhookSettingsError::NotConfigured)?;
    let to = policy.check(&base_url)?;
    // Whoever listens at the new place could hand a signed call on to the receiver of before, and
    // have its shares: nothing signs there that was believed elsewhere.
    let moves =
        from.is_some_and(|from| !Url::parse(&from).is_ok_and(|from| from.origin() == to.origin()));
    let former = former.filter(|_| !change.ends_former && !moves);
    let mut drawn = None;
    let mut draw = || {
        let secret = SigningSecret::of_random(&entropy::bytes());
        let text = SecretBytes::new(secret.expose().as_bytes().to_vec()); // to be stored
        drawn = Some(secret);
        made(text, now)
    };
    let (secret, former) = match (&change.secret, present) {
        (SecretChange::Set(text), _) => {
            let readable = std::str::from_utf8(text.expose()); // to look at its form
            SigningSecret::parse(readable.map_err(|_| MalformedSecret::NoHeader)?)?;
            (made(text.clone(), now), None)
        }
        (SecretChange::Keep, Some(present)) if !moves => (present, former),
        (SecretChange::Keep, Some(_)) => (draw(), None),
        (SecretChange::Keep | SecretChange::Rotate { .. }, None) => (draw(), None),
        (SecretChange::Rotate { former_life_s }, Some(present)) => {
            if *former_life_s > FORMER_LIFE_MAX_S {
                return Err(WebhookSettingsError::TooLong);
            }
            // The one before it ends: two sign at most.
            let former = (*former_life_s > 0 && !moves).then(|| FormerSecret {
                secret: present,
                expires_at: now.plus_ms(u64::from(*former_life_s) * 1_000),
            });
            (draw(), former)
        }
    };
    let config = WebhookConfig {
        version,
        base_url,
        secret,
        former,
    };
    Ok((config, drawn))
}

fn made(text: SecretBytes, now: Timestamp) -> WebhookSecret {
    WebhookSecret {
        id: WebhookSecretId::make(now, entropy::bytes()),
        text,
        created_at: now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who steals an API key must not get calls that the receiver of before believes.
    #[test]
    fn a_secret_stays_with_the_origin_that_it_is_for() {
        const LIFE_S: u32 = 60;
        let now = Timestamp::from_ms(1_000_000);
        let secret =
            |created_at| made(SecretBytes::new(b"a secret of before".to_vec()), created_at);
        let stored = || WebhookConfig {
            version: WebhookVersion::FIRST,
            base_url: "https://acme.example/portal".to_owned(),
            secret: secret(now),
            former: Some(FormerSecret {
                secret: secret(Timestamp::from_ms(1)),
                expires_at: now.plus_ms(1_000),
            }),
        };
        // Whether what signed goes on, and whether a former one signs beside it.
        let stays = (true, true);
        let rotated = (false, true);
        let afresh = (false, false);
        for (base_url, kept, after_rotation) in [
            (None, stays, rotated),
            (Some("https://acme.example/portal"), stays, rotated),
            (Some("https://acme.example:443/elsewhere"), stays, rotated),
            (Some("https://acme.example:8443/portal"), afresh, afresh),
            (Some("https://thief.example/portal"), afresh, afresh),
            (Some("https://acme.example.thief.example"), afresh, afresh),
        ] {
            let rotate = SecretChange::Rotate {
                former_life_s: LIFE_S,
            };
            for (secret, expected) in [(SecretChange::Keep, kept), (rotate, after_rotation)] {
                let change = WebhookChange {
                    base_url: base_url.map(ToOwned::to_owned),
                    secret,
                    ends_former: false,
                };
                let before = stored();
                let decided = decide(WebhookPolicy::default(), Some(before.clone()), &change, now);
                let (next, drawn) = decided.expect("a webhook");
                let stays = next.secret.text == before.secret.text;
                assert_eq!((stays, next.former.is_some()), expected, "{base_url:?}");
                assert_eq!(drawn.is_none(), stays, "{base_url:?}: shown if it is new");
            }
        }
    }
}
