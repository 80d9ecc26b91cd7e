//! The log of before there was a chain.

use portal_lifecycle::OperationKind;
use portal_lifecycle::ids::EnvironmentId;
use portal_store::conformance::{Life, audit_log, kms};

use super::Tampered;
use crate::postgres::PostgresBackend;
use crate::sqlite::SqliteBackend;

/// More than the program carries in one transaction.
const FORMER: u64 = 1_200;

/// Opened again, each line of before is in its environment's chain, in order, and nowhere else.
async fn lines_of_before_are_carried<B: Tampered>(backend: &B, fill: [String; 1]) {
    let store = backend.open(kms()).await;
    let (mut life, mut other) = (Life::new(&store).await, Life::new(&store).await);
    life.sign_up(OperationKind::Generate).await;
    other.sign_up(OperationKind::Generate).await;
    let before = [
        audit_log(&store, life.environment).await,
        audit_log(&store, other.environment).await,
    ];
    backend.run(&fill).await;

    let store = backend.open(kms()).await;
    for (environment, before) in [life.environment, other.environment]
        .into_iter()
        .zip(before)
    {
        let lines = audit_log(&store, environment).await;
        let (former, carried) = lines.split_at(before.len());
        assert_eq!(former, before);
        assert_eq!(
            carried.len() as u64,
            FORMER / 2,
            "{}",
            EnvironmentId(environment.0)
        );
        let mut last = 0;
        for line in carried {
            assert_eq!(
                (line.act.as_str(), line.at.as_ms()),
                ("CARRIED_SIGNATURE", 77)
            );
            let number: u64 = line.details.get("formerNumber").unwrap().parse().unwrap();
            assert!(number > last, "{number} after {last}");
            last = number;
        }
    }
    // Another opening finds nothing to do.
    let again = backend.open(kms()).await;
    let lines = audit_log(&again, life.environment).await;
    assert_eq!(lines.len() as u64, 5 + FORMER / 2);
}

#[tokio::test]
async fn lines_of_before_are_carried_on_sqlite() {
    // Lines of both clients in turn.
    let fill = format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}),
             c (client_id) AS (SELECT client_id FROM wallets)
         INSERT INTO former_audit_events (client_id, wallet_version, action, subject, digest,
             trace_id, created_at)
         SELECT client_id, 1, 'signature', '019a0000-0000-7000-8000-000000000001',
             zeroblob(32), zeroblob(16), 77
         FROM n CROSS JOIN c ORDER BY i, client_id",
        FORMER / 2
    );
    let backend = SqliteBackend::new();
    lines_of_before_are_carried(&backend, [fill]).await;
}

#[tokio::test]
async fn lines_of_before_are_carried_on_postgres() {
    let fill = format!(
        "INSERT INTO former_audit_events (client_id, wallet_version, action, subject, digest,
             trace_id, created_at)
         SELECT client_id, 1, 'signature', '019a0000-0000-7000-8000-000000000001',
             decode(repeat('00', 32), 'hex'), client_id, 77
         FROM generate_series(1, {}) AS n (i) CROSS JOIN wallets ORDER BY i, client_id",
        FORMER / 2
    );
    let backend = PostgresBackend::new();
    lines_of_before_are_carried(&backend, [fill]).await;
}
