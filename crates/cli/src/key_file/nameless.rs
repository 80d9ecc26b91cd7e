//! A private file that has no name before it is whole (`O_TMPFILE`, Linux): whoever is killed while
//! writing a secret leaves no copy of it behind, under a name that nobody looks for.
//!
//! Each step gives `None` where the file system cannot do it; nothing is left then.

use std::fs::File;
use std::io::{Error, Result, Write as _};
use std::os::fd::AsRawFd as _;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;

/// Writes a file into the directory, its owner's alone; it lies on the disk, and under no name.
pub(super) fn write(directory: &Path, content: &[u8]) -> Option<Result<File>> {
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    let file = rustix::fs::open(directory, flags, Mode::RUSR | Mode::WUSR).ok()?;
    let mut file = File::from(file);
    let written = file.write_all(content).and_then(|()| file.sync_all());
    Some(written.map(|()| file))
}

/// Gives it its name; what has that name already stays as it is.
pub(super) fn name(file: &File, path: &Path) -> Option<Result<()>> {
    // `AT_EMPTY_PATH` needs a privilege, this way does not (open(2), under `O_TMPFILE`).
    let nameless = format!("/proc/self/fd/{}", file.as_raw_fd());
    match rustix::fs::linkat(CWD, nameless, CWD, path, AtFlags::SYMLINK_FOLLOW) {
        Ok(()) => Some(Ok(())),
        Err(Errno::EXIST) => Some(Err(Error::from(Errno::EXIST))),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::ErrorKind;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_file_has_no_name_before_it_is_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys.json");
        let is_empty = || fs::read_dir(directory.path()).unwrap().next().is_none();
        let Some(killed) = write(directory.path(), b"secret") else {
            // A file system without such files: the other way is taken there.
            return;
        };
        assert!(is_empty(), "written");
        drop(killed.unwrap());
        assert!(is_empty(), "given up");

        let file = write(directory.path(), b"secret").unwrap().unwrap();
        name(&file, &path).unwrap().unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read(&path).unwrap(), b"secret");

        let other = write(directory.path(), b"another").unwrap().unwrap();
        let refused = name(&other, &path).unwrap().unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"secret");
    }
}
