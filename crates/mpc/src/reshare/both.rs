//! Reshare on both curves: what every target has in common.

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::part::{Mask, Masked, Part};
use crate::ed25519::Ed25519;
use crate::envelope::Channel;
use crate::group::Group as _;
use crate::secp256k1::Secp256k1;
use crate::session::Sid;
use crate::wire::{Reader, Writer};
use crate::{Abort, BothCurves, KeyContext, KeyShares, Operation, Role, Session};

/// The old shares, and what the new ones will be called.
#[cfg_attr(any(test, feature = "attack"), derive(Clone))]
pub(super) struct Parts {
    secp256k1: Part<Secp256k1>,
    ed25519: Part<Ed25519>,
}

/// This party's parts of the masks.
#[cfg_attr(any(test, feature = "attack"), derive(Clone))]
pub struct Masks(Mask<Secp256k1>, Mask<Ed25519>);

/// Both parties have committed themselves to their parts.
#[cfg_attr(any(test, feature = "attack"), derive(Clone))]
pub struct BothMasked(Masked<Secp256k1>, Masked<Ed25519>);

impl Parts {
    /// Takes the source, for a session of one of these operations.
    pub(super) fn new(
        role: Role,
        session: &Session,
        keys: &BothCurves<KeyContext>,
        source: KeyShares,
        operations: &[Operation],
    ) -> Result<(Self, Channel), Abort> {
        if !operations.contains(&session.operation) {
            return Err(Abort::Engine {
                stage: "taking the session",
            });
        }
        let secp256k1 = Part::new(role, session, &keys.secp256k1, source.secp256k1)?;
        let ed25519 = Part::new(role, session, &keys.ed25519, source.ed25519)?;
        let key = Writer::new()
            .fixed(&secp256k1.common)
            .fixed(&ed25519.common)
            .finish();
        let channel = Channel::new(role, session.operation, &[secp256k1.sid, ed25519.sid], key);
        Ok((Self { secp256k1, ed25519 }, channel))
    }

    pub(super) const fn role(&self) -> Role {
        self.secp256k1.source.role
    }

    pub(super) const fn peer(&self) -> Role {
        self.role().peer()
    }

    /// The session's id on secp256k1, which its set-up is bound to.
    pub(super) const fn setup_sid(&self) -> Sid {
        self.secp256k1.sid
    }

    /// The old shares of this party.
    pub(super) fn secret(&self) -> Zeroizing<Vec<u8>> {
        Writer::new()
            .fixed(Secp256k1::encode_scalar(&self.secp256k1.source.secret).as_slice())
            .fixed(Ed25519::encode_scalar(&self.ed25519.source.secret).as_slice())
            .finish()
    }

    /// Fields of flights 1 and 2.
    pub(super) fn commit(&self, rng: &mut impl CryptoRng) -> (Masks, Vec<u8>) {
        let (secp256k1, body_secp256k1) = self.secp256k1.commit(rng);
        let (ed25519, body_ed25519) = self.ed25519.commit(rng);
        (
            Masks(secp256k1, ed25519),
            [body_secp256k1, body_ed25519].concat(),
        )
    }

    /// Reads those fields of the peer, and checks its proofs.
    pub(super) fn committed(
        &self,
        Masks(secp256k1, ed25519): Masks,
        body: &mut Reader<'_>,
    ) -> Result<BothMasked, Abort> {
        Ok(BothMasked(
            self.secp256k1.committed(secp256k1, body)?,
            self.ed25519.committed(ed25519, body)?,
        ))
    }

    /// Fields of flights 3 and 4.
    pub(super) fn reveal(&self, BothMasked(secp256k1, ed25519): &BothMasked) -> [Vec<u8>; 2] {
        [
            self.secp256k1.reveal(secp256k1),
            self.ed25519.reveal(ed25519),
        ]
    }

    /// Takes the peer's openings; makes the new shares.
    pub(super) fn combine(
        &self,
        BothMasked(secp256k1, ed25519): BothMasked,
        [opening_secp256k1, opening_ed25519]: [&[u8]; 2],
    ) -> Result<KeyShares, Abort> {
        Ok(KeyShares {
            secp256k1: self.secp256k1.combine(secp256k1, opening_secp256k1)?,
            ed25519: self.ed25519.combine(ed25519, opening_ed25519)?,
        })
    }
}
