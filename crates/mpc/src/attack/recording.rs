//! An honest run, kept flight by flight.

use rand_core::CryptoRng;

use crate::envelope::Channel;
use crate::{Abort, HeldMessage, Machine, Message, Role, Step};

/// How a run that was taken up again came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// One of the machines ended it.
    Aborted {
        /// Whose.
        by: Role,
        /// How.
        abort: Abort,
    },
    /// Both machines have their results.
    Completed,
}

/// An honest run of a client's machine `C` and a server's `S`.
pub(crate) struct Recording<C, S> {
    moments: Vec<Moment<C, S>>,
}

/// A message on its way: its sender has gone on, its receiver has not seen it.
#[derive(Clone)]
struct Moment<C, S> {
    /// None once it has finished.
    client: Option<C>,
    /// None once it has finished.
    server: Option<S>,
    middle: Middle,
    sender: Role,
    body: Vec<u8>,
}

impl<C: Machine + Clone, S: Machine + Clone> Recording<C, S> {
    /// Runs both to their end.
    ///
    /// # Errors
    ///
    /// [`Abort`], which two honest machines do not come to.
    pub(crate) fn of(
        (client, first): (C, Message),
        server: S,
        mut middle: Middle,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, Abort> {
        let body = middle.open(Role::Client, first.as_ref())?;
        let mut moment = Moment {
            client: Some(client),
            server: Some(server),
            middle,
            sender: Role::Client,
            body,
        };
        let mut moments = Vec::new();
        loop {
            moments.push(moment.clone());
            let body = moment.body.clone();
            match moment.deliver(&body, rng)? {
                Some(next) => moment = next,
                None => return Ok(Self { moments }),
            }
        }
    }

    /// How many messages there were.
    #[must_use]
    #[cfg(test)]
    pub(crate) const fn flights(&self) -> usize {
        self.moments.len()
    }

    /// Who sent message `flight`; the first is 1.
    #[must_use]
    pub(crate) fn sender(&self, flight: usize) -> Option<Role> {
        self.moment(flight).map(|moment| moment.sender)
    }

    /// What message `flight` said.
    #[must_use]
    pub(crate) fn body(&self, flight: usize) -> Option<&[u8]> {
        self.moment(flight).map(|moment| moment.body.as_slice())
    }

    /// Takes the run up at `flight`, with `body` in the place of what was said; none if there is no
    /// such flight.
    pub(crate) fn replay(
        &self,
        flight: usize,
        body: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Option<Ending> {
        let mut moment = self.moment(flight)?.clone();
        let mut body = body.to_vec();
        loop {
            let by = moment.sender.peer();
            match moment.deliver(&body, rng) {
                Err(abort) => return Some(Ending::Aborted { by, abort }),
                Ok(None) => return Some(Ending::Completed),
                Ok(Some(next)) => {
                    body.clone_from(&next.body);
                    moment = next;
                }
            }
        }
    }

    fn moment(&self, flight: usize) -> Option<&Moment<C, S>> {
        self.moments.get(flight.checked_sub(1)?)
    }
}

impl<C: Machine, S: Machine> Moment<C, S> {
    /// Gives the receiver `body`; the next message, if there is one.
    fn deliver(self, body: &[u8], rng: &mut impl CryptoRng) -> Result<Option<Self>, Abort> {
        let Self {
            client,
            server,
            mut middle,
            sender,
            ..
        } = self;
        let message = middle.seal(sender, body);
        let gone = Abort::Engine {
            stage: "speaking to a machine that has finished",
        };
        let (client, server, answer) = match sender {
            Role::Client => {
                let (server, answer) = advance(server.ok_or(gone)?, &message, rng)?;
                (client, server, answer)
            }
            Role::Server => {
                let (client, answer) = advance(client.ok_or(gone)?, &message, rng)?;
                (client, server, answer)
            }
        };
        let Some(answer) = answer else {
            return Ok(None);
        };
        let body = middle.open(sender.peer(), answer.as_ref())?;
        Ok(Some(Self {
            client,
            server,
            middle,
            sender: sender.peer(),
            body,
        }))
    }
}

/// One step: the machine, unless it has finished, and what it says, unless it has said all.
fn advance<M: Machine>(
    machine: M,
    message: &Message,
    rng: &mut impl CryptoRng,
) -> Result<(Option<M>, Option<Message>), Abort> {
    Ok(match machine.step(message.as_ref(), rng)? {
        Step::Continue { next, message } => (Some(next), Some(message)),
        Step::Finish { last, .. } => (None, last.map(HeldMessage::release)),
    })
}

/// Sits between two honest machines, opens every envelope, and seals it again with the transcript that the
/// receiver expects: to the receiver it is a peer that built this message on purpose.
#[derive(Clone)]
pub(crate) struct Middle {
    to_client: Channel,
    to_server: Channel,
}

impl Middle {
    /// `channel` makes a party's end of the session.
    pub(crate) fn new(channel: impl Fn(Role) -> Channel) -> Self {
        Self {
            to_client: channel(Role::Server),
            to_server: channel(Role::Client),
        }
    }

    /// The body of a message of `sender`'s.
    pub(crate) fn open(&mut self, sender: Role, message: &[u8]) -> Result<Vec<u8>, Abort> {
        let end = match sender {
            Role::Client => &mut self.to_client,
            Role::Server => &mut self.to_server,
        };
        end.open(message).map(<[u8]>::to_vec)
    }

    /// A message of `sender`'s to its peer.
    pub(crate) fn seal(&mut self, sender: Role, body: &[u8]) -> Message {
        let end = match sender {
            Role::Client => &mut self.to_server,
            Role::Server => &mut self.to_client,
        };
        end.seal(body)
    }
}
