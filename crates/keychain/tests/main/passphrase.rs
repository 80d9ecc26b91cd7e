//! A keychain's key from a passphrase. Few cases: each derivation takes 64 MiB and a while.

use std::fs;

use portal_keychain::{FileKeychain, Keychain, KeychainError};
use portal_lifecycle::ErrorId;
use tempfile::tempdir;

use crate::{name, open, private, rng, secret, told};

#[tokio::test]
async fn the_same_passphrase_opens_the_keychain_again() {
    let home = tempdir().unwrap();
    let directory = home.path().join("keychain");
    let derive =
        |passphrase| FileKeychain::key_from_passphrase(passphrase, &directory, &mut rng()).unwrap();
    let key = derive("h\u{e9}risson"); // é as one letter
    let keychain = FileKeychain::open(&directory, key, rng()).unwrap();
    keychain.write(&name("e"), &secret(b"share")).await.unwrap();

    let again = derive("he\u{301}risson"); // é as e and an accent
    let keychain = FileKeychain::open(&directory, again, rng()).unwrap();
    let read = keychain.read(&name("e")).await.unwrap();
    assert_eq!(read, Some(secret(b"share")));

    let wrong = FileKeychain::open(&directory, derive("herisson"), rng()).unwrap_err();
    assert!(matches!(wrong, KeychainError::WrongKey { .. }), "{wrong:?}");
    assert!(!told(&wrong).contains("herisson"));
}

#[test]
fn a_salt_is_drawn_for_each_directory() {
    let (one, other) = (tempdir().unwrap(), tempdir().unwrap());
    let derive =
        |home: &tempfile::TempDir| FileKeychain::key_from_passphrase("p", home.path(), &mut rng());
    assert_ne!(
        derive(&one).unwrap().expose(),
        derive(&other).unwrap().expose()
    );
}

#[test]
fn two_at_once_agree_on_one_salt() {
    let home = tempdir().unwrap();
    let derive = || {
        let key = FileKeychain::key_from_passphrase("p", home.path(), &mut rng());
        *key.unwrap().expose()
    };
    let (one, other) = std::thread::scope(|scope| {
        let (one, other) = (scope.spawn(derive), scope.spawn(derive));
        (one.join().unwrap(), other.join().unwrap())
    });
    assert_eq!(one, other);
}

#[test]
fn an_empty_passphrase_is_refused() {
    let home = tempdir().unwrap();
    let error = FileKeychain::key_from_passphrase("", home.path(), &mut rng()).unwrap_err();
    assert_eq!(error.id(), ErrorId::KeychainUnavailable);
}

#[test]
fn a_lost_salt_is_told_and_not_replaced() {
    let home = tempdir().unwrap();
    open(home.path());
    let error = FileKeychain::key_from_passphrase("p", home.path(), &mut rng()).unwrap_err();
    assert!(
        matches!(error, KeychainError::SaltFileMissing { .. }),
        "{error:?}"
    );
    assert!(!home.path().join("passphrase.json").exists());
}

#[test]
fn a_salt_file_asks_for_no_more_and_no_less_than_allowed() {
    let home = private();
    let path = home.path().join("passphrase.json");
    let good = r#"{"version":1,"name":"argon2id","memoryKib":65536,"iterations":3,"parallelism":1,"salt":"AAAAAAAAAAAAAAAAAAAAAA"}"#;
    for (from, to) in [
        ("\"version\":1", "\"version\":2"),
        ("argon2id", "argon2d"),
        ("65536", "65535"),
        ("65536", "262145"),
        ("65536", "4294967295"),
        ("65536", "-1"),
        ("\"iterations\":3", "\"iterations\":2"),
        ("\"iterations\":3", "\"iterations\":11"),
        ("\"parallelism\":1", "\"parallelism\":0"),
        ("\"parallelism\":1", "\"parallelism\":5"),
        ("AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAA"),
        ("AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAA"),
        ("}", ",\"more\":1}"),
        ("}", ""),
        ("{", &format!("{}{{", " ".repeat(1024))),
    ] {
        let hostile = good.replace(from, to);
        assert_ne!(hostile, good);
        fs::write(&path, &hostile).unwrap();
        let error = FileKeychain::key_from_passphrase("p", home.path(), &mut rng()).unwrap_err();
        assert!(
            matches!(error, KeychainError::SaltFileUnsupported { .. }),
            "{hostile}: {error:?}"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), hostile, "left alone");
    }
}
