//! A file of wrapping keys: rotated under a server that runs, and broken in every way.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use async_trait::async_trait;
use portal_store::kms::conformance::Backend;
use portal_store::kms::{KeyContext, KeyFileError, KeyFileKms, Kms as _, KmsError, WrappedKey};
use tempfile::TempDir;

use super::{context, error_of, key, opens, wrap};

/// A key file in a directory of its own.
struct KeyFile {
    directory: TempDir,
    next: AtomicU8,
}

impl KeyFile {
    /// With the key of bytes 1.
    fn new() -> Self {
        let it = Self {
            directory: tempfile::tempdir().unwrap(),
            next: AtomicU8::new(2),
        };
        it.write(&line(1));
        it
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("wrapping.keys")
    }

    fn write(&self, content: &str) {
        fs::write(self.path(), content).unwrap();
    }

    fn read(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }

    fn kms(&self) -> KeyFileKms {
        KeyFileKms::open(&self.path()).unwrap()
    }
}

fn line(byte: u8) -> String {
    format!("{}\n", hex::encode([byte; 32]))
}

#[async_trait]
impl Backend for KeyFile {
    type Kms = KeyFileKms;

    async fn open(&self) -> KeyFileKms {
        self.kms()
    }

    async fn rotate(&self) {
        let byte = self.next.fetch_add(1, Ordering::Relaxed);
        KeyFileKms::add_key(&self.path(), key(byte)).unwrap();
    }

    fn secrets(&self) -> Vec<Vec<u8>> {
        vec![vec![1; 32]]
    }
}

portal_store::kms_conformance_tests!(KeyFile::new());

/// What version 1 looks like at rest must open for ever.
#[tokio::test]
async fn version_1_opens() {
    let golden = |field: &str| {
        include_str!("../../../../vectors/kms-key-file-v1.txt")
            .lines()
            .find_map(|line| line.strip_prefix(field)?.strip_prefix(" = "))
            .unwrap()
    };
    let file = KeyFile::new();
    file.write(&format!("{}{}", line(9), golden("wrapping key")));
    let wrapped = WrappedKey {
        key_id: golden("key id").to_owned(),
        bytes: hex::decode(golden("wrapped")).unwrap(),
    };
    let context = KeyContext(vec![
        ("purpose", golden("purpose").to_owned()),
        ("wallet", golden("wallet").to_owned()),
    ]);
    assert_eq!(hex::encode(context.to_bytes()), golden("context"));
    let opened = file.kms().unwrap(&wrapped, &context).await.unwrap();
    assert_eq!(hex::encode(opened.expose()), golden("data key"));
}

#[tokio::test]
async fn a_key_in_memory_is_the_key_of_the_file() {
    let file = KeyFile::new();
    let memory = KeyFileKms::from_key(key(1));
    opens(&file.kms(), &wrap(&memory).await).await;
    opens(&memory, &wrap(&file.kms()).await).await;
    let other = KeyFileKms::from_key(key(2));
    let error = error_of(memory.unwrap(&wrap(&other).await, &context("w")).await);
    assert!(matches!(error, KmsError::UnknownKey { .. }), "{error:?}");
}

/// The id of one key with what another wrapped: the key that the id names is the one tried.
#[tokio::test]
async fn an_id_is_not_the_key() {
    let (one, two) = (KeyFileKms::from_key(key(1)), KeyFileKms::from_key(key(2)));
    let wrapped = WrappedKey {
        key_id: one.key_id().await.unwrap(),
        ..wrap(&two).await
    };
    let error = error_of(one.unwrap(&wrapped, &context("w")).await);
    assert!(matches!(error, KmsError::Refused), "{error:?}");
}

#[tokio::test]
async fn a_rotation_is_seen_by_a_server_that_runs() {
    let file = KeyFile::new();
    let kms = file.kms();
    let first = wrap(&kms).await;
    KeyFileKms::add_key(&file.path(), key(2)).unwrap();
    let second = wrap(&kms).await;
    assert_ne!(first.key_id, second.key_id);
    opens(&kms, &first).await;
    KeyFileKms::forget_former(&file.path()).unwrap();
    opens(&kms, &second).await;
    let error = error_of(kms.unwrap(&first, &context("w")).await);
    assert!(matches!(error, KmsError::UnknownKey { .. }), "{error:?}");
    assert_eq!(file.read(), line(2));
}

