//! What a client seals to the custodian, past the server.
//!
//! In sealed mode the server never holds a backup share. For each curve, a backup leaves the client
//! with b and the server with t, and `b + t = x`. The client draws a blind ρ, keeps `b' = b + ρ`,
//! and sends ρ sealed to the custodian's public key (HPKE, RFC 9180, base mode, with
//! DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and ChaCha20-Poly1305), with ρ·G in the clear. The
//! server hands t and the sealed ρ on; the custodian alone can form its share `b_S = t − ρ`.
//! A recovery does it once more: the client draws σ, the custodian gives out `b_S − σ`, and the
//! session runs with that and `b' + σ`.
//!
//! Base mode authenticates nobody: whoever knows the public key can seal. What holds nevertheless:
//!
//! - What the seal is for (version, purpose, client, both pair ids, wallet, curve, generation, the
//!   key Q and ρ·G) is its associated data ([`SealContext`]). Who does not know ρ cannot seal *it*
//!   for anything else; so a custodian's share that hides behind the client's ρ is of the client's
//!   Q, and the client's point `Q − b_S·G` is known without a word of the server's.
//! - **A server that cheats** in a backup can hand over another t, another seal, or nothing. The
//!   custodian then holds a share that fits nothing, or none; the wallet is as before, and the
//!   user's backup does not recover. The device finds out before it says that it is backed up: the
//!   custodian proves to it, past the server, that it holds `x − b'`
//!   ([`custodian_challenge`](crate::webhook::custodian_challenge)). The server learns nothing: it
//!   does not know ρ.
//! - In a recovery, the custodian wants a proof that whoever sealed σ holds b', made for a window
//!   that the app's own backend opened for this client ([`recovery_proof_context`]). The window is
//!   known by a ticket that reaches the device past the server: a server with the user's cipher
//!   text and its key has b', and still lacks the ticket.
//! - **A client that cheats** can seal something else than the scalar of its point, or name another
//!   point. The custodian compares `(t − ρ)·G` with the point on record and refuses. The backup
//!   stays `PENDING`, and the former one in force.
//! - **A network that cheats** can drop and repeat. A backup is stored once under its id; a recovery
//!   that was answered is answered alike, while its window is open, and refused in any other; a
//!   seal serves one request.

mod blind;
mod context;
mod key;
mod recovery;

pub use blind::{CIPHER_TEXT_BYTES, ENCAPSULATED_BYTES, KEY_ID_BYTES, MalformedBlind, SealedBlind};
pub use context::{SealContext, SealPurpose, blind_context};
pub use key::{MalformedSealingKey, PinnedSealingKey, SealingKeys};
pub use recovery::{BlindedRecovery, MalformedTicket, RecoveryTicket, recovery_proof_context};

/// Each part after its length (4 bytes, big-endian), so that no two lists give the same bytes.
pub(crate) fn framed(parts: &[&[u8]]) -> Vec<u8> {
    parts
        .iter()
        .flat_map(|part| {
            // Parts are tags, ids and texts of some KiB; a length that does not fit cannot occur.
            let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
            length.to_be_bytes().into_iter().chain(part.iter().copied())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use portal_lifecycle::ids::{BackupSharePairId, ClientId, WalletId};
    use portal_lifecycle::{Curve, PerCurve};
    use zeroize::Zeroizing;

    use super::blind::point_bytes;
    use super::*;

    pub(super) fn id(byte: u8) -> uuid::Uuid {
        uuid::Uuid::from_bytes([byte; 16])
    }

    pub(super) fn context(curve: Curve) -> (Vec<u8>, Vec<u8>) {
        (
            vec![b'Q'; point_bytes(curve)],
            vec![b'P'; point_bytes(curve)],
        )
    }

    pub(super) fn of<'a>(curve: Curve, (key, point): &'a (Vec<u8>, Vec<u8>)) -> SealContext<'a> {
        SealContext {
            purpose: SealPurpose::Backup,
            client_id: ClientId(id(1)),
            backup_share_pair_ids: PerCurve::new(
                BackupSharePairId(id(2)),
                BackupSharePairId(id(3)),
            ),
            wallet_id: WalletId(id(4)),
            curve,
            generation: 5,
            key,
            point,
        }
    }

    pub(super) fn blind(curve: Curve) -> SealedBlind {
        SealedBlind {
            key_id: vec![1; KEY_ID_BYTES].into(),
            point: vec![2; point_bytes(curve)].into(),
            encapsulated: vec![3; ENCAPSULATED_BYTES].into(),
            cipher_text: vec![4; CIPHER_TEXT_BYTES].into(),
        }
    }

    /// Golden: other bytes would open no seal that was made before.
    #[test]
    fn what_is_sealed_for_is_encoded_as_ever() {
        let golden = include_str!("../../../vectors/sealed-blind-v1.txt");
        let mut lines = golden.lines().filter(|line| !line.starts_with('#'));
        let mut next = |what: &str, seen: &[u8]| {
            let seen: String = seen.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(lines.next(), Some(format!("{what} {seen}").as_str()));
        };
        for curve in Curve::ALL {
            let bytes = context(curve);
            let context = of(curve, &bytes);
            next("info", &context.info());
            next("aad", &context.associated_data());
            next("blind", &blind(curve).encode());
        }
        let blinds = PerCurve::new(blind(Curve::Secp256k1), blind(Curve::Ed25519));
        let pairs = PerCurve::new(BackupSharePairId(id(2)), BackupSharePairId(id(3)));
        let ticket = RecoveryTicket(Zeroizing::new([7; 32]));
        let proof = recovery_proof_context(ClientId(id(1)), pairs, &ticket, &[6; 32], &blinds);
        next("recovery", &proof);
    }
}
