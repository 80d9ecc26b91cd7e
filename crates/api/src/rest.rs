//! Bodies of the REST API.

use portal_lifecycle::ids::{
    BackupSharePairId, ClientId, CustodianId, EnvironmentId, SigningSharePairId, TraceId, WalletId,
    WebhookDeliveryId, WebhookSecretId,
};
use portal_lifecycle::{BackupMethod, BackupMode, BackupStatus, Curve, SigningStatus};
use serde::{Deserialize, Serialize};

use crate::sealed::BlindedRecovery;
use crate::webhook::{WebhookKind, WebhookOutcome};
use crate::{Base64Bytes, Time};

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
    pub client_api_key: String,
    /// A session token; lives 24 idle hours, 7 days at most.
    pub client_session_token: String,
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
    pub client_session_token: String,
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
    pub client_api_key: String,
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
    pub otp: String,
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
    pub otp: String,
}

impl core::fmt::Debug for RedeemWebOtp {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("RedeemWebOtp")
    }
}

/// A client in the custodian's lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ClientSummary {
    /// The client.
    pub id: ClientId,
    /// When it was made.
    pub created_at: Time,
    /// As the client was made.
    pub is_account_abstracted: bool,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Page<T> {
    /// The entries.
    pub results: Vec<T>,
    /// Where the page lies.
    pub metadata: PageMetadata,
}

/// Where a page lies in its list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PageMetadata {
    /// Give this to read the next page; none after the last.
    pub cursor: Option<String>,
    /// How many entries were asked for.
    pub take: u32,
    /// How many entries the list has.
    pub total: u64,
}

/// Which page of a list to read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// The `cursor` of the page before.
    #[cfg_attr(feature = "openapi", param(format = Uuid))]
    pub cursor: Option<String>,
    /// How many entries, 100 at most.
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 100))]
    pub take: Option<u32>,
}

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
    pub secret: Option<String>,
    /// What will stand in `X-Webhook-Secret` once that secret is the oldest that signs, for
    /// receivers that check only that; shown with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub static_secret: Option<String>,
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
    /// Whether several backup methods may be active side by side.
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
    /// Bitcoin, P2WPKH on mainnet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bip122: Option<NamespaceAddress>,
}

/// An address, and the curve of the key behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NamespaceAddress {
    /// The address.
    pub address: String,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

/// A cipher text that is kept here, in managed mode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct KeptCipherText {
    /// What the client encrypted, both curves in one.
    pub cipher_text: String,
}

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
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct EjectableBackupShares {
    /// The cipher text, both curves in one; none where it was never stored here.
    pub encrypted_client_backup_share: Option<String>,
    /// The custodian's share of the curve that was named.
    pub custodian_backup_share: String,
}

impl core::fmt::Debug for EjectableBackupShares {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("EjectableBackupShares(…)")
    }
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
    pub challenge: Base64Bytes,
    /// The blinds and proofs, as for a recovery.
    pub recovery: BlindedRecovery,
}

/// The custodian's share of a backup, on one curve.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BackupShareText {
    /// The custodian's share of the curve that was named.
    pub share: String,
}

impl core::fmt::Debug for BackupShareText {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("BackupShareText(…)")
    }
}

/// Who has taken the keys out.
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