/// Ten rotations of two keys: size, inode and clock may all look the same again.
#[tokio::test]
async fn a_rotation_is_seen_however_fast() {
    let file = KeyFile::new();
    let kms = file.kms();
    let mut before = kms.key_id().await.unwrap();
    for byte in [2, 1, 2, 1, 2, 1, 2, 1, 2, 1] {
        KeyFileKms::add_key(&file.path(), key(byte)).unwrap();
        KeyFileKms::forget_former(&file.path()).unwrap();
        let after = kms.key_id().await.unwrap();
        assert_ne!(before, after);
        before = after;
    }
}

/// Servers wrap and open while keys are added from several threads: nothing fails, no key gets
/// lost, and everything that was wrapped opens in the end.
#[test]
fn readers_and_rotations_get_along() {
    const WRITERS: u8 = 3;
    const KEYS_EACH: u8 = 8;
    let file = Arc::new(KeyFile::new());
    let is_over = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let (file, is_over) = (Arc::clone(&file), Arc::clone(&is_over));
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread();
                let kms = file.kms();
                { runtime }.build().unwrap().block_on(async {
                    let mut wrapped: Vec<WrappedKey> = Vec::new();
                    loop {
                        let last = is_over.load(Ordering::Acquire);
                        let new = wrap(&kms).await;
                        opens(&kms, &new).await;
                        // One for each key is enough.
                        if wrapped.last().is_none_or(|old| old.key_id != new.key_id) {
                            wrapped.push(new);
                        }
                        if last {
                            return wrapped;
                        }
                    }
                })
            })
        })
        .collect();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let file = Arc::clone(&file);
            std::thread::spawn(move || {
                for number in 0..KEYS_EACH {
                    let byte = 10 + writer * KEYS_EACH + number;
                    KeyFileKms::add_key(&file.path(), key(byte)).unwrap();
                }
            })
        })
        .collect();
    writers
        .into_iter()
        .for_each(|writer| writer.join().unwrap());
    is_over.store(true, Ordering::Release);
    let mut lines: Vec<String> = file.read().lines().map(str::to_owned).collect();
    lines.sort();
    lines.dedup();
    assert_eq!(lines.len(), 1 + usize::from(WRITERS * KEYS_EACH));
    let runtime = tokio::runtime::Builder::new_current_thread();
    { runtime }.build().unwrap().block_on(async {
        for reader in readers {
            for wrapped in reader.join().unwrap() {
                opens(&file.kms(), &wrapped).await;
            }
        }
    });
}

#[test]
fn a_new_key_comes_first_and_is_there_once() {
    let file = KeyFile::new();
    KeyFileKms::add_key(&file.path(), key(2)).unwrap();
    KeyFileKms::add_key(&file.path(), key(3)).unwrap();
    assert_eq!(file.read(), [line(3), line(2), line(1)].concat());
    // After a failure in the middle, the same is done again.
    KeyFileKms::add_key(&file.path(), key(2)).unwrap();
    assert_eq!(file.read(), [line(2), line(3), line(1)].concat());
    KeyFileKms::add_key(&file.path(), key(2)).unwrap();
    assert_eq!(file.read(), [line(2), line(3), line(1)].concat());
}

#[test]
fn a_rotated_file_is_private_and_alone() {
    let file = KeyFile::new();
    fs::set_permissions(file.path(), fs::Permissions::from_mode(0o644)).unwrap();
    let before = fs::metadata(file.path()).unwrap();
    let opened = fs::File::open(file.path()).unwrap();
    KeyFileKms::add_key(&file.path(), key(2)).unwrap();
    let after = fs::metadata(file.path()).unwrap();
    assert_eq!(after.permissions().mode() & 0o777, 0o600);
    assert_eq!((after.uid(), after.gid()), (before.uid(), before.gid()));
    // Replaced, not written to: whoever has the old one open reads it to its end.
    assert_eq!(std::io::read_to_string(opened).unwrap(), line(1));
    let names: Vec<_> = fs::read_dir(file.directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["wrapping.keys"]);
}

/// A secret that is mounted into a container is a link to the file of now.
#[tokio::test]
async fn a_link_stays_a_link() {
    let file = KeyFile::new();
    let link = file.directory.path().join("link");
    symlink(file.path(), &link).unwrap();
    let kms = KeyFileKms::open(&link).unwrap();
    let first = wrap(&kms).await;
    KeyFileKms::add_key(&link, key(2)).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(file.read(), [line(2), line(1)].concat());
    assert_ne!(first.key_id, wrap(&kms).await.key_id);
    // The mount turns the link round.
    let next = file.directory.path().join("next");
    fs::write(&next, line(3)).unwrap();
    fs::remove_file(&link).unwrap();
    symlink(&next, &link).unwrap();
    opens(&KeyFileKms::from_key(key(3)), &wrap(&kms).await).await;
}

