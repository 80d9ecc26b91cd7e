//! What the schema refuses even to somebody who has the file and a prompt, and what the seal
//! tells where it does not.

use portal_lifecycle::{BackupMethod, Curve, Event, OperationKind};
use portal_store::conformance::{Backend as _, Life, kms, new_custodian, now, origin};
use portal_store::{
    CustodianStore as _, OutboxStore as _, Secrets, StoreError, WalletStore as _, WebhookStore as _,
};

use super::SqliteBackend;

#[tokio::test]
async fn history_is_append_only() {
    let backend = SqliteBackend::new();
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    life.sign_up(OperationKind::Generate).await;
    life.back_up(BackupMethod::GDrive).await;
    let before = life.audit_log().await;

    let mut prompt = backend.prompt().await;
    for refused in [
        "UPDATE audit_events SET act = 'OTHER'",
        "DELETE FROM audit_events",
        "INSERT OR REPLACE INTO audit_events SELECT environment_id, sequence, version,
             previous_hash, created_at, actor_kind, actor_id, trace_id, client_id, 'NOTHING',
             details, hash FROM audit_events",
        "INSERT INTO audit_events SELECT environment_id, sequence + 1, version, previous_hash,
             created_at, actor_kind, actor_id, trace_id, client_id, act, details, hash
             FROM audit_events ORDER BY sequence DESC LIMIT 1",
        "UPDATE audit_heads SET sequence = sequence - 1",
        "UPDATE audit_heads SET sequence = sequence + 2",
        "DELETE FROM audit_heads",
        "INSERT OR REPLACE INTO audit_heads SELECT environment_id, 0, hash FROM audit_heads",
        "DELETE FROM wallets",
        "DELETE FROM signing_share_pairs",
        "DELETE FROM backup_share_pairs",
        "INSERT OR REPLACE INTO signing_share_pairs SELECT * FROM signing_share_pairs",
        "INSERT OR REPLACE INTO signing_share_pairs (pair_id, client_id, curve, generation, status,
             key_point, client_point, server_point, operation_id, made_by, created_at,
             status_since, sealed_share)
         SELECT randomblob(16), client_id, curve, generation + 50, status, key_point, client_point,
             server_point, operation_id, made_by, created_at, status_since, sealed_share
         FROM signing_share_pairs WHERE status = 'STORED_CLIENT'",
        "INSERT OR REPLACE INTO signing_share_pairs SELECT * FROM signing_share_pairs",
        "INSERT OR REPLACE INTO signing_share_pairs (pair_id, client_id, curve, generation, status,
             key_point, client_point, server_point, operation_id, made_by, created_at,
             status_since, sealed_share)
         SELECT randomblob(16), client_id, curve, generation + 50, status, key_point, client_point,
             server_point, operation_id, made_by, created_at, status_since, sealed_share
         FROM signing_share_pairs WHERE status = 'STORED_CLIENT'",
        "DELETE FROM clients",
        "UPDATE wallets SET generation = generation - 1, version = version + 1",
        "UPDATE wallets SET fence = fence - 1, version = version + 1",
        "UPDATE wallets SET version = version - 1",
        "UPDATE wallets SET secp256k1_wallet_id = ed25519_wallet_id, version = version + 1",
        "UPDATE wallets SET lease_fence = 1, version = version + 1",
        "UPDATE signing_share_pairs SET generation = 99",
        "UPDATE signing_share_pairs SET key_point = client_point",
        "UPDATE signing_share_pairs SET status = 'ACTIVE'",
        "UPDATE signing_share_pairs SET sealed_share = NULL",
        "UPDATE signing_share_pairs SET status = 'PURGED'",
        "UPDATE backup_share_pairs SET method = 'UNKNOWN'",
        "UPDATE backup_share_pairs SET backup_mode = 'PLAIN'",
        "UPDATE signing_share_pairs SET source_generation = 0",
        "UPDATE backup_share_pairs SET source_generation = 0",
        "UPDATE environments SET backup_mode = 'OPEN'",
        "UPDATE backup_share_pairs SET cipher_text_digest = NULL",
        "UPDATE clients SET created_at = 'yesterday'",
        "UPDATE environments SET webhook_base_url = NULL",
    ] {
        let result = sqlx::query(refused).execute(&mut prompt).await;
        let error = result.expect_err(refused);
        assert!(error.as_database_error().is_some(), "{refused}: {error:?}");
    }
    life.check().await;
    assert_eq!(life.audit_log().await, before);
    let whole: String = sqlx::query_scalar("PRAGMA integrity_check")
        .fetch_one(&mut prompt)
        .await
        .unwrap();
    assert_eq!(whole, "ok");
}

