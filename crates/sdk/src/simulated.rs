//! Time and randomness of a simulation: both repeat with the seed.
//!
//! A thread that nobody seeded, which is every thread of a program that is no simulation, keeps
//! the machine's own.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;

use portal_lifecycle::Timestamp;
use rand::rngs::StdRng;
use rand::{CryptoRng, SeedableRng as _, TryCryptoRng, TryRng};

thread_local! {
    static SEEDED: RefCell<Option<StdRng>> = const { RefCell::new(None) };
    static NOW: Cell<Option<Timestamp>> = const { Cell::new(None) };
}

/// Makes this thread a simulation's.
pub fn seed(seed: u64) {
    SEEDED.set(Some(StdRng::seed_from_u64(seed)));
}

/// Whether this thread is a simulation's.
pub(crate) fn is_seeded() -> bool {
    SEEDED.with_borrow(Option::is_some)
}

/// Sets this thread's clock.
pub fn set_now(now: Timestamp) {
    NOW.set(Some(now));
}

pub(crate) fn now() -> Option<Timestamp> {
    NOW.get()
}

/// The seeded generator, or `machine`'s.
pub(crate) fn or<R: CryptoRng>(machine: R) -> impl CryptoRng {
    Seeded(machine)
}

struct Seeded<R>(R);

impl<R: CryptoRng> Seeded<R> {
    fn draw<T>(&mut self, draw: impl Fn(&mut dyn CryptoRng) -> T) -> T {
        SEEDED.with_borrow_mut(|seeded| match seeded {
            Some(seeded) => draw(seeded),
            None => draw(&mut self.0),
        })
    }
}

impl<R: CryptoRng> TryRng for Seeded<R> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.draw(|rng| rng.next_u32()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.draw(|rng| rng.next_u64()))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        let mut drawn = self.draw(|rng| {
            let mut drawn = vec![0; bytes.len()];
            rng.fill_bytes(&mut drawn);
            drawn
        });
        bytes.copy_from_slice(&drawn);
        zeroize::Zeroize::zeroize(&mut drawn);
        Ok(())
    }
}

impl<R: CryptoRng> TryCryptoRng for Seeded<R> {}
