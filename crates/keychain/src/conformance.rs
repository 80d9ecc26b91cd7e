//! The suite that every keychain passes. It reports by panicking: call it from tests.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a suite for tests reports by panicking"
)]

use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};

use portal_lifecycle::ErrorId;

use crate::{EntryName, Keychain, NAME_BYTES, SECRET_BYTES, SecretBytes, self_test};

/// Holds an empty keychain to everything that [`Keychain`] promises, and leaves it empty.
///
/// # Panics
///
/// If it breaks a promise, saying which.
pub async fn keeps_its_promises(keychain: &dyn Keychain) {
    assert_eq!(
        keychain.list().await.unwrap(),
        [],
        "expected to begin empty"
    );
    an_absent_entry_is_none(keychain).await;
    secrets_of_every_size_come_back(keychain).await;
    too_large_a_secret_is_refused(keychain).await;
    a_write_replaces(keychain).await;
    a_delete_takes_one_entry(keychain).await;
    a_list_is_complete_and_sorted(keychain).await;
    writes_at_once_leave_one_of_them(keychain).await;
    a_dropped_write_never_overtakes_a_later_one(keychain).await;
    a_self_test_leaves_nothing(keychain).await;
    assert_eq!(keychain.list().await.unwrap(), [], "expected to end empty");
}

/// Holds a durable keychain to its word: what was written is there after `open` again.
///
/// # Panics
///
/// If something is not.
pub async fn survives_reopening<K: Keychain>(open: impl AsyncFn() -> K) {
    let (kept, gone) = (name("reopening.kept"), name("reopening.gone"));
    let before = open().await;
    before.write(&kept, &secret(b"old")).await.unwrap();
    before.write(&gone, &secret(b"gone")).await.unwrap();
    before.write(&kept, &secret(b"new")).await.unwrap();
    before.delete(&gone).await.unwrap();
    drop(before);
    let after = open().await;
    assert_eq!(after.read(&kept).await.unwrap(), Some(secret(b"new")));
    assert_eq!(after.read(&gone).await.unwrap(), None);
    assert_eq!(after.list().await.unwrap(), std::slice::from_ref(&kept));
    after.delete(&kept).await.unwrap();
}

async fn an_absent_entry_is_none(keychain: &dyn Keychain) {
    let absent = name("absent");
    assert_eq!(keychain.read(&absent).await.unwrap(), None);
    keychain
        .delete(&absent)
        .await
        .expect("deleting what is absent is no error");
}

async fn secrets_of_every_size_come_back(keychain: &dyn Keychain) {
    let entry = name("sizes");
    for size in [0, 1, 32, 4096, SECRET_BYTES] {
        let written = secret(&vec![0xa5; size]);
        keychain.write(&entry, &written).await.unwrap();
        let read = keychain.read(&entry).await.unwrap();
        assert!(read == Some(written), "expected the {size} bytes written");
    }
    keychain.delete(&entry).await.unwrap();
}

async fn too_large_a_secret_is_refused(keychain: &dyn Keychain) {
    let entry = name("too-large");
    keychain.write(&entry, &secret(b"old")).await.unwrap();
    let refused = keychain
        .write(&entry, &secret(&vec![0; SECRET_BYTES + 1]))
        .await
        .expect_err("a secret over the limit");
    assert_eq!(refused.id(), ErrorId::KeychainWriteFailed);
    assert_eq!(keychain.read(&entry).await.unwrap(), Some(secret(b"old")));
    keychain.delete(&entry).await.unwrap();
}

async fn a_write_replaces(keychain: &dyn Keychain) {
    let entry = name("replaced");
    for content in [b"a longer secret".as_slice(), b"short", b""] {
        keychain.write(&entry, &secret(content)).await.unwrap();
        assert_eq!(keychain.read(&entry).await.unwrap(), Some(secret(content)));
    }
    keychain.delete(&entry).await.unwrap();
}

async fn a_delete_takes_one_entry(keychain: &dyn Keychain) {
    let (kept, deleted) = (name("delete"), name("delete.it"));
    keychain.write(&kept, &secret(b"kept")).await.unwrap();
    keychain.write(&deleted, &secret(b"deleted")).await.unwrap();
    keychain.delete(&deleted).await.unwrap();
    assert_eq!(keychain.read(&deleted).await.unwrap(), None);
    assert_eq!(keychain.read(&kept).await.unwrap(), Some(secret(b"kept")));
    keychain.delete(&kept).await.unwrap();
}

async fn a_list_is_complete_and_sorted(keychain: &dyn Keychain) {
    let longest = "z".repeat(NAME_BYTES);
    let mut names = ["b", "a", "a.", "a-b", "a.b", "0", "-", "a.sealed", &longest].map(name);
    for entry in &names {
        let content = secret(entry.as_str().as_bytes());
        keychain.write(entry, &content).await.unwrap();
    }
    names.sort();
    assert_eq!(keychain.list().await.unwrap(), names);
    for entry in &names {
        let content = secret(entry.as_str().as_bytes());
        assert_eq!(keychain.read(entry).await.unwrap(), Some(content));
        keychain.delete(entry).await.unwrap();
    }
    assert_eq!(keychain.list().await.unwrap(), []);
}

async fn writes_at_once_leave_one_of_them(keychain: &dyn Keychain) {
    let entry = name("at-once");
    let (a, b) = (secret(&[0xa; 500]), secret(&[0xb; 300]));
    let (first, second) = tokio::join!(keychain.write(&entry, &a), keychain.write(&entry, &b));
    first.and(second).unwrap();
    let read = keychain.read(&entry).await.unwrap().expect("one of them");
    assert!(read == a || read == b, "expected one of the two, whole");
    keychain.delete(&entry).await.unwrap();
}

async fn a_dropped_write_never_overtakes_a_later_one(keychain: &dyn Keychain) {
    let entry = name("dropped");
    for _ in 0..20 {
        begin_and_drop(keychain.write(&entry, &secret(b"given up")));
        keychain.write(&entry, &secret(b"later")).await.unwrap();
        assert_eq!(keychain.read(&entry).await.unwrap(), Some(secret(b"later")));
        begin_and_drop(keychain.write(&entry, &secret(b"given up")));
        let read = keychain.read(&entry).await.unwrap();
        let again = keychain.read(&entry).await.unwrap();
        assert_eq!(read, again, "expected a dropped write to be settled");
    }
    keychain.delete(&entry).await.unwrap();
}

/// Polls an operation once, as a caller that runs into a time-out does.
fn begin_and_drop<T>(operation: impl Future<Output = T>) {
    let mut operation = pin!(operation);
    let _: Poll<T> = operation
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()));
}

async fn a_self_test_leaves_nothing(keychain: &dyn Keychain) {
    let (one, other) = tokio::join!(
        self_test(keychain, &[0x11; 32]),
        self_test(keychain, &[0x22; 32])
    );
    one.and(other).unwrap();
    assert_eq!(keychain.list().await.unwrap(), []);
}

fn name(name: &str) -> EntryName {
    EntryName::parse(name).unwrap()
}

fn secret(bytes: &[u8]) -> SecretBytes {
    SecretBytes::new(bytes.to_vec())
}
