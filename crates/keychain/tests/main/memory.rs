//! The keychain in memory.

use portal_keychain::{Keychain, MemoryKeychain, conformance};

use crate::{name, secret};

#[tokio::test]
async fn passes_the_suite() {
    conformance::keeps_its_promises(&MemoryKeychain::new()).await;
}

#[tokio::test]
async fn does_not_print_a_secret() {
    let keychain = MemoryKeychain::new();
    keychain
        .write(&name("a"), &secret(b"hunter2"))
        .await
        .unwrap();
    assert_eq!(format!("{keychain:?}"), "MemoryKeychain(1 entries)");
}
