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

use portal_lifecycle::ids::{BackupSharePairId, ClientId, WalletId};
use portal_lifecycle::{Curve, PerCurve};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::{Base64Bytes, SecretText};

/// Version of the sealed blind's encoding and of its associated data.
const VERSION: u8 = 1;
/// What HPKE's key schedule is bound to.
const INFO: &[u8] = b"portal sealed blind v1";

/// Length of a sealing key's id: the beginning of the public key.
pub const KEY_ID_BYTES: usize = 8;
/// Length of an encapsulated key (X25519).
pub const ENCAPSULATED_BYTES: usize = 32;
/// Length of a sealed scalar: 32 bytes and a tag.
pub const CIPHER_TEXT_BYTES: usize = 48;

/// What a seal is for; a seal for one purpose does not open for the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealPurpose {
    /// ρ: the custodian forms its share.
    Backup,
    /// σ: the custodian blinds its share.
    Recover,
}

impl SealPurpose {
    const fn as_bytes(self) -> &'static [u8] {
        match self {
            Self::Backup => b"backup",
            Self::Recover => b"recover",
        }
    }
}

/// A blind of one curve, sealed to the custodian.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SealedBlind {
    /// Which of the custodian's keys opens it: 8 bytes.
    #[cfg_attr(
        feature = "openapi",
        schema(value_type = String, pattern = "^[A-Za-z0-9_-]{10}[AEIMQUYcgkosw048]$")
    )]
    pub key_id: Base64Bytes,
    /// The blind times the generator, compressed.
    pub point: Base64Bytes,
    /// HPKE's encapsulated key: 32 bytes.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::schema::Digest))]
    pub encapsulated: Base64Bytes,
    /// The sealed scalar: 48 bytes.
    #[cfg_attr(
        feature = "openapi",
        schema(value_type = String, pattern = "^[A-Za-z0-9_-]{64}$")
    )]
    pub cipher_text: Base64Bytes,
}

/// A sealed blind whose parts are not as long as they must be, or of another version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} bytes in {part} of a sealed blind, got {given}")]
pub struct MalformedBlind {
    /// Which part.
    pub part: &'static str,
    /// How long it must be.
    pub expected: usize,
    /// How long it is.
    pub given: usize,
}

/// Length of a compressed point (SEC 1 §2.3.3, RFC 8032 §5.1.2).
const fn point_bytes(curve: Curve) -> usize {
    match curve {
        Curve::Secp256k1 => 33,
        Curve::Ed25519 => 32,
    }
}

impl SealedBlind {
    /// Checks the length of every part.
    ///
    /// # Errors
    ///
    /// [`MalformedBlind`].
    pub fn check(&self, curve: Curve) -> Result<(), MalformedBlind> {
        let parts = [
            ("keyId", &self.key_id, KEY_ID_BYTES),
            ("point", &self.point, point_bytes(curve)),
            ("encapsulated", &self.encapsulated, ENCAPSULATED_BYTES),
            ("cipherText", &self.cipher_text, CIPHER_TEXT_BYTES),
        ];
        for (part, bytes, expected) in parts {
            let given = bytes.0.len();
            if given != expected {
                return Err(MalformedBlind {
                    part,
                    expected,
                    given,
                });
            }
        }
        Ok(())
    }

