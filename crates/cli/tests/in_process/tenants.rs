//! Another's ids: the same answer as for ids that do not exist, and never data.

use portal_api::session::{Operation, Wanted};
use portal_lifecycle::ids::{BackupSharePairId, SigningSharePairId};
use portal_lifecycle::{BackupMethod, BackupMode, Curve, PerCurve};
use portal_sdk::ErrorId;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::raw::Raw;
use crate::wallet::{Wallet, backup_pairs, signing_pairs, state_of};
use crate::world::World;

/// Ids of a wallet, and ids that nobody has.
struct Ids {
    wallet: Uuid,
    signing: PerCurve<SigningSharePairId>,
    backup: PerCurve<BackupSharePairId>,
}

impl Ids {
    async fn of(wallet: &Wallet) -> Self {
        let state = state_of(&wallet.portal).await;
        Self {
            wallet: state.wallets.first().expect("a wallet").id.0,
            signing: signing_pairs(&state).first().expect("a pair").0,
            backup: backup_pairs(&state).first().expect("a pair").0,
        }
    }

    fn of_nobody() -> Self {
        let id = |n: u128| Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 | n);
        Self {
            wallet: id(1),
            signing: PerCurve::new(id(2), id(3)).map(SigningSharePairId),
            backup: PerCurve::new(id(4), id(5)).map(BackupSharePairId),
        }
    }

    fn rest_calls(&self) -> Vec<(Method, String, Option<Value>)> {
        let (wallet, signing, backup) = (self.wallet, self.signing, self.backup);
        let pairs = "/api/v3/clients/me";
        let proofs = ["AA", "AA"];
        let digest = "A".repeat(43);
        vec![
            (
                Method::GET,
                format!("{pairs}/wallets/{wallet}/signing-share-pairs"),
                None,
            ),
            (
                Method::GET,
                format!("{pairs}/wallets/{wallet}/backup-share-pairs"),
                None,
            ),
            (
                Method::PATCH,
                format!("{pairs}/signing-share-pairs"),
                Some(json!({
                    "signingSharePairIds": signing.into_array(),
                    "status": "STORED_CLIENT",
                    "proofs": proofs,
                })),
            ),
            (
                Method::PATCH,
                format!("{pairs}/backup-share-pairs"),
                Some(json!({
                    "backupSharePairIds": backup.into_array(),
                    "status": "STORED_CLIENT_BACKUP_SHARE",
                    "cipherTextDigest": digest,
                })),
            ),
            (
                Method::PATCH,
                format!("{pairs}/backup-share-pairs"),
                Some(json!({
                    "backupSharePairIds": backup.into_array(),
                    "status": "STORED_CLIENT_BACKUP_SHARE_KEY",
                })),
            ),
        ]
    }

    fn operations(&self) -> Vec<(Operation, ErrorId)> {
        vec![
            (
                Operation::Sign {
                    curve: Curve::Ed25519,
                    signing_share_pair_id: self.signing.ed25519,
                    wanted: Wanted::raw(vec![1]),
                },
                ErrorId::NotFound,
            ),
            (
                Operation::Sign {
                    curve: Curve::Secp256k1,
                    signing_share_pair_id: self.signing.secp256k1,
                    wanted: Wanted::raw(vec![1; 32]),
                },
                ErrorId::NotFound,
            ),
            (
                Operation::Refresh {
                    signing_share_pair_ids: self.signing,
                },
                ErrorId::NotFound,
            ),
            (
                Operation::Backup {
                    backup_method: BackupMethod::Password,
                    backup_mode: BackupMode::Plain,
                    signing_share_pair_ids: self.signing,
                },
                ErrorId::NotFound,
            ),
            (
                // Not a look-up by id: whatever is not the active backup is answered so.
                Operation::Recover {
                    backup_share_pair_ids: self.backup,
                    blinded: None,
                },
                ErrorId::BackupShareMismatch,
            ),
        ]
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_clients_ids_are_as_good_as_none() {
    let world = World::start().await;
    let (mine, _) = world.backed_up_wallet().await;
    let (theirs, _) = world.backed_up_wallet().await;
    let token = &mine.user.token;
    let (their_ids, nobodys) = (Ids::of(&theirs).await, Ids::of_nobody());

    let calls = their_ids.rest_calls().into_iter().zip(nobodys.rest_calls());
    for ((method, path, body), (_, other_path, other_body)) in calls {
        let when = format!("{method} {path}");
        let theirs = world.call(method.clone(), &path, token, body).await;
        theirs.is_problem(404, "NOT_FOUND", &when);
        let nobodys = world.call(method, &other_path, token, other_body).await;
        assert_eq!(theirs.without_trace(), nobodys.without_trace(), "{when}");
    }
    let operations = their_ids.operations().into_iter().zip(nobodys.operations());
    for ((operation, expected), (other, _)) in operations {
        let when = format!("{operation:?}");
        let theirs = problem_of(&world, token, operation).await;
        assert_eq!(theirs.0, expected, "{when}");
        assert_eq!(theirs, problem_of(&world, token, other).await, "{when}");
    }
    mine.assert_phone_signs(&world, "mine").await;
    theirs.assert_phone_signs(&world, "theirs").await;
    world.assert_recovers(&theirs, "theirs").await;
}

async fn problem_of(world: &World, token: &str, operation: Operation) -> (ErrorId, String) {
    let mut raw = Raw::open(world.url(), token).await;
    raw.start(operation).await;
    let problem = raw.hear_problem().await;
    (problem.id, problem.detail)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_customers_key_finds_no_client() {
    let world = World::start().await;
    let user = world.user().await;
    let other = world
        .operator()
        .create_custodian("Another customer", "test", None, BackupMode::Plain)
        .await
        .expect("a customer");
    let (own, foreign) = (&world.customer.api_key, &other.api_key);
    let clients = "/api/v3/custodians/me/clients";
    let nobody = Uuid::nil();
    let calls = [
        (Method::GET, "", None),
        (Method::POST, "/sessions", Some(json!({}))),
    ];
    for (method, below, body) in calls {
        let path = format!("{clients}/{}{below}", user.id);
        let known = world.call(method.clone(), &path, own, body.clone()).await;
        assert!(known.status < 300, "the owner: {known:?}");
        let seen = world
            .call(method.clone(), &path, foreign, body.clone())
            .await;
        seen.is_problem(404, "NOT_FOUND", &path);
        let path = format!("{clients}/{nobody}{below}");
        let unknown = world.call(method, &path, foreign, body).await;
        assert_eq!(seen.without_trace(), unknown.without_trace(), "{path}");
    }
    let list = world.call(Method::GET, clients, foreign, None).await;
    let results = list.body.get("results");
    assert_eq!(results, Some(&json!([])), "the other customer's list");
    let list = world.call(Method::GET, clients, own, None).await.body;
    let listed = list.pointer("/results/0/id");
    assert_eq!(listed, Some(&json!(user.id)), "the owner's list: {list}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_credential_of_one_kind_is_none_of_the_other() {
    let world = World::start().await;
    let wallet = world.wallet().await;
    let user = &wallet.user;
    let client = format!("/api/v3/custodians/me/clients/{}", user.id);
    let calls = [
        (Method::GET, "/api/v3/custodians/me/clients".to_owned()),
        (Method::POST, "/api/v3/custodians/me/clients".to_owned()),
        (Method::GET, client.clone()),
        (Method::POST, format!("{client}/sessions")),
    ];
    for (method, path) in calls {
        for token in [&user.token, &user.api_key] {
            let body = (method == Method::POST).then(|| json!({}));
            let seen = world.call(method.clone(), &path, token, body).await;
            seen.is_problem(401, "AUTH_FAILED", &format!("{method} {path}"));
        }
    }
    let key = &world.customer.api_key;
    for (method, path, body) in Ids::of_nobody().rest_calls() {
        let seen = world.call(method, &path, key, body).await;
        seen.is_problem(401, "AUTH_FAILED", &path);
    }
    wallet.assert_phone_signs(&world, "all the same").await;
}
