//! The envelope of every message: version, operation, flight, sender, and the transcript so far.
//!
//! ```text
//! version ‖ operation ‖ flight ‖ sender (1 byte each) ‖ transcript (32 bytes) ‖ body
//! ```
//!
//! The transcript is a hash over the session's id and everything sent in it, this
//! message's body included. Both parties so compare transcripts with every message,
//! *before* they look into the body: what was altered, repeated, reflected or sent in
//! another session is a [`Abort::SessionMismatch`] and blames nobody.
//!
//! Where the two already share a key, the hash is keyed with their Diffie–Hellman secret
//! `x_C·X_S = x_S·X_C`: nobody between them, not even one who reads along, can make a message
//! that passes. So only a peer that built the message on purpose gets as far as a check that blames,
//! and nobody but the peer itself can earn the peer a strike.
//!
//! In Generate the two share nothing yet. Whoever is inside the connection between them (a proxy that ends
//! its TLS, say) can there put words into one's mouth that the other then blames it for. No check of
//! Generate is a strike, and nothing comes of a blamed run.

use core::fmt;

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::ct::{declassify, reveal_bytes};
use crate::hash::TaggedHash;
use crate::session::Sid;
use crate::wire::{Malformed, Reader};
use crate::{Abort, Operation, Role};

/// Version of the envelope and of all bodies.
///
/// 1 carried another ECDSA engine, and hashed with SHA-512.
const VERSION: u8 = 2;

/// A message to the peer, to be sent as it is, over an encrypted connection.
#[derive(Clone, PartialEq, Eq)]
pub struct Message(Vec<u8>);

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Message({} bytes)", self.0.len())
    }
}

impl Message {
    /// The bytes to send.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

impl AsRef<[u8]> for Message {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// One party's end of a session.
#[cfg_attr(any(test, feature = "attack"), derive(Clone))]
pub(crate) struct Channel {
    role: Role,
    operation: Operation,
    /// The flight that comes next, in either direction; the first is 1.
    flight: u8,
    transcript: [u8; 32],
    key: Zeroizing<Vec<u8>>,
}

impl Channel {
    /// `sids`: the session's id on every curve it works on. `key`: the parties'
    /// Diffie–Hellman secrets on these curves; empty where they share nothing yet.
    pub(crate) fn new(
        role: Role,
        operation: Operation,
        sids: &[Sid],
        key: Zeroizing<Vec<u8>>,
    ) -> Self {
        let transcript = sids
            .iter()
            .fold(TaggedHash::new("transcript"), |hash, sid| {
                hash.field(&sid.0)
            })
            .short();
        Self {
            role,
            operation,
            flight: 1,
            transcript,
            key,
        }
    }

    pub(crate) const fn role(&self) -> Role {
        self.role
    }

    /// A hash of everything that was said so far.
    pub(crate) const fn transcript(&self) -> &[u8; 32] {
        &self.transcript
    }

    /// Wraps `body` for the peer.
    pub(crate) fn seal(&mut self, body: &[u8]) -> Message {
        let header = [
            VERSION,
            self.operation.code(),
            self.flight,
            self.role.index(),
        ];
        self.advance(header, body);
        let mut message = Vec::with_capacity(body.len().saturating_add(36));
        message.extend_from_slice(&header);
        message.extend_from_slice(&self.transcript);
        message.extend_from_slice(body);
        reveal_bytes(&mut message);
        Message(message)
    }

    /// Unwraps the peer's next message.
    pub(crate) fn open<'a>(&mut self, message: &'a [u8]) -> Result<&'a [u8], Abort> {
        let mut reader = Reader::new(message);
        let mut parse = || -> Result<_, Malformed> {
            let header: [u8; 4] = reader.array()?;
            let transcript: [u8; 32] = reader.array()?;
            let body = reader.rest();
            Ok((header, transcript, body))
        };
        let (header, transcript, body) = parse().map_err(|Malformed| Abort::SessionMismatch {
            difference: "the envelope",
        })?;
        let [version, operation, flight, sender] = header;
        if version != VERSION {
            return Err(Abort::Unsupported {
                what: "message",
                expected: VERSION,
                given: version,
            });
        }
        if operation != self.operation.code() {
            return Err(Abort::SessionMismatch {
                difference: "the operation",
            });
        }
        if flight != self.flight {
            return Err(Abort::SessionMismatch {
                difference: "the flight",
            });
        }
        if sender != self.role.peer().index() {
            return Err(Abort::SessionMismatch {
                difference: "the sender",
            });
        }
        self.advance(header, body);
        if !declassify(self.transcript.ct_eq(&transcript)) {
            return Err(Abort::SessionMismatch {
                difference: "the transcript",
            });
        }
        Ok(body)
    }

    fn advance(&mut self, header: [u8; 4], body: &[u8]) {
        self.transcript = TaggedHash::new("message")
            .secret_field(&self.key)
            .field(&self.transcript)
            .field(&header)
            .long_field(body)
            .short();
        self.flight = self.flight.saturating_add(1);
    }
}
