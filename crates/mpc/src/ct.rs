//! Where something that was computed from secrets becomes public.
//!
//! Code here branches on public values alone. The outcome of a check is public, since the
//! peer sees whether it is answered; so is what goes into a message. Both pass through this
//! module, so that a run in which every secret is marked (`cargo xtask constant-time`) knows them
//! from the rest, and a reviewer finds them all in one search.

use subtle::Choice;

/// The outcome of a check, to branch on.
pub(crate) fn declassify(outcome: Choice) -> bool {
    let outcome = outcome.unwrap_u8();
    #[cfg(portal_taint)]
    mark_public(&outcome);
    outcome == 1
}

/// What goes to the peer, or is about to be verified by anybody.
pub(crate) fn reveal<T>(value: T) -> T {
    #[cfg(portal_taint)]
    mark_public(&value);
    value
}

/// Tells the memory checker that `value` may be branched on.
#[cfg(portal_taint)]
pub(crate) fn mark_public<T: ?Sized>(value: &T) {
    let address = core::ptr::from_ref(value).cast::<core::ffi::c_void>();
    let _ = crabgrind::memcheck::mark_memory(
        address.cast_mut(),
        size_of_val(value),
        crabgrind::memcheck::MemState::Defined,
    );
}
