//! A folder as the user's storage: one file for each key.

mod files;

use core::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use portal_seal::SecretBytes;
use tokio::sync::Mutex;

use self::files::Files;
use super::{BackupStorage, KEY_BYTES};
use crate::{BackupError, KeyName};

/// A folder of the user's: a cloud drive's, or one on a stick. One file, `<name>.key`, for each key.
///
/// Modes, locks and the flush of the folder are those of Unix; elsewhere the files are as
/// good as the platform's rename.
///
/// # Security
///
/// Keys lie here in clear, in files that only their owner may read: it is the user's
/// storage that guards them, and the cipher text lies elsewhere.
pub struct FolderStorage {
    folder: PathBuf,
    // One operation at a time, in the order of the calls. The lock goes with the work onto
    // the blocking thread: an operation whose caller gave up still ends before the next begins.
    files: Arc<Mutex<Files>>,
}

impl FolderStorage {
    /// Opens `folder`, or makes it (mode 700) in a folder that is there.
    ///
    /// The folder above must exist: a drive that is not mounted is not an empty one. Removes
    /// what a crash left of unfinished writes. Does a few small file operations, so call it
    /// at start-up rather than from a busy task.
    ///
    /// # Errors
    ///
    /// [`BackupError::Folder`] (`BACKUP_STORAGE_UNAVAILABLE`).
    pub fn open(folder: &Path) -> Result<Self, BackupError> {
        let files = Files::open_or_make(folder).map_err(|source| BackupError::Folder {
            folder: folder.to_owned(),
            source,
        })?;
        Ok(Self {
            folder: folder.to_owned(),
            files: Arc::new(Mutex::new(files)),
        })
    }

    /// Does `work` on a blocking thread: a drive can take long, and tokio's own file
    /// operations would cross to such a thread once for each step.
    async fn run<T: Send + 'static>(
        &self,
        name: &KeyName,
        work: impl FnOnce(&Files, &str) -> io::Result<T> + Send + 'static,
    ) -> Result<T, BackupError> {
        let files = Arc::clone(&self.files).lock_owned().await;
        let (folder, name) = (self.folder.clone(), name.clone());
        tokio::task::spawn_blocking(move || {
            files
                .require_folder()
                .map_err(|source| BackupError::Folder { folder, source })?;
            work(&files, &format!("{name}.key"))
                .map_err(|source| BackupError::Access { name, source })
        })
        .await
        .unwrap_or(Err(BackupError::Interrupted))
    }
}

impl fmt::Debug for FolderStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FolderStorage({})", self.folder.display())
    }
}

#[async_trait]
impl BackupStorage for FolderStorage {
    async fn write(&self, name: &KeyName, key: &SecretBytes) -> Result<(), BackupError> {
        // Its length only.
        if key.expose().len() > KEY_BYTES {
            return Err(BackupError::KeyTooLarge { name: name.clone() });
        }
        let key = key.clone();
        // The key itself: this is where the user keeps it.
        self.run(name, move |files, file| files.replace(file, key.expose()))
            .await
    }

    async fn read(&self, name: &KeyName) -> Result<Option<SecretBytes>, BackupError> {
        let read = self
            .run(name, |files, file| files.read(file, KEY_BYTES))
            .await?;
        match read {
            // Its length only.
            Some(key) if key.expose().len() > KEY_BYTES => {
                Err(BackupError::KeyTooLarge { name: name.clone() })
            }
            key => Ok(key),
        }
    }

    async fn delete(&self, name: &KeyName) -> Result<(), BackupError> {
        self.run(name, |files, file| files.remove(file)).await
    }
}
