//! What a device tells of the share pairs that it made, and the cipher texts of managed mode.

use portal_lifecycle::ids::{BackupSharePairId, ClientId, SigningSharePairId};
use portal_lifecycle::{BackupStatus, SigningStatus};
use serde::{Deserialize, Serialize};

use crate::Base64Bytes;

/// That the device has stored its shares of a signing pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateSigningSharePairs {
    /// The pair's id on both curves.
    #[cfg_attr(feature = "openapi", schema(min_items = 2, max_items = 2))]
    pub signing_share_pair_ids: Vec<SigningSharePairId>,
    /// `STORED_CLIENT`, the only status that a client sets.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::schema::SigningStatusToSet))]
    pub status: SigningStatus,
    /// For each id, in the same order, a proof of possession of the client's share.
    #[cfg_attr(feature = "openapi", schema(min_items = 2, max_items = 2))]
    pub proofs: Vec<Base64Bytes>,
    /// The server's epoch that the proofs are for, as `GET /api/v3/clients/me` tells it.
    #[serde(default, deserialize_with = "crate::integer::u64")]
    pub epoch: u64,
}

/// How far the client's part of a backup pair has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateBackupSharePairs {
    /// The pair's id on both curves.
    #[cfg_attr(feature = "openapi", schema(min_items = 2, max_items = 2))]
    pub backup_share_pair_ids: Vec<BackupSharePairId>,
    /// `STORED_CLIENT_BACKUP_SHARE_KEY` or `STORED_CLIENT_BACKUP_SHARE`.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::schema::BackupStatusToSet))]
    pub status: BackupStatus,
    /// SHA-256 of the cipher text that was stored; required to complete a backup.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::schema::Digest>))]
    pub cipher_text_digest: Option<Base64Bytes>,
}

/// A cipher text to be kept, in managed mode.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeepCipherText {
    /// What the client encrypted, both curves in one: visible ASCII characters.
    #[cfg_attr(
        feature = "openapi",
        schema(min_length = 1, max_length = 16_384, pattern = "^[!-~]+$")
    )]
    pub client_cipher_text: String,
}

impl core::fmt::Debug for KeepCipherText {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("KeepCipherText(…)")
    }
}

/// A cipher text that is kept here, in managed mode.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct KeptCipherText {
    /// What the client encrypted, both curves in one.
    pub cipher_text: String,
}

impl core::fmt::Debug for KeptCipherText {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("KeptCipherText(…)")
    }
}

/// What a proof of possession of a client's signing share is made for: its confirmation.
///
/// Bound to client, pair and epoch, so that a proof for one pair confirms no other, and none that
/// was made before the server's database was put back confirms anything after. A repeated proof
/// repeats the same confirmation and nothing else.
#[must_use]
pub fn confirmation_context(client: ClientId, pair: SigningSharePairId, epoch: u64) -> Vec<u8> {
    [
        b"portal confirm signing pair v2".as_slice(),
        &client.to_bytes(),
        &pair.to_bytes(),
        &epoch.to_be_bytes(),
    ]
    .concat()
}
