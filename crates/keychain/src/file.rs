//! A keychain of sealed files in one directory.
//!
//! ```text
//! keychain/            0700
//!   key-check          recognises the key, and that this directory is the keychain
//!   passphrase.json    salt of the passphrase, if the key comes from one
//!   <entry>.sealed     0600, one for each entry
//!   .temporary-…       a write under way, or left by a crash
//! ```

mod directory;
mod key_check;
mod passphrase;

use core::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use portal_seal::{OVERHEAD_BYTES, SealingKey, SecretBytes, open, seal};
use rand_core::CryptoRng;
use tokio::sync::Mutex;

use self::directory::Directory;
use crate::{EntryName, Failed, Keychain, KeychainError, SECRET_BYTES};

/// Authenticated with every entry, followed by the entry's name: sealed bytes that are
/// copied to another entry, or come from elsewhere in Portal, do not open.
const ENTRY_TAG: &[u8] = b"portal keychain entry v1 ";

/// What an entry's file name ends with.
const ENTRY_SUFFIX: &str = ".sealed";

/// A keychain of one sealed file for each entry, in a directory that only its owner may enter.
///
/// Several processes may work on one directory. Modes, locks and the flush of the directory
/// are those of Unix; elsewhere the files are as good as the platform's rename.
///
/// # Security
///
/// As strong as the key. Who holds the directory alone learns the names, sizes and times of
/// entries, can delete them, and can put an entry's own former content back.
pub struct FileKeychain {
    directory: PathBuf,
    // One operation at a time, in the order of the calls. The lock goes with the work onto
    // the blocking thread: an operation whose caller gave up still ends before the next begins.
    files: Arc<Mutex<SealedFiles>>,
}

impl FileKeychain {
    /// Opens the keychain in `directory`, or makes an empty one there.
    ///
    /// Removes what a crash left of unfinished writes. Does a few small file operations, so
    /// call it at start-up rather than from a busy task. `rng` draws the nonces.
    ///
    /// # Errors
    ///
    /// [`KeychainError`] with the id `KEYCHAIN_UNAVAILABLE`: the directory cannot be used, other users may
    /// enter it, or it was made with another key. A wrong key is told here, not at the first
    /// read, so that nothing is ever written under one.
    pub fn open(
        directory: &Path,
        key: SealingKey,
        mut rng: impl CryptoRng + Send + 'static,
    ) -> Result<Self, KeychainError> {
        let files = Directory::open_or_make(directory)?;
        let unusable = |source| files.unusable(source);
        let lock = files.lock_exclusively().map_err(unusable)?;
        files.remove_leftovers().map_err(unusable)?;
        key_check::recognise(&files, &lock, &key, &mut rng)?;
        drop(lock);
        Ok(Self {
            directory: directory.to_owned(),
            files: Arc::new(Mutex::new(SealedFiles {
                directory: files,
                key,
                rng: Box::new(rng),
            })),
        })
    }

    /// Derives the key of the keychain in `directory` from `passphrase`, making a salt if it is new.
    ///
    /// Argon2id (RFC 9106 §3.1; 64 MiB, 3 passes, 1 lane) over the passphrase in Unicode
    /// normalisation form C, with the 16-byte salt kept in `directory`. It takes some 100 to
    /// 300 ms: call it on a blocking thread. A wrong passphrase gives a key too; [`open`](Self::open) refuses it.
    ///
    /// # Errors
    ///
    /// [`KeychainError`] with the id `KEYCHAIN_UNAVAILABLE`: the passphrase is empty, the directory cannot be
    /// used, its salt is missing or unreadable, or memory is short.
    pub fn key_from_passphrase(
        passphrase: &str,
        directory: &Path,
        rng: &mut impl CryptoRng,
    ) -> Result<SealingKey, KeychainError> {
        passphrase::derive_key(passphrase, &Directory::open_or_make(directory)?, rng)
    }

