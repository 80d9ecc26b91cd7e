//! Sealed backups: the blinds that this device draws and seals to the custodian, past the server.
//!
//! # Security
//!
//! The custodian's public key comes from the app ([`PortalBuilder::sealing_key`]), never from the
//! server: whoever chose the key could open the blinds. The mode is the app's choice too, whatever
//! the server says: with a key sealed, plain where the app asks for that, and no backup else.
//!
//! [`PortalBuilder::sealing_key`]: crate::PortalBuilder::sealing_key

use portal_api::Base64Bytes;
use portal_api::rest::ClientState;
use portal_api::sealed::{
    BlindedRecovery, PinnedSealingKey, RecoveryTicket, SealContext, SealPurpose, SealedBlind,
    blind_context, recovery_proof_context,
};
use portal_lifecycle::ids::{BackupSharePairId, ClientId, WalletId};
use portal_lifecycle::{BackupMode, Curve, ErrorId, PerCurve};
use portal_mpc::{Blind, Ed25519, Group, KeyShare, KeyShares, Secp256k1};
use portal_seal::recipient::RecipientKey;

use crate::portal::Backups;
use crate::{Error, Portal, ambient};

/// What blinds are drawn for.
#[derive(Clone, Copy)]
pub(super) struct Purpose {
    pub(super) key: PinnedSealingKey,
    pub(super) purpose: SealPurpose,
    pub(super) client_id: ClientId,
    pub(super) backup_share_pair_ids: PerCurve<BackupSharePairId>,
    pub(super) wallet_ids: PerCurve<WalletId>,
    pub(super) generation: u64,
    /// The server's nonce of this session.
    pub(super) nonce: [u8; 32],
}

/// A blind for each curve, with what the custodian is to open.
pub(super) struct Blinds {
    secp256k1: Blind<Secp256k1>,
    ed25519: Blind<Ed25519>,
    pub(super) sealed: PerCurve<SealedBlind>,
}

impl Blinds {
    /// Draws and seals. `source` is the pair at hand: of it, Q is sealed for, and the draw hangs
    /// on its secret too.
    pub(super) fn draw(purpose: &Purpose, source: &KeyShares) -> Result<Self, Error> {
        let (secp256k1, sealed_secp256k1) = purpose.draw(Curve::Secp256k1, &source.secp256k1)?;
        let (ed25519, sealed_ed25519) = purpose.draw(Curve::Ed25519, &source.ed25519)?;
        Ok(Self {
            secp256k1,
            ed25519,
            sealed: PerCurve::new(sealed_secp256k1, sealed_ed25519),
        })
    }

    /// This device's shares with the blinds added.
    pub(super) fn add(&self, shares: KeyShares) -> Result<KeyShares, Error> {
        let no_share = |_| {
            Error::new(
                ErrorId::ReshareFailed,
                "the blind left no share; run the operation again",
            )
        };
        Ok(KeyShares {
            secp256k1: shares
                .secp256k1
                .blinded(&self.secp256k1)
                .map_err(no_share)?,
            ed25519: shares.ed25519.blinded(&self.ed25519).map_err(no_share)?,
        })
    }

    /// What the custodian wants to see in a recovery: the blinds, and proofs that this device
    /// holds the client's shares.
    pub(super) fn recovery(
        &self,
        purpose: &Purpose,
        ticket: &RecoveryTicket,
        source: &KeyShares,
    ) -> BlindedRecovery {
        let context = recovery_proof_context(
            purpose.client_id,
            purpose.backup_share_pair_ids,
            ticket,
            &purpose.nonce,
            &self.sealed,
        );
        let rng = &mut ambient::rng();
        BlindedRecovery {
            blinds: self.sealed.clone(),
            proofs: PerCurve::new(
                source.secp256k1.prove_possession(&context, rng),
                source.ed25519.prove_possession(&context, rng),
            )
            .map(Base64Bytes),
        }
    }
}

