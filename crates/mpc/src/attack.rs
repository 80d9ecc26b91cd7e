//! A client that lies, for the tests of those who must stand up to one.
//!
//! It holds its share, so nothing that it sends is a session mismatch: its lies reach the
//! protocol's own checks.

use crate::envelope::Channel;
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
    let sids = [session.sid::<Secp256k1>(key, digest)];
    let channel = |role| Channel::new(role, session.operation, &sids, share.key().common_secret());
    let mut body = channel(Role::Server).open(message.as_ref())?.to_vec();
    change(&mut body);
    Ok(channel(Role::Client).seal(&body))
}
