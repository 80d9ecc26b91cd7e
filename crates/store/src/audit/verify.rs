//! A walk along a chain, line by line, that keeps nothing but the line before.
//!
//! What is found is told, and the walk goes on from the line as it stands, so that one change is
//! told once.

use core::fmt;

use portal_lifecycle::ids::EnvironmentId;

use super::{AuditHash, AuditLine, Checkpoint, LINE_VERSION};

/// Acts that a chain begins with: that of its environment, or one of before there was a chain.
const BEGINNINGS: [&str; 2] = ["ENVIRONMENT_MADE", "CARRIED_SIGNATURE"];

/// Something in a chain that should not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditFinding {
    /// Whose chain.
    pub environment_id: EnvironmentId,
    /// The number of the line.
    pub sequence: u64,
    /// What is wrong there.
    pub kind: FindingKind,
}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FindingKind {
    /// Lines are missing.
    Missing {
        /// The line that was expected next.
        expected: u64,
    },
    /// It is not what was hashed when it was written.
    Altered {
        /// The hash of what it says.
        computed: AuditHash,
        /// The hash that stands in it.
        stored: AuditHash,
    },
    /// It follows another line than the one before it.
    Unlinked {
        /// The hash of the line before it.
        expected: AuditHash,
        /// The hash that it continues.
        found: AuditHash,
    },
    /// It is not the line that the checkpoint was made of.
    NotTheCheckpoint {
        /// The checkpoint's hash.
        expected: AuditHash,
        /// The line's.
        found: AuditHash,
    },
    /// The chain ends here, before its head or the checkpoint.
    Truncated {
        /// The line that must be there.
        expected: Checkpoint,
    },
    /// The chain ends here, and its head, as the database keeps it, is another.
    NotTheHead {
        /// The head.
        expected: Checkpoint,
        /// The last line.
        found: Checkpoint,
    },
    /// The chain's head is gone.
    NoHead,
    /// The chain does not begin with what an environment begins with, or has no line at all.
    NoBeginning,
    /// It is of a version that this program does not know.
    UnknownVersion {
        /// The version.
        version: u8,
    },
}

impl FindingKind {
    /// The kind's name, for scripts.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "MISSING",
            Self::Altered { .. } => "ALTERED",
            Self::Unlinked { .. } => "UNLINKED",
            Self::NotTheCheckpoint { .. } => "NOT_THE_CHECKPOINT",
            Self::Truncated { .. } => "TRUNCATED",
            Self::NotTheHead { .. } => "NOT_THE_HEAD",
            Self::NoHead => "NO_HEAD",
            Self::NoBeginning => "NO_BEGINNING",
            Self::UnknownVersion { .. } => "UNKNOWN_VERSION",
        }
    }
}

impl fmt::Display for AuditFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (environment, line) = (self.environment_id, self.sequence);
        write!(f, "environment {environment}, line {line}: ")?;
        match self.kind {
            FindingKind::Missing { expected } => {
                write!(
                    f,
                    "expected line {expected} next, got line {line}; what is between is gone"
                )
            }
            FindingKind::Altered { computed, stored } => write!(
                f,
                "it was altered: it says {stored} of itself and hashes to {computed}"
            ),
            FindingKind::Unlinked { expected, found } => write!(
                f,
                "expected it to follow {expected}, the line before it, got {found}; the line \
                 before it is not the one that was written there"
            ),
            FindingKind::NotTheCheckpoint { expected, found } => write!(
                f,
                "the checkpoint says {expected}, got {found}; this line or one before it was changed"
            ),
            FindingKind::Truncated { expected } => write!(
                f,
                "the chain ends here; expected it to reach line {}, {}",
                expected.sequence, expected.hash
            ),
            FindingKind::NotTheHead { expected, found } => write!(
                f,
                "expected the chain to end in {expected}, its head, got {found}"
            ),
            FindingKind::NoHead => f.write_str("the record of the chain's last line is gone"),
            FindingKind::NoBeginning => write!(
                f,
                "expected a chain that begins with one of {}; its beginning is gone",
                BEGINNINGS.join(", ")
            ),
            FindingKind::UnknownVersion { version } => write!(
                f,
                "expected version {LINE_VERSION}, got {version}; use a newer program"
            ),
        }
    }
}

