//! What a hand, or another program, on the database cannot do.

use portal_lifecycle::ErrorId;
use sqlx::AssertSqlSafe;

use crate::backend::{Backend, client, problem, share_of};

async fn with_one_of_each() -> Backend {
    let backend = Backend::start().await;
    let share = backend.deliver(&share_of(client(1), 1, "kept")).await;
    assert_eq!(share.status().as_u16(), 200);
    let ids = serde_json::json!({
        "backupSharePairIds": {"secp256k1": uuid::Uuid::nil(), "ed25519": uuid::Uuid::nil()},
        "cipherText": "kept",
    });
    let put = backend.app(client(1), reqwest::Method::PUT, client(1));
    let put = put.json(&ids).send().await.expect("an answer");
    assert_eq!(put.status().as_u16(), 200);
    backend
}

#[tokio::test]
async fn the_database_itself_refuses_to_replace_or_delete() {
    let backend = with_one_of_each().await;
    let mut raw = backend.raw().await;
    for table in ["backup_share", "cipher_text"] {
        for statement in [
            format!("DELETE FROM {table}"),
            format!("UPDATE {table} SET created_at_ms = 0"),
            format!("INSERT OR REPLACE INTO {table} SELECT * FROM {table}"),
        ] {
            let error = sqlx::query(AssertSqlSafe(statement.clone()))
                .execute(&mut raw)
                .await
                .expect_err(&statement);
            let expected = format!("{table} is insert-only");
            assert!(
                error.to_string().contains(&expected),
                "{statement}: {error}"
            );
        }
    }
}

/// Each column that the seal binds, set to another value.
#[tokio::test]
async fn a_share_moved_elsewhere_does_not_open_and_nothing_is_told() {
    for change in [
        "client_id = '00000000-0000-0000-0000-000000000009'",
        "backup_share_pair_id = '00000000-0000-0000-0000-000000000009'",
        "wallet_id = '00000000-0000-0000-0000-000000000009'",
        "curve = 'ED25519'",
    ] {
        let backend = with_one_of_each().await;
        let mut raw = backend.raw().await;
        for statement in [
            "DROP TRIGGER backup_share_never_updated".to_owned(),
            format!("UPDATE backup_share SET {change}"),
        ] {
            sqlx::query(AssertSqlSafe(statement))
                .execute(&mut raw)
                .await
                .expect("changed");
        }
        let reader = if change.starts_with("client_id") {
            portal_lifecycle::ids::ClientId(uuid::Uuid::from_u128(9))
        } else {
            client(1)
        };
        let told = problem(backend.fetch(reader).await, 500, ErrorId::InternalError).await;
        assert_eq!(told.detail, "the log has the rest under this traceId");
        let log = crate::backend::log();
        let request = format!("trace_id={}", told.trace_id);
        let fault = "fault=\"a share of table backup_share does not open";
        let mut lines = log.lines();
        assert!(
            lines.any(|line| line.contains(&request) && line.contains(fault)),
            "expected a line with {request} and {fault}"
        );
    }
}

/// One that was sealed for another row of the same table, as a thief of the database would swap it.
#[tokio::test]
async fn a_share_of_another_client_does_not_open_as_ones_own() {
    let backend = Backend::start().await;
    for n in [1, 2] {
        let share = backend.deliver(&share_of(client(n), n, "text")).await;
        assert_eq!(share.status().as_u16(), 200);
    }
    let mut raw = backend.raw().await;
    for statement in [
        "DROP TRIGGER backup_share_never_updated",
        "UPDATE backup_share SET sealed_share = (SELECT sealed_share FROM backup_share ORDER BY rowid LIMIT 1)",
    ] {
        sqlx::query(statement)
            .execute(&mut raw)
            .await
            .expect("changed");
    }
    assert_eq!(backend.fetch(client(1)).await.status().as_u16(), 200);
    problem(backend.fetch(client(2)).await, 500, ErrorId::InternalError).await;
}

/// A damaged share of an old generation does not stand in the way of the newest one.
#[tokio::test]
async fn one_damaged_share_leaves_the_others_readable() {
    let backend = Backend::start().await;
    for n in [1, 2] {
        let share = backend
            .deliver(&share_of(client(1), n, &format!("text {n}")))
            .await;
        assert_eq!(share.status().as_u16(), 200);
    }
    let mut raw = backend.raw().await;
    for statement in [
        "DROP TRIGGER backup_share_never_updated",
        "UPDATE backup_share SET sealed_share = zeroblob(100) WHERE rowid = 1",
    ] {
        sqlx::query(statement)
            .execute(&mut raw)
            .await
            .expect("changed");
    }
    let answer = backend.fetch(client(1)).await;
    assert_eq!(answer.status().as_u16(), 200);
    let shares: portal_api::webhook::BackupShares = answer.json().await.expect("shares");
    assert_eq!(shares.backup_shares, ["text 2"]);
}