#[tokio::test]
async fn managed_backups_are_insert_only_and_an_end_is_for_good() {
    let backend = SqliteBackend::new();
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    life.sign_up(OperationKind::Generate).await;
    let former = life.back_up_managed("the former").await;
    let ids = life.back_up_managed("the last").await;
    let until = life.now.plus_ms(300_000);
    life.happen(Event::EnableEject { until }).await;
    life.happen(Event::Eject { until }).await;
    let mut prompt = backend.prompt().await;
    for refused in [
        "DELETE FROM managed_backup_shares",
        "UPDATE managed_backup_shares SET curve = 'ED25519'",
        "UPDATE managed_backup_shares SET created_at = 0",
        "INSERT OR REPLACE INTO managed_backup_shares SELECT * FROM managed_backup_shares",
        "DELETE FROM managed_cipher_texts",
        "UPDATE managed_cipher_texts SET cipher_text = 'another'",
        "INSERT OR REPLACE INTO managed_cipher_texts SELECT * FROM managed_cipher_texts",
        "UPDATE backup_share_pairs SET status = 'PURGED'",
        "INSERT OR REPLACE INTO backup_share_pairs SELECT * FROM backup_share_pairs",
        "INSERT OR REPLACE INTO backup_share_pairs (pair_id, client_id, curve, generation, status,
             method, backup_mode, key_point, client_point, server_point, cipher_text_digest,
             operation_id, created_at, status_since)
         SELECT randomblob(16), client_id, curve, generation + 50, status, method, backup_mode,
             key_point, client_point, server_point, cipher_text_digest, operation_id, created_at,
             status_since
         FROM backup_share_pairs WHERE status = 'STORED_CLIENT_BACKUP_SHARE'",
        "INSERT OR REPLACE INTO backup_share_pairs SELECT * FROM backup_share_pairs",
        "INSERT OR REPLACE INTO backup_share_pairs (pair_id, client_id, curve, generation, status,
             method, backup_mode, key_point, client_point, server_point, cipher_text_digest,
             operation_id, created_at, status_since)
         SELECT randomblob(16), client_id, curve, generation + 50, status, method, backup_mode,
             key_point, client_point, server_point, cipher_text_digest, operation_id, created_at,
             status_since
         FROM backup_share_pairs WHERE status = 'STORED_CLIENT_BACKUP_SHARE'",
        "UPDATE backup_share_pairs SET status = 'PURGED'
             WHERE status = 'STORED_CLIENT_BACKUP_SHARE'",
        "DELETE FROM key_checks",
        "UPDATE key_checks SET kms = 'MAIN'",
        "INSERT INTO key_checks (kms, sealed) VALUES ('ANOTHER', x'00')",
        "INSERT OR REPLACE INTO key_checks SELECT * FROM key_checks",
        "UPDATE wallets SET ejected_at = NULL, version = version + 1",
        "UPDATE wallets SET ejected_at = ejected_at + 1, version = version + 1",
    ] {
        let result = sqlx::query(refused).execute(&mut prompt).await;
        let error = result.expect_err(refused);
        assert!(error.as_database_error().is_some(), "{refused}: {error:?}");
    }
    let replaced = sqlx::query("INSERT OR REPLACE INTO wallets SELECT * FROM wallets");
    let replaced = replaced.execute(&mut prompt).await.unwrap();
    assert_eq!(replaced.rows_affected(), 0, "passed over");
    life.check().await;
    for ids in [former, ids] {
        assert!(life.has_both_halves(ids).await);
    }
}

