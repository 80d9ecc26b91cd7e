//! The operations on a wallet.

mod backup;
mod create;
mod pair;
mod reconcile;
mod recover;
mod sign;

pub use backup::{Backup, BackupMade};
pub use create::Created;
pub use recover::Recovered;
pub(crate) use sign::absent;
pub use sign::{SignedRaw, SignedRequest};
