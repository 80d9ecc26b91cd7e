//! Bodies of the calls that the server makes to a custodian's backend.
//!
//! `POST {base}/backup` once for each curve, then `POST {base}/backup/fetch` to
//! prove that both were stored; Recover calls only the latter. `POST {base}/backup/prove` and
//! `POST {base}/backup/released` are for receivers that know them. `POST {base}/sign/approve` is
//! called where the signing policy says so. Each call is signed ([`signature`]).

mod attempt;
mod route;
pub mod signature;

use portal_lifecycle::ids::{BackupSharePairId, ClientId, SigningSharePairId, WalletId};
use portal_lifecycle::{BackupMethod, BackupStatus, Curve, PerCurve};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::sealed::{SealedBlind, framed};
use crate::{Base64Bytes, SecretText};

pub use attempt::{WebhookKind, WebhookOutcome};
pub use route::WebhookRoute;

/// Header with what is known of a call without its signature, for receivers that check only that:
/// [`SigningSecret::static_header`](signature::SigningSecret::static_header).
pub const SECRET_HEADER: &str = "x-webhook-secret";

/// `POST {base}/backup`
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreBackupShare {
    /// The client whose share it is.
    pub client_id: ClientId,
    /// How the client's part of the pair is encrypted.
    pub backup_method: BackupMethod,
    /// The custodian's share: opaque, secret, to be stored encrypted.
    pub share: SecretText,
    /// The pair. A share is stored once under this id and never replaced.
    pub backup_share_pair_id: BackupSharePairId,
    /// The key.
    pub wallet_id: WalletId,
    /// Its curve.
    pub curve: Curve,
    /// Orders this client's pairs: the highest is the newest.
    pub generation: u64,
    /// In sealed mode: `share` is then only the server's part of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<SealedPart>,
}

/// What the custodian needs to form its share of a sealed backup from the server's part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SealedPart {
    /// The pair on both curves.
    pub backup_share_pair_ids: PerCurve<BackupSharePairId>,
    /// ρ, sealed by the client.
    pub blind: SealedBlind,
    /// The point that the custodian's share must have, compressed.
    pub point: Base64Bytes,
}

impl StoreBackupShare {
    /// What the receipt is a digest (SHA-256) of: the share's text; in sealed mode the whole of
    /// what was handed over, since the server does not know the share.
    ///
    /// Secret where the share is.
    #[must_use]
    pub fn receipt_bytes(&self) -> Zeroizing<Vec<u8>> {
        // Exposed to be hashed.
        let share = self.share.expose().as_bytes();
        let Some(sealed) = &self.sealed else {
            return Zeroizing::new(share.to_vec());
        };
        Zeroizing::new(framed(&[
            b"portal sealed backup v1",
            &self.client_id.to_bytes(),
            &self.backup_share_pair_id.to_bytes(),
            &self.wallet_id.to_bytes(),
            self.curve.as_str().as_bytes(),
            &self.generation.to_be_bytes(),
            share,
            &sealed.backup_share_pair_ids.secp256k1.to_bytes(),
            &sealed.backup_share_pair_ids.ed25519.to_bytes(),
            &sealed.blind.encode(),
            &sealed.point.0,
        ]))
    }
}

impl core::fmt::Debug for StoreBackupShare {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("StoreBackupShare")
            .field("client_id", &self.client_id)
            .field("backup_share_pair_id", &self.backup_share_pair_id)
            .field("curve", &self.curve)
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

/// Answer to [`StoreBackupShare`]; a receiver that answers anything else with 2xx is believed
/// as far as the fetch-back bears it out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredBackupShare {
    /// SHA-256 of [`StoreBackupShare::receipt_bytes`] as it was stored.
    #[serde(default)]
    pub digest: Option<Base64Bytes>,
}

/// `POST {base}/backup/fetch`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FetchBackupShares {
    /// The client whose shares are asked for.
    pub client_id: ClientId,
    /// The pair whose shares are asked for. A receiver that does not know this field gives all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_share_pair_ids: Option<PerCurve<BackupSharePairId>>,
}

/// Answer to [`FetchBackupShares`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupShares {
    /// The shares of the pair that was asked for, or every share stored for the client, in any
    /// order.
    pub backup_shares: Vec<SecretText>,
    /// For each share that was formed from a sealed backup, a receipt in its place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub receipts: Vec<BackupReceipt>,
}

/// Says that a share is stored, without giving it out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupReceipt {
    /// The pair.
    pub backup_share_pair_id: BackupSharePairId,
    /// SHA-256 of what was handed over ([`StoreBackupShare::receipt_bytes`]).
    pub digest: Base64Bytes,
    /// The stored share times the generator, compressed.
    pub point: Base64Bytes,
}

impl core::fmt::Debug for BackupShares {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "BackupShares({} shares)", self.backup_shares.len())
    }
}

