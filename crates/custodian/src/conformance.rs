//! What every store of a custodian keeps to, as tests.
//!
//! A store says in [`Backend`] how it is opened, and [`conformance_tests!`] makes one test of each
//! property, each on a database of its own:
//!
//! ```text
//! portal_custodian::conformance_tests!(MyBackend::new());
//! ```
//!
//! [`conformance_tests!`]: crate::conformance_tests

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "these functions are tests: a panic is how they say no"
)]

pub mod calls;
pub mod cipher_texts;
pub mod races;
pub mod recoveries;
pub mod shares;

use async_trait::async_trait;
use portal_lifecycle::ids::{BackupSharePairId, ClientId, WalletId};
use portal_lifecycle::{BackupMethod, Curve, Generation, Timestamp};
use portal_seal::SealingKey;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::{CustodianStore, NewShare, OpenStoreError, RecoveryStore, ShareText};

/// A store with one empty database, for one property.
#[async_trait]
pub trait Backend: Send + Sync {
    /// What is under test.
    type Store: CustodianStore + RecoveryStore;

    /// Opens the database; again, it is the same database, as another process sees it.
    ///
    /// # Errors
    ///
    /// What the store says.
    async fn open(&self, key: SealingKey) -> Result<Self::Store, OpenStoreError>;
}

/// A key of which each byte is `byte`.
#[must_use]
pub fn key(byte: u8) -> SealingKey {
    SealingKey::from_bytes(Zeroizing::new([byte; 32]))
}

/// The store of the first of these keys.
async fn opened<B: Backend>(backend: &B) -> B::Store {
    let opened = backend.open(key(1)).await;
    opened.unwrap_or_else(|error| panic!("expected a store, got {error}"))
}

/// Randomness, the same each time.
fn rng() -> StdRng {
    StdRng::from_seed([7; 32])
}

/// A moment, so many milliseconds after another one.
const fn at(ms: u64) -> Timestamp {
    Timestamp::from_ms(1_800_000_000_000 + ms)
}

fn client(n: u128) -> ClientId {
    ClientId(Uuid::from_u128(0xc11e << 100 | n))
}

fn pair(n: u128) -> BackupSharePairId {
    BackupSharePairId(Uuid::from_u128(0x9a12 << 100 | n))
}

/// A share of a client under the pair of that number.
fn share_of(client_id: ClientId, n: u128, text: &str) -> NewShare {
    NewShare {
        client_id,
        backup_share_pair_id: pair(n),
        wallet_id: WalletId(Uuid::from_u128(7)),
        curve: Curve::Secp256k1,
        generation: Generation(1),
        backup_method: BackupMethod::Password,
        share: ShareText::new(text.to_owned()).expect("a text of the right length"),
        delivery: None,
    }
}

/// One `#[tokio::test]` for each property of [`conformance`](crate::conformance), on the
/// [`Backend`](crate::conformance::Backend) that the expression makes anew for each.
#[macro_export]
macro_rules! conformance_tests {
    ($backend:expr) => {
        $crate::conformance_tests! { @each $backend;
            shares {
                a_share_comes_back_whole
                the_newest_generation_comes_first
                the_same_again_changes_nothing
                what_is_stored_is_never_replaced
                clients_are_apart
                a_pair_is_found_by_itself
                released_pairs_are_noted
                everything_survives_reopening
                another_key_is_refused
            }
            cipher_texts {
                a_cipher_text_is_found_by_method_and_pair
                the_same_again_gives_what_was_stored_first
                another_cipher_text_is_refused
                the_one_stored_last_is_the_newest
            }
            calls {
                a_call_is_heard_once
                an_id_is_forgotten_in_time
            }
            recoveries {
                nothing_is_open_unless_it_was_opened
                uses_are_counted_and_repeats_are_not
                blinds_serve_one_request
                the_newest_window_counts
                a_closed_window_stays_closed
            }
            races {
                of_racing_shares_one_is_stored
                of_racing_cipher_texts_one_is_stored
                of_racing_recoveries_so_many_are_answered
                of_racing_calls_one_is_the_first
            }
        }
    };
    (@each $backend:expr; $($module:ident { $($property:ident)* })*) => {
        $(
            mod $module {
                #[allow(unused_imports, reason = "what the expression names stands there")]
                use super::*;

                $(
                    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                    async fn $property() {
                        let backend = $backend;
                        $crate::conformance::$module::$property(&backend).await;
                    }
                )*
            }
        )*
    };
}
