//! The keychain of sealed files.

use std::fs;
use std::path::Path;

use portal_keychain::{
    FileKeychain, Keychain, KeychainError, SECRET_BYTES, SelfTestStep, conformance, self_test,
};
use portal_lifecycle::ErrorId;
use tempfile::tempdir;

use crate::{key, name, open, rng, secret, told};

#[tokio::test]
async fn passes_the_suite() {
    let home = tempdir().unwrap();
    let directory = home.path().join("some/where/keychain");
    conformance::keeps_its_promises(&open(&directory)).await;
    conformance::survives_reopening(async || open(&directory)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passes_the_suite_on_threads() {
    let home = tempdir().unwrap();
    conformance::keeps_its_promises(&open(home.path())).await;
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_enter_or_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let home = tempdir().unwrap();
    let directory = home.path().join("a/b");
    let keychain = open(&directory);
    keychain.write(&name("e"), &secret(b"s")).await.unwrap();
    assert_eq!(mode(&home.path().join("a")), 0o700);
    assert_eq!(mode(&directory), 0o700);
    for file in files(&directory) {
        assert_eq!(mode(&directory.join(&file)), 0o600, "{file}");
    }

    fs::set_permissions(&directory, fs::Permissions::from_mode(0o750)).unwrap();
    let refused = FileKeychain::open(&directory, key(1), rng()).unwrap_err();
    assert_eq!(refused.id(), ErrorId::KeychainUnavailable);
    assert!(told(&refused).contains("chmod 700"), "{}", told(&refused));
}

#[cfg(unix)]
#[test]
fn an_empty_directory_is_made_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = tempdir().unwrap();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
    open(home.path());
    let mode = fs::metadata(home.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[tokio::test]
async fn nothing_of_a_secret_lies_in_clear() {
    let home = tempdir().unwrap();
    let keychain = open(home.path());
    let written = b"a share that must not lie in clear";
    keychain.write(&name("e"), &secret(written)).await.unwrap();
    let stored = fs::read(home.path().join("e.sealed")).unwrap();
    for window in written.windows(4) {
        assert!(!stored.windows(4).any(|bytes| bytes == window));
    }
    let key_bytes = [1_u8; 8];
    for file in files(home.path()) {
        let stored = fs::read(home.path().join(file)).unwrap();
        assert!(
            !stored.windows(8).any(|bytes| bytes == key_bytes),
            "the key"
        );
    }
}

#[tokio::test]
async fn an_edited_entry_is_refused() {
    let home = tempdir().unwrap();
    let keychain = open(home.path());
    keychain.write(&name("e"), &secret(b"share")).await.unwrap();
    let path = home.path().join("e.sealed");
    let sealed = fs::read(&path).unwrap();
    for position in 0..sealed.len() {
        let mut edited = sealed.clone();
        edited[position] ^= 1;
        refused_as(&keychain, &path, &edited).await;
        refused_as(&keychain, &path, &sealed[..position]).await;
    }
    refused_as(&keychain, &path, &vec![1; SECRET_BYTES * 2]).await;
    fs::write(&path, &sealed).unwrap();
    let read = keychain.read(&name("e")).await.unwrap();
    assert_eq!(read, Some(secret(b"share")));
}

async fn refused_as(keychain: &FileKeychain, path: &Path, content: &[u8]) {
    fs::write(path, content).unwrap();
    let error = keychain.read(&name("e")).await.unwrap_err();
    assert_eq!(error.id(), ErrorId::KeychainReadFailed, "{}", told(&error));
}

#[tokio::test]
async fn an_entry_moved_to_another_name_is_refused() {
    let home = tempdir().unwrap();
    let keychain = open(home.path());
    keychain.write(&name("old"), &secret(b"s")).await.unwrap();
    fs::copy(
        home.path().join("old.sealed"),
        home.path().join("new.sealed"),
    )
    .unwrap();
    let error = keychain.read(&name("new")).await.unwrap_err();
    assert!(
        matches!(error, KeychainError::Unsealing { .. }),
        "{error:?}"
    );
    assert_eq!(error.id(), ErrorId::KeychainReadFailed);
    assert!(!told(&error).contains("share"), "{}", told(&error));
}

#[tokio::test]
async fn an_unreadable_entry_is_not_an_absent_one() {
    let home = tempdir().unwrap();
    let keychain = open(home.path());
    fs::create_dir(home.path().join("e.sealed")).unwrap();
    let error = keychain.read(&name("e")).await.unwrap_err();
    assert_eq!(error.id(), ErrorId::KeychainReadFailed);
    let error = keychain.write(&name("e"), &secret(b"s")).await.unwrap_err();
    assert_eq!(error.id(), ErrorId::KeychainWriteFailed);
    assert!(no_leftovers(home.path()), "a failed write cleans up");
    let error = keychain.delete(&name("e")).await.unwrap_err();
    assert_eq!(error.id(), ErrorId::KeychainWriteFailed);
}

#[tokio::test]
async fn a_wrong_key_is_refused_before_it_writes() {
    let home = tempdir().unwrap();
    let keychain = open(home.path());
    keychain.write(&name("e"), &secret(b"share")).await.unwrap();
    let wrong = || FileKeychain::open(home.path(), key(2), rng()).unwrap_err();
    assert!(matches!(wrong(), KeychainError::WrongKey { .. }));
    assert_eq!(wrong().id(), ErrorId::KeychainUnavailable);

    // Nor can it take the directory over once the check is lost; the right one can.
    fs::remove_file(home.path().join("key-check")).unwrap();
    assert!(matches!(wrong(), KeychainError::WrongKey { .. }));
    let read = open(home.path()).read(&name("e")).await.unwrap();
    assert_eq!(read, Some(secret(b"share")));
    assert!(matches!(wrong(), KeychainError::WrongKey { .. }));
}

#[test]
fn a_damaged_key_check_is_told_from_a_wrong_key() {
    let home = tempdir().unwrap();
    open(home.path());
    let path = home.path().join("key-check");
    let sealed = fs::read(&path).unwrap();
    fs::write(&path, &sealed[..sealed.len() - 1]).unwrap();
    let error = FileKeychain::open(home.path(), key(1), rng()).unwrap_err();
    assert!(
        matches!(error, KeychainError::KeyCheckDamaged { .. }),
        "{error:?}"
    );
    assert_eq!(error.id(), ErrorId::KeychainUnavailable);
}

#[tokio::test]
async fn an_entry_sealed_under_another_key_is_refused() {
    let (home, other) = (tempdir().unwrap(), tempdir().unwrap());
    let keychain = open(home.path());
    let foreign = FileKeychain::open(other.path(), key(2), rng()).unwrap();
    foreign.write(&name("e"), &secret(b"s")).await.unwrap();
    fs::copy(other.path().join("e.sealed"), home.path().join("e.sealed")).unwrap();
    let error = keychain.read(&name("e")).await.unwrap_err();
    assert_eq!(error.id(), ErrorId::KeychainReadFailed);
}

#[test]
fn a_file_in_place_of_the_directory_is_unavailable() {
    let home = tempdir().unwrap();
    let path = home.path().join("keychain");
    fs::write(&path, "not a directory").unwrap();
    for path in [path.clone(), path.join("below")] {
        let error = FileKeychain::open(&path, key(1), rng()).unwrap_err();
        assert_eq!(error.id(), ErrorId::KeychainUnavailable, "{}", told(&error));
    }
}

#[tokio::test]
async fn a_directory_that_went_away_is_unavailable_and_never_empty() {
    let home = tempdir().unwrap();
    let path = home.path().join("keychain");
    let keychain = open(&path);
    keychain.write(&name("e"), &secret(b"s")).await.unwrap();
    fs::rename(&path, home.path().join("elsewhere")).unwrap();
    is_unavailable(&keychain).await; // missing
    fs::create_dir(&path).unwrap();
    is_unavailable(&keychain).await; // an unmounted drive's mount point
    fs::remove_dir(&path).unwrap();
    fs::write(&path, "a file").unwrap();
    is_unavailable(&keychain).await;
}

async fn is_unavailable(keychain: &FileKeychain) {
    let entry = name("e");
    let errors = [
        keychain.read(&entry).await.unwrap_err(),
        keychain.write(&entry, &secret(b"s")).await.unwrap_err(),
        keychain.delete(&entry).await.unwrap_err(),
        keychain.list().await.unwrap_err(),
        self_test(keychain, &[9; 32]).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.id(), ErrorId::KeychainUnavailable, "{}", told(&error));
    }
}

#[tokio::test]
async fn a_keychain_that_cannot_write_does_not_pass_its_self_test() {
    let home = tempdir().unwrap();
    let keychain = open(home.path());
    let entry_of_the_test = home.path().join("self-test.0909090909090909.sealed");
    fs::create_dir(entry_of_the_test).unwrap();
    let error = self_test(&keychain, &[9; 32]).await.unwrap_err();
    let step = SelfTestStep::Write;
    assert!(
        matches!(error, KeychainError::SelfTest { step: at, .. } if at == step),
        "{error:?}"
    );
}

#[tokio::test]
async fn what_a_crash_left_is_ignored_and_removed() {
    let home = tempdir().unwrap();
    let keychain = open(home.path());
    keychain.write(&name("e"), &secret(b"old")).await.unwrap();
    let leftovers = [".temporary-1-0", ".temporary-99999-7"];
    for leftover in leftovers {
        fs::write(home.path().join(leftover), "half a wri").unwrap();
    }
    fs::write(home.path().join("NOTES.txt"), "the user's own").unwrap();
    assert_eq!(keychain.list().await.unwrap(), [name("e")]);

    let keychain = open(home.path());
    assert!(no_leftovers(home.path()));
    assert!(home.path().join("NOTES.txt").exists());
    assert_eq!(keychain.list().await.unwrap(), [name("e")]);
    let read = keychain.read(&name("e")).await.unwrap();
    assert_eq!(read, Some(secret(b"old")));
}

/// As after a crash of a process whose id is given out again.
#[tokio::test]
async fn a_taken_temporary_name_stops_no_write() {
    let home = tempdir().unwrap();
    let keychain = open(home.path());
    for number in 0..200 {
        let taken = format!(".temporary-{}-{number}", std::process::id());
        fs::write(home.path().join(taken), "left by a crash").unwrap();
    }
    keychain.write(&name("e"), &secret(b"s")).await.unwrap();
    let read = keychain.read(&name("e")).await.unwrap();
    assert_eq!(read, Some(secret(b"s")));
}

/// Each keychain has its own handles and locks, as each process would.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_keychains_on_one_directory_never_mix() {
    let home = tempdir().unwrap();
    let mut tasks = Vec::new();
    for writer in 0..4_u8 {
        let directory = home.path().to_owned();
        tasks.push(tokio::spawn(async move {
            let content = secret(&vec![writer; 1000 + usize::from(writer)]);
            for _ in 0..25 {
                // Opening cleans up: it must not take another's write away.
                let keychain = open(&directory);
                keychain.write(&name("shared"), &content).await.unwrap();
                let read = keychain.read(&name("shared")).await.unwrap().unwrap();
                let first = *read.expose().first().unwrap();
                assert_eq!(read, secret(&vec![first; 1000 + usize::from(first)]));
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert!(no_leftovers(home.path()));
}

#[tokio::test]
async fn a_keychain_does_not_print_its_key() {
    let home = tempdir().unwrap();
    let printed = format!("{:?}", open(home.path()));
    assert_eq!(printed, format!("FileKeychain({})", home.path().display()));
}

fn files(directory: &Path) -> Vec<String> {
    fs::read_dir(directory)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect()
}

fn no_leftovers(directory: &Path) -> bool {
    files(directory)
        .iter()
        .all(|name| !name.starts_with(".temporary-"))
}
