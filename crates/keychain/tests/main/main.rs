//! What a keychain promises, and the file backend attacked.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod file;
mod golden;
mod memory;
mod names;
mod passphrase;
mod self_tests;

use portal_keychain::{EntryName, FileKeychain, SealingKey, SecretBytes};
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use std::path::Path;
use zeroize::Zeroizing;

fn key(byte: u8) -> SealingKey {
    SealingKey::from_bytes(Zeroizing::new([byte; 32]))
}

fn name(name: &str) -> EntryName {
    EntryName::parse(name).unwrap()
}

fn secret(bytes: &[u8]) -> SecretBytes {
    SecretBytes::new(bytes.to_vec())
}

const fn rng() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}

fn open(directory: &Path) -> FileKeychain {
    FileKeychain::open(directory, key(1), rng()).unwrap()
}

/// A directory that a keychain takes with files in it.
fn private() -> tempfile::TempDir {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder.tempdir().unwrap()
}

/// An error and everything beneath it, as a log has it.
fn told(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(error.source(), |error| error.source());
    sources.fold(format!("{error} {error:?}"), |text, source| {
        format!("{text}: {source}")
    })
}
