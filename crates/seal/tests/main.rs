//! What a seal promises, attacked.

#![allow(clippy::disallowed_methods, reason = "tests draw their own randomness")]

use portal_seal::{OVERHEAD_BYTES, OpenError, SealingKey, SecretBytes, open, seal};
use proptest::prelude::*;
use zeroize::Zeroizing;

fn key(byte: u8) -> SealingKey {
    SealingKey::from_bytes(Zeroizing::new([byte; 32]))
}

proptest! {
    #[test]
    fn opens_to_what_was_sealed(secret: Vec<u8>, place: Vec<u8>) {
        let sealed = seal(&key(1), &place, &secret, &mut rand::rng());
        prop_assert_eq!(sealed.len(), secret.len() + OVERHEAD_BYTES);
        let opened = open(&key(1), &place, &sealed).unwrap();
        prop_assert_eq!(opened.expose(), secret.as_slice());
    }

    #[test]
    fn any_cut_is_refused(secret in prop::collection::vec(any::<u8>(), 0..64)) {
        let sealed = seal(&key(1), b"place", &secret, &mut rand::rng());
        for length in 0..sealed.len() {
            prop_assert!(open(&key(1), b"place", &sealed[..length]).is_err());
        }
    }

    #[test]
    fn any_flipped_bit_is_refused(secret in prop::collection::vec(any::<u8>(), 0..32), bit in 0..8_u8) {
        let sealed = seal(&key(1), b"place", &secret, &mut rand::rng());
        for position in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[position] ^= 1 << bit;
            prop_assert!(open(&key(1), b"place", &changed).is_err(), "byte {}", position);
        }
    }
}

#[test]
fn another_key_is_told_from_another_place() {
    let sealed = seal(&key(1), b"place", b"secret", &mut rand::rng());
    assert_eq!(open(&key(2), b"place", &sealed), Err(OpenError::WrongKey));
    assert_eq!(
        open(&key(1), b"elsewhere", &sealed),
        Err(OpenError::NotAuthentic)
    );
}

#[test]
fn two_seals_of_one_secret_share_nothing() {
    let (a, b) = (
        seal(&key(1), b"", b"secret", &mut rand::rng()),
        seal(&key(1), b"", b"secret", &mut rand::rng()),
    );
    assert_ne!(a[1..25], b[1..25], "nonce");
    assert_ne!(a[25..57], b[25..57], "commitment");
    assert_ne!(a[57..], b[57..], "cipher text");
}

/// What version 1 looks like at rest must open for ever.
#[test]
fn version_1_golden_bytes_open() {
    let sealed = hex::decode(include_str!("../../../vectors/seal-v1.hex").trim()).unwrap();
    assert_eq!(
        open(&key(7), b"golden", &sealed).unwrap().expose(),
        b"portal seal v1"
    );
}

#[test]
fn a_key_does_not_print_itself() {
    assert_eq!(format!("{:?}", key(0xab)), "SealingKey(…)");
    assert_eq!(
        format!("{:?}", SecretBytes::new(vec![0xab; 32])),
        "SecretBytes(…)"
    );
}

mod recipient {
    use core::convert::Infallible;

    use hpke::kem::X25519HkdfSha256;
    use hpke::{Kem as _, Serializable as _};
    use portal_seal::recipient::{OpeningKey, RecipientKey, SealedTo};
    use rand_core::{TryCryptoRng, TryRng};
    use zeroize::Zeroizing;

    fn bytes(hex: &str) -> Vec<u8> {
        hex::decode(hex).unwrap_or_default()
    }

    fn array(hex: &str) -> [u8; 32] {
        bytes(hex).try_into().unwrap_or_default()
    }

    /// RFC 9180, appendix A.2.1, sequence number 0.
    #[test]
    fn the_published_vector_opens() {
        let secret = "8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb";
        let key = OpeningKey::from_bytes(Zeroizing::new(array(secret)));
        let public = "4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a";
        assert_eq!(key.public().unwrap(), RecipientKey(array(public)));
        let encapsulated = "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a";
        let sealed = SealedTo {
            encapsulated: array(encapsulated),
            cipher_text: bytes(
                "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db\
                 21993c62ce81883d2dd1b51a28",
            ),
        };
        let info = bytes("4f6465206f6e2061204772656369616e2055726e");
        let opened = key.open(&info, b"Count-0", &sealed).unwrap();
        assert_eq!(opened.expose(), b"Beauty is truth, truth beauty");
        assert!(key.open(&info, b"Count-1", &sealed).is_err());
    }

