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
