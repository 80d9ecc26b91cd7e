//! The calls, each with its path and the ids that it is made under.

use core::fmt::Display;

/// One of the calls that the server makes to a custodian's backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookRoute {
    /// `POST {base}/backup`
    Store,
    /// `POST {base}/backup/fetch`
    Fetch,
    /// `POST {base}/backup/prove`
    Prove,
    /// `POST {base}/backup/recover`
    Recover,
    /// `POST {base}/backup/released`
    Release,
    /// `POST {base}/sign/approve`
    Approve,
}

impl WebhookRoute {
    /// Every call.
    pub const ALL: [Self; 6] = [
        Self::Store,
        Self::Fetch,
        Self::Prove,
        Self::Recover,
        Self::Release,
        Self::Approve,
    ];

    /// What follows the base URL.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Store => "backup",
            Self::Fetch => "backup/fetch",
            Self::Prove => "backup/prove",
            Self::Recover => "backup/recover",
            Self::Release => "backup/released",
            Self::Approve => "sign/approve",
        }
    }

    /// Whether a second call under the same id changes nothing and tells nothing: it is answered
    /// as the first was. Any other is made once, and whoever makes it again is not the server.
    #[must_use]
    pub const fn is_repeatable(self) -> bool {
        match self {
            Self::Store | Self::Release => true,
            Self::Fetch | Self::Prove | Self::Recover | Self::Approve => false,
        }
    }

    /// The `webhook-id` of the call about `subject`.
    ///
    /// It names the route, because a signature covers id, time and body and not the path: a call
    /// that was caught must not become another one.
    #[must_use]
    pub fn id(self, subject: impl Display) -> String {
        format!("{}_{subject}", self.prefix())
    }

    /// Whether an id is of this route.
    #[must_use]
    pub fn owns(self, id: &str) -> bool {
        id.split_once('_')
            .is_some_and(|(prefix, _)| prefix == self.prefix())
    }

    const fn prefix(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Fetch => "fetch",
            Self::Prove => "prove",
            Self::Recover => "recover",
            Self::Release => "release",
            Self::Approve => "approve",
        }
    }
}
