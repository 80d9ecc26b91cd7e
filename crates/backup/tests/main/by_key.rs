//! Cipher texts under a stored key.

use portal_api::limits::CIPHER_TEXT_BYTES;
use portal_backup::{BackupError, CipherText, KeySource, Password};
use portal_lifecycle::{BackupMethod, Curve, ErrorId, Generation, PerCurve};
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

use crate::{SUBJECT, by_key, id, key, name, put_together, secret, shares, take_apart, told};

fn method() -> impl Strategy<Value = BackupMethod> {
    let by_key = BackupMethod::ALL
        .iter()
        .copied()
        .filter(|method| *method != BackupMethod::Password);
    prop::sample::select(by_key.collect::<Vec<_>>())
}

proptest! {
    #[test]
    fn shares_come_back(
        secp256k1 in prop::collection::vec(any::<u8>(), 0..2000),
        ed25519 in prop::collection::vec(any::<u8>(), 0..2000),
        method in method(),
        generation: u64,
        key_bytes: [u8; 32],
    ) {
        let key = portal_backup::SealingKey::from_bytes(key_bytes.into());
        let shares = PerCurve::new(secret(&secp256k1), secret(&ed25519));
        let mut subject = SUBJECT;
        subject.generation = Generation(generation);
        let made = CipherText::encrypt_with_key(
            &key, name("k"), method, subject, &shares, &mut rand::rng(),
        ).unwrap();
        let text = made.to_string();
        prop_assert!(text.is_ascii() && text.len() <= CIPHER_TEXT_BYTES);
        let read = CipherText::parse(&text).unwrap();
        prop_assert_eq!(&read, &made);
        prop_assert_eq!(read.header().backup_method, method);
        prop_assert_eq!(read.header().subject, subject);
        prop_assert_eq!(&read.header().key_source, &KeySource::Stored { key_name: name("k") });
        prop_assert_eq!(read.digest().0, <[u8; 32]>::from(Sha256::digest(text.as_bytes())));
        prop_assert_eq!(read.decrypt_with_key(&key).unwrap(), shares);
    }

    #[test]
    fn no_text_makes_it_panic(text in "(portal-backup-v1)?[.]?[a-zA-Z0-9_=-]{0,40}[.]?.{0,40}") {
        let _ = CipherText::parse(&text).map(|text| text.decrypt_with_key(&key(1)));
    }

    #[test]
    fn no_header_makes_it_panic(json in "[{]?(\"(version|kdf|name)\":[0-9\"{},]{0,10}){0,4}.{0,20}") {
        let _ = CipherText::parse(&put_together(&json, "AAAA"));
    }
}

fn opens(text: &str) -> bool {
    CipherText::parse(text).is_ok_and(|text| text.decrypt_with_key(&key(1)).is_ok())
}

#[test]
fn every_cut_is_refused() {
    let text = by_key(SUBJECT).to_string();
    assert!(opens(&text));
    for length in 0..text.len() {
        assert!(!opens(&text[..length]), "cut to {length} bytes");
    }
    for start in 1..text.len() {
        assert!(!opens(&text[start..]), "without its first {start} bytes");
    }
}

#[test]
fn every_changed_character_is_refused() {
    let text = by_key(SUBJECT).to_string();
    for position in 0..text.len() {
        for other in ["A", "b", "0", "_", "-", "=", ".", " ", "\n", "ä"] {
            let changed = format!("{}{other}{}", &text[..position], &text[position + 1..]);
            assert!(
                changed == text || !opens(&changed),
                "{other:?} at {position}"
            );
        }
        let inserted = format!("{}A{}", &text[..position], &text[position..]);
        assert!(!opens(&inserted), "one more character at {position}");
    }
    assert!(!opens(&format!("{text}\n")));
    assert!(!opens(&format!("{text}=")));
}

