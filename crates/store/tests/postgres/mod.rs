//! The Postgres backend: what only a cluster can break.

use std::sync::Arc;

use async_trait::async_trait;
use portal_lifecycle::ids::ClientId;
use portal_store::conformance::postgres_cluster::Cluster;
use portal_store::conformance::{Backend, Life, kms};
use portal_store::kms::Kms;
use portal_store::{SqlStore, StoreError, WalletStore as _};
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;
use tokio::task::JoinSet;

use crate::races;

/// One database in the cluster of this test process.
pub(crate) struct PostgresBackend {
    pub(crate) url: String,
}

impl PostgresBackend {
    pub(crate) fn new() -> Self {
        Self {
            url: Cluster::shared().database(),
        }
    }

    /// A connection of somebody who has a prompt.
    pub(crate) async fn prompt(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.unwrap()
    }
}

impl Drop for PostgresBackend {
    fn drop(&mut self) {
        Cluster::shared().forget(&self.url);
    }
}

#[async_trait]
impl Backend for PostgresBackend {
    type Store = SqlStore;

    async fn open(&self, kms: Arc<dyn Kms>) -> SqlStore {
        SqlStore::postgres(&self.url, kms).await.unwrap()
    }

    async fn open_with(&self, kms: Arc<dyn Kms>, backup_kms: Arc<dyn Kms>) -> SqlStore {
        self.open(kms).await.with_backup_kms(backup_kms)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_racing_commits_exactly_one_wins() {
    races::of_racing_commits_exactly_one_wins(&PostgresBackend::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_racing_lines_each_has_its_place() {
    races::of_racing_lines_each_has_its_place(&PostgresBackend::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_racing_first_commits_exactly_one_wins() {
    races::of_racing_first_commits_exactly_one_wins(&PostgresBackend::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_racing_password_no_session_is_left() {
    races::of_a_racing_password_no_session_is_left(&PostgresBackend::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_racing_claims_one_gets_each_delivery() {
    races::of_racing_claims_one_gets_each_delivery(&PostgresBackend::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_racing_requests_one_is_acted_on() {
    races::of_racing_requests_one_is_acted_on(&PostgresBackend::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_racing_keys_one_is_the_databases() {
    races::of_racing_keys_one_is_the_databases(&PostgresBackend::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn turns_exclude_each_other() {
    races::turns_exclude_each_other(&PostgresBackend::new()).await;
}

/// A process that dies gives its turn back with its connection.
#[tokio::test]
async fn a_turn_ends_with_its_holder() {
    let backend = PostgresBackend::new();
    let store = backend.open(kms()).await;
    let client = ClientId(uuid::Uuid::from_u128(9));
    let mut held = store.signing_turn(client).await.unwrap();
    assert!(held.is_held().await);
    let mut prompt = backend.prompt().await;
    let killed = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    sqlx::query(killed).execute(&mut prompt).await.unwrap();
    let other = backend.open(kms()).await;
    other.signing_turn(client).await.unwrap();
    assert!(
        !held.is_held().await,
        "two have the turn, and one does not know"
    );
}

/// Several nodes are started at once, on an empty database.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_nodes_that_start_at_once_one_makes_the_schema() {
    let backend = PostgresBackend::new();
    let mut starting = JoinSet::new();
    for _ in 0..4 {
        let url = backend.url.clone();
        starting.spawn(async move { SqlStore::postgres(&url, kms()).await });
    }
    for started in starting.join_all().await {
        started.unwrap();
    }
}

/// P2, whatever the server's own configuration says.
#[tokio::test]
async fn every_connection_waits_for_the_disk() {
    let backend = PostgresBackend::new();
    let mut prompt = backend.prompt().await;
    let name: String = sqlx::query_scalar("SELECT current_database()::text")
        .fetch_one(&mut prompt)
        .await
        .unwrap();
    let careless = format!("ALTER DATABASE \"{name}\" SET synchronous_commit = off");
    sqlx::query(sqlx::AssertSqlSafe(careless))
        .execute(&mut prompt)
        .await
        .unwrap();
    let store = backend.open(kms()).await;
    Life::new(&store).await;
    let settings = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'portal'
         AND datname = current_database()";
    let connections: i64 = sqlx::query_scalar(settings)
        .fetch_one(&mut prompt)
        .await
        .unwrap();
    assert!(connections > 0, "expected the store's connections");
    assert_eq!(store.setting("synchronous_commit").await.unwrap(), "on");
}

#[tokio::test]
async fn a_url_that_is_none_and_a_server_that_is_not_there_are_told() {
    for url in ["mysql://x", "postgres://nobody@localhost/x?host=/nowhere"] {
        let refused = SqlStore::postgres(url, kms()).await.map(|_| ());
        let unavailable = matches!(refused, Err(StoreError::Unavailable { .. }));
        assert!(unavailable, "{url}: {refused:?}");
    }
}

/// What the rules would never do, and a person with a prompt must not.
#[tokio::test]
async fn the_schema_refuses_what_must_never_be() {
    use portal_lifecycle::{BackupMethod, OperationKind};
    let backend = PostgresBackend::new();
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    life.sign_up(OperationKind::Generate).await;
    let former = life.back_up_managed("the former").await;
    let active = life.back_up_managed("the active").await;
    life.make_backup(BackupMethod::GDrive).await;
    let mut prompt = backend.prompt().await;
    for statement in [
        "DELETE FROM managed_backup_shares",
        "TRUNCATE managed_backup_shares",
        "UPDATE managed_backup_shares SET curve = 'ED25519'",
        "DELETE FROM managed_cipher_texts",
        "TRUNCATE managed_cipher_texts",
        "UPDATE managed_cipher_texts SET cipher_text = 'another'",
        "UPDATE backup_share_pairs SET status = 'PURGED'",
        "UPDATE backup_share_pairs SET status = 'PURGED'
             WHERE status = 'STORED_CLIENT_BACKUP_SHARE'",
        "DELETE FROM wallets",
        "TRUNCATE wallets CASCADE",
        "DELETE FROM signing_share_pairs",
        "DELETE FROM backup_share_pairs",
        "DELETE FROM audit_events",
        "TRUNCATE audit_events",
        "DELETE FROM deployment",
        "DELETE FROM key_checks",
        "TRUNCATE key_checks",
        "UPDATE key_checks SET kms = 'MAIN'",
        "INSERT INTO key_checks (kms, sealed) VALUES ('ANOTHER', '')",
        "UPDATE audit_events SET act = 'OTHER'",
        "INSERT INTO audit_events SELECT environment_id, sequence + 1, version, previous_hash,
             created_at, actor_kind, actor_id, trace_id, client_id, act, details, hash
         FROM audit_events ORDER BY sequence DESC LIMIT 1",
        "UPDATE audit_heads SET sequence = sequence - 1",
        "UPDATE audit_heads SET sequence = sequence + 2",
        "DELETE FROM audit_heads",
        "TRUNCATE audit_heads CASCADE",
        "UPDATE wallets SET generation = 0, version = version + 1",
        "UPDATE wallets SET fence = 0, version = version + 1",
        "UPDATE wallets SET updated_at = 1",
        "UPDATE wallets SET ed25519_wallet_id = client_id, version = version + 1",
        "UPDATE wallets SET lease_fence = 1, version = version + 1",
        "UPDATE signing_share_pairs SET generation = 99",
        "UPDATE signing_share_pairs SET key_point = client_point",
        "UPDATE signing_share_pairs SET status = 'PURGED'",
        "UPDATE signing_share_pairs SET sealed_share = NULL",
        "UPDATE signing_share_pairs SET status = 'NOVEL'",
        "UPDATE backup_share_pairs SET method = 'PASSKEY'",
        "UPDATE backup_share_pairs SET status = 'STORED_CLIENT_BACKUP_SHARE'",
        "UPDATE deployment SET epoch = 0",
        "INSERT INTO deployment (only_row, epoch, epoch_began_at) VALUES (FALSE, 0, 0)",
    ] {
        let refused = sqlx::query(statement).execute(&mut prompt).await;
        assert!(refused.is_err(), "expected a refusal of {statement}");
    }
    life.check().await;
    for ids in [former, active] {
        assert!(life.has_both_halves(ids).await);
    }
}
