//! Replacing a key file: whoever reads it finds the old one or the new one, whenever this stops.

use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

use portal_seal::SealingKey;

use super::keys::Keys;
use super::{KEY_FILE_BYTES, KeyFileError, read};

/// Puts `key` on the first line.
///
/// First it goes to the end, where nobody wraps under it yet. Only when that is on the disk it
/// moves up: a server that wraps under it at once cannot lose it to a power failure.
pub(super) fn add(path: &Path, key: SealingKey) -> Result<(), KeyFileError> {
    let file = Locked::new(path)?;
    let (_, _, mut keys) = read(&file.path)?;
    let id = keys.add_former(key);
    file.replace(&keys)?;
    keys.make_current(&id);
    file.replace(&keys)
}

/// Keeps the first line only.
pub(super) fn forget_former(path: &Path) -> Result<(), KeyFileError> {
    let file = Locked::new(path)?;
    let (_, _, mut keys) = read(&file.path)?;
    keys.forget_former();
    file.replace(&keys)
}

/// A key file that no other process replaces. Two at once would both start from the same lines,
/// and one's key would be lost.
struct Locked {
    path: PathBuf,
    directory: PathBuf,
    handle: File,
}

impl Locked {
    fn new(path: &Path) -> Result<Self, KeyFileError> {
        // Where the path is a link, the file behind it is replaced, not the link.
        let path = fs::canonicalize(path).map_err(|source| KeyFileError::read(path, source))?;
        // A canonical path of a file has one.
        let directory = path.parent().unwrap_or(Path::new("/")).to_owned();
        let handle = lock(&directory).map_err(|source| KeyFileError::Replace {
            path: path.clone(),
            source,
        })?;
        Ok(Self {
            path,
            directory,
            handle,
        })
    }

    fn replace(&self, keys: &Keys) -> Result<(), KeyFileError> {
        let path = || self.path.clone();
        let lines = keys.to_lines();
        if lines.len() > KEY_FILE_BYTES {
            return Err(KeyFileError::TooLarge { path: path() });
        }
        self.write_beside(&lines)
            .and_then(|draft| Ok(draft.persist(&self.path)?))
            .map_err(|source| KeyFileError::Replace {
                path: path(),
                source,
            })?;
        self.handle
            .sync_all()
            .map_err(|source| KeyFileError::NotDurable {
                path: path(),
                source,
            })
    }

    /// A file on the disk without its final name; gone where it gets none.
    fn write_beside(&self, content: &[u8]) -> io::Result<tempfile::NamedTempFile> {
        let owner = fs::metadata(&self.path)?;
        let mut draft = tempfile::Builder::new()
            .prefix(".draft-")
            .permissions(Permissions::from_mode(0o600))
            .tempfile_in(&self.directory)?;
        let made = draft.as_file().metadata()?;
        // The server reads it as its owner, also where somebody else rotates.
        if (made.uid(), made.gid()) != (owner.uid(), owner.gid()) {
            fchown(draft.as_file(), Some(owner.uid()), Some(owner.gid()))?;
        }
        draft.write_all(content)?;
        draft.as_file().sync_all()?;
        Ok(draft)
    }
}

/// Waits until no other process changes a key file in this directory.
fn lock(directory: &Path) -> io::Result<File> {
    let handle = File::open(directory)?;
    loop {
        match handle.lock() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            locked => return locked.map(|()| handle),
        }
    }
}
