//! What the OpenAPI description says of texts that Rust's types leave open.
//!
//! A `format` names what no pattern can say, such as a checksum.
#![allow(dead_code, reason = "described, never made")]

use utoipa::ToSchema;

/// An act of the audit log. The server, which knows them, lists them all.
#[derive(ToSchema)]
#[schema(value_type = String)]
pub(crate) struct AuditActName(String);

/// A status of a signing pair that its client sets.
#[derive(ToSchema)]
pub(crate) enum SigningStatusToSet {
    /// The device holds its share.
    #[schema(rename = "STORED_CLIENT")]
    StoredClient,
}

/// A status of a backup pair that its client sets.
#[derive(ToSchema)]
pub(crate) enum BackupStatusToSet {
    /// The key of the cipher text is in the user's storage.
    #[schema(rename = "STORED_CLIENT_BACKUP_SHARE_KEY")]
    Key,
    /// The cipher text is stored.
    #[schema(rename = "STORED_CLIENT_BACKUP_SHARE")]
    CipherText,
}

/// 32 bytes as base64url without padding.
#[derive(ToSchema)]
#[schema(value_type = String, pattern = "^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$")]
pub(crate) struct Digest(String);

/// An absolute URL without user, password, query and fragment: `https` to a public address, and
/// whatever else the operator allows; of at most 2,048 bytes.
#[derive(ToSchema)]
#[schema(value_type = String, format = "webhook-base-url")]
pub(crate) struct WebhookBaseUrl(String);
