//! The audit log's chain, attacked behind the server's back by somebody who has the database and a
//! prompt and has switched every trigger off.

mod carried;
mod tampered;
mod unwritable;

use async_trait::async_trait;
use portal_lifecycle::ids::EnvironmentId;
use portal_store::audit::{AuditFinding, AuditHash, Checkpoint, verify_chain};
use portal_store::conformance::{Backend, Life, now, origin, signature};
use portal_store::{AuditStore, Secrets, WalletStore as _};
use sqlx::{AssertSqlSafe, Executor as _};

use crate::postgres::PostgresBackend;
use crate::sqlite::SqliteBackend;

/// The lines of [`chain_of_ten`].
const LINES: u64 = 10;

/// A database whose guards can be switched off.
#[async_trait]
pub(crate) trait Tampered: Backend {
    /// Runs these statements, as anybody with a prompt may.
    async fn run(&self, statements: &[String]);

    /// Runs these statements with no trigger and no foreign key in force.
    async fn tamper(&self, statements: &[String]);

    /// Bytes as the database's SQL writes them.
    fn bytes(&self, hash: AuditHash) -> String;
}

#[async_trait]
impl Tampered for SqliteBackend {
    async fn run(&self, statements: &[String]) {
        let mut prompt = self.prompt().await;
        for statement in statements {
            let statement = AssertSqlSafe(statement.clone());
            prompt.execute(statement).await.unwrap();
        }
    }

    async fn tamper(&self, statements: &[String]) {
        let mut prompt = self.prompt().await;
        let triggers = "SELECT name FROM sqlite_master WHERE type = 'trigger'";
        let triggers: Vec<String> = sqlx::query_scalar(triggers)
            .fetch_all(&mut prompt)
            .await
            .unwrap();
        let mut all = vec!["PRAGMA foreign_keys = OFF".to_owned()];
        all.extend(triggers.iter().map(|name| format!("DROP TRIGGER {name}")));
        all.extend_from_slice(statements);
        self.run(&all).await;
    }

    fn bytes(&self, hash: AuditHash) -> String {
        format!("x'{hash}'")
    }
}

#[async_trait]
impl Tampered for PostgresBackend {
    async fn run(&self, statements: &[String]) {
        let mut prompt = self.prompt().await;
        for statement in statements {
            let statement = AssertSqlSafe(statement.clone());
            prompt.execute(statement).await.unwrap();
        }
    }

    async fn tamper(&self, statements: &[String]) {
        // Triggers and foreign keys are for those who are no replica.
        let mut all = vec!["SET session_replication_role = replica".to_owned()];
        all.extend_from_slice(statements);
        self.run(&all).await;
    }

    fn bytes(&self, hash: AuditHash) -> String {
        format!("'\\x{hash}'::bytea")
    }
}

/// The one environment, with ten lines: three of its making, and seven signatures.
async fn chain_of_ten<B: Tampered>(store: &B::Store) -> EnvironmentId {
    let mut life = Life::new(store).await;
    life.keep(life.wallet.clone(), Secrets::Unchanged).await;
    let version = life.version.unwrap();
    for _ in 3..LINES {
        let written = store.audit(life.client, version, origin(), signature(), None, now());
        written.await.unwrap();
    }
    life.environment
}

/// What a walk finds.
async fn findings(
    store: &impl AuditStore,
    environment: EnvironmentId,
    since: Option<Checkpoint>,
) -> Vec<AuditFinding> {
    let mut found = Vec::new();
    let walked = verify_chain(store, environment, since, |finding| found.push(finding)).await;
    assert_eq!(walked.unwrap().findings, found.len() as u64);
    found
}

/// Where it finds something, and what.
fn named(findings: &[AuditFinding]) -> Vec<(u64, &'static str)> {
    findings
        .iter()
        .map(|finding| (finding.sequence, finding.kind.name()))
        .collect()
}
