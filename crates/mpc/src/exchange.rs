//! The shape that Generate and Reshare share: commit, open, confirm.
//!
//! | flight | | carries |
//! |---|---|---|
//! | 1, 2 | C → S, S → C | commitments |
//! | 3 | C → S | opening |
//! | 4 | S → C | opening, challenge |
//! | 5 | C → S | confirmation, challenge, reply |
//! | 6 | S → C | confirmation, reply |
//!
//! Neither party sees an opening before it has committed itself. The confirmation is a hash of the
//! result's public side. Challenge and reply compare what is secret about it; they are
//! empty where nothing is. Nobody has a result before
//! both have the same: the server finishes on flight 5 and holds flight 6 back until its share
//! is durable; the client finishes on flight 6.

use rand_core::CryptoRng;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::ct::declassify;
use crate::envelope::Channel;
use crate::hash::TaggedHash;
use crate::hedged::Hedged;
use crate::wire::fields;
use crate::{Abort, HeldMessage, Machine, Message, Step};

const CONFIRMATION_BYTES: usize = 32;

/// What one protocol does between the flights.
pub trait Rounds: Sized {
    /// State after this party has committed itself.
    type Committed;
    /// State after this party's opening was made.
    type Opened;
    /// State after the result was made, and before the peer has shown that it has the same.
    type Combined;
    /// This party's result.
    type Output;

    /// Length of a challenge.
    const CHALLENGE_BYTES: usize;
    /// Length of a reply.
    const REPLY_BYTES: usize;

    /// What this party alone knows before it begins; empty if that is nothing.
    fn secret(&self) -> Zeroizing<Vec<u8>>;

    /// Makes this party's commitments.
    fn commit(&self, rng: &mut impl CryptoRng) -> (Self::Committed, Vec<u8>);

    /// Takes the peer's commitments; makes this party's opening.
    fn open(
        &self,
        committed: Self::Committed,
        peer: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<(Self::Opened, Vec<u8>), Abort>;

    /// Takes the peer's opening; makes the result, and a challenge about it.
    fn combine(
        &self,
        opened: Self::Opened,
        peer: &[u8],
    ) -> Result<(Self::Combined, Vec<u8>), Abort>;

    /// The public side of the result, which must be the same for both parties.
    fn public(combined: &Self::Combined) -> Vec<Vec<u8>>;

    /// Takes the peer's challenge; makes the reply to it.
    fn reply(&self, combined: &Self::Combined, challenge: &[u8]) -> Result<Vec<u8>, Abort>;

    /// Takes the peer's reply to this party's challenge.
    fn settle(&self, combined: Self::Combined, reply: &[u8]) -> Result<Self::Output, Abort>;
}

/// One party's side of a commit–open–confirm protocol.
pub struct Exchange<P: Rounds> {
    protocol: P,
    channel: Channel,
    phase: Phase<P>,
}

#[cfg_attr(any(test, feature = "attack"), derive(Clone))]
enum Phase<P: Rounds> {
    /// The server's, before flight 1.
    AwaitsCommitment,
    /// The client's, before flight 2.
    ClientCommitted(P::Committed),
    /// The server's, before flight 3; its opening is made but not sent.
    ServerCommitted(P::Opened, Vec<u8>),
    /// The client's, before flight 4.
    ClientOpened(P::Opened),
    /// The server's, before flight 5.
    ServerCombined(P::Combined),
    /// The client's, before flight 6.
    ClientCombined(P::Combined),
}

#[cfg(any(test, feature = "attack"))]
impl<P: Rounds + Clone> Clone for Exchange<P>
where
    Phase<P>: Clone,
{
    fn clone(&self) -> Self {
        Self {
            protocol: self.protocol.clone(),
            channel: self.channel.clone(),
            phase: self.phase.clone(),
        }
    }
}

impl<P: Rounds> Exchange<P> {
    pub(crate) fn start_client(
        protocol: P,
        mut channel: Channel,
        rng: &mut impl CryptoRng,
    ) -> (Self, Message) {
        let rng = &mut hedged(&protocol, &channel, rng);
        let (committed, body) = protocol.commit(rng);
        let message = channel.seal(&body);
        let machine = Self {
            protocol,
            channel,
            phase: Phase::ClientCommitted(committed),
        };
        (machine, message)
    }

