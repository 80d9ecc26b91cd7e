//! Shares: stored once, given back whole, never replaced.

use portal_lifecycle::ids::WalletId;
use portal_lifecycle::{Curve, Generation, PerCurve};
use uuid::Uuid;

use super::{Backend, at, client, key, opened, pair, rng, share_of};
use crate::{CustodianStore as _, Digest, InsertError, OpenStoreError};

/// Every field, of a plain share and of one that was formed.
pub async fn a_share_comes_back_whole(backend: &impl Backend) {
    let store = opened(backend).await;
    let text = "a \"share\"\nof é";
    let plain = share_of(client(1), 1, text);
    let mut formed = share_of(client(1), 2, "formed");
    formed.curve = Curve::Ed25519;
    formed.generation = Generation(i64::MAX as u64);
    formed.delivery = Some(Digest::of(b"delivered"));
    for new in [&plain, &formed] {
        let stored = store.insert_share(new.clone(), at(0), &mut rng()).await;
        assert_eq!(stored.expect("stored"), new.share.digest());
        let found = store.share_of_pair(new.client_id, new.backup_share_pair_id);
        let found = found.await.expect("read").expect("a share");
        assert_eq!(found.backup_share_pair_id, new.backup_share_pair_id);
        assert_eq!(found.wallet_id, new.wallet_id);
        assert_eq!(found.curve, new.curve);
        assert_eq!(found.generation, new.generation);
        assert_eq!(found.delivery, new.delivery);
        assert_eq!(found.share.expose(), new.share.expose());
    }
}

/// By generation, and of one generation secp256k1 first.
pub async fn the_newest_generation_comes_first(backend: &impl Backend) {
    let store = opened(backend).await;
    for (n, generation) in [(1, 9), (2, 10), (3, 2)] {
        for (half, curve) in [(0, Curve::Ed25519), (100, Curve::Secp256k1)] {
            let mut new = share_of(client(1), n + half, &format!("{generation} {curve}"));
            new.generation = Generation(generation);
            new.curve = curve;
            let stored = store.insert_share(new, at(0), &mut rng()).await;
            stored.expect("stored");
        }
    }
    let shares = store.shares_of(client(1)).await.expect("read");
    let seen: Vec<_> = shares.iter().map(|share| share.share.expose()).collect();
    let expected = [
        "10 SECP256K1",
        "10 ED25519",
        "9 SECP256K1",
        "9 ED25519",
        "2 SECP256K1",
        "2 ED25519",
    ];
    assert_eq!(seen, expected);
}

/// A repeated message is answered as the first time.
pub async fn the_same_again_changes_nothing(backend: &impl Backend) {
    let store = opened(backend).await;
    for ms in 0..3 {
        let new = share_of(client(1), 1, "once");
        let stored = store.insert_share(new, at(ms), &mut rng()).await;
        assert_eq!(stored.expect("stored"), Digest::of(b"once"));
    }
    assert_eq!(store.shares_of(client(1)).await.expect("read").len(), 1);
}

/// Another text, or the same for another place or formed of something else.
pub async fn what_is_stored_is_never_replaced(backend: &impl Backend) {
    let store = opened(backend).await;
    let first = share_of(client(1), 1, "first");
    let stored = store.insert_share(first.clone(), at(0), &mut rng()).await;
    stored.expect("stored");
    let mut others = [(); 5].map(|()| first.clone());
    others[0].share = share_of(client(1), 1, "second").share;
    others[1].generation = Generation(2);
    others[2].curve = Curve::Ed25519;
    others[3].wallet_id = WalletId(Uuid::from_u128(8));
    others[4].delivery = Some(Digest::of(b"delivered"));
    for (n, other) in others.into_iter().enumerate() {
        let refused = store.insert_share(other, at(1), &mut rng()).await;
        assert!(matches!(refused, Err(InsertError::Taken)), "{n}");
    }
    let shares = store.shares_of(client(1)).await.expect("read");
    assert_eq!(shares.len(), 1);
    assert_eq!(shares[0].share.expose(), "first");
}

