//! How a protocol run fails: who is to blame, for which check, and whether it is a strike.

use core::fmt;

use crate::Role;

/// A protocol run ended without a result. Its state is gone; start a new session.
///
/// Blame, misunderstanding and our own faults never share a variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Abort {
    /// The two parties are not in the same session, or a message was altered or mixed up on
    /// its way. Nobody is blamed.
    #[error("the parties are not in the same session: {difference} differs")]
    SessionMismatch {
        /// What differs.
        difference: &'static str,
    },
    /// A message or share is of a version that this code does not speak.
    #[error("{what} is of version {given}, expected {expected}")]
    Unsupported {
        /// What it is.
        what: &'static str,
        /// The version that this code speaks.
        expected: u8,
        /// The version it was given.
        given: u8,
    },
    /// A message that did come from the peer, in this session, fails a check that an honest
    /// peer's messages pass.
    #[error("the {party} failed the check of {check}")]
    Blamed {
        /// Who sent the message.
        party: Role,
        /// Which check it failed; also whether that is a [strike](Check::is_strike).
        check: Check,
    },
    /// The engine failed on our own inputs. Nobody is blamed.
    #[error("the protocol engine failed at {stage} on this party's own state")]
    Engine {
        /// Where.
        stage: &'static str,
    },
}

impl Abort {
    /// Whether the pair must be frozen before anybody is answered.
    #[must_use]
    pub const fn is_strike(&self) -> bool {
        match self {
            Self::Blamed { check, .. } => check.is_strike(),
            Self::SessionMismatch { .. } | Self::Unsupported { .. } | Self::Engine { .. } => false,
        }
    }

    pub(crate) const fn blame(party: Role, check: Check) -> Self {
        Self::Blamed { party, check }
    }
}

/// A check that an honest peer's messages pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// The message has the fields of its flight, each of its length and range.
    Encoding,
    /// A point is on the curve, canonical, in the prime-order subgroup, and not the identity.
    Point,
    /// A commitment opens to what was committed to.
    Commitment,
    /// The sender knows the secret behind a point.
    Possession,
    /// The two parties' contributions differ.
    Contribution,
    /// The resulting key or share is not trivial.
    Key,
    /// The two parties' base oblivious transfers gave them the same keys.
    Setup,
    /// The columns of an OT extension hang together (ePrint 2022/192).
    OtExtension,
    /// The rows of a multiplication hang together (`DKLs23` Protocol 5.2).
    Multiplication,
    /// A signature's multiplications are those of R and of the key (`DKLs23` Protocol 3.6).
    Relation,
    /// The peer's part of a signature is right.
    SignatureShare,
    /// The finished signature verifies under the key.
    Signature,
}

impl Check {
    /// Whether a failure may have told the peer something of the pair's long-lived state, so that
    /// the pair must never compute again.
    ///
    /// That is so where the outcome of the check depends on a secret of the checking party that a
    /// cheating peer was guessing at: whether it is answered tells it whether it guessed right. Of all others
    /// the sender knew the outcome before; or, of [`Self::Setup`], the secret dies with the failure.
    #[must_use]
    pub const fn is_strike(self) -> bool {
        match self {
            Self::OtExtension | Self::Multiplication | Self::Relation => true,
            Self::Encoding
            | Self::Point
            | Self::Commitment
            | Self::Possession
            | Self::Contribution
            | Self::Key
            | Self::Setup
            | Self::SignatureShare
            | Self::Signature => false,
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Encoding => "the message's encoding",
            Self::Point => "a point",
            Self::Commitment => "a commitment's opening",
            Self::Possession => "a proof of possession",
            Self::Contribution => "the contributions' independence",
            Self::Key => "the resulting key",
            Self::Setup => "the oblivious-transfer set-up",
            Self::OtExtension => "the oblivious transfers' consistency",
            Self::Multiplication => "a multiplication's consistency",
            Self::Relation => "the multiplications' relation to nonce and key",
            Self::SignatureShare => "a signature share",
            Self::Signature => "the finished signature",
        })
    }
}
