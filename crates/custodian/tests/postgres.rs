//! The Postgres store: what only a cluster can break.

use std::sync::Arc;

use async_trait::async_trait;
use portal_custodian::conformance::{Backend, key};
use portal_custodian::{
    CustodianStore, Digest, InsertError, NewShare, OpenStoreError, RecoveryPolicy, RecoveryRequest,
    RecoveryStore as _, ShareText, SqlCustodianStore, StoreError,
};
use portal_lifecycle::ids::WalletId;
use portal_lifecycle::{BackupMethod, Curve, Generation, PerCurve, Timestamp};
use portal_seal::SealingKey;
use portal_store::conformance::postgres_cluster::Cluster;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};
use tokio::task::JoinSet;

use crate::backend::{client, pair};

const NOW: Timestamp = Timestamp::from_ms(1_800_000_000_000);

/// One database in the cluster of this test process.
pub(crate) struct PostgresBackend {
    url: String,
}

impl PostgresBackend {
    pub(crate) fn new() -> Self {
        Self {
            url: Cluster::shared().database(),
        }
    }

    async fn store(&self) -> Arc<SqlCustodianStore> {
        Arc::new(self.open(key(1)).await.expect("a store"))
    }

    /// A connection of somebody who has a prompt.
    pub(crate) async fn prompt(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.expect("a prompt")
    }
}

#[async_trait]
impl Backend for PostgresBackend {
    type Store = SqlCustodianStore;

    async fn open(&self, key: SealingKey) -> Result<SqlCustodianStore, OpenStoreError> {
        SqlCustodianStore::postgres(&self.url, key).await
    }
}

async fn insert(store: &SqlCustodianStore, text: &str) -> Result<Digest, InsertError> {
    let new = NewShare {
        client_id: client(1),
        backup_share_pair_id: pair(1),
        wallet_id: WalletId(uuid::Uuid::from_u128(7)),
        curve: Curve::Secp256k1,
        generation: Generation(1),
        backup_method: BackupMethod::Password,
        share: ShareText::new(text.to_owned()).expect("a text"),
        delivery: None,
    };
    let mut rng = StdRng::from_seed([7; 32]);
    CustodianStore::insert_share(store, new, NOW, &mut rng).await
}

async fn texts(store: &SqlCustodianStore) -> Vec<String> {
    let shares = CustodianStore::shares_of(store, client(1)).await;
    let shares = shares.expect("read");
    let texts = shares.iter().map(|share| share.share.expose().to_owned());
    texts.collect()
}

/// Several processes are started at once, on an empty database.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_processes_that_start_at_once_one_makes_the_schema() {
    let backend = PostgresBackend::new();
    let mut starting = JoinSet::new();
    for _ in 0..4 {
        let url = backend.url.clone();
        starting.spawn(async move { SqlCustodianStore::postgres(&url, key(1)).await });
    }
    for started in starting.join_all().await {
        started.expect("a store");
    }
}

/// Of processes that begin on an empty database, each with a key of its own, those of one key go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_racing_first_starts_one_key_counts() {
    let backend = PostgresBackend::new();
    let (one, other) = tokio::join!(backend.open(key(1)), backend.open(key(2)));
    let outcomes = [one.map(|_| ()), other.map(|_| ())];
    let opened = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let refused = outcomes.iter();
    let refused = refused.filter(|outcome| matches!(outcome, Err(OpenStoreError::WrongKey)));
    assert_eq!((opened, refused.count()), (1, 1), "{outcomes:?}");
}

