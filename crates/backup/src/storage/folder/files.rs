//! Files that are replaced whole: the drive holds the old content or the new, whenever it stops.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use portal_seal::SecretBytes;
use zeroize::Zeroizing;

const TEMPORARY_PREFIX: &str = ".portal-temporary-";

/// Names that a write tries before it gives up; each is taken only by another write or a crash.
const TEMPORARY_NAMES: usize = 1000;

/// Tells this process's writes apart; the process id tells processes apart.
static WRITES: AtomicU64 = AtomicU64::new(0);

/// The files of one folder.
pub(super) struct Files {
    folder: PathBuf,
}

impl Files {
    /// Takes `folder`, making it where it alone is missing, and cleans up after a crash.
    pub(super) fn open_or_make(folder: &Path) -> io::Result<Self> {
        match new_private_folder(folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => {
                made?;
                Handle::open(folder_above(folder))?.flush()?;
            }
        }
        let files = Self {
            folder: folder.to_owned(),
        };
        files.require_folder()?;
        files.remove_leftovers()?;
        Ok(files)
    }

    /// That the folder is there: a drive that went away is not one that holds no key.
    pub(super) fn require_folder(&self) -> io::Result<()> {
        if fs::metadata(&self.folder)?.is_dir() {
            Ok(())
        } else {
            Err(io::ErrorKind::NotADirectory.into())
        }
    }

    /// Puts a file of these bytes in the place of `name`, durably.
    pub(super) fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let handle = Handle::open(&self.folder)?;
        handle.lock_for_writing();
        let (temporary, file) = self.make_temporary()?;
        let replaced =
            fill(file, bytes).and_then(|()| fs::rename(&temporary, self.folder.join(name)));
        if let Err(error) = replaced {
            // If this fails as well, the next opening cleans up.
            let _ = fs::remove_file(&temporary);
            return Err(error);
        }
        handle.flush()
    }

    fn make_temporary(&self) -> io::Result<(PathBuf, File)> {
        for _ in 0..TEMPORARY_NAMES {
            let number = WRITES.fetch_add(1, Ordering::Relaxed);
            let name = format!("{TEMPORARY_PREFIX}{}-{number}", process::id());
            let path = self.folder.join(name);
            match new_private_file(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => return made.map(|file| (path, file)),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// The content of `name`, or its first `limit_bytes + 1` bytes; `None` if there is no such file.
    pub(super) fn read(&self, name: &str, limit_bytes: usize) -> io::Result<Option<SecretBytes>> {
        let file = match File::open(self.folder.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let most = limit_bytes.saturating_add(1);
        // Reserved whole, and one more to find the end in, so that the buffer never moves
        // and leaves a copy behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(most.saturating_add(1)));
        file.take(u64::try_from(most).unwrap_or(u64::MAX))
            .read_to_end(&mut bytes)?;
        Ok(Some(SecretBytes::new(bytes)))
    }

    /// Removes the file `name` durably, if it is there.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.folder.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed?,
        }
        Handle::open(&self.folder)?.flush()
    }

    /// Removes what writes that never ended have left, unless a write is under way now.
    fn remove_leftovers(&self) -> io::Result<()> {
        let handle = Handle::open(&self.folder)?;
        if !handle.lock_if_nobody_writes() {
            return Ok(());
        }
        for file in fs::read_dir(&self.folder)? {
            let file = file?;
            let name = file.file_name();
            if name
                .to_str()
                .is_some_and(|name| name.starts_with(TEMPORARY_PREFIX))
            {
                fs::remove_file(file.path())?;
            }
        }
        Ok(())
    }
}

/// A folder opened to be locked, until dropped, and flushed; nothing where a folder cannot be.
struct Handle(Option<File>);

impl Handle {
    #[cfg(unix)]
    fn open(folder: &Path) -> io::Result<Self> {
        File::open(folder).map(|handle| Self(Some(handle)))
    }

    #[cfg(not(unix))]
    fn open(_folder: &Path) -> io::Result<Self> {
        Ok(Self(None))
    }

    /// Keeps other openings from cleaning up. Many a drive knows no locks: nothing cleans up
    /// there then, so a write is safe without.
    fn lock_for_writing(&self) {
        let _ = self.0.as_ref().map(File::lock_shared);
    }

    fn lock_if_nobody_writes(&self) -> bool {
        self.0
            .as_ref()
            .is_some_and(|handle| handle.try_lock().is_ok())
    }

    /// Makes the folder's renames and removals durable.
    fn flush(&self) -> io::Result<()> {
        self.0.as_ref().map_or(Ok(()), File::sync_all)
    }
}

fn folder_above(folder: &Path) -> &Path {
    match folder.parent() {
        Some(above) if !above.as_os_str().is_empty() => above,
        _ => Path::new("."),
    }
}

fn new_private_folder(path: &Path) -> io::Result<()> {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has modes"))]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn new_private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn fill(mut file: File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    file.sync_all()
}
