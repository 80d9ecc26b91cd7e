//! Two of our machines in one thread.
//!
//! Measured: what each side does between a message that comes and the one that goes. The client
//! begins, and the parties take turns: each message is a flight of its own.

use anyhow::{Context as _, Result, bail};
use portal_mpc::{Abort, Machine, Message, Step};

use crate::measure::{Meter, Party};
use crate::random;

/// Passes messages to and fro until both sides are done.
///
/// # Errors
///
/// If a side aborts.
pub(crate) fn run<C: Machine, S: Machine>(
    meter: &mut Meter,
    client: impl FnOnce() -> Result<(C, Message), Abort>,
    server: impl FnOnce() -> Result<S, Abort>,
) -> Result<(C::Output, S::Output)> {
    let rng = &mut random::rng();
    let (mut client, mut message) = meter.time(Party::One, client)?;
    let mut server = meter.time(Party::Two, server)?;
    loop {
        meter.flight(&[message.as_ref().len()]);
        match meter.time(Party::Two, || server.step(message.as_ref(), rng))? {
            Step::Continue {
                next,
                message: reply,
            } => {
                server = next;
                meter.flight(&[reply.as_ref().len()]);
                match meter.time(Party::One, || client.step(reply.as_ref(), rng))? {
                    Step::Continue { next, message: new } => (client, message) = (next, new),
                    Step::Finish { .. } => bail!("expected the server to finish first"),
                }
            }
            Step::Finish { output: made, last } => {
                let last = last.context("expected a last message of the server")?;
                let last = last.release();
                meter.flight(&[last.as_ref().len()]);
                return match meter.time(Party::One, || client.step(last.as_ref(), rng))? {
                    Step::Finish { output, .. } => Ok((output, made)),
                    Step::Continue { .. } => bail!("expected the client to finish"),
                };
            }
        }
    }
}