    /// As it waits in the server's outbox, and is hashed.
    ///
    /// ```text
    /// version (1) ‖ key id (8) ‖ point (33 or 32) ‖ encapsulated key (32) ‖ cipher text (48)
    /// ```
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        [
            [VERSION].as_slice(),
            &self.key_id.0,
            &self.point.0,
            &self.encapsulated.0,
            &self.cipher_text.0,
        ]
        .concat()
    }

    /// Reads back what [`encode`](Self::encode) made.
    ///
    /// # Errors
    ///
    /// [`MalformedBlind`].
    pub fn decode(curve: Curve, bytes: &[u8]) -> Result<Self, MalformedBlind> {
        let malformed = MalformedBlind {
            part: "the whole",
            expected: 1
                + KEY_ID_BYTES
                + point_bytes(curve)
                + ENCAPSULATED_BYTES
                + CIPHER_TEXT_BYTES,
            given: bytes.len(),
        };
        let (version, rest) = bytes.split_first().ok_or(malformed)?;
        if *version != VERSION {
            return Err(MalformedBlind {
                part: "version",
                expected: VERSION.into(),
                given: (*version).into(),
            });
        }
        let (key_id, rest) = rest.split_at_checked(KEY_ID_BYTES).ok_or(malformed)?;
        let (point, rest) = rest.split_at_checked(point_bytes(curve)).ok_or(malformed)?;
        let (encapsulated, cipher_text) =
            rest.split_at_checked(ENCAPSULATED_BYTES).ok_or(malformed)?;
        let part = |bytes: &[u8]| Base64Bytes(bytes.to_vec());
        let blind = Self {
            key_id: part(key_id),
            point: part(point),
            encapsulated: part(encapsulated),
            cipher_text: part(cipher_text),
        };
        blind.check(curve).map_err(|_| malformed)?;
        Ok(blind)
    }
}

/// What a blind is sealed for; all of it is authenticated, and none of it can be changed by who
/// does not know the blind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealContext<'a> {
    /// What for.
    pub purpose: SealPurpose,
    /// Whose wallet.
    pub client_id: ClientId,
    /// The backup pair on both curves, so that the halves of two backups do not mix.
    pub backup_share_pair_ids: PerCurve<BackupSharePairId>,
    /// The key of this curve.
    pub wallet_id: WalletId,
    /// This curve.
    pub curve: Curve,
    /// The pair's generation.
    pub generation: u64,
    /// Q, compressed.
    pub key: &'a [u8],
    /// The blind times the generator, compressed.
    pub point: &'a [u8],
}

impl SealContext<'_> {
    /// HPKE's `info`.
    #[must_use]
    pub fn info(&self) -> Vec<u8> {
        framed(&[INFO, self.purpose.as_bytes()])
    }

    /// HPKE's `aad`.
    #[must_use]
    pub fn associated_data(&self) -> Vec<u8> {
        framed(&[
            INFO,
            self.purpose.as_bytes(),
            &self.client_id.to_bytes(),
            &self.backup_share_pair_ids.secp256k1.to_bytes(),
            &self.backup_share_pair_ids.ed25519.to_bytes(),
            &self.wallet_id.to_bytes(),
            self.curve.as_str().as_bytes(),
            &self.generation.to_be_bytes(),
            self.key,
            self.point,
        ])
    }
}

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

/// What a blind is drawn for, so that no two draws of one share are alike even if the randomness is.
#[must_use]
pub fn blind_context(purpose: SealPurpose, pair: BackupSharePairId, nonce: &[u8; 32]) -> Vec<u8> {
    framed(&[INFO, purpose.as_bytes(), &pair.to_bytes(), nonce])
}

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

/// The custodian's public sealing key, as an app pins it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PinnedSealingKey(pub [u8; 32]);

/// What a pinned key's text begins with.
const PINNED_PREFIX: &str = "portal-sealing-key-v1.";

/// A text that is no sealing key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a sealing key such as portal-sealing-key-v1.… of 43 more letters; \
     `portal custodian sealing-key show` prints it"
)]
pub struct MalformedSealingKey;

impl PinnedSealingKey {
    /// The id by which seals name it: its first bytes.
    #[must_use]
    pub fn id(&self) -> [u8; KEY_ID_BYTES] {
        let mut id = [0; KEY_ID_BYTES];
        id.iter_mut().zip(self.0).for_each(|(to, from)| *to = from);
        id
    }
}