/// `POST {base}/backup/recover`: the custodian's shares of a sealed backup, each blinded by what
/// the client sealed. Answered only while the app's backend lets the client recover.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecoverBackupShares {
    /// The client whose shares they are.
    pub client_id: ClientId,
    /// The pair.
    pub backup_share_pair_ids: PerCurve<BackupSharePairId>,
    /// 32 bytes that the server drew for the client's session.
    pub challenge: Base64Bytes,
    /// σ of each curve, sealed by the client.
    pub blinds: PerCurve<SealedBlind>,
    /// The client's proofs that it holds its own shares of the pair.
    pub proofs: PerCurve<Base64Bytes>,
}

/// Answer to [`RecoverBackupShares`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlindedBackupShares {
    /// The blinded share of each curve, encoded like the share.
    pub backup_shares: PerCurve<SecretText>,
}

impl core::fmt::Debug for BlindedBackupShares {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("BlindedBackupShares(…)")
    }
}

/// `POST {base}/backup/prove`: the custodian shows that it holds its shares of a pair, without
/// giving them out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProveBackupShares {
    /// The client whose shares they are.
    pub client_id: ClientId,
    /// The pair.
    pub backup_share_pair_ids: PerCurve<BackupSharePairId>,
    /// 32 bytes, fresh, for this proof alone: [`custodian_challenge`].
    pub challenge: Base64Bytes,
}

/// Answer to [`ProveBackupShares`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupShareProofs {
    /// A proof of possession of the share of each curve.
    pub proofs: PerCurve<Base64Bytes>,
}

/// What a proof that a backup would recover is made for, by either holder of a share.
#[must_use]
pub fn backup_proof_context(
    client: ClientId,
    pair: BackupSharePairId,
    challenge: &[u8; 32],
) -> Vec<u8> {
    [
        b"portal check backup v1".as_slice(),
        &client.to_bytes(),
        &pair.to_bytes(),
        challenge,
    ]
    .concat()
}

/// The challenge of a custodian's proof in one session of a device.
///
/// Both parties' 32 random bytes are in it: the server and the device each know that the proof was
/// made after they drew theirs, so that the device need not take the server's word for it. Only who
/// holds the share behind a point can make one; the server, which passes it on, cannot.
#[must_use]
pub fn custodian_challenge(server_nonce: &[u8; 32], client_nonce: &[u8; 32]) -> [u8; 32] {
    let drawn = framed(&[b"portal custodian proof v1", server_nonce, client_nonce]);
    Sha256::digest(drawn).into()
}

/// `POST {base}/backup/released`: this pair, and no other, is of no use any more.
///
/// A receiver may forget the pair's shares then. It keeps the last pair of which it holds both
/// shares, whatever it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupReleased {
    /// The client whose shares they are.
    pub client_id: ClientId,
    /// The pair.
    pub backup_share_pair_ids: PerCurve<BackupSharePairId>,
    /// `PURGED`: it was overtaken long ago, and its successor has proved itself since. A receiver
    /// takes `ABANDONED` too, which this server does not send.
    pub status: BackupStatus,
}

/// `POST {base}/sign/approve`: whether a wallet may sign this.
///
/// 2xx within five seconds allows it, without a body or with a JSON object in which `approved`, if
/// it is there, is `true`; anything else denies it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApproveSignature {
    /// The client whose wallet signs.
    pub client_id: ClientId,
    /// The key.
    pub wallet_id: WalletId,
    /// Its curve.
    pub curve: Curve,
    /// The pair that signs.
    pub signing_share_pair_id: SigningSharePairId,
    /// The request; none where raw bytes are to be signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestToApprove>,
    /// What exactly is signed: on secp256k1 a 32-byte digest, on Ed25519 the message.
    pub payload: Base64Bytes,
}

/// A request of a chain, as it came and as the server read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestToApprove {
    /// CAIP-2 id.
    pub chain: String,
    /// The JSON-RPC method.
    pub method: String,
    /// Its parameters, as the client sent them: for the record. Other readers may take another
    /// meaning from them than the one that is signed.
    pub params: serde_json::Value,
    /// What is signed and what it does, in one spelling. Judge by this.
    pub reading: serde_json::Value,
    /// What the request does, in one line for people; what is long is cut short.
    pub summary: String,
    /// Which of the request's payloads this is, from 0. Each is asked for by itself.
    pub payload_index: u16,
    /// How many payloads the request has.
    pub payload_count: u16,
}

#[cfg(test)]
mod tests {
    use super::custodian_challenge;

    #[test]
    fn either_partys_nonce_makes_another_challenge() {
        let challenge = custodian_challenge(&[1; 32], &[2; 32]);
        assert_ne!(challenge, custodian_challenge(&[1; 32], &[3; 32]));
        assert_ne!(challenge, custodian_challenge(&[3; 32], &[2; 32]));
        assert_ne!(challenge, custodian_challenge(&[2; 32], &[1; 32]));
    }
}