    pub(crate) const fn start_server(protocol: P, channel: Channel) -> Self {
        Self {
            protocol,
            channel,
            phase: Phase::AwaitsCommitment,
        }
    }
}

impl<P: Rounds> Machine for Exchange<P> {
    type Output = P::Output;

    fn step(self, message: &[u8], rng: &mut impl CryptoRng) -> Result<Step<Self>, Abort> {
        let Self {
            protocol,
            mut channel,
            phase,
        } = self;
        let body = channel.open(message)?;
        let rng = &mut hedged(&protocol, &channel, rng);
        let sender = channel.role().peer();
        let (phase, body) = match phase {
            Phase::AwaitsCommitment => {
                let (committed, commitment) = protocol.commit(rng);
                let (opened, opening) = protocol.open(committed, body, rng)?;
                (Phase::ServerCommitted(opened, opening), commitment)
            }
            Phase::ClientCommitted(committed) => {
                let (opened, opening) = protocol.open(committed, body, rng)?;
                (Phase::ClientOpened(opened), opening)
            }
            Phase::ServerCommitted(opened, opening) => {
                let (combined, challenge) = protocol.combine(opened, body)?;
                let body = [opening, challenge].concat();
                (Phase::ServerCombined(combined), body)
            }
            Phase::ClientOpened(opened) => {
                let (opening, challenge) = fields(sender, body, |body| {
                    let opening = body.all_but(P::CHALLENGE_BYTES)?;
                    Ok((opening, body.rest()))
                })?;
                let (combined, own_challenge) = protocol.combine(opened, opening)?;
                let reply = protocol.reply(&combined, challenge)?;
                let confirmation = confirmation::<P>(&combined).to_vec();
                let body = [confirmation, own_challenge, reply].concat();
                (Phase::ClientCombined(combined), body)
            }
            Phase::ServerCombined(combined) => {
                let (theirs, challenge, reply) = fields(sender, body, |body| {
                    Ok((
                        body.array()?,
                        body.take(P::CHALLENGE_BYTES)?,
                        body.take(P::REPLY_BYTES)?,
                    ))
                })?;
                let ours = confirmed::<P>(&combined, theirs)?;
                let own_reply = protocol.reply(&combined, challenge)?;
                let output = protocol.settle(combined, reply)?;
                let last = channel.seal(&[ours.as_slice(), &own_reply].concat());
                return Ok(Step::Finish {
                    output,
                    last: Some(HeldMessage::new(last)),
                });
            }
            Phase::ClientCombined(combined) => {
                let (theirs, reply) = fields(sender, body, |body| {
                    Ok((body.array()?, body.take(P::REPLY_BYTES)?))
                })?;
                confirmed::<P>(&combined, theirs)?;
                let output = protocol.settle(combined, reply)?;
                return Ok(Step::Finish { output, last: None });
            }
        };
        let message = channel.seal(&body);
        Ok(Step::Continue {
            next: Self {
                protocol,
                channel,
                phase,
            },
            message,
        })
    }
}

/// What a step draws from.
fn hedged<P: Rounds>(protocol: &P, channel: &Channel, rng: &mut impl CryptoRng) -> Hedged {
    Hedged::new("exchange", channel.transcript(), &protocol.secret(), rng)
}

/// This party's confirmation, if the peer's is the same.
fn confirmed<P: Rounds>(
    combined: &P::Combined,
    theirs: [u8; CONFIRMATION_BYTES],
) -> Result<[u8; CONFIRMATION_BYTES], Abort> {
    let ours = confirmation::<P>(combined);
    if declassify(ours.ct_eq(&theirs)) {
        Ok(ours)
    } else {
        Err(Abort::SessionMismatch {
            difference: "the result",
        })
    }
}

fn confirmation<P: Rounds>(combined: &P::Combined) -> [u8; CONFIRMATION_BYTES] {
    P::public(combined)
        .iter()
        .fold(TaggedHash::new("confirmation"), |hash, field| {
            hash.field(field)
        })
        .short()
}
