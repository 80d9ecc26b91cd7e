//! Files that are replaced whole: the disk holds the old content or the new, whenever it stops.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::KeychainError;

const TEMPORARY_PREFIX: &str = ".temporary-";

/// Names that a write tries before it gives up; each is taken only by another write or a crash.
const TEMPORARY_NAMES: usize = 1000;

/// Tells this process's writes apart; the process id tells processes apart.
static WRITES: AtomicU64 = AtomicU64::new(0);

/// A directory that belongs to one user.
pub(super) struct Directory {
    path: PathBuf,
}

/// The lock of a directory, held until dropped; the same handle flushes the directory.
pub(super) struct Lock(Option<File>);

impl Directory {
    /// Takes `path`, making it and the directories above it (mode 700) where they are missing.
    ///
    /// An error says what to do where other users may enter it.
    pub(super) fn open_or_make(path: &Path) -> Result<Self, KeychainError> {
        let directory = Self {
            path: path.to_owned(),
        };
        let metadata = make(path)
            .and_then(|()| fs::metadata(path))
            .and_then(|metadata| {
                if metadata.is_dir() {
                    Ok(metadata)
                } else {
                    Err(io::ErrorKind::NotADirectory.into())
                }
            })
            .map_err(|source| directory.unusable(source))?;
        directory.keep_others_out(&metadata)?;
        Ok(directory)
    }

    /// An empty directory is made private. One that holds something is refused instead: it may
    /// be somebody else's, or a keychain whose owner should know that it stood open.
    #[cfg(unix)]
    fn keep_others_out(&self, metadata: &fs::Metadata) -> Result<(), KeychainError> {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 == 0 {
            return Ok(());
        }
        if self
            .names()
            .map_err(|source| self.unusable(source))?
            .is_empty()
        {
            let private = fs::Permissions::from_mode(0o700);
            return fs::set_permissions(&self.path, private)
                .map_err(|source| self.unusable(source));
        }
        Err(KeychainError::DirectoryOpenToOthers {
            directory: self.path.clone(),
            mode,
        })
    }

    #[cfg(not(unix))]
    fn keep_others_out(&self, _metadata: &fs::Metadata) -> Result<(), KeychainError> {
        Ok(())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn unusable(&self, source: io::Error) -> KeychainError {
        KeychainError::Directory {
            directory: self.path.clone(),
            source,
        }
    }

    /// Waits until no other process writes here, and keeps them from it.
    pub(super) fn lock_exclusively(&self) -> io::Result<Lock> {
        self.lock(File::lock)
    }

    /// Waits until no other process cleans up here, and keeps them from it.
    fn lock_for_writing(&self) -> io::Result<Lock> {
        self.lock(File::lock_shared)
    }

    #[cfg(unix)]
    fn lock(&self, kind: impl Fn(&File) -> io::Result<()>) -> io::Result<Lock> {
        let handle = File::open(&self.path)?;
        loop {
            match kind(&handle) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                locked => return locked.map(|()| Lock(Some(handle))),
            }
        }
    }

    /// Where a directory cannot be opened like a file, it cannot be locked or flushed either.
    #[cfg(not(unix))]
    fn lock(&self, _kind: impl Fn(&File) -> io::Result<()>) -> io::Result<Lock> {
        Ok(Lock(None))
    }

    /// Puts a file of these bytes in the place of `name`, durably.
    pub(super) fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let lock = self.lock_for_writing()?;
        self.replace_under(&lock, name, bytes)
    }

    /// As [`Self::replace`], for who holds the lock already.
    pub(super) fn replace_under(&self, lock: &Lock, name: &str, bytes: &[u8]) -> io::Result<()> {
        let (temporary, file) = self.make_temporary()?;
        let replaced =
            fill(file, bytes).and_then(|()| fs::rename(&temporary, self.path.join(name)));
        if let Err(error) = replaced {
            // If this fails as well, the next opening cleans up.
            let _ = fs::remove_file(&temporary);
            return Err(error);
        }
        lock.flush()
    }

    fn make_temporary(&self) -> io::Result<(PathBuf, File)> {
        for _ in 0..TEMPORARY_NAMES {
            let number = WRITES.fetch_add(1, Ordering::Relaxed);
            let path = self
                .path
                .join(format!("{TEMPORARY_PREFIX}{}-{number}", process::id()));
            match new_private_file(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => return made.map(|file| (path, file)),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// The content of `name`, or its first `limit_bytes + 1` bytes; `None` if there is no such file.
    pub(super) fn read(&self, name: &str, limit_bytes: usize) -> io::Result<Option<Vec<u8>>> {
        let file = match File::open(self.path.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let most = u64::try_from(limit_bytes)
            .unwrap_or(u64::MAX)
            .saturating_add(1);
        let mut bytes = Vec::new();
        file.take(most).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    /// Removes the file `name` durably, if it is there.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        let lock = self.lock_for_writing()?;
        match fs::remove_file(self.path.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed?,
        }
        lock.flush()
    }

    /// The names of all files, in no order; a name that is not Unicode is nobody's here.
    pub(super) fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for file in fs::read_dir(&self.path)? {
            names.extend(file?.file_name().into_string());
        }
        Ok(names)
    }

    /// Removes what writes that never ended have left. Only under the exclusive lock: no write
    /// is under way then, so whoever made these is gone.
    pub(super) fn remove_leftovers(&self) -> io::Result<()> {
        for name in self.names()? {
            if name.starts_with(TEMPORARY_PREFIX) {
                fs::remove_file(self.path.join(name))?;
            }
        }
        Ok(())
    }
}

impl Lock {
    /// Makes the directory's renames and removals durable.
    fn flush(&self) -> io::Result<()> {
        self.0.as_ref().map_or(Ok(()), File::sync_all)
    }
}

/// Makes the directory `path` and those above it, each durable in its parent.
fn make(path: &Path) -> io::Result<()> {
    if path.as_os_str().is_empty() || path.exists() {
        return Ok(());
    }
    let parent = path.parent().unwrap_or_else(|| Path::new(""));
    make(parent)?;
    match new_private_directory(path) {
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => made?,
    }
    let parent = if parent.as_os_str().is_empty() {
        Path::new(".")
    } else {
        parent
    };
    flush_directory(parent)
}

#[cfg(unix)]
fn new_private_directory(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    DirBuilder::new().mode(0o700).create(path)
}

#[cfg(not(unix))]
fn new_private_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().create(path)
}

#[cfg(unix)]
fn flush_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(not(unix))]
fn flush_directory(_path: &Path) -> io::Result<()> {
    Ok(())
}

fn new_private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

fn fill(mut file: File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    file.sync_all()
}