/// Another process stores its share between the look and the insert: its share counts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_insert_that_lost_a_race_is_held_against_what_won_it() {
    for (won, is_the_same) in [("same", true), ("other", false)] {
        let backend = PostgresBackend::new();
        let store = backend.store().await;
        let mut other = backend.prompt().await;
        let mut transaction = other.begin().await.expect("a transaction");
        sqlx::query(
            "INSERT INTO backup_share (client_id, backup_share_pair_id, wallet_id, curve,
                 generation, backup_method, digest, seal_version, sealed_share, created_at_ms)
             VALUES ($1, $2, $3, 'SECP256K1', 1, 'PASSWORD', $4, 2, '', 0)",
        )
        .bind(client(1).to_string())
        .bind(pair(1).to_string())
        .bind(WalletId(uuid::Uuid::from_u128(7)).to_string())
        .bind(Digest::of(won.as_bytes()).0.to_vec())
        .execute(&mut *transaction)
        .await
        .expect("inserted");
        let late = tokio::spawn({
            let store = Arc::clone(&store);
            async move { insert(&store, "same").await }
        });
        let mut prompt = backend.prompt().await;
        // Asked until the insert is seen to wait for the other transaction.
        loop {
            let waiting: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM pg_stat_activity
                 WHERE application_name = 'portal-custodian' AND wait_event_type = 'Lock'
                   AND datname = current_database()",
            )
            .fetch_one(&mut prompt)
            .await
            .expect("a count");
            if waiting > 0 {
                break;
            }
            tokio::task::yield_now().await;
        }
        transaction.commit().await.expect("committed");
        let late = late.await.expect("no panic");
        let expected = match &late {
            Ok(digest) => is_the_same && *digest == Digest::of(b"same"),
            Err(InsertError::Taken) => !is_the_same,
            Err(InsertError::Store(_)) => false,
        };
        assert!(expected, "{won} was stored first: {late:?}");
    }
}

/// The connection is cut while a share waits for its place: the caller hears that it may try again,
/// nothing is there, and the next try finds another connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_drops_loses_nothing() {
    let backend = PostgresBackend::new();
    let store = backend.store().await;
    insert(&store, "before").await.expect("stored");
    let mut holder = backend.prompt().await;
    let mut lock = holder.begin().await.expect("a transaction");
    sqlx::query("LOCK TABLE backup_share IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *lock)
        .await
        .expect("a lock");
    let waiting = tokio::spawn({
        let store = Arc::clone(&store);
        async move { insert(&store, "before").await }
    });
    let mut prompt = backend.prompt().await;
    // Asked until the insert is seen to wait; it is cut then.
    loop {
        let cut: Option<bool> = sqlx::query_scalar(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE application_name = 'portal-custodian' AND wait_event_type = 'Lock'
               AND datname = current_database()",
        )
        .fetch_optional(&mut prompt)
        .await
        .expect("an answer");
        if cut.is_some() {
            break;
        }
        tokio::task::yield_now().await;
    }
    let failed = waiting.await.expect("no panic");
    assert!(
        matches!(
            failed,
            Err(InsertError::Store(StoreError::Unavailable { .. }))
        ),
        "expected one that may be tried again, got {failed:?}"
    );
    lock.rollback().await.expect("the lock is given back");
    let again = insert(&store, "before").await;
    assert_eq!(again.expect("stored"), Digest::of(b"before"));
    assert_eq!(texts(&store).await, ["before"]);
}

/// Every connection at once, as when the database is started again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_goes_on_after_the_database_came_back() {
    let backend = PostgresBackend::new();
    let store = backend.store().await;
    insert(&store, "kept").await.expect("stored");
    sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE application_name = 'portal-custodian' AND datname = current_database()",
    )
    .execute(&mut backend.prompt().await)
    .await
    .expect("cut");
    // A dead connection may be found by the first call; that call may be made again.
    for _ in 0..2 {
        match CustodianStore::ping(&*store).await {
            Ok(()) => break,
            Err(StoreError::Unavailable { .. }) => {}
            Err(error) => panic!("expected one that may be tried again, got {error:?}"),
        }
    }
    assert_eq!(texts(&store).await, ["kept"]);
}

#[tokio::test]
async fn a_url_that_is_none_and_a_server_that_is_not_there_are_told() {
    for url in ["mysql://x", "postgres://nobody@localhost/x?host=/nowhere"] {
        let refused = SqlCustodianStore::postgres(url, key(1)).await.map(|_| ());
        let told = matches!(refused, Err(OpenStoreError::Database { .. }));
        assert!(told, "{url}: {refused:?}");
    }
}

/// A new key is drawn for a database that never had one, and for no other.
#[tokio::test]
async fn a_database_says_whether_it_has_a_key() {
    let backend = PostgresBackend::new();
    for expected in [false, true] {
        let seen = SqlCustodianStore::postgres_has_key(&backend.url).await;
        assert_eq!(seen.expect("an answer"), expected);
        backend.store().await.close().await;
    }
}