#[test]
fn every_field_of_the_header_is_bound() {
    let text = by_key(SUBJECT).to_string();
    let (header, sealed) = take_apart(&text);
    let uuid = |byte| id(byte).to_string();
    for (from, to) in [
        (uuid(1), uuid(9)),
        (uuid(2), uuid(9)),
        (uuid(3), uuid(9)),
        (uuid(4), uuid(9)),
        (uuid(5), uuid(9)),
        ("\"generation\":7".to_owned(), "\"generation\":8".to_owned()),
        ("GDRIVE".to_owned(), "ICLOUD".to_owned()),
        (
            "portal-backup.test".to_owned(),
            "portal-backup.other".to_owned(),
        ),
        (":7".to_owned(), ": 7".to_owned()),
    ] {
        let changed = header.replace(&from, &to);
        assert_ne!(changed, header, "the header has no {from}");
        let read = CipherText::parse(&put_together(&changed, &sealed)).unwrap();
        let error = read.decrypt_with_key(&key(1)).unwrap_err();
        assert_eq!(error.id(), ErrorId::DecryptFailed, "{from} to {to}");
    }
}

#[test]
fn another_backups_header_is_refused() {
    let mut others = SUBJECT;
    others.backup_share_pair_ids = others
        .backup_share_pair_ids
        .map(|_| portal_lifecycle::ids::BackupSharePairId(id(9)));
    let (theirs, _) = take_apart(&by_key(others).to_string());
    let (_, sealed) = take_apart(&by_key(SUBJECT).to_string());
    let swapped = CipherText::parse(&put_together(&theirs, &sealed)).unwrap();
    let error = swapped.decrypt_with_key(&key(1)).unwrap_err();
    assert_eq!(error.id(), ErrorId::DecryptFailed);
}

#[test]
fn two_texts_of_the_same_shares_differ() {
    let (one, other) = (by_key(SUBJECT), by_key(SUBJECT));
    assert_ne!(one.to_string(), other.to_string());
    assert_ne!(one.digest(), other.digest());
}

#[test]
fn another_key_is_refused() {
    let error = by_key(SUBJECT).decrypt_with_key(&key(2)).unwrap_err();
    assert_eq!(error.id(), ErrorId::DecryptFailed);
}

#[test]
fn a_password_is_no_key() {
    let password = Password::new("p").unwrap();
    let error = by_key(SUBJECT)
        .decrypt_with_password(&password)
        .unwrap_err();
    assert!(matches!(error, BackupError::KeyNeeded { .. }), "{error:?}");
    assert_eq!(error.id(), ErrorId::DecryptFailed);

    let method = BackupMethod::Password;
    let (key, shares) = (key(1), shares());
    let rng = &mut rand::rng();
    let error = CipherText::encrypt_with_key(&key, name("k"), method, SUBJECT, &shares, rng);
    assert_eq!(error.unwrap_err().id(), ErrorId::PasswordRequired);
}

/// What fits no text is found by the trial decryption, or before it (E16).
#[test]
fn shares_that_do_not_fit_are_refused() {
    for size in [CIPHER_TEXT_BYTES, usize::from(u16::MAX) + 1] {
        for large in Curve::ALL {
            let shares = PerCurve::new(Curve::Secp256k1, Curve::Ed25519)
                .map(|curve| secret(&vec![0xee; if curve == large { size } else { 1 }]));
            let method = BackupMethod::ICloud;
            let rng = &mut rand::rng();
            let error =
                CipherText::encrypt_with_key(&key(1), name("k"), method, SUBJECT, &shares, rng)
                    .unwrap_err();
            assert_eq!(error.id(), ErrorId::EncryptFailed, "{size} on {large}");
        }
    }
}

#[test]
fn nothing_secret_is_printed() {
    let text = by_key(SUBJECT);
    let printed = format!("{text:?}");
    assert!(printed.contains("GDrive"), "{printed}");
    let (_, sealed) = take_apart(&text.to_string());
    assert!(!printed.contains(&sealed), "{printed}");
    let error = told(&text.decrypt_with_key(&key(2)).unwrap_err());
    assert!(
        !error.contains("share\"") && !error.contains("[1, 1"),
        "{error}"
    );
}