    /// Does `work` on a blocking thread: a flush to the disk can take long, and tokio's own
    /// file operations would cross to such a thread once for each step.
    async fn run<T: Send + 'static>(
        &self,
        failed: Failed,
        work: impl FnOnce(&mut SealedFiles) -> Result<T, KeychainError> + Send + 'static,
    ) -> Result<T, KeychainError> {
        let mut files = Arc::clone(&self.files).lock_owned().await;
        tokio::task::spawn_blocking(move || {
            key_check::require(&files.directory)?;
            work(&mut files)
        })
        .await
        .unwrap_or(Err(KeychainError::Interrupted { failed }))
    }
}

impl fmt::Debug for FileKeychain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileKeychain({})", self.directory.display())
    }
}

#[async_trait]
impl Keychain for FileKeychain {
    async fn write(&self, entry: &EntryName, secret: &SecretBytes) -> Result<(), KeychainError> {
        let (entry, secret) = (entry.clone(), secret.clone());
        self.run(Failed::Write, move |files| files.write(&entry, &secret))
            .await
    }

    async fn read(&self, entry: &EntryName) -> Result<Option<SecretBytes>, KeychainError> {
        let entry = entry.clone();
        self.run(Failed::Read, move |files| {
            read_entry(&files.directory, &files.key, &entry)
        })
        .await
    }

    async fn delete(&self, entry: &EntryName) -> Result<(), KeychainError> {
        let entry = entry.clone();
        self.run(Failed::Write, move |files| {
            files
                .directory
                .remove(&file_name(&entry))
                .map_err(|source| KeychainError::Delete { entry, source })
        })
        .await
    }

    async fn list(&self) -> Result<Vec<EntryName>, KeychainError> {
        self.run(Failed::Read, |files| list_entries(&files.directory))
            .await
    }
}

/// What the keychain works with, on a blocking thread.
struct SealedFiles {
    directory: Directory,
    key: SealingKey,
    rng: Box<dyn CryptoRng + Send>,
}

impl SealedFiles {
    fn write(&mut self, entry: &EntryName, secret: &SecretBytes) -> Result<(), KeychainError> {
        let plain = secret.expose(); // to be sealed
        if plain.len() > SECRET_BYTES {
            return Err(KeychainError::SecretTooLarge {
                entry: entry.clone(),
                given_bytes: plain.len(),
            });
        }
        let sealed = seal(&self.key, &place(entry), plain, &mut self.rng);
        self.directory
            .replace(&file_name(entry), &sealed)
            .map_err(|source| KeychainError::Write {
                entry: entry.clone(),
                source,
            })
    }
}

fn read_entry(
    directory: &Directory,
    key: &SealingKey,
    entry: &EntryName,
) -> Result<Option<SecretBytes>, KeychainError> {
    let limit_bytes = SECRET_BYTES + OVERHEAD_BYTES;
    let read = directory.read(&file_name(entry), limit_bytes);
    let Some(sealed) = read.map_err(|source| KeychainError::Read {
        entry: entry.clone(),
        source,
    })?
    else {
        return Ok(None);
    };
    if sealed.len() > limit_bytes {
        return Err(KeychainError::EntryTooLarge {
            entry: entry.clone(),
        });
    }
    open(key, &place(entry), &sealed)
        .map(Some)
        .map_err(|source| KeychainError::Unsealing {
            entry: entry.clone(),
            source,
        })
}

/// The entries of a directory; other files in it are not ours and pass unseen.
fn list_entries(directory: &Directory) -> Result<Vec<EntryName>, KeychainError> {
    let names = directory.names().map_err(|source| KeychainError::List {
        directory: directory.path().to_owned(),
        source,
    })?;
    let mut entries: Vec<EntryName> = names
        .iter()
        .filter_map(|name| name.strip_suffix(ENTRY_SUFFIX))
        .filter_map(|name| EntryName::parse(name).ok())
        .collect();
    entries.sort_unstable();
    Ok(entries)
}

fn file_name(entry: &EntryName) -> String {
    format!("{entry}{ENTRY_SUFFIX}")
}

fn place(entry: &EntryName) -> Vec<u8> {
    [ENTRY_TAG, entry.as_str().as_bytes()].concat()
}
