//! Where something that was computed from secrets becomes public.
//!
//! Our code branches on public values alone, but where it reads its own share from storage. The outcome of
//! a check is public, since the
//! peer sees whether it is answered; so is what goes into a message, and what both parties
//! will know. All of it passes through this module, so that a search for its functions finds it, and so that
//! `cargo xtask constant-time` knows it: that run, under a memory checker, marks every secret as undefined
//! ([`mark_secret`]), and the checker reports each branch and each address that depends on one.

use subtle::Choice;

/// The outcome of a check, to branch on.
pub(crate) fn declassify(outcome: Choice) -> bool {
    reveal(outcome.unwrap_u8()) == 1
}

/// What goes to the peer, or is about to be verified by anybody.
#[cfg(not(portal_taint))]
pub(crate) const fn reveal<T: Copy>(value: T) -> T {
    value
}

/// The same for bytes where they lie.
#[cfg(not(portal_taint))]
pub(crate) const fn reveal_bytes(_: &mut [u8]) {}

/// A secret where it lies: read from storage, or freshly drawn.
#[cfg(not(portal_taint))]
pub(crate) const fn mark_secret<T>(_: &mut T) {}

#[cfg(portal_taint)]
pub(crate) use tainted::{mark_secret, reveal, reveal_bytes};

#[cfg(portal_taint)]
mod tainted {
    use core::hint::black_box;

    use crabgrind::memcheck::{MemState, mark_memory};

    pub(crate) fn reveal<T: Copy>(mut value: T) -> T {
        mark(&raw mut value, size_of::<T>(), MemState::Defined);
        black_box(value)
    }

    pub(crate) fn reveal_bytes(bytes: &mut [u8]) {
        mark(bytes.as_mut_ptr(), bytes.len(), MemState::Defined);
        black_box(bytes);
    }

    pub(crate) fn mark_secret<T>(value: &mut T) {
        mark(&raw mut *value, size_of::<T>(), MemState::Undefined);
        black_box(value);
    }

    fn mark<T>(address: *mut T, bytes: usize, state: MemState) {
        // Outside of the checker there is nothing to tell.
        let _ = mark_memory(black_box(address).cast(), bytes, state);
    }
}
