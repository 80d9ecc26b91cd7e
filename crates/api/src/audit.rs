//! The audit log, as a custodian reads it.

use std::collections::BTreeMap;

use portal_lifecycle::ids::{ClientId, EnvironmentId, TraceId, WalletId};
use serde::{Deserialize, Serialize};

use crate::Time;

/// A line of `GET /api/v3/custodians/me/audit-events`: all that its hash covers, and the hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AuditEvent {
    /// How it is hashed.
    pub version: u8,
    /// Whose chain it is in.
    pub environment_id: EnvironmentId,
    /// Its number in the chain, from 1.
    pub sequence: u64,
    /// Hash of the line before it, in hex; zeros before the first.
    pub previous_hash: String,
    /// When it happened.
    pub created_at: Time,
    /// Who did it.
    pub actor: AuditActor,
    /// The request.
    pub trace_id: TraceId,
    /// Whom it is about; none for an act on the environment as a whole.
    pub client_id: Option<ClientId>,
    /// What was done.
    pub act: String,
    /// To what, by name.
    pub details: BTreeMap<String, String>,
    /// SHA-256 of all the above, in hex.
    pub hash: String,
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditActor {
    /// `CUSTODIAN_KEY`, `CLIENT`, `OPERATOR` or `WORKER`.
    pub kind: String,
    /// Which API key (the first 8 bytes of its SHA-256, in hex) or client.
    pub id: Option<String>,
}

/// Which lines to read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditQuery {
    /// The `cursor` of the page before, or the number of a line: those after it.
    #[cfg_attr(feature = "openapi", param(pattern = "^[0-9]{1,18}$"))]
    pub cursor: Option<String>,
    /// How many entries, 100 at most.
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 100))]
    pub take: Option<u32>,
    /// About this client.
    #[cfg_attr(feature = "openapi", param(value_type = Option<String>, format = Uuid))]
    pub client_id: Option<ClientId>,
    /// About the client of this wallet.
    #[cfg_attr(feature = "openapi", param(value_type = Option<String>, format = Uuid))]
    pub wallet_id: Option<WalletId>,
    /// Of this act.
    #[cfg_attr(feature = "openapi", param(value_type = Option<crate::schema::AuditActName>))]
    pub act: Option<String>,
    /// Of that time or later.
    #[cfg_attr(feature = "openapi", param(value_type = Option<String>, format = DateTime))]
    pub since: Option<Time>,
    /// Before that time.
    #[cfg_attr(feature = "openapi", param(value_type = Option<String>, format = DateTime))]
    pub until: Option<Time>,
}
