//! What holds for the repository as a whole: who imports whom, pages that are made from the
//! code, and files that make sense on any machine.

#![expect(
    clippy::panic,
    reason = "a repository that cannot be read is a failure"
)]

mod imports;
mod pages;
mod text_files;

use std::path::{Path, PathBuf};

/// The directory above this package.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
