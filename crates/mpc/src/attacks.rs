//! Attacks by a peer that keeps to the envelope but lies inside it.
//!
//! The runs are [recordings](crate::attack::Recording), in which one message's body is changed and sealed again:
//! to the receiver it is a peer that built this message on purpose. (What an outsider can do without
//! that is attacked in `tests/`.)

mod contributions;
mod decoding;
mod golden;
mod lying;
mod misused;
mod multiplication;

use zeroize::Zeroizing;

use crate::attack::scenes::{BACKUP, RECOVERED, SIGNING, both, context, session};
use crate::attack::{Ending, Recording, scenes};
use crate::commitment;
use crate::ed25519::{self, Ed25519};
use crate::envelope::Channel;
use crate::group::{Group, random_scalar};
use crate::possession;
use crate::secp256k1::{self, Secp256k1};
use crate::session::Sid;
use crate::{
    Abort, Check, KeyShares, Machine, Operation, ReshareToBackup, ReshareToSigning, Role, Session,
    SigningShares,
};

fn pair() -> (SigningShares, SigningShares) {
    scenes::signing_pair().unwrap()
}

fn backup() -> (KeyShares, KeyShares) {
    scenes::backup_pair().unwrap()
}
