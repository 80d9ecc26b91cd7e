//! The operations on a wallet.

mod backup;
mod check;
mod create;
mod custodian_proof;
mod eject;
mod pair;
mod reconcile;
mod recover;
mod sealed;
mod sign;

pub use backup::{Backup, BackupMade};
pub use check::BackupChecked;
pub use create::Created;
pub use eject::EjectedKeys;
pub use recover::Recovered;
pub(crate) use sign::absent;
pub use sign::{SignedRaw, SignedRequest};
