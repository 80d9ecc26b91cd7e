//! The suite that every storage passes. It reports by panicking: call it from tests.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a suite for tests reports by panicking"
)]

use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};

use portal_lifecycle::ErrorId;
use zeroize::Zeroizing;

use crate::{
    BackupStorage, KEY_BYTES, KeyName, NAME_BYTES, SealingKey, SecretBytes, fetch_key, keep_key,
    self_test,
};

/// Holds an empty storage to everything that [`BackupStorage`] promises, and leaves it empty.
///
/// # Panics
///
/// If it breaks a promise, saying which.
pub async fn keeps_its_promises(storage: &dyn BackupStorage) {
    an_absent_key_is_none(storage).await;
    keys_of_every_size_come_back(storage).await;
    too_large_a_key_is_refused(storage).await;
    a_write_replaces(storage).await;
    names_are_told_apart(storage).await;
    writes_at_once_leave_one_of_them(storage).await;
    a_dropped_write_never_overtakes_a_later_one(storage).await;
    a_sealing_key_is_kept_and_never_replaced(storage).await;
    a_self_test_passes(storage).await;
}

/// Holds a durable storage to its word: what was written is there after `open` again.
///
/// # Panics
///
/// If something is not.
pub async fn survives_reopening<S: BackupStorage>(open: impl AsyncFn() -> S) {
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
    after.delete(&kept).await.unwrap();
}

async fn an_absent_key_is_none(storage: &dyn BackupStorage) {
    let absent = name("absent");
    assert_eq!(storage.read(&absent).await.unwrap(), None);
    storage
        .delete(&absent)
        .await
        .expect("deleting what is absent is no error");
}

async fn keys_of_every_size_come_back(storage: &dyn BackupStorage) {
    let sized = name("sizes");
    for size in [0, 1, 32, 64, KEY_BYTES] {
        let written = secret(&vec![0xa5; size]);
        storage.write(&sized, &written).await.unwrap();
        let read = storage.read(&sized).await.unwrap();
        assert!(read == Some(written), "expected the {size} bytes written");
    }
    storage.delete(&sized).await.unwrap();
}

async fn too_large_a_key_is_refused(storage: &dyn BackupStorage) {
    let name = name("too-large");
    storage.write(&name, &secret(b"old")).await.unwrap();
    let refused = storage
        .write(&name, &secret(&vec![0; KEY_BYTES + 1]))
        .await
        .expect_err("a key over the limit");
    assert_eq!(refused.id(), ErrorId::BackupStorageUnavailable);
    assert_eq!(storage.read(&name).await.unwrap(), Some(secret(b"old")));
    storage.delete(&name).await.unwrap();
}

async fn a_write_replaces(storage: &dyn BackupStorage) {
    let name = name("replaced");
    for content in [b"a longer key".as_slice(), b"short", b""] {
        storage.write(&name, &secret(content)).await.unwrap();
        assert_eq!(storage.read(&name).await.unwrap(), Some(secret(content)));
    }
    storage.delete(&name).await.unwrap();
}

async fn names_are_told_apart(storage: &dyn BackupStorage) {
    let longest = "z".repeat(NAME_BYTES);
    let names = ["b", "a", "a.", "a-b", "a.b", "0", "-", "a.key", &longest].map(name);
    for name in &names {
        let content = secret(name.as_str().as_bytes());
        storage.write(name, &content).await.unwrap();
    }
    for name in &names {
        let content = secret(name.as_str().as_bytes());
        assert_eq!(storage.read(name).await.unwrap(), Some(content));
        storage.delete(name).await.unwrap();
        assert_eq!(storage.read(name).await.unwrap(), None);
    }
}

async fn writes_at_once_leave_one_of_them(storage: &dyn BackupStorage) {
    let name = name("at-once");
    let (a, b) = (secret(&[0xa; 500]), secret(&[0xb; 300]));
    let (first, second) = tokio::join!(storage.write(&name, &a), storage.write(&name, &b));
    first.and(second).unwrap();
    let read = storage.read(&name).await.unwrap().expect("one of them");
    assert!(read == a || read == b, "expected one of the two, whole");
    storage.delete(&name).await.unwrap();
}

async fn a_dropped_write_never_overtakes_a_later_one(storage: &dyn BackupStorage) {
    let name = name("dropped");
    for _ in 0..20 {
        begin_and_drop(storage.write(&name, &secret(b"given up")));
        storage.write(&name, &secret(b"later")).await.unwrap();
        assert_eq!(storage.read(&name).await.unwrap(), Some(secret(b"later")));
    }
    storage.delete(&name).await.unwrap();
}

/// Polls an operation once, as a caller that runs into a time-out does.
fn begin_and_drop<T>(operation: impl Future<Output = T>) {
    let mut operation = pin!(operation);
    let _: Poll<T> = operation
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()));
}

async fn a_sealing_key_is_kept_and_never_replaced(storage: &dyn BackupStorage) {
    let name = name("kept");
    let key = |byte| SealingKey::from_bytes(Zeroizing::new([byte; 32]));
    let absent = fetch_key(storage, &name).await.expect_err("no key yet");
    assert_eq!(absent.id(), ErrorId::BackupKeyNotFound);
    keep_key(storage, &name, &key(1)).await.unwrap();
    keep_key(storage, &name, &key(1)).await.expect("again");
    keep_key(storage, &name, &key(2))
        .await
        .expect_err("another key of that name");
    let fetched = fetch_key(storage, &name).await.unwrap();
    assert!(fetched.expose() == key(1).expose(), "expected the first");
    storage.delete(&name).await.unwrap();
}

async fn a_self_test_passes(storage: &dyn BackupStorage) {
    let (one, other) = tokio::join!(
        self_test(storage, &[0x11; 32]),
        self_test(storage, &[0x22; 32])
    );
    one.and(other).unwrap();
}

fn name(name: &str) -> KeyName {
    KeyName::parse(name).unwrap()
}

fn secret(bytes: &[u8]) -> SecretBytes {
    SecretBytes::new(bytes.to_vec())
}
