//! The whole of Portal on one thread, on a simulated network and clock, with faults from a seed.
//!
//! The server, the customer's backend and the SDK are the ones that are shipped: the same
//! routers, sessions, workers and operations. What is simulated is what stands around them: the
//! network and the clock (turmoil), the machine's randomness, the databases, the keychains and
//! the user's own storage, which are in memory.
//!
//! In one half of the runs the customer's backups are sealed, in the other plain. One user has two
//! devices. Two server nodes share one database; every operation goes to one of
//! them, whichever. For a while everybody does what users do (create, back up, refresh, recover,
//! sign, check) and everything fails: each call of a storage, a keychain or a cloud may fail
//! before it did anything, fail after it did, take its time, or end its process; processes end at
//! any other moment as well; connections stall, break and are cut off for a while. Then, in some
//! runs, one catastrophe: a device is lost, the cloud is lost, the customer's backend loses its
//! shares, or Portal's database is put back to a copy that was made earlier in the run. In some
//! runs days pass. In the end all faults cease and everybody tries again.
//!
//! # What counts as a failure
//!
//! - An address that was handed out to the user is followed by another one, ever.
//! - Once an address was handed out, and all faults have ceased, neither device can sign for that
//!   address, nor recover the wallet from a backup that was completed; unless the run's
//!   catastrophe was one that nobody promises to survive: a device was lost while no backup was
//!   complete, or a database was put back to a copy from before there was a complete backup.
//! - A backup is complete, its key, cipher text and custodian shares are where they were put, and
//!   it does not recover the wallet on a new device.
//! - Two signing pairs are in force, or one is frozen: nobody cheated, and no fault is a strike.
//! - A part of a backup is where it must not be: the servers, in all that they stored, sent or
//!   heard, had the client's part, or of a sealed backup the custodian's, or two shares that add
//!   up to one of these or to the key (`record`).
//! - A generation falls within an epoch; or a share stays in the outbox when the customer's
//!   backend has been well for long enough.
//! - Something that may be tried again still fails when it is, with all faults gone; somebody
//!   panics; the run does not come to an end.
//!
//! # What does not
//!
//! - Any error while faults are at work; an operation that is begun anew; time lost.
//! - A wallet whose address nobody was told.
//!
//! A run is a function of its seed: the same seed fails in the same way, whatever ran before it in
//! the same process, or runs beside it.

mod backend;
mod check;
mod connections;
mod context;
mod device;
mod driver;
mod faults;
mod network;
mod places;
mod plan;
mod record;
mod store;

pub use driver::{Outcome, run};
pub use plan::Catastrophe;
