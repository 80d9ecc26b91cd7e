//! What version 1 looks like at rest must open for ever.

use std::fs;

use portal_keychain::{FileKeychain, Keychain};

use crate::{key, name, private, rng, secret};

const GOLDEN: &str = include_str!("../../../../vectors/keychain-v1.txt");

fn golden(field: &str) -> &'static str {
    GOLDEN
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(" = "))
        .unwrap()
}

#[tokio::test]
async fn version_1_files_open() {
    let home = private();
    let write = |file: &str, field| {
        fs::write(home.path().join(file), hex::decode(golden(field)).unwrap()).unwrap();
    };
    write("key-check", "key-check");
    write("golden.sealed", "golden.sealed");
    let keychain = FileKeychain::open(home.path(), key(7), rng()).unwrap();
    let read = keychain.read(&name("golden")).await.unwrap();
    assert_eq!(read, Some(secret(b"portal keychain v1")));
}

#[test]
fn version_1_passphrases_give_the_same_key() {
    let home = private();
    fs::write(
        home.path().join("passphrase.json"),
        golden("passphrase.json"),
    )
    .unwrap();
    let key =
        FileKeychain::key_from_passphrase(golden("passphrase"), home.path(), &mut rng()).unwrap();
    assert_eq!(hex::encode(key.expose()), golden("derived key"));
}
