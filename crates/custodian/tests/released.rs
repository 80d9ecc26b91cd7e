//! Pairs that are of no use any more (E18), and which shares Portal asks for by name.

use portal_api::webhook::{BackupReleased, BackupShares, FetchBackupShares};
use portal_lifecycle::{BackupStatus, Curve, ErrorId, PerCurve};
use reqwest::StatusCode;

use crate::backend::{Backend, client, ok, pair, problem, share_of};

/// Both shares of pair `n`: the other curve's id is a hundred higher.
async fn deliver(backend: &Backend, n: u128) {
    for (half, curve) in [(0, Curve::Secp256k1), (100, Curve::Ed25519)] {
        let mut share = share_of(client(1), n + half, &format!("{n} {curve}"));
        share.generation = u64::try_from(n).expect("small");
        share.curve = curve;
        let stored = backend.deliver(&share).await;
        assert_eq!(stored.status(), StatusCode::OK);
    }
}

fn ids(n: u128) -> PerCurve<portal_lifecycle::ids::BackupSharePairId> {
    PerCurve::new(pair(n), pair(n + 100))
}

async fn release(backend: &Backend, n: u128, status: BackupStatus) -> reqwest::Response {
    let body = BackupReleased {
        client_id: client(1),
        backup_share_pair_ids: ids(n),
        status,
    };
    let body = serde_json::to_vec(&body).expect("JSON");
    backend.post("/backup/released", body).await
}

async fn fetched(backend: &Backend, of: Option<u128>) -> Vec<String> {
    let body = FetchBackupShares {
        client_id: client(1),
        backup_share_pair_ids: of.map(ids),
    };
    let body = serde_json::to_vec(&body).expect("JSON");
    let answer: BackupShares = ok(backend.post("/backup/fetch", body).await).await;
    let shares = answer.backup_shares.iter();
    shares.map(|share| share.expose().to_owned()).collect()
}

#[tokio::test]
async fn a_pair_is_given_by_its_name() {
    let backend = Backend::start().await;
    deliver(&backend, 1).await;
    deliver(&backend, 2).await;
    assert_eq!(
        fetched(&backend, Some(1)).await,
        ["1 SECP256K1", "1 ED25519"]
    );
    assert_eq!(fetched(&backend, Some(3)).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_released_pair_is_left_out_and_still_given_by_its_name() {
    let backend = Backend::start().await;
    deliver(&backend, 1).await;
    deliver(&backend, 2).await;
    for _ in 0..2 {
        let released = release(&backend, 1, BackupStatus::Purged).await;
        assert_eq!(released.status(), StatusCode::NO_CONTENT);
    }
    assert_eq!(fetched(&backend, None).await, ["2 SECP256K1", "2 ED25519"]);
    assert_eq!(
        fetched(&backend, Some(1)).await,
        ["1 SECP256K1", "1 ED25519"],
        "nothing is lost"
    );
}

/// Whatever Portal says, or somebody in its name.
#[tokio::test]
async fn the_last_whole_pair_is_never_left_out() {
    let backend = Backend::start().await;
    deliver(&backend, 1).await;
    deliver(&backend, 2).await;
    // Half a pair is none.
    let mut half = share_of(client(1), 3, "half");
    half.generation = 3;
    backend.deliver(&half).await;
    for n in [1, 2] {
        release(&backend, n, BackupStatus::Purged).await;
    }
    assert_eq!(fetched(&backend, None).await.len(), 5);
}

#[tokio::test]
async fn a_pair_in_use_is_not_released() {
    let backend = Backend::start().await;
    deliver(&backend, 1).await;
    let refused = release(&backend, 1, BackupStatus::StoredClientBackupShare).await;
    problem(refused, 400, ErrorId::BadRequest).await;
}
