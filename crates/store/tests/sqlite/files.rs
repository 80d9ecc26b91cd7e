//! The file itself: who may read it, what is in it, what survives.

use std::path::Path;

use portal_lifecycle::ids::BackupSharePairId;
use portal_lifecycle::{BackupMethod, Curve, Event, OperationKind, PerCurve};
use portal_store::conformance::{Backend as _, Life, contains, kms, share_of};
use portal_store::{
    OutboxStore as _, SqlStore, Store as _, StoreError, WalletStore as _, WebhookStore as _,
};

use sqlx::Connection as _;

use super::SqliteBackend;

/// The longest cipher text that is kept.
const CIPHER_TEXT_BYTES: usize = 16 * 1024;

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_reads_the_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let backend = SqliteBackend::new();
    let store = backend.open(kms()).await;
    Life::new(&store)
        .await
        .sign_up(OperationKind::Generate)
        .await;
    let mut seen = Vec::new();
    for entry in std::fs::read_dir(backend.path().parent().unwrap()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}: {mode:o}", entry.path());
        seen.push(entry.file_name().into_string().unwrap());
    }
    seen.sort();
    assert_eq!(seen, ["portal.db", "portal.db-shm", "portal.db-wal"]);
}

#[tokio::test]
async fn no_secret_is_found_in_the_files() {
    let backend = SqliteBackend::new();
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    let signing = life.sign_up(OperationKind::Generate).await;
    let backup = life.make_backup(BackupMethod::GDrive).await;
    let webhook = store.webhook(life.environment).await.unwrap().unwrap();
    let mut secrets = vec![
        webhook.secret.text,
        portal_seal::SecretBytes::new(b"a sealing key, for tests only  \x5e".to_vec()),
    ];
    for curve in Curve::ALL {
        secrets.push(share_of(signing.of(curve).0));
        secrets.push(share_of(backup.of(curve).0));
    }
    let read_all = || {
        let entries = std::fs::read_dir(backend.path().parent().unwrap()).unwrap();
        entries
            .map(|entry| std::fs::read(entry.unwrap().path()).unwrap())
            .collect::<Vec<_>>()
    };
    let open_files = read_all();
    store.close().await;
    let closed_files = read_all();
    assert_eq!((open_files.len(), closed_files.len()), (3, 1));
    for file in open_files.iter().chain(&closed_files) {
        for secret in &secrets {
            assert!(
                !contains(file, secret.expose()),
                "lies in clear: {}",
                secret.expose().escape_ascii()
            );
        }
    }
    // The search does find what is there: the pairs' public points, and the webhook's URL.
    for present in [[b'Q'; 33].as_slice(), webhook.base_url.as_bytes()] {
        assert!(open_files.iter().any(|file| contains(file, present)));
        assert!(closed_files.iter().all(|file| contains(file, present)));
    }
}

/// Overwritten, not only unlinked: whoever has the file finds neither half of a purged backup.
#[tokio::test]
async fn nothing_of_a_purged_managed_backup_is_found_in_the_file() {
    let backend = SqliteBackend::new();
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    life.sign_up(OperationKind::Generate).await;
    // The longest, which lies on pages of its own.
    let text = |byte: &str| byte.repeat(CIPHER_TEXT_BYTES);
    let former = life.back_up_managed(&text("f")).await;
    let active = life.back_up_managed(&text("a")).await;
    let mut halves = vec![text("f").into_bytes(), text("a").into_bytes()];
    for text in &mut halves {
        text.truncate(200); // a page may hold so little of it
    }
    let mut prompt = backend.prompt().await;
    for ids in [former, active] {
        for (_, id) in ids.iter() {
            let sealed = "SELECT sealed_share FROM managed_backup_shares WHERE pair_id = ?1";
            let sealed = sqlx::query_scalar::<_, Vec<u8>>(sealed).bind(id.0);
            halves.push(sealed.fetch_one(&mut prompt).await.unwrap());
        }
    }
    prompt.close().await.unwrap();
    store.close().await;
    let found = || {
        let file = std::fs::read(backend.path()).unwrap();
        let found = halves.iter().map(|half| contains(&file, half));
        found.collect::<Vec<_>>()
    };
    assert_eq!(found(), [true; 6], "the search finds what is there");

    let store = backend.open(kms()).await;
    let mut life = life.on(&store);
    life.prove_backup_and_wait(31 * 24 * 3_600 * 1_000).await;
    life.happen(Event::Collect).await;
    store.close().await;
    assert_eq!(found(), [false, true, false, false, true, true]);
}

#[tokio::test]
async fn everything_is_there_after_reopening() {
    for closed in [true, false] {
        let backend = SqliteBackend::new();
        let store = backend.open(kms()).await;
        let mut life = Life::new(&store).await;
        let signing = life.sign_up(OperationKind::Generate).await;
        life.back_up(BackupMethod::Password).await;
        let backup = life.make_backup(BackupMethod::GDrive).await;
        let (client, environment) = (life.client, life.environment);
        let (wallet, version) = (life.wallet, life.version);
        if closed {
            store.close().await;
        }
        drop(store);

        let store = backend.open(kms()).await;
        let stored = store.wallet(client).await.unwrap().unwrap();
        assert_eq!((stored.wallet, Some(stored.version)), (wallet, version));
        for curve in Curve::ALL {
            let pair = *signing.of(curve);
            let share = store.signing_share(client, curve, pair).await.unwrap();
            assert_eq!(share, Some(share_of(pair.0)));
        }
        assert!(store.delivery(client, backup).await.unwrap().is_some());
        assert!(store.webhook(environment).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn what_is_no_database_is_unavailable() {
    let directory = tempfile::tempdir().unwrap();
    let garbage = directory.path().join("garbage.db");
    std::fs::write(&garbage, [b'x'; 4096]).unwrap();
    let nowhere = directory.path().join("no").join("such").join("directory");
    for path in [garbage.as_path(), nowhere.as_path(), Path::new("/")] {
        let refused = SqlStore::sqlite(path, kms()).await;
        assert!(
            matches!(refused, Err(StoreError::Unavailable { .. })),
            "{}: {refused:?}",
            path.display()
        );
    }
    assert_eq!(std::fs::read(&garbage).unwrap(), [b'x'; 4096]);
}

#[tokio::test]
async fn a_closed_store_is_unavailable() {
    let backend = SqliteBackend::new();
    let store = backend.open(kms()).await;
    let clone = store.clone();
    let life = Life::new(&store).await;
    store.close().await;
    for result in [
        clone.ping().await,
        clone.wallet(life.client).await.map(drop),
        clone
            .delivery_failed(
                life.client,
                PerCurve::new(
                    BackupSharePairId(life.client.0),
                    BackupSharePairId(life.client.0),
                ),
                life.now,
            )
            .await,
    ] {
        assert!(
            matches!(result, Err(StoreError::Unavailable { .. })),
            "{result:?}"
        );
    }
}

#[tokio::test]
async fn a_newer_schema_is_left_alone() {
    let backend = SqliteBackend::new();
    backend.open(kms()).await.close().await;
    let newer =
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
        VALUES (9999, 'from the future', TRUE, x'00', 0)";
    sqlx::query(newer)
        .execute(&mut backend.prompt().await)
        .await
        .unwrap();
    let refused = SqlStore::sqlite(&backend.path(), kms()).await;
    assert!(
        matches!(refused, Err(StoreError::Migration { .. })),
        "{refused:?}"
    );
}
