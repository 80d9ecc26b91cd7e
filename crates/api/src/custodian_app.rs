//! Bodies of the calls that an app makes to the custodian's backend: the cipher text.
//!
//! `PUT` and `GET /app/clients/{clientId}/cipher-texts/{backupMethod}`, with a
//! bearer token that the custodian's backend gave to the app for that client.

use portal_lifecycle::ids::BackupSharePairId;
use portal_lifecycle::{BackupMethod, PerCurve};
use serde::{Deserialize, Serialize};

use crate::{Base64Bytes, Time};

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
