//! How a protocol is driven: one message in, and out comes what to do next.

use rand_core::CryptoRng;

use crate::{Abort, Message};

/// One party's state between two messages.
///
/// A step consumes the state: nothing runs twice, and after an [`Abort`] there is nothing
/// left to go on with.
pub trait Machine: Sized {
    /// What a completed run gives this party.
    type Output;

    /// Takes the peer's next message.
    ///
    /// # Errors
    ///
    /// [`Abort`]; the run is over. If [`Abort::is_strike`], freeze the pair durably before
    /// answering anybody.
    fn step(self, message: &[u8], rng: &mut impl CryptoRng) -> Result<Step<Self>, Abort>;
}

/// What follows from a message.
pub enum Step<M: Machine> {
    /// Send `message` and wait for the next.
    Continue {
        /// The state to take the next message with.
        next: M,
        /// To be sent.
        message: Message,
    },
    /// Done on this side. Store the output durably; only then may the last message go.
    Finish {
        /// The result.
        output: M::Output,
        /// The message that completes the peer's side, if one is left to send.
        last: Option<HeldMessage>,
    },
}

/// The message that completes the peer's side, held back until this side's output is durable.
#[derive(Debug)]
#[must_use = "the peer completes only with this message"]
pub struct HeldMessage(Message);

impl HeldMessage {
    pub(crate) const fn new(message: Message) -> Self {
        Self(message)
    }

    /// Gives the message out. Call it only after the output is durable: once the peer has
    /// this message, it counts on this side's share being there.
    #[must_use]
    pub fn release(self) -> Message {
        self.0
    }
}

/// Runs both sides of a protocol in one place: for tests, benchmarks and examples.
///
/// `client` is the client's machine with its first message.
///
/// # Errors
///
/// [`Abort`] of whichever side ends it.
pub fn run<C: Machine, S: Machine>(
    client: (C, Message),
    server: S,
    rng: &mut impl CryptoRng,
) -> Result<(C::Output, S::Output), Abort> {
    let (mut client, mut message) = client;
    let mut server = server;
    let out_of_turn = Abort::Engine {
        stage: "taking turns",
    };
    loop {
        match server.step(message.as_ref(), rng)? {
            Step::Continue {
                next,
                message: answer,
            } => {
                server = next;
                match client.step(answer.as_ref(), rng)? {
                    Step::Continue {
                        next,
                        message: answer,
                    } => (client, message) = (next, answer),
                    Step::Finish { .. } => return Err(out_of_turn),
                }
            }
            Step::Finish { output: made, last } => {
                let last = last.map(HeldMessage::release).ok_or(out_of_turn)?;
                return match client.step(last.as_ref(), rng)? {
                    Step::Finish { output, .. } => Ok((output, made)),
                    Step::Continue { .. } => Err(out_of_turn),
                };
            }
        }
    }
}