/// What was purged by a version that kept both halves loses them when the database is next opened.
#[tokio::test]
async fn halves_that_outlived_their_pair_go_with_the_migration() {
    let backend = SqliteBackend::new();
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    life.sign_up(OperationKind::Generate).await;
    let former = life.back_up_managed("the former").await;
    let active = life.back_up_managed("the active").await;
    life.prove_backup_and_wait(31 * 24 * 3_600 * 1_000).await;
    let mut prompt = backend.prompt().await;
    let mut run = async |statements: &[&'static str]| {
        for statement in statements {
            sqlx::query(*statement).execute(&mut prompt).await.unwrap();
        }
    };
    run(&[
        "CREATE TABLE shares AS SELECT * FROM managed_backup_shares",
        "CREATE TABLE texts AS SELECT * FROM managed_cipher_texts",
    ])
    .await;
    life.happen(Event::Collect).await;
    run(&[
        "DROP TRIGGER backup_share_pairs_stay_purged",
        "DROP TRIGGER backup_share_pairs_are_purged_last",
        "DROP TRIGGER backup_share_pairs_take_their_halves",
        "DROP TRIGGER backup_share_pairs_are_not_replaced",
        "DROP TRIGGER signing_share_pairs_are_not_replaced",
        "DROP TRIGGER wallets_are_not_replaced",
        "DROP TRIGGER managed_backup_shares_do_not_come_back",
        "DROP TRIGGER managed_cipher_texts_do_not_come_back",
        "INSERT INTO managed_backup_shares SELECT * FROM shares
             WHERE pair_id NOT IN (SELECT pair_id FROM managed_backup_shares)",
        "INSERT INTO managed_cipher_texts SELECT * FROM texts
             WHERE ed25519_pair_id NOT IN (SELECT ed25519_pair_id FROM managed_cipher_texts)",
        "DELETE FROM _sqlx_migrations WHERE version = 21",
    ])
    .await;
    assert!(life.has_both_halves(former).await, "as before");
    store.close().await;

    let store = backend.open(kms()).await;
    let life = life.on(&store);
    life.check().await;
    assert!(!life.has_both_halves(former).await);
    assert!(life.has_both_halves(active).await);
}

#[tokio::test]
async fn a_share_moved_to_another_row_does_not_open() {
    let backend = SqliteBackend::new();
    let store = backend.open(kms()).await;
    let (mut life, mut other) = (Life::new(&store).await, Life::new(&store).await);
    let ids = life.sign_up(OperationKind::Generate).await;
    let newer = life.sign_up(OperationKind::Refresh).await;
    let foreign = other.sign_up(OperationKind::Generate).await;
    let mut prompt = backend.prompt().await;
    let sources = [
        (ids.ed25519, "the other curve"),
        (newer.secp256k1, "a newer pair"),
        (foreign.secp256k1, "another client"),
    ];
    for (source, name) in sources {
        sqlx::query(
            "UPDATE signing_share_pairs SET sealed_share =
                 (SELECT sealed_share FROM signing_share_pairs WHERE pair_id = ?2)
             WHERE pair_id = ?1",
        )
        .bind(ids.secp256k1.0)
        .bind(source.0)
        .execute(&mut prompt)
        .await
        .unwrap();
        let share = store
            .signing_share(life.client, Curve::Secp256k1, ids.secp256k1)
            .await;
        assert!(
            matches!(share, Err(StoreError::Unsealing { .. })),
            "moved from {name}: {share:?}"
        );
    }
}

#[tokio::test]
async fn a_damaged_delivery_does_not_hold_up_the_others() {
    let backend = SqliteBackend::new();
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    life.sign_up(OperationKind::Generate).await;
    let mut deliveries = Vec::new();
    for _ in 0..2 {
        deliveries.push(life.make_backup(BackupMethod::GDrive).await);
    }
    // The two shares of the first, swapped: neither is where it was sealed for.
    sqlx::query(
        "UPDATE outbox SET sealed_secp256k1_share = sealed_ed25519_share,
             sealed_ed25519_share = sealed_secp256k1_share
         WHERE secp256k1_pair_id = ?1",
    )
    .bind(deliveries[0].secp256k1.0)
    .execute(&mut backend.prompt().await)
    .await
    .unwrap();
    let damaged = store.delivery(life.client, deliveries[0]).await;
    assert!(
        matches!(damaged, Err(StoreError::Unsealing { .. })),
        "{damaged:?}"
    );
    let due = store
        .claim_deliveries(life.environment, now().plus_ms(100_000), now(), 10)
        .await;
    let due: Vec<_> = due.unwrap().into_iter().map(|due| due.ids).collect();
    assert_eq!(due, [deliveries[1]]);
}

