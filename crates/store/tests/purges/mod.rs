//! Purges of managed backups by hand: what the schema lets through, and what it does then.

use async_trait::async_trait;
use portal_lifecycle::{Event, OperationKind};
use portal_store::conformance::{Backend, Life, kms};
use sqlx::Executor as _;

use crate::postgres::PostgresBackend;
use crate::sqlite::SqliteBackend;

const ONE_CURVE: &str = "UPDATE backup_share_pairs SET status = 'PURGED'
     WHERE status = 'SUPERSEDED' AND curve = 'ED25519'";
const OTHER_CURVE: &str = "UPDATE backup_share_pairs SET status = 'PURGED'
     WHERE status = 'SUPERSEDED' AND curve = 'SECP256K1'";
/// The backup in force, as if another had overtaken it.
const OVERTAKE: &str = "UPDATE backup_share_pairs SET status = 'SUPERSEDED'
     WHERE status = 'STORED_CLIENT_BACKUP_SHARE'";

#[async_trait]
trait ByHand: Backend {
    /// Whether all of these are let through; else none of them was.
    async fn lets_through(&self, statements: &[&'static str]) -> bool;
}

macro_rules! by_hand {
    ($backend:ty) => {
        #[async_trait]
        impl ByHand for $backend {
            async fn lets_through(&self, statements: &[&'static str]) -> bool {
                let mut prompt = self.prompt().await;
                prompt.execute("BEGIN").await.unwrap();
                for statement in statements {
                    if prompt.execute(*statement).await.is_err() {
                        prompt.execute("ROLLBACK").await.unwrap();
                        return false;
                    }
                }
                prompt.execute("COMMIT").await.unwrap();
                true
            }
        }
    };
}

by_hand!(SqliteBackend);
by_hand!(PostgresBackend);

/// Only what another backup has replaced for good is purged, in however many steps; and it takes both
/// its halves along, and no half alone.
async fn only_what_was_replaced_for_good_is_purged<B: ByHand>(backend: &B) {
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    life.sign_up(OperationKind::Generate).await;
    let former = life.back_up_managed("the former").await;
    let active = life.back_up_managed("the active").await;
    assert!(
        !backend.lets_through(&[ONE_CURVE]).await,
        "none has proved itself"
    );
    life.prove_backup_and_wait(0).await;
    assert!(
        !backend.lets_through(&[OVERTAKE, ONE_CURVE]).await,
        "none is in force"
    );
    assert!(life.has_both_halves(former).await);

    assert!(backend.lets_through(&[ONE_CURVE]).await);
    assert!(life.has_both_halves(former).await, "half a pair is no pair");
    let halves = "DELETE FROM managed_backup_shares";
    assert!(
        !backend.lets_through(&[halves]).await,
        "nor is it let go by hand"
    );
    assert!(backend.lets_through(&[OTHER_CURVE]).await);
    assert!(!life.has_both_halves(former).await);
    assert!(life.has_both_halves(active).await);
}

/// The last backups of a wallet that has ended are its owner's way back to the keys.
async fn nothing_of_an_ended_wallet_is_purged<B: ByHand>(backend: &B) {
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    life.sign_up(OperationKind::Generate).await;
    life.back_up_managed("the former").await;
    life.back_up_managed("the active").await;
    life.prove_backup_and_wait(0).await;
    let until = life.now.plus_ms(300_000);
    life.happen(Event::EnableEject { until }).await;
    life.happen(Event::Eject { until }).await;
    assert!(!backend.lets_through(&[ONE_CURVE]).await);
}

#[tokio::test]
async fn only_what_was_replaced_for_good_is_purged_on_sqlite() {
    only_what_was_replaced_for_good_is_purged(&SqliteBackend::new()).await;
}

#[tokio::test]
async fn only_what_was_replaced_for_good_is_purged_on_postgres() {
    only_what_was_replaced_for_good_is_purged(&PostgresBackend::new()).await;
}

#[tokio::test]
async fn nothing_of_an_ended_wallet_is_purged_on_sqlite() {
    nothing_of_an_ended_wallet_is_purged(&SqliteBackend::new()).await;
}

#[tokio::test]
async fn nothing_of_an_ended_wallet_is_purged_on_postgres() {
    nothing_of_an_ended_wallet_is_purged(&PostgresBackend::new()).await;
}
