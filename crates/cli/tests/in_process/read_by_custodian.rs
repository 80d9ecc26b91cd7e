//! What a customer's backend reads of its clients: what they read of themselves.

use portal_lifecycle::BackupMode;
use reqwest::Method;
use serde_json::{Value, json};

use crate::wallet::state_of;
use crate::world::World;

const CLIENTS: &str = "/api/v3/custodians/me/clients";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backend_reads_of_its_clients_what_they_read_of_themselves() {
    let world = World::start().await;
    let (backed_up, _) = world.backed_up_wallet().await;
    let bare = world.user().await;
    let also = world.wallet().await;
    let key = &world.customer.api_key;
    let users = [&backed_up.user, &bare, &also.user];
    let mut all = Vec::new();
    for user in users {
        let own = world.call(Method::GET, "/api/v3/clients/me", &user.token, None);
        let own = own.await;
        assert_eq!(own.status, 200, "{own:?}");
        let path = format!("{CLIENTS}/{}", user.id);
        let seen = world.call(Method::GET, &path, key, None).await;
        assert_eq!(seen, own, "{}", user.id);
        all.push(own.body);
    }
    let listed = world.call(Method::GET, CLIENTS, key, None).await.body;
    assert_eq!(listed["results"], Value::Array(all.clone()));

    // What an app's backend asks for: addresses, the backup, the id to enable an eject with.
    let state = &all[0];
    let named = |pointer: &str| state.pointer(pointer).cloned().unwrap_or_default();
    assert_eq!(named("/isBackedUp"), json!(true));
    let address = named("/metadata/namespaces/bip122/address");
    assert!(address.as_str().is_some_and(|it| it.starts_with("bc1q")));
    let testnet = named("/metadata/namespaces/bip122/testnetAddress");
    assert!(testnet.as_str().is_some_and(|it| it.starts_with("tb1q")));
    let wallet = named("/wallets/0/id");
    let path = format!("{CLIENTS}/{}/enable-eject", backed_up.user.id);
    let body = Some(json!({ "walletId": wallet }));
    let enabled = world.call(Method::PATCH, &path, key, body).await;
    assert_eq!(enabled.status, 200, "{enabled:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pair_says_whether_it_is_completed() {
    let world = World::start().await;
    let (wallet, _) = world.backed_up_wallet().await;
    wallet.portal.refresh_wallet().await.expect("refreshed");
    let state = state_of(&wallet.portal).await;
    let mut seen = Vec::new();
    for key in &state.wallets {
        let signing = key.signing_share_pairs.iter();
        seen.extend(signing.map(|pair| (pair.status.as_str(), pair.completion.as_str())));
        let backup = key.backup_share_pairs.iter();
        seen.extend(backup.map(|pair| (pair.status.as_str(), pair.completion.as_str())));
    }
    let of_a_key = [
        ("SUPERSEDED", "incomplete"),
        ("STORED_CLIENT", "completed"),
        ("STORED_CLIENT_BACKUP_SHARE", "completed"),
    ];
    assert_eq!(seen, [of_a_key, of_a_key].concat());
}

/// A page that is exactly full is the last one all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_page_of_every_list_has_no_cursor() {
    let world = World::start().await;
    let operator = world.operator();
    let made = operator.create_custodian("Lists", "test", None, BackupMode::Plain);
    let made = made.await.expect("a customer");
    for _ in 0..2 {
        world.user_of(&made.api_key).await;
    }
    // `ENVIRONMENT_MADE` and two times `CLIENT_MADE`.
    for (list, total) in [(CLIENTS, 2), ("/api/v3/custodians/me/audit-events", 3)] {
        for take in [total - 1, total, total + 1] {
            let path = format!("{list}?take={take}");
            let page = world.call(Method::GET, &path, &made.api_key, None).await;
            let metadata = page.body["metadata"].clone();
            assert_eq!(metadata["total"], json!(total), "{path}");
            let has_more = metadata["cursor"].is_string();
            assert_eq!(has_more, take < total, "{path}: {metadata}");
        }
    }
}
