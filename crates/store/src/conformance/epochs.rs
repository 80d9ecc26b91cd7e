//! E20: the database's epoch, and the list of its wallets.

use portal_lifecycle::{Epoch, OperationKind};

use super::Backend;
use super::fixture::{Life, kms, now, origin};
use crate::{CommitError, Maintenance as _, Secrets, WalletStore as _};

/// It is one number for all, kept across an opening.
pub async fn an_epoch_is_raised_for_every_wallet(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    assert_eq!(store.epoch().await.expect("read"), Epoch::FIRST);
    let mut life = Life::new(&store).await;
    life.sign_up(OperationKind::Generate).await;
    let raised = store.raise_epoch(now(), origin()).await.expect("raised");
    let expected = Epoch {
        number: Epoch::number_at(now()),
        began_at: now(),
    };
    assert_eq!(raised, expected);
    // Within the same second, or by a clock that went back, it grows all the same.
    let raised = store
        .raise_epoch(super::now(), origin())
        .await
        .expect("raised");
    assert_eq!(raised.number, expected.number + 1);
    let expected = raised;
    let stored = life.stored().await.expect("a wallet").wallet;
    assert_eq!(stored.epoch, expected);
    assert!(!stored.is_proved());
    let again = backend.open(kms()).await;
    assert_eq!(again.epoch().await.expect("read"), expected);
}

/// What was decided before the epoch was raised was decided on another database.
pub async fn a_commit_of_the_former_epoch_conflicts(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    life.sign_up(OperationKind::Generate).await;
    store.raise_epoch(now(), origin()).await.expect("raised");
    let result = life.try_keep(&life.wallet, Secrets::Unchanged).await;
    assert!(matches!(result, Err(CommitError::Conflict)), "{result:?}");
    let stored = life.stored().await.expect("a wallet").wallet;
    life.keep(stored, Secrets::Unchanged).await;
}

/// For a worker that goes over all of them, page by page.
pub async fn wallets_are_listed_by_client(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut life = Life::new(&store).await;
        life.sign_up(OperationKind::Generate).await;
        clients.push(life.client);
    }
    Life::new(&store).await; // has no wallet
    clients.sort();
    let mut seen = Vec::new();
    loop {
        let page = store.clients_with_wallets(seen.last().copied(), 2).await;
        let page = page.expect("read");
        assert!(page.len() <= 2);
        if page.is_empty() {
            break;
        }
        seen.extend(page);
    }
    assert_eq!(seen, clients);
}
