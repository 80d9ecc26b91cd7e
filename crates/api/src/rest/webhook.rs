//! Webhooks, as their custodian sets and sees them.

use portal_lifecycle::ids::{
    BackupSharePairId, ClientId, TraceId, WebhookDeliveryId, WebhookSecretId,
};
use serde::{Deserialize, Serialize};

use crate::webhook::{WebhookKind, WebhookOutcome};
use crate::{SecretText, Time};

/// What is to become of a webhook.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PutWebhook {
    /// Where calls go; `/backup` and `/backup/fetch` are appended. As it is, if left out. Another
    /// scheme, host or port has a new secret drawn, and none of before signs calls there.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::schema::WebhookBaseUrl>))]
    pub base_url: Option<String>,
    /// Whether a new secret is drawn. The first webhook has one drawn in any case.
    #[serde(default)]
    pub rotate_secret: bool,
    /// For how many seconds the secret of before signs beside the new one: a day unless given, a
    /// week at most, 0 to end it at once. It ends at once where scheme, host or port change.
    #[serde(default, deserialize_with = "crate::integer::optional_u32")]
    #[cfg_attr(feature = "openapi", schema(maximum = 604_800))]
    pub former_secret_lifetime_s: Option<u32>,
    /// Whether the secret of before ends now.
    #[serde(default)]
    pub end_former_secret: bool,
}

/// A webhook.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct WebhookSettings {
    /// Where calls go.
    pub base_url: String,
    /// The secrets that sign, the newest first; two at most.
    pub secrets: Vec<WebhookSecretSummary>,
    /// The call that ended last.
    pub last_delivery: Option<WebhookDelivery>,
    /// The secret that was drawn; shown only here, and only then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub secret: Option<SecretText>,
    /// What will stand in `X-Webhook-Secret` once that secret is the oldest that signs, for
    /// receivers that check only that; shown with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub static_secret: Option<SecretText>,
}

impl core::fmt::Debug for WebhookSettings {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("WebhookSettings")
            .field("base_url", &self.base_url)
            .field("secrets", &self.secrets)
            .field("last_delivery", &self.last_delivery)
            .finish_non_exhaustive()
    }
}

/// A secret by which webhooks are signed, without itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct WebhookSecretSummary {
    /// Its id.
    pub id: WebhookSecretId,
    /// When it came into force.
    pub created_at: Time,
    /// When it ends; none for the newest.
    pub expires_at: Option<Time>,
}

/// One call of a webhook, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct WebhookDelivery {
    /// Its id.
    pub id: WebhookDeliveryId,
    /// What it was for.
    pub kind: WebhookKind,
    /// The header `webhook-id`: the same for every attempt of one delivery.
    pub webhook_id: String,
    /// Whose shares it was about.
    pub client_id: Option<ClientId>,
    /// The pair that it was about; that of secp256k1, where it was about both curves.
    pub backup_share_pair_id: Option<BackupSharePairId>,
    /// How it ended.
    pub outcome: WebhookOutcome,
    /// The HTTP status, if there was an answer.
    pub status_code: Option<u16>,
    /// How long it took, in milliseconds.
    pub latency_ms: u32,
    /// The request, as the logs have it.
    pub trace_id: TraceId,
    /// When it ended.
    pub created_at: Time,
}

/// A call that was made to see whether it arrives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct WebhookTest {
    /// The call.
    pub delivery: WebhookDelivery,
    /// What was expected, what came, and what to do; none where all is well.
    pub detail: Option<String>,
}
