//! Bodies of the calls that an app makes to the custodian's backend: the cipher text; and of those
//! that the app's own backend makes to it: when a client may recover from a sealed backup.
//!
//! `PUT` and `GET /app/clients/{clientId}/cipher-texts/{backupMethod}`, with a
//! bearer token that the custodian's backend gave to the app for that client.

use portal_lifecycle::ids::BackupSharePairId;
use portal_lifecycle::{BackupMethod, PerCurve};
use serde::{Deserialize, Serialize};

use crate::{Base64Bytes, SecretText, Time};

/// `PUT /app/clients/{clientId}/cipher-texts/{backupMethod}`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StoreCipherText {
    /// The pair whose client share the cipher text holds; stored once under these ids.
    pub backup_share_pair_ids: PerCurve<BackupSharePairId>,
    /// The cipher text, as `backup_wallet` returned it.
    pub cipher_text: String,
}

/// Answer to [`StoreCipherText`] and `GET`: the newest cipher text of the method.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredCipherText {
    /// The pair whose client share the cipher text holds.
    pub backup_share_pair_ids: PerCurve<BackupSharePairId>,
    /// How it is encrypted.
    pub backup_method: BackupMethod,
    /// The cipher text.
    pub cipher_text: String,
    /// SHA-256 of the cipher text's bytes.
    pub digest: Base64Bytes,
    /// When it was stored.
    pub created_at: Time,
}

/// `POST /backend/clients/{clientId}/recoveries`: the app's backend lets a client recover from its
/// sealed backup, after a check of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OpenRecovery {}

/// Answer to [`OpenRecovery`]: a time in which the client may recover.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recovery {
    /// When it was opened.
    pub opened_at: Time,
    /// From then on it is closed.
    pub closes_at: Time,
    /// How many requests it allows.
    pub uses_allowed: u32,
    /// How many were answered.
    pub uses: u32,
    /// When it was closed before its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Time>,
    /// What the device needs to recover: told when a recovery is opened, and to the client's own
    /// app while it is open. It must not come to Portal's server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<SecretText>,
}

/// `GET /backend/clients/{clientId}/recoveries`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recoveries {
    /// Every time that was opened for the client, the newest first; a hundred at most.
    pub results: Vec<Recovery>,
}