/// What a person with a prompt must not do by mistake.
#[tokio::test]
async fn the_schema_refuses_to_replace_or_delete() {
    let backend = PostgresBackend::new();
    let store = backend.store().await;
    insert(&store, "kept").await.expect("stored");
    let ids = PerCurve::new(pair(3), pair(4));
    let released = CustodianStore::release(&*store, client(1), ids, NOW).await;
    released.expect("noted");
    let opened = store.open_recovery(client(1), RecoveryPolicy::default(), NOW);
    opened.await.expect("opened");
    let request = RecoveryRequest {
        request: Digest::of(b"request"),
        blinds: Digest::of(b"blinds"),
    };
    let used = store.use_recovery(client(1), request, NOW).await;
    used.expect("open");
    let closed = store.close_recovery(client(1), NOW).await;
    closed.expect("closed");
    let new = portal_custodian::NewCipherText {
        client_id: client(1),
        backup_method: BackupMethod::Password,
        backup_share_pair_ids: ids,
        cipher_text: portal_custodian::CipherText::new("kept".to_owned()).expect("a text"),
    };
    let stored = CustodianStore::insert_cipher_text(&*store, new, NOW).await;
    stored.expect("stored");
    let tokens = portal_custodian::AppTokens::new(zeroize::Zeroizing::new([2; 32]));
    let noted = store.check_secrets(&[(&tokens).into()], &[]).await;
    noted.expect("noted");
    let mut prompt = backend.prompt().await;
    for (table, column) in [
        ("backup_share", "created_at_ms"),
        ("cipher_text", "created_at_ms"),
        ("released_pair", "created_at_ms"),
        ("recovery_window", "closes_at_ms"),
        ("recovery_use", "used_at_ms"),
        ("recovery_close", "closed_at_ms"),
        ("key_check", "only_row"),
        ("kept_secret", "name"),
    ] {
        for statement in [
            format!("DELETE FROM {table}"),
            format!("TRUNCATE {table} CASCADE"),
            format!("UPDATE {table} SET {column} = {column}"),
        ] {
            let refused = sqlx::query(AssertSqlSafe(statement.clone()))
                .execute(&mut prompt)
                .await;
            let refused = refused.expect_err(&statement).to_string();
            assert!(refused.contains("is insert-only"), "{statement}: {refused}");
        }
    }
    let replaced = "INSERT INTO backup_share (client_id, backup_share_pair_id, wallet_id, curve,
            generation, backup_method, digest, seal_version, sealed_share, created_at_ms)
        SELECT client_id, backup_share_pair_id, wallet_id, curve, generation, backup_method,
            digest, seal_version, sealed_share, 0 FROM backup_share
        ON CONFLICT (client_id, backup_share_pair_id) DO UPDATE SET created_at_ms = 0";
    let refused = sqlx::query(replaced).execute(&mut prompt).await;
    let refused = refused.expect_err("replaced").to_string();
    assert!(refused.contains("is insert-only"), "{refused}");
    assert_eq!(texts(&store).await, ["kept"]);
}

/// Whatever the server's own configuration says.
#[tokio::test]
async fn every_connection_waits_for_the_disk_and_sees_what_it_waited_for() {
    let backend = PostgresBackend::new();
    let mut prompt = backend.prompt().await;
    let name: String = sqlx::query_scalar("SELECT current_database()::text")
        .fetch_one(&mut prompt)
        .await
        .expect("a name");
    for (setting, careless, relied_on) in [
        ("synchronous_commit", "off", "on"),
        (
            "default_transaction_isolation",
            "repeatable read",
            "read committed",
        ),
    ] {
        let careless = format!("ALTER DATABASE \"{name}\" SET {setting} = '{careless}'");
        sqlx::query(AssertSqlSafe(careless))
            .execute(&mut prompt)
            .await
            .expect("set");
        let store = backend.store().await;
        let got = store.setting(setting).await.expect("a setting");
        assert_eq!(got, relied_on, "{setting}");
    }
}
