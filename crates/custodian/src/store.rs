//! What the receiver asks of its storage.

use async_trait::async_trait;
use portal_lifecycle::ids::{BackupSharePairId, ClientId, WalletId};
use portal_lifecycle::{BackupMethod, Curve, Generation, PerCurve, Timestamp};
use rand::CryptoRng;

use crate::{CipherText, Digest, InsertError, ShareText, StoreError};

/// A custodian backup share that Portal hands over.
#[derive(Debug, Clone)]
pub struct NewShare {
    /// The client whose share it is.
    pub client_id: ClientId,
    /// The pair; with the client, the key under which the share is stored once.
    pub backup_share_pair_id: BackupSharePairId,
    /// The key.
    pub wallet_id: WalletId,
    /// Its curve.
    pub curve: Curve,
    /// Orders the client's pairs.
    pub generation: Generation,
    /// How the client's part of the pair is encrypted.
    pub backup_method: BackupMethod,
    /// The share.
    pub share: ShareText,
    /// Of a share that was formed here: the digest of what it was formed from.
    pub delivery: Option<Digest>,
}

/// A custodian backup share as it was stored.
#[derive(Debug, Clone)]
pub struct StoredShare {
    /// The pair.
    pub backup_share_pair_id: BackupSharePairId,
    /// The key.
    pub wallet_id: WalletId,
    /// Its curve.
    pub curve: Curve,
    /// Orders the client's pairs.
    pub generation: Generation,
    /// The share.
    pub share: ShareText,
    /// Of a share that was formed here, from a sealed backup: the digest of what it was formed
    /// from. Such a share is never given out.
    pub delivery: Option<Digest>,
}

/// A cipher text that an app hands in.
#[derive(Debug, Clone)]
pub struct NewCipherText {
    /// The client whose backup share it holds.
    pub client_id: ClientId,
    /// How it is encrypted.
    pub backup_method: BackupMethod,
    /// The pair; with the client, the key under which the cipher text is stored once.
    pub backup_share_pair_ids: PerCurve<BackupSharePairId>,
    /// The cipher text.
    pub cipher_text: CipherText,
}

/// A cipher text as it was stored.
#[derive(Debug, Clone)]
pub struct StoredCipher {
    /// How it is encrypted.
    pub backup_method: BackupMethod,
    /// The pair whose client share it holds.
    pub backup_share_pair_ids: PerCurve<BackupSharePairId>,
    /// The cipher text.
    pub cipher_text: CipherText,
    /// When it was stored first.
    pub created_at: Timestamp,
}

/// Storage of shares and cipher texts. Each method is one transaction.
///
/// Insert-only: no share, cipher text or window is ever replaced or deleted, so that a repeated, late
/// or forged message cannot destroy the only way back to a wallet. What a method has answered
/// with `Ok` survives the loss of power.
#[async_trait]
pub trait CustodianStore: Send + Sync + 'static {
    /// Stores a share, encrypted, under (client, pair), and gives the digest of its text.
    ///
    /// The same share again for the same place (wallet, curve, generation), formed from the same,
    /// changes nothing and gives the same digest.
    ///
    /// # Errors
    ///
    /// [`InsertError::Taken`] if another share, or the same for another place, is stored there;
    /// [`InsertError::Store`].
    async fn insert_share(
        &self,
        new: NewShare,
        now: Timestamp,
        rng: &mut (dyn CryptoRng + Send),
    ) -> Result<Digest, InsertError>;

    /// Every share of the client, the newest generation first; empty if there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError`], where none of the client's shares opens. One that does not open while
    /// others do is left out, and the log says so.
    async fn shares_of(&self, client_id: ClientId) -> Result<Vec<StoredShare>, StoreError>;

    /// The client's share of a pair, whatever becomes of its other shares.
    ///
    /// # Errors
    ///
    /// [`StoreError`], where it is there and does not open, too; which never means "none".
    async fn share_of_pair(
        &self,
        client_id: ClientId,
        pair_id: BackupSharePairId,
    ) -> Result<Option<StoredShare>, StoreError>;

    /// E18: notes that a pair is of no use any more; again, it changes nothing. Its shares stay.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn release(
        &self,
        client_id: ClientId,
        pair_ids: PerCurve<BackupSharePairId>,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Pairs of the client that were released, by the id of either curve.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn released(&self, client_id: ClientId) -> Result<Vec<BackupSharePairId>, StoreError>;

    /// Whether a call under this id is heard for the first time, among all processes that share the
    /// store, and before they were started anew. Ids that were heard before `forgotten_before` may
    /// be forgotten.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; the call must then not be answered.
    async fn hear(
        &self,
        webhook_id: &str,
        now: Timestamp,
        forgotten_before: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Stores a cipher text under (client, both pair ids), and gives it as it is stored.
    ///
    /// The same again changes nothing and gives what was stored first.
    ///
    /// # Errors
    ///
    /// [`InsertError::Taken`] if another cipher text, or the same for another method, is
    /// stored there; [`InsertError::Store`].
    async fn insert_cipher_text(
        &self,
        new: NewCipherText,
        now: Timestamp,
    ) -> Result<StoredCipher, InsertError>;

    /// The client's cipher text of this method that was stored last.
    ///
    /// # Errors
    ///
    /// [`StoreError`], which never means "none".
    async fn newest_cipher_text(
        &self,
        client_id: ClientId,
        method: BackupMethod,
    ) -> Result<Option<StoredCipher>, StoreError>;

    /// The client's cipher text of this method for a pair, which either curve's id names.
    ///
    /// # Errors
    ///
    /// [`StoreError`], which never means "none".
    async fn cipher_text_of_pair(
        &self,
        client_id: ClientId,
        method: BackupMethod,
        pair_id: BackupSharePairId,
    ) -> Result<Option<StoredCipher>, StoreError>;

    /// Whether storage answers.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn ping(&self) -> Result<(), StoreError>;
}