/// The client is part of the key: the pair's id is the same on purpose.
pub async fn clients_are_apart(backend: &impl Backend) {
    let store = opened(backend).await;
    for n in [1, 2] {
        let new = share_of(client(n), 1, &format!("of {n}"));
        let stored = store.insert_share(new, at(0), &mut rng()).await;
        stored.expect("stored");
    }
    for n in [1, 2] {
        let shares = store.shares_of(client(n)).await.expect("read");
        let seen: Vec<_> = shares.iter().map(|share| share.share.expose()).collect();
        assert_eq!(seen, [format!("of {n}")]);
    }
    let none = store.shares_of(client(3)).await.expect("read");
    assert!(none.is_empty(), "of a client without shares");
}

/// "There is none" is an answer.
pub async fn a_pair_is_found_by_itself(backend: &impl Backend) {
    let store = opened(backend).await;
    let stored = share_of(client(1), 1, "text");
    let stored = store.insert_share(stored, at(0), &mut rng()).await;
    stored.expect("stored");
    for (client_id, pair_id, is_there) in [
        (client(1), pair(1), true),
        (client(1), pair(2), false),
        (client(2), pair(1), false),
    ] {
        let found = store.share_of_pair(client_id, pair_id).await.expect("read");
        assert_eq!(found.is_some(), is_there, "{client_id} {pair_id}");
    }
}

/// By the id of either curve; twice is once, and the shares stay.
pub async fn released_pairs_are_noted(backend: &impl Backend) {
    let store = opened(backend).await;
    let stored = share_of(client(1), 1, "text");
    let stored = store.insert_share(stored, at(0), &mut rng()).await;
    stored.expect("stored");
    let ids = PerCurve::new(pair(1), pair(2));
    for ms in 0..2 {
        let noted = store.release(client(1), ids, at(ms)).await;
        noted.expect("noted");
    }
    let mut released = store.released(client(1)).await.expect("read");
    released.sort();
    assert_eq!(released, [pair(1), pair(2)]);
    assert!(store.released(client(2)).await.expect("read").is_empty());
    assert_eq!(store.shares_of(client(1)).await.expect("read").len(), 1);
}

/// What was answered is there for another process, and after this one.
pub async fn everything_survives_reopening(backend: &impl Backend) {
    let first = opened(backend).await;
    let new = share_of(client(1), 1, "kept");
    let stored = first.insert_share(new.clone(), at(0), &mut rng()).await;
    stored.expect("stored");
    let ids = PerCurve::new(pair(3), pair(4));
    first.release(client(1), ids, at(0)).await.expect("noted");
    drop(first);
    let second = opened(backend).await;
    let shares = second.shares_of(client(1)).await.expect("read");
    assert_eq!(shares.len(), 1);
    assert_eq!(shares[0].share.expose(), "kept");
    assert_eq!(second.released(client(1)).await.expect("read").len(), 2);
    let again = second.insert_share(new, at(1), &mut rng()).await;
    assert_eq!(again.expect("the same"), Digest::of(b"kept"));
}

/// Also where nothing is stored yet: two processes with two keys could not give back each other's
/// shares.
pub async fn another_key_is_refused(backend: &impl Backend) {
    drop(opened(backend).await);
    let refused = backend.open(key(2)).await.map(|_| ());
    assert!(
        matches!(refused, Err(OpenStoreError::WrongKey)),
        "on an empty database: {refused:?}"
    );
    let store = opened(backend).await;
    let stored = store
        .insert_share(share_of(client(1), 1, "text"), at(0), &mut rng())
        .await;
    stored.expect("stored");
    drop(store);
    let refused = backend.open(key(2)).await.map(|_| ());
    assert!(
        matches!(refused, Err(OpenStoreError::WrongKey)),
        "with a share: {refused:?}"
    );
}
