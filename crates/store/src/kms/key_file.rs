//! Wrapping keys in a file of this machine.
//!
//! One key a line, as 64 hexadecimal digits: the first wraps, every line opens. A rotation puts
//! a new line on top ([`KeyFileKms::add_key`]) and, once everything is wrapped anew, removes the
//! others ([`KeyFileKms::forget_former`]). A server that runs meanwhile sees both.
//!
//! A key's id is `file:` and 16 hexadecimal digits that BLAKE3's `derive_key` makes of it: one
//! way, and under a context of its own, so that it tells keys apart and nothing about them.

mod keys;
mod rotation;

use core::fmt;
use std::error::Error as _;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use portal_seal::SealingKey;
use zeroize::Zeroizing;

use super::{KeyContext, Kms, KmsError, WrappedKey};
use keys::Keys;

/// Largest key file, in bytes: a thousand keys.
const KEY_FILE_BYTES: usize = 65_536;

/// Wraps data keys under the keys of a file.
pub struct KeyFileKms(Source);

enum Source {
    Memory(Arc<Keys>),
    File {
        path: PathBuf,
        read: Mutex<Snapshot>,
    },
}

/// What was read, and how the file looked then.
struct Snapshot {
    keys: Arc<Keys>,
    stamp: Stamp,
    /// Held open: its inode is given to no other file meanwhile, so that one which replaces it
    /// has another, even if size and times are the same.
    _file: File,
}

/// A file that was replaced or written to has another.
#[derive(PartialEq, Eq)]
struct Stamp {
    inode: (u64, u64),
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl KeyFileKms {
    /// Reads a key file. It is read again whenever it was changed.
    ///
    /// # Errors
    ///
    /// [`KeyFileError`]; a file that is not there is not made.
    pub fn open(path: &Path) -> Result<Self, KeyFileError> {
        let snapshot = Snapshot::read(path)?;
        Ok(Self(Source::File {
            path: path.to_owned(),
            read: Mutex::new(snapshot),
        }))
    }

    /// One key that is in no file.
    #[must_use]
    pub fn from_key(key: SealingKey) -> Self {
        Self(Source::Memory(Arc::new(Keys::one(key))))
    }

    /// Puts `key` on the first line of an existing key file: it wraps from now on, and those
    /// below still open. Blocks while another process changes a key file of the same directory.
    ///
    /// The file is replaced as a whole and durably. It keeps its owner, and only the owner may
    /// read it. A key that is there already changes its line only: after a failure, the same
    /// key may be added again.
    ///
    /// # Errors
    ///
    /// [`KeyFileError`]; the key that wrapped before still wraps then, unless the variant says
    /// otherwise.
    pub fn add_key(path: &Path, key: SealingKey) -> Result<(), KeyFileError> {
        rotation::add(path, key)
    }

    /// Removes every line of a key file but the first, as durably as [`add_key`](Self::add_key)
    /// adds one. What another key wrapped is lost.
    ///
    /// # Errors
    ///
    /// [`KeyFileError`]; the file is as it was then, unless the variant says otherwise.
    pub fn forget_former(path: &Path) -> Result<(), KeyFileError> {
        rotation::forget_former(path)
    }

    /// The keys as they are now: of a file, read again where it looks different.
    fn keys(&self) -> Result<Arc<Keys>, KeyFileError> {
        match &self.0 {
            Source::Memory(keys) => Ok(Arc::clone(keys)),
            Source::File { path, read } => {
                // A thread that panicked has left a whole snapshot: it is replaced, not changed.
                let mut snapshot = read.lock().unwrap_or_else(PoisonError::into_inner);
                let metadata =
                    fs::metadata(path).map_err(|source| KeyFileError::read(path, source))?;
                if Stamp::of(&metadata) != snapshot.stamp {
                    *snapshot = Snapshot::read(path)?;
                }
                Ok(Arc::clone(&snapshot.keys))
            }
        }
    }

    /// The keys, read again whatever the file looks like: a clock can be too coarse to show that
    /// a file was written to in place.
    fn keys_anew(&self) -> Result<Arc<Keys>, KeyFileError> {
        if let Source::File { path, read } = &self.0 {
            let mut snapshot = read.lock().unwrap_or_else(PoisonError::into_inner);
            *snapshot = Snapshot::read(path)?;
        }
        self.keys()
    }
}

#[async_trait]
impl Kms for KeyFileKms {
    async fn key_id(&self) -> Result<String, KmsError> {
        Ok(self.keys()?.current().id().to_owned())
    }

    async fn wrap(
        &self,
        data_key: &SealingKey,
        context: &KeyContext,
    ) -> Result<WrappedKey, KmsError> {
        Ok(self.keys()?.current().wrap(data_key, context))
    }