#[tokio::test]
async fn line_ends_and_letter_case_do_not_matter() {
    let file = KeyFile::new();
    let wrapped = wrap(&KeyFileKms::from_key(key(0xab))).await;
    let digits = "ab".repeat(32);
    for content in [
        digits.clone(),
        format!("{digits}\n"),
        format!("{digits}\r\n"),
        format!("{}\n", digits.to_uppercase()),
        format!("{}{digits}", line(1)),
        format!("{}{digits}\r\n", line(1)),
    ] {
        file.write(&content);
        opens(&file.kms(), &wrapped).await;
    }
}

#[test]
fn a_bad_line_is_named_and_not_shown() {
    let file = KeyFile::new();
    let good = line(1);
    for (number, content) in [
        (1, "c0ffee".to_owned()),
        (1, format!(" {good}")),
        (1, format!("\n{good}")),
        (2, format!("{good}\n")),
        (2, format!("{good}\n{good}")),
        (2, format!("{good}{}", "ca".repeat(31))),
        (2, format!("{good}{}", "ca".repeat(33))),
        (2, format!("{good}{}c", "ca".repeat(31))),
        (3, format!("{good}{good}{}xy\n{good}", "ca".repeat(31))),
        (3, format!("{good}{good}# c0ffee")),
    ] {
        file.write(&content);
        let error = error_of(KeyFileKms::open(&file.path()));
        let text = format!("{error} {error:?}");
        assert!(
            matches!(error, KeyFileError::BadLine { line, .. } if line == number),
            "expected line {number} of {content:?}, saw {text}"
        );
        assert!(text.contains("wrapping.keys"), "{text}");
        for planted in ["c0ffee", "caca", "xy", "0101"] {
            assert!(!text.contains(planted), "{planted:?} is in {text}");
        }
        // It is not written over either.
        let error = error_of(KeyFileKms::add_key(&file.path(), key(2)));
        assert!(matches!(error, KeyFileError::BadLine { .. }), "{error:?}");
        assert_eq!(file.read(), content);
    }
}

#[test]
fn a_file_without_keys_is_refused() {
    let file = KeyFile::new();
    for content in ["", "\n"] {
        file.write(content);
        let error = error_of(KeyFileKms::open(&file.path()));
        assert!(matches!(error, KeyFileError::Empty { .. }), "{error:?}");
    }
    file.write(&line(1).repeat(2_000));
    let error = error_of(KeyFileKms::open(&file.path()));
    assert!(matches!(error, KeyFileError::TooLarge { .. }), "{error:?}");
    for nothing in [Path::new("nowhere"), file.directory.path()] {
        let path = file.directory.path().join(nothing);
        let error = error_of(KeyFileKms::open(&path));
        assert!(matches!(error, KeyFileError::Read { .. }), "{error:?}");
    }
    let nowhere = file.directory.path().join("nowhere");
    for error in [
        error_of(KeyFileKms::add_key(&nowhere, key(1))),
        error_of(KeyFileKms::forget_former(&nowhere)),
    ] {
        assert!(matches!(error, KeyFileError::Read { .. }), "{error:?}");
    }
    assert!(!nowhere.exists());
}

/// A file grows up to the limit and no further, so that it can always be read.
#[test]
fn a_full_file_takes_no_other_key() {
    let file = KeyFile::new();
    let content: String = (0..1_008_u32)
        .map(|number| format!("{number:064x}\n"))
        .collect();
    file.write(&content);
    let error = error_of(KeyFileKms::add_key(&file.path(), key(2)));
    assert!(matches!(error, KeyFileError::TooLarge { .. }), "{error:?}");
    assert_eq!(file.read(), content);
}

/// A server whose key file breaks says so at every call, and goes on when it is whole again.
#[tokio::test]
async fn a_file_that_breaks_stops_nothing_for_ever() {
    let file = KeyFile::new();
    let kms = file.kms();
    let wrapped = wrap(&kms).await;
    for broken in [Some("c0ffee"), Some(""), None] {
        match broken {
            Some(content) => file.write(content),
            None => fs::remove_file(file.path()).unwrap(),
        }
        let errors = [
            error_of(kms.key_id().await),
            error_of(kms.wrap(&key(1), &context("w")).await),
            error_of(kms.unwrap(&wrapped, &context("w")).await),
        ];
        for error in errors {
            let text = format!("{error} {error:?}");
            assert!(matches!(error, KmsError::Unavailable { .. }), "{text}");
            assert!(text.contains("wrapping.keys"), "{text}");
            assert!(!text.contains("c0ffee"), "{text}");
        }
        file.write(&line(1));
        opens(&kms, &wrapped).await;
    }
}