    #[test]
    fn only_the_recipient_opens_only_what_was_sealed() {
        let rng = &mut rand::rng();
        let (key, other) = (OpeningKey::generate(rng), OpeningKey::generate(rng));
        let public = key.public().unwrap();
        let sealed = public.seal(b"info", b"data", b"a scalar", rng).unwrap();
        let opened = key.open(b"info", b"data", &sealed).unwrap();
        assert_eq!(opened.expose(), b"a scalar");
        assert!(
            other.open(b"info", b"data", &sealed).is_err(),
            "another key"
        );
        assert!(key.open(b"else", b"data", &sealed).is_err(), "another info");
        assert!(key.open(b"info", b"else", &sealed).is_err(), "other data");
        for at in 0..sealed.cipher_text.len() {
            let mut changed = sealed.clone();
            changed.cipher_text[at] ^= 1;
            assert!(key.open(b"info", b"data", &changed).is_err(), "byte {at}");
            changed.cipher_text.truncate(at);
            assert!(key.open(b"info", b"data", &changed).is_err(), "cut to {at}");
        }
        for at in 0..sealed.encapsulated.len() {
            let mut changed = sealed.clone();
            changed.encapsulated[at] ^= 1;
            assert!(
                key.open(b"info", b"data", &changed).is_err(),
                "key byte {at}"
            );
        }
        let again = public.seal(b"info", b"data", b"a scalar", rng).unwrap();
        assert_ne!(sealed, again, "no two seals are alike");
    }

    /// A generator that is broken: it gives the same bytes for ever.
    struct Constant;

    impl TryRng for Constant {
        type Error = Infallible;

        fn try_next_u32(&mut self) -> Result<u32, Infallible> {
            Ok(7)
        }

        fn try_next_u64(&mut self) -> Result<u64, Infallible> {
            Ok(7)
        }

        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
            bytes.fill(7);
            Ok(())
        }
    }

    impl TryCryptoRng for Constant {}

    /// Under a broken generator no two seals share an ephemeral key, and none has one that the
    /// generator alone leads to.
    #[test]
    fn a_broken_generator_repeats_no_ephemeral_key() {
        let public = |byte: u8| {
            let key = OpeningKey::from_bytes(Zeroizing::new([byte; 32]));
            key.public().unwrap()
        };
        let seal = |to: RecipientKey, info: &[u8], data: &[u8], secret: &[u8]| {
            let sealed = to.seal(info, data, secret, &mut Constant);
            sealed.unwrap().encapsulated
        };
        let seals = [
            seal(public(1), b"info", b"data", b"a scalar"),
            seal(public(1), b"info", b"data", b"b scalar"),
            seal(public(1), b"info", b"datb", b"a scalar"),
            seal(public(1), b"infp", b"data", b"a scalar"),
            seal(public(2), b"info", b"data", b"a scalar"),
            // The same bytes, otherwise cut.
            seal(public(1), b"infod", b"ata", b"a scalar"),
        ];
        let different: std::collections::BTreeSet<_> = seals.iter().collect();
        assert_eq!(different.len(), seals.len(), "{seals:02x?}");
        // What HPKE alone would draw of it.
        let (_, derived) = X25519HkdfSha256::gen_keypair_with_rng(&mut Constant);
        for sealed in seals {
            assert_ne!(sealed.as_slice(), derived.to_bytes().as_slice());
        }
    }

    /// RFC 9180 §7.1.4: an all-zero shared secret is refused, on both sides.
    #[test]
    fn a_key_of_small_order_is_refused() {
        let rng = &mut rand::rng();
        let zero = RecipientKey([0; 32]);
        assert!(zero.seal(b"info", b"data", b"a scalar", rng).is_err());
        let key = OpeningKey::generate(rng);
        let sealed = key.public().unwrap().seal(b"", b"", b"a scalar", rng);
        let sealed = SealedTo {
            encapsulated: [0; 32],
            ..sealed.unwrap()
        };
        assert!(key.open(b"", b"", &sealed).is_err());
    }

    #[test]
    fn a_private_key_is_never_printed() {
        let key = OpeningKey::from_bytes(Zeroizing::new([7; 32]));
        assert_eq!(format!("{key:?}"), "OpeningKey(…)");
    }
}