/// Walks one environment's chain, from its beginning or from a checkpoint.
#[derive(Debug, Clone)]
pub struct ChainVerifier {
    environment_id: EnvironmentId,
    since: Option<Checkpoint>,
    /// The line seen last.
    last: Checkpoint,
    lines: u64,
}

impl ChainVerifier {
    /// Before the first line; from a checkpoint on, its own line is the first.
    #[must_use]
    pub const fn new(environment_id: EnvironmentId, since: Option<Checkpoint>) -> Self {
        let before = match &since {
            Some(since) => since.sequence.saturating_sub(1),
            None => 0,
        };
        Self {
            environment_id,
            since,
            last: Checkpoint {
                sequence: before,
                hash: AuditHash::START,
            },
            lines: 0,
        }
    }

    /// The number of the line seen last; the next one is to be shown.
    #[must_use]
    pub const fn last(&self) -> Checkpoint {
        self.last
    }

    /// How many lines it has seen.
    #[must_use]
    pub const fn lines(&self) -> u64 {
        self.lines
    }

    /// Looks at the next line of the chain, as it stands there; tells what is wrong.
    pub fn see(&mut self, line: &AuditLine) -> Vec<AuditFinding> {
        let mut found = Vec::new();
        let mut tell = |kind| {
            found.push(AuditFinding {
                environment_id: self.environment_id,
                sequence: line.sequence,
                kind,
            });
        };
        let expected = self.last.sequence.saturating_add(1);
        if line.sequence != expected {
            tell(FindingKind::Missing { expected });
        }
        if line.version == LINE_VERSION {
            let computed = line.computed_hash();
            if computed != line.hash {
                let stored = line.hash;
                tell(FindingKind::Altered { computed, stored });
            }
        } else {
            let version = line.version;
            tell(FindingKind::UnknownVersion { version });
        }
        let at_checkpoint = self.since.filter(|since| since.sequence == line.sequence);
        if let Some(since) = at_checkpoint {
            if since.hash != line.hash {
                let (expected, found) = (since.hash, line.hash);
                tell(FindingKind::NotTheCheckpoint { expected, found });
            }
        } else if line.sequence == expected && line.previous_hash != self.last.hash {
            let (expected, found) = (self.last.hash, line.previous_hash);
            tell(FindingKind::Unlinked { expected, found });
        }
        let is_first = line.sequence == 1 && self.since.is_none();
        if is_first && !BEGINNINGS.contains(&line.act.as_str()) {
            tell(FindingKind::NoBeginning);
        }
        self.last = line.checkpoint();
        self.lines = self.lines.saturating_add(1);
        found
    }

    /// Looks at the chain's end: no line follows the last one, in the same state of the database
    /// in which `head` is its head.
    #[must_use]
    pub fn end(&self, head: Option<Checkpoint>) -> Vec<AuditFinding> {
        let finding = |kind| AuditFinding {
            environment_id: self.environment_id,
            sequence: self.last.sequence,
            kind,
        };
        let mut found = Vec::new();
        if let Some(since) = self.since
            && self.last.sequence < since.sequence
        {
            found.push(finding(FindingKind::Truncated { expected: since }));
            return found;
        }
        match head {
            None => found.push(finding(FindingKind::NoHead)),
            Some(head) if head == self.last => {
                if head == Checkpoint::START {
                    found.push(finding(FindingKind::NoBeginning));
                }
            }
            Some(head) if head.sequence > self.last.sequence => {
                found.push(finding(FindingKind::Truncated { expected: head }));
            }
            Some(head) => {
                let (expected, last) = (head, self.last);
                found.push(finding(FindingKind::NotTheHead {
                    expected,
                    found: last,
                }));
            }
        }
        found
    }
}