#[tokio::test]
async fn a_webhook_turned_elsewhere_does_not_open() {
    let backend = SqliteBackend::new();
    let store = backend.open(kms()).await;
    let (mine, other) = (new_custodian(), new_custodian());
    for new in [&mine, &other] {
        store.create_custodian(new.clone(), origin()).await.unwrap();
    }
    let mut prompt = backend.prompt().await;
    for turned in [
        "UPDATE environments SET webhook_base_url = 'https://evil.example'
         WHERE environment_id = ?1",
        "UPDATE environments SET webhook_base_url = 'https://acme.example/portal',
             sealed_webhook_secret = (SELECT sealed_webhook_secret FROM environments
             WHERE environment_id <> ?1) WHERE environment_id = ?1",
    ] {
        sqlx::query(turned)
            .bind(mine.environment_id.0)
            .execute(&mut prompt)
            .await
            .unwrap();
        let webhook = store.webhook(mine.environment_id).await;
        assert!(
            matches!(webhook, Err(StoreError::Unsealing { .. })),
            "{turned}: {webhook:?}"
        );
    }
}

#[tokio::test]
async fn half_a_pair_is_corrupt() {
    let backend = SqliteBackend::new();
    let store = backend.open(kms()).await;
    for damage in [
        "DELETE FROM signing_share_pairs WHERE curve = 'ED25519'",
        "DELETE FROM backup_share_pairs WHERE curve = 'SECP256K1'",
        "UPDATE signing_share_pairs SET status = 'SUPERSEDED' WHERE curve = 'ED25519'",
        "UPDATE backup_share_pairs SET status = 'ABANDONED' WHERE curve = 'ED25519'",
    ] {
        let mut life = Life::new(&store).await;
        life.sign_up(OperationKind::Generate).await;
        life.back_up(BackupMethod::GDrive).await;
        let mut prompt = backend.prompt().await;
        for guard in [
            "DROP TRIGGER IF EXISTS signing_share_pairs_are_kept",
            "DROP TRIGGER IF EXISTS backup_share_pairs_are_kept",
            damage,
        ] {
            sqlx::query(guard).execute(&mut prompt).await.unwrap();
        }
        let read = store.wallet(life.client).await.map(drop);
        assert!(
            matches!(read, Err(StoreError::Corrupt { .. })),
            "{damage}: {read:?}"
        );
        let commit = life.try_keep(&life.wallet, Secrets::Unchanged).await;
        assert!(commit.is_err(), "{damage}: nobody builds on half a pair");
    }
}

#[tokio::test]
async fn a_revoked_key_names_nobody() {
    let backend = SqliteBackend::new();
    let store = backend.open(kms()).await;
    let custodian = new_custodian();
    store
        .create_custodian(custodian.clone(), origin())
        .await
        .unwrap();
    sqlx::query("UPDATE custodian_api_keys SET revoked_at = 1")
        .execute(&mut backend.prompt().await)
        .await
        .unwrap();
    let owner = store.custodian_by_key(custodian.api_key).await.unwrap();
    assert_eq!(owner, None);
}

#[tokio::test]
async fn a_revoked_client_credential_names_nobody() {
    use portal_store::ClientStore as _;
    let backend = SqliteBackend::new();
    let store = backend.open(kms()).await;
    let custodian = new_custodian();
    store
        .create_custodian(custodian.clone(), origin())
        .await
        .unwrap();
    let client = portal_store::conformance::new_client(custodian.environment_id);
    store.create_client(client.clone(), origin()).await.unwrap();
    let mut prompt = backend.prompt().await;
    for revoke in [
        "UPDATE client_api_keys SET revoked_at = 1",
        "UPDATE client_sessions SET revoked_at = 1",
    ] {
        sqlx::query(revoke).execute(&mut prompt).await.unwrap();
    }
    for credential in [client.api_key, client.session.token] {
        let owner = store.client_by_credential(credential, now(), now()).await;
        assert_eq!(owner.unwrap(), None);
    }
}
