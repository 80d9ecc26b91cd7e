//! Peers that lie, for the tests of those who must stand up to them.
//!
//! They hold their share, so nothing that they send is a session mismatch: their lies reach the
//! protocol's own checks. A recording is an honest run that can be taken up again at any flight
//! with another body in the message's place; [`fuzz`] does so with whatever a fuzzer makes up.
//!
//! For this alone the machines are `Clone`: one honest state stands up to many lies. Outside
//! of tests it is not compiled, and a state runs once.

mod fuzzing;
mod recording;
pub(crate) mod scenes;

pub use fuzzing::{Protocol, fuzz, fuzz_share};
#[cfg(test)]
pub(crate) use recording::{Ending, Recording};

use crate::secp256k1::{Secp256k1, SigningShare};
use crate::{Abort, KeyContext, Message, Role, Session};

/// The first message of an ECDSA signature with its body changed.
///
/// `message` is what an honest [`ClientSign`](crate::secp256k1::ClientSign) made of the same
/// session, key, digest and share.
///
/// # Errors
///
/// [`Abort::SessionMismatch`] if it is not.
pub fn forge_first_ecdsa_message(
    session: &Session,
    key: &KeyContext,
    share: &SigningShare,
    digest: &[u8; 32],
    message: &Message,
    change: impl FnOnce(&mut [u8]),
) -> Result<Message, Abort> {
    let sid = session.sid::<Secp256k1>(key, digest);
    let mut body = share
        .channel(Role::Server, sid)
        .open(message.as_ref())?
        .to_vec();
    change(&mut body);
    Ok(share.channel(Role::Client, sid).seal(&body))
}