    async fn unwrap(
        &self,
        wrapped: &WrappedKey,
        context: &KeyContext,
    ) -> Result<SealingKey, KmsError> {
        let keys = self.keys()?;
        if let Some(key) = keys.named(&wrapped.key_id) {
            return key.unwrap(&wrapped.bytes, context);
        }
        let keys = self.keys_anew()?;
        let key = keys
            .named(&wrapped.key_id)
            .ok_or_else(|| KmsError::UnknownKey {
                key_id: wrapped.key_id.clone(),
            })?;
        key.unwrap(&wrapped.bytes, context)
    }
}

impl fmt::Debug for KeyFileKms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::Memory(_) => f.write_str("KeyFileKms(in memory)"),
            Source::File { path, .. } => write!(f, "KeyFileKms({})", path.display()),
        }
    }
}

impl Snapshot {
    fn read(path: &Path) -> Result<Self, KeyFileError> {
        let (file, metadata, keys) = read(path)?;
        Ok(Self {
            keys: Arc::new(keys),
            stamp: Stamp::of(&metadata),
            _file: file,
        })
    }
}

/// A key file's content, and what the file looked like before it was read: what is written in
/// between is seen at the next look.
fn read(path: &Path) -> Result<(File, fs::Metadata, Keys), KeyFileError> {
    let failed = |source| KeyFileError::read(path, source);
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    // As large as it can become: growing would leave copies behind.
    let mut content = Zeroizing::new(Vec::with_capacity(KEY_FILE_BYTES.saturating_add(1)));
    let most = u64::try_from(content.capacity()).unwrap_or(u64::MAX);
    (&file)
        .take(most)
        .read_to_end(&mut content)
        .map_err(failed)?;
    if content.len() > KEY_FILE_BYTES {
        return Err(KeyFileError::TooLarge {
            path: path.to_owned(),
        });
    }
    let keys = Keys::parse(path, &content)?;
    Ok((file, metadata, keys))
}

impl Stamp {
    fn of(metadata: &fs::Metadata) -> Self {
        Self {
            inode: (metadata.dev(), metadata.ino()),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// Why a key file cannot be used. None says what is in the file.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It is not there, or may not be read.
    #[error("cannot read the key file {}", .path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// It has no line.
    #[error(
        "expected a key on the first line of {}, got an empty file; restore it from its backup",
        .path.display()
    )]
    Empty {
        /// Which file.
        path: PathBuf,
    },
    /// A line is no key.
    #[error(
        "expected 64 hexadecimal digits on line {line} of {}, got something else; \
         restore the file from its backup",
        .path.display()
    )]
    BadLine {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
    },
    /// It is, or would become, larger than any key file.
    #[error(
        "expected at most {KEY_FILE_BYTES} bytes in {}, got more; remove the former keys that \
         wrap nothing any more",
        .path.display()
    )]
    TooLarge {
        /// Which file.
        path: PathBuf,
    },
    /// It could not be replaced.
    #[error("cannot replace the key file {}", .path.display())]
    Replace {
        /// Which file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// It was replaced, but may not outlive a power failure.
    #[error(
        "the key file {} was replaced, but may not outlive a power failure; do the same again",
        .path.display()
    )]
    NotDurable {
        /// Which file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
}

impl KeyFileError {
    fn read(path: &Path, source: io::Error) -> Self {
        Self::Read {
            path: path.to_owned(),
            source,
        }
    }
}

/// Whoever puts the file right needs no restart: the same call works then.
impl From<KeyFileError> for KmsError {
    fn from(error: KeyFileError) -> Self {
        let problem = match error.source() {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        };
        Self::Unavailable { problem }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A clock that did not move between two writes in place.
    #[tokio::test]
    async fn an_unknown_id_is_looked_up_in_a_file_that_looks_the_same() {
        let key = |byte| SealingKey::from_bytes([byte; 32].into());
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys");
        fs::write(&path, hex::encode([1; 32])).unwrap();
        let kms = KeyFileKms::open(&path).unwrap();
        fs::write(&path, hex::encode([2; 32])).unwrap();
        let Source::File { read, .. } = &kms.0 else {
            panic!("expected a file");
        };
        read.lock().unwrap().stamp = Stamp::of(&fs::metadata(&path).unwrap());

        let context = KeyContext(Vec::new());
        let other = KeyFileKms::from_key(key(2));
        let wrapped = other.wrap(&key(3), &context).await.unwrap();
        let opened = kms.unwrap(&wrapped, &context).await.unwrap();
        assert_eq!(opened.expose(), key(3).expose());
        assert_eq!(kms.key_id().await.unwrap(), wrapped.key_id);
    }
}
