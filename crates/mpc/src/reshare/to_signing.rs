//! Recover and Refresh: a backup pair, or a signing pair, reshared to a signing pair.

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::both::{BothMasked, Masks, Parts};
use crate::exchange::{Exchange, Rounds};
use crate::secp256k1::setup::{self, ANSWER_BYTES, Answered, Offered};
use crate::shares::Unconfirmed;
use crate::wire::{Malformed, Reader, Writer, fields};
use crate::{
    Abort, BothCurves, Check, KeyContext, KeyShares, Message, Operation, Role, Session,
    SigningShares,
};

/// One party's side of a Recover or Refresh; gives [`SigningShares`].
pub type ReshareToSigning = Exchange<ToSigning>;

/// What a Recover or Refresh does between the flights.
#[cfg_attr(any(test, feature = "attack"), derive(Clone))]
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
        Ok(Self::start_client(ToSigning(parts), channel, rng))
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
    type Combined = Unconfirmed;
    type Output = SigningShares;

    const CHALLENGE_BYTES: usize = setup::CHALLENGE_BYTES;
    const REPLY_BYTES: usize = setup::REPLY_BYTES;

    fn secret(&self) -> Zeroizing<Vec<u8>> {
        self.0.secret()
    }

    fn commit(&self, rng: &mut impl CryptoRng) -> (Self::Committed, Vec<u8>) {
        let (masks, body) = self.0.commit(rng);
        let offered = Offered::new(self.0.setup_sid(), self.0.role(), rng);
        let body = [body.as_slice(), offered.message()].concat();
        ((masks, offered), body)
    }

    fn open(
        &self,
        (masks, offered): Self::Committed,
        peer: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<(Self::Opened, Vec<u8>), Abort> {
        let malformed = Abort::blame(self.0.peer(), Check::Encoding);
        let mut body = Reader::new(peer);
        let masked = self.0.committed(masks, &mut body)?;
        let peer_offer = body.exact().map_err(|Malformed| malformed)?;
        body.finish().map_err(|Malformed| malformed)?;
        let (answered, answer) = offered.answer(peer_offer, rng)?;
        let [secp256k1, ed25519] = self.0.reveal(&masked);
        let body = Writer::with_capacity(ANSWER_BYTES + 1024)
            .sized(&secp256k1)
            .sized(&ed25519)
            .fixed(&answer)
            .finish();
        Ok(((masked, answered), body.to_vec()))
    }

    fn combine(
        &self,
        (masked, answered): Self::Opened,
        peer: &[u8],
    ) -> Result<(Unconfirmed, Vec<u8>), Abort> {
        let (opening_secp256k1, opening_ed25519, answer) = fields(self.0.peer(), peer, |body| {
            Ok((body.sized()?, body.sized()?, body.exact::<ANSWER_BYTES>()?))
        })?;
        let keys = self
            .0
            .combine(masked, [opening_secp256k1, opening_ed25519])?;
        Unconfirmed::new(keys, answered, answer)
    }

    fn public(combined: &Unconfirmed) -> Vec<Vec<u8>> {
        combined.public()
    }

    fn reply(&self, combined: &Unconfirmed, challenge: &[u8]) -> Result<Vec<u8>, Abort> {
        combined.reply(challenge)
    }

    fn settle(&self, combined: Unconfirmed, reply: &[u8]) -> Result<SigningShares, Abort> {
        combined.settle(reply)
    }
}
