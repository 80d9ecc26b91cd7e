//! The folder as a storage.

use std::fs;
use std::path::Path;

use portal_backup::{
    BackupError, BackupStorage, FolderStorage, KEY_BYTES, conformance, fetch_key, keep_key,
    self_test,
};
use portal_lifecycle::ErrorId;
use tempfile::tempdir;

use crate::{key, name, secret, told};

fn open(folder: &Path) -> FolderStorage {
    FolderStorage::open(folder).unwrap()
}

#[tokio::test]
async fn passes_the_suite() {
    let drive = tempdir().unwrap();
    let folder = drive.path().join("portal");
    conformance::keeps_its_promises(&open(&folder)).await;
    conformance::survives_reopening(async || open(&folder)).await;
    assert_eq!(files(&folder), [""; 0], "the suite leaves nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passes_the_suite_on_threads() {
    let drive = tempdir().unwrap();
    conformance::keeps_its_promises(&open(drive.path())).await;
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let drive = tempdir().unwrap();
    let folder = drive.path().join("portal");
    open(&folder)
        .write(&name("k"), &secret(b"s"))
        .await
        .unwrap();
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join("k.key")), 0o600);
}

#[tokio::test]
async fn a_drive_that_is_not_there_is_not_an_empty_one() {
    let drive = tempdir().unwrap();
    let missing = drive.path().join("not-mounted/portal");
    let error = FolderStorage::open(&missing).unwrap_err();
    assert_eq!(error.id(), ErrorId::BackupStorageUnavailable);
    assert!(!drive.path().join("not-mounted").exists());

    let folder = drive.path().join("portal");
    let storage = open(&folder);
    keep_key(&storage, &name("k"), &key(1)).await.unwrap();
    fs::rename(&folder, drive.path().join("elsewhere")).unwrap();
    is_unavailable(&storage).await;
    fs::write(&folder, "a file in its place").unwrap();
    is_unavailable(&storage).await;
    let error = FolderStorage::open(&folder).unwrap_err();
    assert_eq!(error.id(), ErrorId::BackupStorageUnavailable);
}

async fn is_unavailable(storage: &FolderStorage) {
    let name = name("k");
    let errors = [
        storage.read(&name).await.unwrap_err(),
        storage.write(&name, &secret(b"s")).await.unwrap_err(),
        storage.delete(&name).await.unwrap_err(),
        keep_key(storage, &name, &key(1)).await.unwrap_err(),
        fetch_key(storage, &name).await.unwrap_err(),
        self_test(storage, &[9; 32]).await.unwrap_err(),
    ];
    for error in errors {
        let id = ErrorId::BackupStorageUnavailable;
        assert_eq!(error.id(), id, "{}", told(&error));
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_accessed_is_told() {
    let drive = tempdir().unwrap();
    let storage = open(drive.path());
    fs::create_dir(drive.path().join("k.key")).unwrap();
    is_unavailable_for_one(&storage).await;
    assert_eq!(files(drive.path()), ["k.key"], "a failed write cleans up");
}

async fn is_unavailable_for_one(storage: &FolderStorage) {
    for error in [
        storage.read(&name("k")).await.unwrap_err(),
        storage.write(&name("k"), &secret(b"s")).await.unwrap_err(),
        storage.delete(&name("k")).await.unwrap_err(),
    ] {
        assert!(matches!(error, BackupError::Access { .. }), "{error:?}");
        assert_eq!(error.id(), ErrorId::BackupStorageUnavailable);
    }
}

#[tokio::test]
async fn a_damaged_key_file_is_not_a_key() {
    let drive = tempdir().unwrap();
    let storage = open(drive.path());
    keep_key(&storage, &name("k"), &key(0xab)).await.unwrap();
    let path = drive.path().join("k.key");
    let stored = fs::read_to_string(&path).unwrap();
    assert_eq!(stored, format!("portal-backup-key-v1.{}", "ab".repeat(32)));
    for damaged in [
        "",
        &stored[1..],
        &stored[..stored.len() - 1],
        &format!("{stored}\n"),
        &stored.replace("v1", "v2"),
        &stored.replacen("ab", "xy", 1),
    ] {
        fs::write(&path, damaged).unwrap();
        let error = fetch_key(&storage, &name("k")).await.unwrap_err();
        assert_eq!(error.id(), ErrorId::DecryptFailed, "{damaged:?}");
        assert!(!told(&error).contains("abab"), "{}", told(&error));
    }
    fs::write(&path, vec![b'a'; KEY_BYTES * 2]).unwrap();
    let error = fetch_key(&storage, &name("k")).await.unwrap_err();
    assert_eq!(error.id(), ErrorId::BackupStorageUnavailable);
}

#[tokio::test]
async fn what_a_crash_left_is_removed_and_nothing_else() {
    let drive = tempdir().unwrap();
    open(drive.path())
        .write(&name("k"), &secret(b"s"))
        .await
        .unwrap();
    for file in [".portal-temporary-1-0", ".hidden", "holiday.jpg"] {
        fs::write(drive.path().join(file), "…").unwrap();
    }
    let storage = open(drive.path());
    assert_eq!(files(drive.path()), [".hidden", "holiday.jpg", "k.key"]);
    let read = storage.read(&name("k")).await.unwrap();
    assert_eq!(read, Some(secret(b"s")));
}

/// Each storage has its own handles and locks, as each process would.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_storages_on_one_folder_never_mix() {
    let drive = tempdir().unwrap();
    let mut tasks = Vec::new();
    for writer in 0..4_u8 {
        let folder = drive.path().to_owned();
        tasks.push(tokio::spawn(async move {
            let content = secret(&vec![writer; 1000 + usize::from(writer)]);
            for _ in 0..25 {
                // Opening cleans up: it must not take another's write away.
                let storage = open(&folder);
                storage.write(&name("shared"), &content).await.unwrap();
                let read = storage.read(&name("shared")).await.unwrap().unwrap();
                let first = *read.expose().first().unwrap();
                assert_eq!(read, secret(&vec![first; 1000 + usize::from(first)]));
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(files(drive.path()), ["shared.key"]);
}

fn files(folder: &Path) -> Vec<String> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    files
}
