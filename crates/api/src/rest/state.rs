//! What a client's SDK and its custodian's backend read of the client and its wallet.

use portal_lifecycle::ids::{
    BackupSharePairId, ClientId, CustodianId, EnvironmentId, SigningSharePairId, WalletId,
};
use portal_lifecycle::{BackupMethod, BackupMode, BackupStatus, Completion, Curve, SigningStatus};
use serde::{Deserialize, Serialize};

use crate::Time;

/// A client with the wallet that it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ClientState {
    /// The client.
    pub id: ClientId,
    /// When it was made.
    pub created_at: Time,
    /// Whom it belongs to.
    pub custodian: Named<CustodianId>,
    /// The environment it lives in.
    pub environment: Environment,
    /// When its key was taken out, if ever.
    pub ejected_at: Option<Time>,
    /// As the client was made.
    pub is_account_abstracted: bool,
    /// Whether a completed backup is in force. While `false`, a lost device is a lost wallet.
    pub is_backed_up: bool,
    /// The server's epoch: it grows when an older copy of its database was put in its place.
    #[serde(default)]
    pub epoch: u64,
    /// Whether the signing pair in force proved itself in this epoch. While `false`, it does not
    /// sign; confirming it again is the proof.
    #[serde(default = "yes")]
    pub is_proved: bool,
    /// Addresses; empty until both sides hold a signing pair.
    pub metadata: Metadata,
    /// The key of each curve; empty until the first operation.
    pub wallets: Vec<WalletState>,
}

const fn yes() -> bool {
    true
}

const fn plain() -> BackupMode {
    BackupMode::Plain
}

/// Something with a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Named<Id> {
    /// Its id.
    pub id: Id,
    /// What people call it.
    pub name: String,
}

/// What an environment allows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Environment {
    /// Its id.
    pub id: EnvironmentId,
    /// What people call it.
    pub name: String,
    /// Who holds the custodian's shares of new backups.
    #[serde(default = "plain")]
    pub backup_mode: BackupMode,
    /// Whether Portal keeps the custodian's backup shares itself.
    pub backup_with_portal_enabled: bool,
    /// Whether several backup methods may be active side by side. Always false: one backup is in
    /// force at a time, and a newer one takes its place.
    pub is_multi_backup_enabled: bool,
}

/// Addresses by CAIP-2 namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Metadata {
    /// By namespace.
    pub namespaces: Namespaces,
}

/// The namespaces for which a wallet has an address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Namespaces {
    /// EVM chains.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eip155: Option<NamespaceAddress>,
    /// Solana.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub solana: Option<NamespaceAddress>,
    /// Bitcoin, P2WPKH.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bip122: Option<NamespaceAddress>,
}

/// An address, and the curve of the key behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct NamespaceAddress {
    /// The address.
    pub address: String,
    /// The one on the namespace's test network, where that is written otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub testnet_address: Option<String>,
    /// The curve of its key.
    pub curve: Curve,
}

/// The key of one curve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct WalletState {
    /// Its id.
    pub id: WalletId,
    /// Its curve.
    pub curve: Curve,
    /// The compressed public key in hex; none until both sides hold a signing pair.
    pub public_key: Option<String>,
    /// Until when it may be ejected, if enabled.
    pub ejectable_until: Option<Time>,
    /// When its first pair was made.
    pub created_at: Time,
    /// Its signing pairs, oldest first: those in force or waiting for it, and the newest hundred.
    /// The wallet's own list has them all.
    pub signing_share_pairs: Vec<SigningSharePair>,
    /// Its backup pairs, oldest first: those in force or waiting for it, and the newest hundred.
    /// The wallet's own list has them all.
    pub backup_share_pairs: Vec<BackupSharePair>,
}

/// A signing pair of one curve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SigningSharePair {
    /// Its id.
    pub id: SigningSharePairId,
    /// How far it has come.
    pub status: SigningStatus,
    /// Whether both sides' shares are stored and the pair is the one in force.
    pub completion: Completion,
    /// When the server committed it.
    pub created_at: Time,
}

/// A backup pair of one curve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct BackupSharePair {
    /// Its id.
    pub id: BackupSharePairId,
    /// How far it has come.
    pub status: BackupStatus,
    /// Whether both sides' shares are stored and the pair is the one in force.
    pub completion: Completion,
    /// How the client's share is encrypted.
    pub backup_method: BackupMethod,
    /// Who holds the custodian's share; it is recovered in the same mode.
    #[serde(default = "plain")]
    pub backup_mode: BackupMode,
    /// When the server committed it.
    pub created_at: Time,
    /// When device and custodian last proved that it would recover the wallet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proved_at: Option<Time>,
}