impl Purpose {
    fn draw<G: Group>(
        &self,
        curve: Curve,
        source: &KeyShare<G>,
    ) -> Result<(Blind<G>, SealedBlind), Error> {
        let rng = &mut ambient::rng();
        let pair = *self.backup_share_pair_ids.of(curve);
        let drawn_for = blind_context(self.purpose, pair, &self.nonce);
        let blind = Blind::draw(source, &drawn_for, rng);
        let (key, point) = (source.points().key(), blind.point());
        let context = SealContext {
            purpose: self.purpose,
            client_id: self.client_id,
            backup_share_pair_ids: self.backup_share_pair_ids,
            wallet_id: *self.wallet_ids.of(curve),
            curve,
            generation: self.generation,
            key: &key,
            point: &point,
        };
        let sealed = RecipientKey(self.key.0)
            .seal(
                &context.info(),
                &context.associated_data(),
                blind.encode().as_slice(), // to be sealed
                rng,
            )
            .map_err(|error| {
                let detail = format!("the pinned sealing key: {error}");
                Error::new(ErrorId::SealingKeyUnknown, detail)
            })?;
        let sealed = SealedBlind {
            key_id: Base64Bytes(self.key.id().to_vec()),
            point: Base64Bytes(point.clone()),
            encapsulated: Base64Bytes(sealed.encapsulated.to_vec()),
            cipher_text: Base64Bytes(sealed.cipher_text),
        };
        Ok((blind, sealed))
    }
}

impl Portal {
    /// The mode of this wallet's next backup, and the key that a sealed one is sealed to: as the
    /// app chose, whatever the server says.
    pub(super) fn new_backup_mode(
        &self,
        state: &ClientState,
    ) -> Result<(BackupMode, Option<PinnedSealingKey>), Error> {
        let mode = state.environment.backup_mode;
        match (self.backups, mode) {
            (Some(Backups::Sealed(key)), BackupMode::Sealed) => Ok((mode, Some(key))),
            (Some(Backups::Plain), BackupMode::Plain | BackupMode::Managed) => Ok((mode, None)),
            (_, BackupMode::Sealed) => Err(no_key()),
            (Some(Backups::Sealed(_)), mode) => Err(Error::new(
                ErrorId::BackupModeMismatch,
                format!(
                    "this app pins a sealing key, so it makes sealed backups only, and the server \
                     asks for a {mode} one, in which it would see the custodian's share"
                ),
            )),
            (None, mode) => Err(Error::new(
                ErrorId::BackupModeMismatch,
                format!(
                    "the server asks for a {mode} backup, in which it would see the custodian's \
                     share, and this app chose no mode; pin the custodian's sealing key, or ask \
                     for plain backups if that is meant"
                ),
            )),
        }
    }

    /// Whether the app pins a sealing key.
    pub(super) const fn makes_sealed_backups(&self) -> bool {
        matches!(self.backups, Some(Backups::Sealed(_)))
    }

    /// The key that a recovery from this pair seals to, and the ticket that it shows; none if the
    /// pair is not sealed.
    pub(super) fn recovery_key(
        &self,
        state: &ClientState,
        pair: BackupSharePairId,
    ) -> Result<Option<(PinnedSealingKey, RecoveryTicket)>, Error> {
        let mut pairs = state
            .wallets
            .iter()
            .flat_map(|wallet| &wallet.backup_share_pairs);
        let mode = pairs
            .find(|listed| listed.id == pair)
            .map(|listed| listed.backup_mode);
        match mode {
            Some(BackupMode::Sealed) => match self.backups {
                Some(Backups::Sealed(key)) => {
                    let ticket = self.ticket().ok_or_else(no_ticket)?;
                    Ok(Some((key, ticket)))
                }
                Some(Backups::Plain) | None => Err(no_key()),
            },
            // Of one that the server does not know it says so itself.
            _ => Ok(None),
        }
    }
}

fn no_ticket() -> Error {
    Error::new(
        ErrorId::RecoveryNotOpen,
        "this backup is sealed, and the app gave no ticket of a recovery; have the app's backend \
         open one, and hand its ticket to the SDK",
    )
}

fn no_key() -> Error {
    Error::new(
        ErrorId::BackupModeMismatch,
        "backups of this environment are sealed, and this app pins no sealing key; give the \
         custodian's to the SDK",
    )
}
