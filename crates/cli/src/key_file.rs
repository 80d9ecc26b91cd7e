//! Secrets in files of this machine: made on first use, readable by their owner alone.

#[cfg(target_os = "linux")]
mod nameless;

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use portal_api::webhook::signature::SigningSecret;
use portal_seal::SealingKey;
use tempfile::{NamedTempFile, PersistError};
use zeroize::Zeroizing;

use crate::ambient;

/// Makes a directory that only its owner may enter; one that is there stays as it is.
pub(crate) fn private_dir(path: &Path) -> anyhow::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("cannot make the directory {}", path.display()))
}

/// Writes a file that only its owner may read; it must not be there yet. Whoever finds it finds
/// it whole: it gets its name when its content is on the disk.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> std::io::Result<()> {
    // A directory that cannot keep a name is told before there is one in it.
    sync_directory(directory_of(path))?;
    #[cfg(target_os = "linux")]
    {
        let directory = directory_of(path);
        let draft = nameless::write(directory, content).transpose()?;
        if let Some(named) = draft.and_then(|draft| nameless::name(&draft, path)) {
            return named.and_then(|()| sync_directory(directory));
        }
    }
    persist_private(path, content, |draft| draft.persist_noclobber(path))
}

/// The same, in the place of what is there: whoever finds the file finds the one or the other.
pub(crate) fn replace_private(path: &Path, content: &[u8]) -> std::io::Result<()> {
    persist_private(path, content, |draft| draft.persist(path))
}

/// A file that is there is its owner's alone from now on, and its name and content are on the
/// disk; of a link, those of the file that it leads to.
pub(crate) fn keep_private(path: &Path) -> std::io::Result<()> {
    let path = &path.canonicalize()?;
    let file = File::open(path)?;
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    file.sync_all()?;
    sync_directory(directory_of(path))
}

fn persist_private(
    path: &Path,
    content: &[u8],
    persist: impl FnOnce(NamedTempFile) -> Result<File, PersistError>,
) -> std::io::Result<()> {
    let directory = directory_of(path);
    let mut draft = tempfile::Builder::new()
        .prefix(".draft-")
        .permissions(fs::Permissions::from_mode(0o600))
        .tempfile_in(directory)?;
    draft.write_all(content)?;
    draft.as_file().sync_all()?;
    persist(draft)?;
    sync_directory(directory)
}

/// Has the names in it lie on the disk.
fn sync_directory(directory: &Path) -> std::io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Where a file lies; a bare name, in the working directory.
fn directory_of(path: &Path) -> &Path {
    let directory = path.parent();
    directory
        .filter(|directory| !directory.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// 32 secret bytes, as hexadecimal text in a file; drawn on first use.
pub(crate) fn secret(path: &Path) -> anyhow::Result<Zeroizing<[u8; 32]>> {
    let shown = path.display();
    match fs::read_to_string(path).map(Zeroizing::new) {
        Ok(text) => decode(&text).with_context(|| {
            format!("expected 64 hexadecimal digits in {shown}; restore the file from its backup")
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let key = SealingKey::generate(&mut ambient::rng());
            let text = Zeroizing::new(hex::encode(key.expose())); // to be stored
            match write_private(path, text.as_bytes()) {
                // Another process was faster; its secret counts.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => secret(path),
                written => {
                    written.with_context(|| format!("cannot write {shown}"))?;
                    Ok(Zeroizing::new(*key.expose())) // to be used
                }
            }
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {shown}")),
    }
}

/// The text of a webhook's secrets; a secret is drawn on first use.
pub(crate) fn webhook_secret(path: &Path) -> anyhow::Result<Zeroizing<String>> {
    if !path.exists() {
        let random = SealingKey::generate(&mut ambient::rng());
        let secret = SigningSecret::of_random(random.expose()); // to be stored
        match write_private(path, secret.expose().as_bytes()) {
            // Another process was faster; its secret counts.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            written => written.with_context(|| format!("cannot write {}", path.display()))?,
        }
    }
    text(path)
}

/// Secrets in lines of one file, the one in use first; one is drawn on first use.
pub(crate) fn secrets(path: &Path) -> anyhow::Result<Vec<Zeroizing<[u8; 32]>>> {
    if !path.exists() {
        secret(path)?;
    }
    let text = text(path)?;
    let lines = text.lines().map(|line| {
        decode(line).with_context(|| {
            format!(
                "expected 64 hexadecimal digits in each line of {}; restore it from its backup",
                path.display()
            )
        })
    });
    lines.collect()
}

/// Draws another secret, to be used from now on; those of before stay below it.
pub(crate) fn add_secret(path: &Path) -> anyhow::Result<()> {
    let former = secrets(path)?;
    let key = SealingKey::generate(&mut ambient::rng());
    // To be stored.
    let lines = std::iter::once(hex::encode(key.expose()))
        .chain(former.iter().map(|secret| hex::encode(secret.as_slice())));
    let text = Zeroizing::new(lines.collect::<Vec<_>>().join("\n"));
    replace_private(path, text.as_bytes())
        .with_context(|| format!("cannot write {}", path.display()))
}

/// The key that a database or keychain is sealed with. One without its key is told
/// apart from a first start: a new key would open nothing of it.
pub(crate) fn sealing_key(key: &Path, sealed: &Path) -> anyhow::Result<SealingKey> {
    if sealed.exists() && !key.exists() {
        bail!(
            "{} is there but its key file {} is not; restore the key file from its backup",
            sealed.display(),
            key.display()
        );
    }
    Ok(SealingKey::from_bytes(secret(key)?))
}

/// A secret's text from a file, without the line's end.
pub(crate) fn text(path: &Path) -> anyhow::Result<Zeroizing<String>> {
    let text = fs::read_to_string(path)
        .map(Zeroizing::new)
        .with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Zeroizing::new(
        text.trim_end_matches(['\r', '\n']).to_owned(),
    ))
}

fn decode(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let mut bytes = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.trim_end(), bytes.as_mut_slice()).ok()?;
    Some(bytes)
}
