//! What an operation tells while it works.

use core::fmt;

/// A step of an operation. The order of the steps of each operation is part of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The share in use is read from the keychain, or the cipher text is.
    ReadingShare,
    /// The cipher text is decrypted.
    DecryptingShare,
    /// The MPC session runs.
    GeneratingShare,
    /// The new share is encoded and checked.
    ParsingShare,
    /// The backup share is encrypted.
    EncryptingShare,
    /// The new share, or its key, is stored and read back.
    StoringShare,
    /// Everything is durable.
    Done,
}

/// An event of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The step that begins.
    pub status: Status,
    /// Whether it was the last one.
    pub done: bool,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReadingShare => "Reading share",
            Self::DecryptingShare => "Decrypting share",
            Self::GeneratingShare => "Generating share",
            Self::ParsingShare => "Parsing share",
            Self::EncryptingShare => "Encrypting share",
            Self::StoringShare => "Storing share",
            Self::Done => "Done",
        })
    }
}

/// Where the events go.
pub(crate) type Listener = Box<dyn Fn(Progress) + Send + Sync>;
