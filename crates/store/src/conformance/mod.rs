//! What every backend of [`Store`] keeps to, as tests.
//!
//! A backend says in [`Backend`] how its database is opened, and [`conformance_tests!`]
//! makes one test of each property, each on a database of its own:
//!
//! ```text
//! portal_store::conformance_tests!(MyBackend::new());
//! ```
//!
//! Races between processes are not here: what can be raced differs with the database.
//!
//! [`conformance_tests!`]: crate::conformance_tests

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "these functions are tests: a panic is how they say no"
)]

pub mod audit;
pub mod clients;
pub mod commits;
pub mod custodians;
pub mod epochs;
mod fixture;
pub mod garbage;
pub mod guards;
pub mod idempotency;
pub mod keys;
pub mod managed;
mod managed_life;
pub mod outbox;
pub mod postgres_cluster;
pub mod sealing;
pub mod wallets;
pub mod webhooks;

use std::sync::Arc;

use async_trait::async_trait;

use crate::Store;
use crate::kms::Kms;

pub use fixture::{
    Life, audit_log, blinds_of, contains, kms, new_client, new_custodian, now, origin, share_of,
    shares_of, signature, with_new_pair,
};

/// A backend with one empty database, for one property.
#[async_trait]
pub trait Backend: Send + Sync {
    /// What is under test.
    type Store: Store;

    /// Opens the database; again, it is the same database.
    async fn open(&self, kms: Arc<dyn Kms>) -> Self::Store;

    /// The same, with another KMS for the custodian's shares of managed backups.
    async fn open_with(&self, kms: Arc<dyn Kms>, backup_kms: Arc<dyn Kms>) -> Self::Store;
}

/// One `#[tokio::test]` for each property of [`conformance`](crate::conformance), on the
/// [`Backend`](crate::conformance::Backend) that the expression makes anew for each.
#[macro_export]
macro_rules! conformance_tests {
    ($backend:expr) => {
        $crate::conformance_tests! { @each $backend;
            custodians {
                a_key_names_its_environment
                signing_policies_are_of_their_environment_and_client
                a_backup_mode_is_changed_for_its_environment
                a_custodian_is_made_whole_or_not_at_all
                environments_of_a_custodian_are_apart_and_listed
                so_many_keys_live_side_by_side_and_end_at_once
            }
            webhooks {
                a_webhook_is_replaced_and_comes_back
                a_replaced_webhook_is_not_replaced_again
                a_former_secret_ends_and_is_erased
                the_log_of_calls_is_read_backwards
                the_log_of_calls_is_pruned
            }
            clients {
                a_client_is_seen_in_its_environment_only
                pages_follow_ids_and_count_all
                a_page_has_the_wallets_of_its_clients
                a_client_is_made_whole_or_not_at_all
                credentials_name_their_client
                an_idle_session_ends
                a_used_session_lives_on_until_its_end
                a_late_request_shortens_no_session
                sessions_live_side_by_side
                times_without_end_are_stored
                a_tenant_is_named
                credentials_are_revoked_at_once
                a_web_otp_is_taken_once_and_in_time
                web_otps_end_with_the_sessions
            }
            wallets {
                every_state_of_a_life_comes_back
                every_status_comes_back
                every_method_comes_back
                two_clients_have_two_wallets
                a_share_is_read_for_its_client_curve_and_pair_only
                a_purged_pair_has_no_share
            }
            commits {
                versions_grow_and_the_first_time_stays
                a_stale_version_conflicts
                a_second_first_commit_conflicts
                a_commit_on_no_wallet_conflicts
                an_unknown_client_gets_no_wallet
                what_is_refused_leaves_nothing
                a_conflict_leaves_nothing
                an_audit_line_is_written_with_its_commit
                an_audit_line_needs_the_current_version
                an_audit_line_needs_its_grounds
            }
            audit {
                every_act_has_its_line
                a_commit_without_an_act_writes_no_line
                what_recover_gives_up_is_told
                chains_of_environments_are_apart
                lines_are_filtered_and_come_in_pages
                a_walk_goes_on_from_a_checkpoint
                another_checkpoint_is_told
            }
            guards {
                a_pair_in_force_stands_alone
                a_backup_in_force_stands_alone
                pairs_in_force_change_places
                history_is_not_rewritten
                counters_never_fall
                a_wallet_keeps_its_ids
                a_new_signing_pair_needs_its_share
                a_share_needs_its_new_pair
            }
            outbox {
                a_delivery_comes_back_in_full
                a_delivery_is_found_by_its_client_and_pair_only
                due_deliveries_come_in_order
                deliveries_are_claimed_by_environment
                a_claim_is_exclusive_and_ends
                a_failed_delivery_comes_later
                an_acknowledged_delivery_is_gone
                a_share_is_not_delivered_for_an_unknown_pair
                the_oldest_delivery_is_told
                the_outbox_is_counted
            }
            garbage {
                what_was_collected_is_gone_and_the_custodian_is_told
                a_notice_is_claimed_put_off_and_forgotten
            }
            idempotency {
                an_answer_is_kept_and_given_again
                a_claim_excludes_others_and_ends
                what_fails_keeps_no_answer
                a_webhook_is_changed_with_its_answer
                a_key_is_one_callers_for_one_request
                answers_that_are_over_are_forgotten
                an_answer_opens_under_its_own_key_only
            }
            managed {
                a_managed_share_is_read_for_its_client_curve_and_pair_only
                a_managed_share_needs_its_pair_and_is_never_replaced
                the_backup_kms_is_another
                a_cipher_text_is_stored_once
                with_a_purged_pair_go_both_halves_and_no_others
                what_is_purged_does_not_come_back
                a_backup_that_was_not_overtaken_is_not_purged
                an_ejected_wallet_has_no_signing_share
            }
            epochs {
                an_epoch_is_raised_for_every_wallet
                a_commit_of_the_former_epoch_conflicts
                wallets_are_listed_by_client
            }
            keys {
                the_first_kms_is_the_databases
                a_database_of_before_keeps_its_key
                the_first_managed_backup_claims_its_kms
                checks_move_to_another_kms
            }
            sealing {
                nothing_opens_under_another_key
                everything_is_rewrapped_and_reads_the_same
                an_interrupted_rewrap_goes_on
                a_kms_that_does_not_answer_is_told
            }
        }
    };
    (@each $backend:expr; $($module:ident { $($property:ident)* })*) => {
        $(
            mod $module {
                #[allow(unused_imports, reason = "what the expression names stands there")]
                use super::*;

                $(
                    #[tokio::test]
                    async fn $property() {
                        let backend = $backend;
                        $crate::conformance::$module::$property(&backend).await;
                    }
                )*
            }
        )*
    };
}
