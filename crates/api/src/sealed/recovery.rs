//! A recovery: the ticket that its window is known by, and what the client proves in it.

use portal_lifecycle::PerCurve;
use portal_lifecycle::ids::{BackupSharePairId, ClientId};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::{SealedBlind, framed};
use crate::{Base64Bytes, SecretText};

/// What a client shows the custodian, past the server, to be given its share blinded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BlindedRecovery {
    /// σ of each curve.
    pub blinds: PerCurve<SealedBlind>,
    /// For each curve, a proof of possession of b', for [`recovery_proof_context`].
    pub proofs: PerCurve<Base64Bytes>,
}

/// What a recovery that the app's backend opened is known by: 32 secret bytes of the custodian's. It
/// goes to the device past the server.
#[derive(Clone)]
pub struct RecoveryTicket(pub Zeroizing<[u8; 32]>);

/// What a ticket's text begins with.
const TICKET_PREFIX: &str = "portal-recovery-v1.";

/// A text that is no ticket of a recovery. It is not repeated: it may be one, mistyped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected the ticket of a recovery: portal-recovery-v1.… of 43 more letters")]
pub struct MalformedTicket;

impl RecoveryTicket {
    /// As it is handed to a device.
    #[must_use]
    pub fn to_text(&self) -> SecretText {
        let bytes = SecretText::of_bytes(self.0.as_slice());
        let text = Zeroizing::new([TICKET_PREFIX, bytes.expose()].concat());
        text.into()
    }
}

impl core::str::FromStr for RecoveryTicket {
    type Err = MalformedTicket;

    fn from_str(text: &str) -> Result<Self, MalformedTicket> {
        let bytes = text.trim().strip_prefix(TICKET_PREFIX);
        let bytes = SecretText::from(bytes.ok_or(MalformedTicket)?).bytes();
        let bytes = bytes.map_err(|_| MalformedTicket)?;
        let bytes: [u8; 32] = bytes.as_slice().try_into().map_err(|_| MalformedTicket)?;
        Ok(Self(Zeroizing::new(bytes)))
    }
}

impl PartialEq for RecoveryTicket {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(other.0.as_slice()).into()
    }
}

impl Eq for RecoveryTicket {}

impl core::fmt::Debug for RecoveryTicket {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("RecoveryTicket(…)")
    }
}

/// What the proofs of a [`BlindedRecovery`] are made for: these very blinds, in this very session,
/// whose nonce the server drew.
///
/// Both curves' blinds are in each proof: the halves of two requests do not mix.
///
/// And for this very opening, whose ticket the custodian drew: the server never sees the ticket, so
/// it can ask for nothing itself, and what it kept of one recovery is refused in the next.
#[must_use]
pub fn recovery_proof_context(
    client: ClientId,
    pairs: PerCurve<BackupSharePairId>,
    ticket: &RecoveryTicket,
    challenge: &[u8; 32],
    blinds: &PerCurve<SealedBlind>,
) -> Vec<u8> {
    framed(&[
        b"portal sealed recovery v2",
        &client.to_bytes(),
        &pairs.secp256k1.to_bytes(),
        &pairs.ed25519.to_bytes(),
        ticket.0.as_slice(), // to be hashed
        challenge,
        &blinds.secp256k1.encode(),
        &blinds.ed25519.encode(),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_read_as_it_is_handed_out_and_not_printed() {
        let ticket = RecoveryTicket(Zeroizing::new([0xab; 32]));
        assert_eq!(ticket.to_text().expose().parse(), Ok(ticket.clone()));
        assert_eq!(format!("{ticket:?}"), "RecoveryTicket(…)");
        assert_ne!(ticket, RecoveryTicket(Zeroizing::new([0xac; 32])));
        for text in ["", "portal-recovery-v1.AAAA", "portal-recovery-v2.", "AAAA"] {
            assert_eq!(text.parse::<RecoveryTicket>(), Err(MalformedTicket));
        }
    }
}
