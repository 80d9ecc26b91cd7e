//! Taking the private keys out.

use portal_lifecycle::ids::{ClientId, WalletId};
use portal_lifecycle::{BackupMethod, PerCurve, Timestamp};
use serde::{Deserialize, Serialize};

use crate::sealed::BlindedRecovery;
use crate::{Base64Bytes, SecretText, Time};

/// Lets a user take their private keys out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EnableEject {
    /// The key of one curve; both curves of the client's wallet may then be ejected.
    pub wallet_id: WalletId,
    /// Until when: from a minute to seven days ahead; five minutes if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ejectable_until: Option<Time>,
}

/// How long a user may take their private keys out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct EjectableUntil {
    /// Until when the wallet may be ejected.
    pub ejectable_until: Time,
}

/// Both parts of a managed backup, as far as the server has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct EjectableBackupShares {
    /// The cipher text, both curves in one; none where it was never stored here.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub encrypted_client_backup_share: Option<SecretText>,
    /// The custodian's share of the curve that was named.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub custodian_backup_share: SecretText,
}

/// Which backup the keys are to be made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PrepareEject {
    /// The method of the backup in force.
    pub backup_method: BackupMethod,
    /// Of a sealed backup: what its custodian wants to see, past the server. The share is then
    /// less the blind, and both curves' shares are asked for with the same blinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blinded: Option<BlindedEject>,
}

/// What a device shows the custodian of a sealed backup, to be given its share blinded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BlindedEject {
    /// 32 bytes that the device drew: what the blinds and proofs are made for.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::schema::Digest))]
    pub challenge: Base64Bytes,
    /// The blinds and proofs, as for a recovery.
    pub recovery: BlindedRecovery,
}

/// The custodian's share of a backup, on one curve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BackupShareText {
    /// The custodian's share of the curve that was named.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub share: SecretText,
}

/// Who has taken the keys out, and that they have them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Eject {
    /// What the device is.
    #[cfg_attr(feature = "openapi", schema(max_length = 100))]
    pub client_platform: String,
    /// Its version.
    #[cfg_attr(feature = "openapi", schema(max_length = 100))]
    pub client_platform_version: String,
    /// For the key of each curve, a proof of possession of the whole of it.
    pub proofs: PerCurve<Base64Bytes>,
}

/// What a proof of possession of a whole private key is made for: the end of its wallet.
///
/// Bound to client, key and the end of the window that the custodian opened (`ejectableUntil`), so
/// that a proof which was made in one window, and never used, ends nothing in a later one.
#[must_use]
pub fn eject_context(client: ClientId, wallet: WalletId, until: Timestamp) -> Vec<u8> {
    [
        b"portal eject v1".as_slice(),
        &client.to_bytes(),
        &wallet.to_bytes(),
        &until.as_ms().to_be_bytes(),
    ]
    .concat()
}
