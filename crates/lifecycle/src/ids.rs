//! Identifiers: `UUIDv7` (RFC 9562 §5.7), each its own type so that none is mistaken for another.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Timestamp;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
            #[serde(transparent)]
            #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
            pub struct $name(pub Uuid);

            impl $name {
                /// Makes an id from the time and ten random bytes.
                #[must_use]
                pub fn make(now: Timestamp, random: [u8; 10]) -> Self {
                    Self(uuid::Builder::from_unix_timestamp_millis(now.as_ms(), &random).into_uuid())
                }

                /// The 16 bytes of the id, as they are hashed and authenticated.
                #[must_use]
                pub const fn to_bytes(self) -> [u8; 16] {
                    *self.0.as_bytes()
                }
            }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    self.0.fmt(f)
                }
            }

            impl FromStr for $name {
                type Err = uuid::Error;

                fn from_str(text: &str) -> Result<Self, uuid::Error> {
                    Uuid::parse_str(text).map(Self)
                }
            }
        )*
    };
}

ids! {
    /// A customer of the platform: an app's company.
    CustodianId,
    /// One of a custodian's environments (production, staging); credentials and webhook belong to it.
    EnvironmentId,
    /// One end user of a custodian.
    ClientId,
    /// The key of one curve of a client's wallet.
    WalletId,
    /// The signing pair of one curve.
    SigningSharePairId,
    /// The backup pair of one curve.
    BackupSharePairId,
    /// One run of an operation, chosen by the caller.
    OperationId,
    /// One installation of the SDK; holds a wallet's lease while it works.
    DeviceId,
    /// A secret by which webhooks are signed.
    WebhookSecretId,
    /// One attempt to call a webhook.
    WebhookDeliveryId,
    /// A request, as it is followed through logs, MPC sessions and webhooks.
    TraceId,
}
