//! What the audit log's chain costs a busy environment on Postgres: lines in a second that eight
//! writers get into one chain, into eight chains, and into a table without a chain.
//!
//! ```sh
//! cargo run --release -p portal-store --features conformance --example audit_rate
//! PORTAL_DATABASE=postgres://… cargo run --release -p portal-store --features conformance --example audit_rate
//! ```
//!
//! Without a database (it must be empty) it starts a cluster of its own.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement ends where something fails, and prints"
)]

use std::time::{Duration, Instant};

use portal_lifecycle::ids::{ClientId, EnvironmentId};
use portal_store::conformance::postgres_cluster::Cluster;
use portal_store::conformance::{Life, kms, new_client, now, origin, signature};
use portal_store::{ClientStore as _, Secrets, SqlStore, WalletStore as _, WalletVersion};
use sqlx::postgres::{PgPool, PgPoolOptions};
use tokio::task::JoinSet;

const WRITERS: usize = 8;
const RUN: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() {
    let url = std::env::var("PORTAL_DATABASE").unwrap_or_else(|_| Cluster::shared().database());
    let store = SqlStore::postgres(&url, kms()).await.unwrap();
    let one = EnvironmentId(Life::new(&store).await.environment.0);
    let mut writers = Vec::new();
    for _ in 0..WRITERS {
        writers.push(writer(&store, Some(one)).await);
    }
    report("one chain", chained(&store, &writers).await);
    let mut apart = Vec::new();
    for _ in 0..WRITERS {
        apart.push(writer(&store, None).await);
    }
    report("eight chains", chained(&store, &apart).await);
    let pool = PgPoolOptions::new().max_connections(16).connect(&url);
    report("no chain", unchained(&pool.await.unwrap(), &writers).await);
}

fn report(what: &str, lines: u64) {
    let rate = lines / RUN.as_secs();
    println!("{what}: {WRITERS} writers, {rate} lines a second");
}

/// A client with a wallet, in this environment or in one of its own.
async fn writer(store: &SqlStore, home: Option<EnvironmentId>) -> (ClientId, WalletVersion) {
    let mut life = Life::new(store).await;
    if let Some(home) = home {
        let new = new_client(home);
        (life.client, life.environment) = (new.client_id, home);
        store.create_client(new, origin()).await.unwrap();
    }
    life.keep(life.wallet.clone(), Secrets::Unchanged).await;
    (life.client, life.version.unwrap())
}

async fn chained(store: &SqlStore, writers: &[(ClientId, WalletVersion)]) -> u64 {
    let end = Instant::now() + RUN;
    let mut running = JoinSet::new();
    for (client, version) in writers.iter().copied() {
        let store = store.clone();
        running.spawn(async move {
            let mut lines = 0_u64;
            while Instant::now() < end {
                let line = store.audit(client, version, origin(), signature(), None, now());
                line.await.unwrap();
                lines += 1;
            }
            lines
        });
    }
    running.join_all().await.into_iter().sum()
}

/// The same row in the same way, in a table of before: what the database itself allows.
async fn unchained(pool: &PgPool, writers: &[(ClientId, WalletVersion)]) -> u64 {
    let end = Instant::now() + RUN;
    let mut running = JoinSet::new();
    for (client, _) in writers.iter().copied() {
        let pool = pool.clone();
        running.spawn(async move {
            let mut lines = 0_u64;
            while Instant::now() < end {
                let mut transaction = pool.begin().await.unwrap();
                sqlx::query("SELECT version FROM wallets WHERE client_id = $1 FOR SHARE")
                    .bind(client.0)
                    .execute(&mut *transaction)
                    .await
                    .unwrap();
                sqlx::query(
                    "INSERT INTO former_audit_events (client_id, wallet_version, action, subject,
                         digest, trace_id, created_at)
                     VALUES ($1, 1, 'signature', 'a pair', decode(repeat('00', 32), 'hex'), $1, 1)",
                )
                .bind(client.0)
                .execute(&mut *transaction)
                .await
                .unwrap();
                transaction.commit().await.unwrap();
                lines += 1;
            }
            lines
        });
    }
    running.join_all().await.into_iter().sum()
}
