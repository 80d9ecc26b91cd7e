//! Recover and Refresh: a backup pair, or a signing pair, reshared to a signing pair.

use rand_core::CryptoRng;

use super::both::{BothMasked, Masks, Parts};
use crate::exchange::{Exchange, Rounds, fields};
use crate::secp256k1;
use crate::secp256k1::setup::{self, Answered, Offered};
use crate::wire::{Malformed, Reader, Writer};
use crate::{
    Abort, BothCurves, Check, KeyContext, KeyShares, Message, Operation, Role, Session,
    SigningShares,
};

/// One party's side of a Recover or Refresh; gives [`SigningShares`].
pub type ReshareToSigning = Exchange<ToSigning>;

/// What a Recover or Refresh does between the flights.
pub struct ToSigning(Parts);

const OPERATIONS: [Operation; 2] = [Operation::Recover, Operation::Refresh];

impl ReshareToSigning {
    /// Begins as the client.
    ///
    /// # Errors
    ///
    /// [`Abort::Engine`] if the session is not a Recover's or Refresh's, or `source` is not
    /// its source.
    pub fn client(
        session: &Session,
        keys: &BothCurves<KeyContext>,
        source: KeyShares,
        rng: &mut impl CryptoRng,
    ) -> Result<(Self, Message), Abort> {
        let (parts, channel) = Parts::new(Role::Client, session, keys, source, &OPERATIONS)?;
        Self::start_client(ToSigning(parts), channel, rng)
    }

    /// Awaits the client.
    ///
    /// # Errors
    ///
    /// [`Abort::Engine`] if the session is not a Recover's or Refresh's, or `source` is not
    /// its source.
    pub fn server(
        session: &Session,
        keys: &BothCurves<KeyContext>,
        source: KeyShares,
    ) -> Result<Self, Abort> {
        let (parts, channel) = Parts::new(Role::Server, session, keys, source, &OPERATIONS)?;
        Ok(Self::start_server(ToSigning(parts), channel))
    }
}

impl Rounds for ToSigning {
    type Committed = (Masks, Offered);
    type Opened = (BothMasked, Answered);
    type Output = SigningShares;

    fn commit(&self, rng: &mut impl CryptoRng) -> Result<(Self::Committed, Vec<u8>), Abort> {
        let (masks, body) = self.0.commit(rng);
        let (offered, offer) = setup::offer(self.0.setup_sid(), self.0.role(), rng);
        Ok(((masks, offered), [body.as_slice(), &offer].concat()))
    }

    fn open(
        &self,
        (masks, offered): Self::Committed,
        peer: &[u8],
    ) -> Result<(Self::Opened, Vec<u8>), Abort> {
        let malformed = Abort::blame(self.0.peer(), Check::Encoding);
        let mut body = Reader::new(peer);
        let masked = self.0.committed(masks, &mut body)?;
        let peer_offer = body.array().map_err(|Malformed| malformed)?;
        body.finish().map_err(|Malformed| malformed)?;
        let (answered, answer) = offered.answer(peer_offer)?;
        let [secp256k1, ed25519] = self.0.reveal(&masked);
        let body = Writer::new()
            .sized(&secp256k1)
            .sized(&ed25519)
            .sized(&answer)
            .finish();
        Ok(((masked, answered), body.to_vec()))
    }

    fn combine(
        &self,
        (masked, answered): Self::Opened,
        peer: &[u8],
    ) -> Result<SigningShares, Abort> {
        let [opening_secp256k1, opening_ed25519, answer] = fields(self.0.peer(), peer, |body| {
            Ok([body.sized()?, body.sized()?, body.sized()?])
        })?;
        let shares = self
            .0
            .combine(masked, [opening_secp256k1, opening_ed25519])?;
        let setup = answered.finish(answer)?;
        Ok(SigningShares {
            secp256k1: secp256k1::SigningShare::new(shares.secp256k1, setup),
            ed25519: shares.ed25519,
        })
    }

    fn public(output: &SigningShares) -> Vec<Vec<u8>> {
        output.public()
    }
}
