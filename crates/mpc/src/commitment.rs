//! Commitments: a hash of the purpose, the session, the committing party, 32 random bytes and
//! the value.

use rand_core::CryptoRng;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::ct::declassify;
use crate::hash::TaggedHash;
use crate::session::Sid;
use crate::wire::Writer;
use crate::{Abort, Check, Role};

/// Length of the salt, which an opening begins with.
pub(crate) const SALT_BYTES: usize = 32;

/// What was committed to, kept until it is opened. Erased when dropped.
#[cfg_attr(any(test, feature = "attack"), derive(Clone))]
pub(crate) struct Opening(Zeroizing<Vec<u8>>);

/// What is committed to; a commitment for one purpose opens for no other.
pub(crate) type Purpose = &'static str;

/// Commits `role` to `value`; gives what to keep and what to send.
pub(crate) fn commit(
    purpose: Purpose,
    sid: Sid,
    role: Role,
    value: &[u8],
    rng: &mut impl CryptoRng,
) -> (Opening, [u8; 32]) {
    let mut salt = [0; SALT_BYTES];
    rng.fill_bytes(&mut salt);
    let opening = Writer::new().fixed(&salt).fixed(value).finish();
    let commitment = hash(purpose, sid, role, &opening);
    (Opening(opening), commitment)
}

impl Opening {
    /// What to send when the time has come.
    pub(crate) fn reveal(&self) -> &[u8] {
        &self.0
    }
}

/// Checks that `opening` is what `role` committed to; gives the value.
pub(crate) fn open<'a>(
    purpose: Purpose,
    sid: Sid,
    role: Role,
    commitment: &[u8; 32],
    opening: &'a [u8],
) -> Result<&'a [u8], Abort> {
    if !declassify(hash(purpose, sid, role, opening).ct_eq(commitment)) {
        return Err(Abort::blame(role, Check::Commitment));
    }
    match opening.split_at_checked(SALT_BYTES) {
        Some((_, value)) => Ok(value),
        None => Err(Abort::blame(role, Check::Encoding)),
    }
}

fn hash(purpose: Purpose, sid: Sid, role: Role, opening: &[u8]) -> [u8; 32] {
    TaggedHash::new("commitment")
        .field(purpose.as_bytes())
        .field(&sid.0)
        .field(&[role.index()])
        .secret_field(opening)
        .short()
}
