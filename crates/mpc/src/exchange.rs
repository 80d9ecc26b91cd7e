//! The shape that Generate and Reshare share: commit, open, confirm.
//!
//! | flight | | carries |
//! |---|---|---|
//! | 1, 2 | C → S, S → C | commitments |
//! | 3, 4 | C → S, S → C | openings |
//! | 5, 6 | C → S, S → C | confirmation: a hash of the result's public side |
//!
//! Neither party sees an opening before it has committed itself. Nobody has a result before
//! both have the same: the server finishes on flight 5 and holds flight 6 back until its share
//! is durable; the client finishes on flight 6.

use rand_core::CryptoRng;
use subtle::ConstantTimeEq as _;

use crate::envelope::Channel;
use crate::hash::TaggedHash;
use crate::wire::{Malformed, Reader};
use crate::{Abort, HeldMessage, Machine, Message, Role, Step};

/// What one protocol does between the flights.
pub trait Rounds: Sized {
    /// State after this party has committed itself.
    type Committed;
    /// State after this party's opening was made.
    type Opened;
    /// This party's result.
    type Output;

    /// Makes this party's commitments.
    fn commit(&self, rng: &mut impl CryptoRng) -> Result<(Self::Committed, Vec<u8>), Abort>;

    /// Takes the peer's commitments; makes this party's opening.
    fn open(
        &self,
        committed: Self::Committed,
        peer: &[u8],
    ) -> Result<(Self::Opened, Vec<u8>), Abort>;

    /// Takes the peer's opening; makes the result.
    fn combine(&self, opened: Self::Opened, peer: &[u8]) -> Result<Self::Output, Abort>;

    /// The public side of the result, which must be the same for both parties.
    fn public(output: &Self::Output) -> Vec<Vec<u8>>;
}

/// One party's side of a commit–open–confirm protocol.
pub struct Exchange<P: Rounds> {
    protocol: P,
    channel: Channel,
    phase: Phase<P>,
}

enum Phase<P: Rounds> {
    /// The server's, before flight 1.
    AwaitsCommitment,
    /// The client's, before flight 2.
    ClientCommitted(P::Committed),
    /// The server's, before flight 3; its opening is made but not sent.
    ServerCommitted(P::Opened, Vec<u8>),
    /// The client's, before flight 4.
    ClientOpened(P::Opened),
    /// Either's, before flight 5 or 6.
    AwaitsConfirmation(P::Output),
}

impl<P: Rounds> Exchange<P> {
    pub(crate) fn start_client(
        protocol: P,
        mut channel: Channel,
        rng: &mut impl CryptoRng,
    ) -> Result<(Self, Message), Abort> {
        let (committed, body) = protocol.commit(rng)?;
        let message = channel.seal(&body);
        Ok((
            Self {
                protocol,
                channel,
                phase: Phase::ClientCommitted(committed),
            },
            message,
        ))
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
        let peer = channel.open(message)?;
        let (phase, body) = match phase {
            Phase::AwaitsCommitment => {
                let (committed, body) = protocol.commit(rng)?;
                let (opened, opening) = protocol.open(committed, peer)?;
                (Phase::ServerCommitted(opened, opening), body)
            }
            Phase::ClientCommitted(committed) => {
                let (opened, opening) = protocol.open(committed, peer)?;
                (Phase::ClientOpened(opened), opening)
            }
            Phase::ServerCommitted(opened, opening) => {
                let output = protocol.combine(opened, peer)?;
                (Phase::AwaitsConfirmation(output), opening)
            }
            Phase::ClientOpened(opened) => {
                let output = protocol.combine(opened, peer)?;
                let body = confirmation::<P>(&output).to_vec();
                (Phase::AwaitsConfirmation(output), body)
            }
            Phase::AwaitsConfirmation(output) => {
                let ours = confirmation::<P>(&output);
                if !bool::from(ours.ct_eq(peer)) {
                    return Err(Abort::SessionMismatch {
                        difference: "the result",
                    });
                }
                let last = match channel.role() {
                    Role::Client => None,
                    Role::Server => Some(HeldMessage::new(channel.seal(&ours))),
                };
                return Ok(Step::Finish { output, last });
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

fn confirmation<P: Rounds>(output: &P::Output) -> [u8; 32] {
    P::public(output)
        .iter()
        .fold(TaggedHash::new("confirmation"), |hash, field| {
            hash.field(field)
        })
        .short()
}

/// Reads the fields of a body, or blames `peer` for its encoding.
pub(crate) fn fields<'a, T>(
    peer: Role,
    body: &'a [u8],
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, Malformed>,
) -> Result<T, Abort> {
    let mut reader = Reader::new(body);
    read(&mut reader)
        .and_then(|value| reader.finish().map(|()| value))
        .map_err(|Malformed| Abort::blame(peer, crate::Check::Encoding))
}
