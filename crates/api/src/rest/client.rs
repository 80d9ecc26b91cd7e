//! A custodian's clients, and their credentials.

use portal_lifecycle::ids::ClientId;
use serde::{Deserialize, Serialize};

use crate::SecretText;

/// What a new client is to be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateClient {
    /// Whether the client's EVM account is a smart account.
    #[serde(default)]
    pub is_account_abstracted: bool,
}

/// A new client with its credentials, which are shown only here.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CreatedClient {
    /// The client.
    pub id: ClientId,
    /// Its API key; lives until revoked.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub client_api_key: SecretText,
    /// A session token; lives 24 idle hours, 7 days at most.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub client_session_token: SecretText,
    /// As asked for.
    pub is_account_abstracted: bool,
}

impl core::fmt::Debug for CreatedClient {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("CreatedClient")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Answer of `POST /api/v3/custodians/me/clients/{id}/sessions`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CreatedSession {
    /// The client.
    pub id: ClientId,
    /// A session token; shown only here.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub client_session_token: SecretText,
    /// As the client was made.
    pub is_account_abstracted: bool,
}

impl core::fmt::Debug for CreatedSession {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("CreatedSession")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Nothing is said of a new session.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateSession {}

/// Nothing is said of a new API key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateClientApiKey {}

/// Answer of `POST /api/v3/custodians/me/clients/{id}/api-key`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CreatedClientApiKey {
    /// The client.
    pub id: ClientId,
    /// Its API key; lives until revoked, and is shown only here.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub client_api_key: SecretText,
}

impl core::fmt::Debug for CreatedClientApiKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("CreatedClientApiKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Answer of `GET /api/v1/custodians/clients/{id}/web-otp`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WebOtp {
    /// Good once, for five minutes, for a session of that client.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub otp: SecretText,
}

impl core::fmt::Debug for WebOtp {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("WebOtp")
    }
}

/// A one-time password that a browser was given by its app's backend.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RedeemWebOtp {
    /// The password.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub otp: SecretText,
}

impl core::fmt::Debug for RedeemWebOtp {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("RedeemWebOtp")
    }
}