impl core::fmt::Display for PinnedSealingKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{PINNED_PREFIX}{}", Base64Bytes(self.0.to_vec()))
    }
}

impl core::fmt::Debug for PinnedSealingKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{self}")
    }
}

impl core::str::FromStr for PinnedSealingKey {
    type Err = MalformedSealingKey;

    fn from_str(text: &str) -> Result<Self, MalformedSealingKey> {
        let bytes = text
            .strip_prefix(PINNED_PREFIX)
            .ok_or(MalformedSealingKey)?;
        let bytes = Base64Bytes::parse(bytes).map_err(|_| MalformedSealingKey)?;
        bytes.to_array().map(Self).ok_or(MalformedSealingKey)
    }
}

impl Serialize for PinnedSealingKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PinnedSealingKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// `GET /app/sealing-keys` of the custodian's backend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SealingKeys {
    /// The public keys that it opens seals of, the one to seal to first.
    pub keys: Vec<PinnedSealingKey>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(byte: u8) -> uuid::Uuid {
        uuid::Uuid::from_bytes([byte; 16])
    }

    fn context(curve: Curve) -> (Vec<u8>, Vec<u8>) {
        (
            vec![b'Q'; point_bytes(curve)],
            vec![b'P'; point_bytes(curve)],
        )
    }

    fn of<'a>(curve: Curve, (key, point): &'a (Vec<u8>, Vec<u8>)) -> SealContext<'a> {
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

    fn blind(curve: Curve) -> SealedBlind {
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

    #[test]
    fn no_two_contexts_are_alike() {
        let bytes = context(Curve::Ed25519);
        let here = of(Curve::Ed25519, &bytes);
        let pairs = here.backup_share_pair_ids;
        let other = vec![b'X'; 32];
        let others = [
            SealContext {
                purpose: SealPurpose::Recover,
                ..here
            },
            SealContext {
                client_id: ClientId(id(9)),
                ..here
            },
            SealContext {
                backup_share_pair_ids: PerCurve::new(pairs.ed25519, pairs.secp256k1),
                ..here
            },
            SealContext {
                wallet_id: WalletId(id(9)),
                ..here
            },
            SealContext {
                curve: Curve::Secp256k1,
                ..here
            },
            SealContext {
                generation: 6,
                ..here
            },
            SealContext {
                key: &other,
                ..here
            },
            SealContext {
                point: &other,
                ..here
            },
        ];
        for there in others {
            assert_ne!(here.associated_data(), there.associated_data(), "{there:?}");
        }
    }

    #[test]
    fn a_blind_comes_back_and_a_damaged_one_does_not() {
        for curve in Curve::ALL {
            let (blind, bytes) = (blind(curve), blind(curve).encode());
            assert_eq!(SealedBlind::decode(curve, &bytes), Ok(blind));
            for cut in 0..bytes.len() {
                assert!(
                    SealedBlind::decode(curve, &bytes[..cut]).is_err(),
                    "cut to {cut}"
                );
            }
            let longer = [&bytes[..], &[0]].concat();
            assert!(SealedBlind::decode(curve, &longer).is_err());
            let newer = [&[2], &bytes[1..]].concat();
            assert!(SealedBlind::decode(curve, &newer).is_err());
        }
        let other = blind(Curve::Secp256k1).check(Curve::Ed25519);
        assert!(other.is_err(), "a point of the other curve");
    }

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

    #[test]
    fn a_pinned_key_is_read_as_it_is_shown() {
        let key = PinnedSealingKey([0xab; 32]);
        assert_eq!(key.to_string().parse(), Ok(key));
        assert_eq!(key.id(), [0xab; 8]);
        for text in [
            "",
            "portal-sealing-key-v1.",
            "portal-sealing-key-v2.AAAA",
            "AAAA",
        ] {
            assert_eq!(
                text.parse::<PinnedSealingKey>(),
                Err(MalformedSealingKey),
                "{text}"
            );
        }
    }
}
