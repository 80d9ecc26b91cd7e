//! What the server notes of each call. The names in capitals are wire values.

use serde::{Deserialize, Serialize};

macro_rules! wire_names {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $wire:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $wire)] $variant,)*
        }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name on the wire and at rest.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $wire,)* }
            }

            /// The value of that name, if there is one.
            #[must_use]
            pub fn from_wire(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == name)
            }
        }

        // By hand: a derive does not see the names on the wire, which come through a macro.
        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .enum_values(Some(Self::ALL.iter().map(|value| value.as_str())))
                    .into()
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::ToSchema for $name {}
    };
}

wire_names! {
    /// What a call was for.
    WebhookKind {
        /// A share was handed over.
        Backup = "BACKUP",
        /// Shares were asked for: to see that they were stored, or to recover.
        BackupFetch = "BACKUP_FETCH",
        /// Blinded shares were asked for.
        BackupRecover = "BACKUP_RECOVER",
        /// A proof was asked for.
        BackupProve = "BACKUP_PROVE",
        /// A pair was said to be of no use any more.
        BackupReleased = "BACKUP_RELEASED",
        /// It was asked whether a wallet may sign something.
        SignApprove = "SIGN_APPROVE",
        /// The shares of a client that does not exist were asked for, to see that the call arrives.
        Test = "TEST",
    }
}

wire_names! {
    /// How an attempt ended.
    WebhookOutcome {
        /// It was answered as expected.
        Delivered = "DELIVERED",
        /// It was answered with another status than 2xx.
        Refused = "REFUSED",
        /// It was answered with 2xx, and with something else than was asked for.
        Unexpected = "UNEXPECTED",
        /// The URL's name does not resolve.
        Unresolved = "UNRESOLVED",
        /// The URL's name leads to an address that is not public; nothing was sent.
        NotPublic = "NOT_PUBLIC",
        /// Not answered in full within ten seconds.
        TimedOut = "TIMED_OUT",
        /// There was no connection, or its certificate is not valid.
        NoConnection = "NO_CONNECTION",
        /// The connection broke before the answer was there.
        Broken = "BROKEN",
        /// The answer is too large.
        TooLarge = "TOO_LARGE",
    }
}
