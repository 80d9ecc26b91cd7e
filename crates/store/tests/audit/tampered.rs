//! Lines removed, altered, reordered, inserted, and a tail cut off: each is found, and said where.

use portal_store::AuditStore as _;
use portal_store::audit::Checkpoint;
use portal_store::conformance::{Backend as _, kms};

use super::{LINES, Tampered, chain_of_ten, findings, named};
use crate::postgres::PostgresBackend;
use crate::sqlite::SqliteBackend;

/// A copy of line 5 (hash and all) at another number.
const COPY: &str = "INSERT INTO audit_events SELECT environment_id, {at}, version, previous_hash,
    created_at, actor_kind, actor_id, trace_id, client_id, act, details, hash
    FROM audit_events WHERE sequence = 5";

/// What is done to the rows, and what a walk then finds at which line.
fn attacks() -> Vec<(String, Vec<(u64, &'static str)>)> {
    let altered = [
        "act = 'CLIENT_MADE'",
        "details = '{}'",
        "details = details || ' '",
        "details = 'no JSON'",
        "created_at = created_at + 1",
        "actor_kind = 'WORKER'",
        "actor_id = 'x'",
        "trace_id = environment_id",
        "client_id = NULL",
        "client_id = environment_id",
    ];
    let altered = altered.into_iter().map(|set| {
        let sql = format!("UPDATE audit_events SET {set} WHERE sequence = 5");
        (sql, vec![(5, "ALTERED")])
    });
    let others = [
        (
            "UPDATE audit_events SET version = 9 WHERE sequence = 5",
            vec![(5, "UNKNOWN_VERSION")],
        ),
        (
            "UPDATE audit_events SET hash = previous_hash WHERE sequence = 5",
            vec![(5, "ALTERED"), (6, "UNLINKED")],
        ),
        (
            "UPDATE audit_events SET previous_hash = hash WHERE sequence = 5",
            vec![(5, "ALTERED"), (5, "UNLINKED")],
        ),
        // Removed: from the middle, two together, the first.
        (
            "DELETE FROM audit_events WHERE sequence = 5",
            vec![(6, "MISSING")],
        ),
        (
            "DELETE FROM audit_events WHERE sequence IN (5, 6)",
            vec![(7, "MISSING")],
        ),
        (
            "DELETE FROM audit_events WHERE sequence = 1",
            vec![(2, "MISSING")],
        ),
        // Removed, and the rest moved up.
        (
            "DELETE FROM audit_events WHERE sequence = 10;
             UPDATE audit_heads SET sequence = 9",
            vec![(9, "NOT_THE_HEAD")],
        ),
        // Reordered.
        (
            "UPDATE audit_events SET sequence = 1005 WHERE sequence = 5;
             UPDATE audit_events SET sequence = 5 WHERE sequence = 6;
             UPDATE audit_events SET sequence = 6 WHERE sequence = 1005",
            vec![
                (5, "ALTERED"),
                (5, "UNLINKED"),
                (6, "ALTERED"),
                (6, "UNLINKED"),
                (7, "UNLINKED"),
            ],
        ),
        // Inserted: at the end, and in the midst.
        (
            "COPY AT 11",
            vec![(11, "ALTERED"), (11, "UNLINKED"), (11, "NOT_THE_HEAD")],
        ),
        (
            "UPDATE audit_events SET sequence = sequence + 1000 WHERE sequence > 9;
             COPY AT 10;
             UPDATE audit_events SET sequence = sequence - 999 WHERE sequence > 1000",
            vec![
                (10, "ALTERED"),
                (10, "UNLINKED"),
                (11, "ALTERED"),
                (11, "UNLINKED"),
                (11, "NOT_THE_HEAD"),
            ],
        ),
        // Cut off.
        (
            "DELETE FROM audit_events WHERE sequence > 8",
            vec![(8, "TRUNCATED")],
        ),
        ("DELETE FROM audit_events", vec![(0, "TRUNCATED")]),
        (
            "UPDATE audit_heads SET sequence = 0,
                 hash = (SELECT previous_hash FROM audit_events WHERE sequence = 1);
             DELETE FROM audit_events",
            vec![(0, "NO_BEGINNING")],
        ),
        (
            "UPDATE audit_events SET act = 'CLIENT_MADE' WHERE sequence = 1",
            vec![(1, "ALTERED"), (1, "NO_BEGINNING")],
        ),
        ("DELETE FROM audit_heads", vec![(10, "NO_HEAD")]),
        // The head alone.
        (
            "UPDATE audit_heads SET sequence = 4",
            vec![(10, "NOT_THE_HEAD")],
        ),
    ];
    let others = others.map(|(sql, found)| (sql.to_owned(), found));
    altered.chain(others).collect()
}

fn statements(sql: &str) -> Vec<String> {
    let each = sql.split(';').map(str::trim);
    each.map(|sql| match sql.strip_prefix("COPY AT ") {
        Some(at) => COPY.replace("{at}", at),
        None => sql.to_owned(),
    })
    .collect()
}

async fn every_attack_is_found<B: Tampered>(new: impl Fn() -> B) {
    for (sql, expected) in attacks() {
        let backend = new();
        let store = backend.open(kms()).await;
        let environment = chain_of_ten::<B>(&store).await;
        assert_eq!(findings(&store, environment, None).await, []);
        backend.tamper(&statements(&sql)).await;
        let found = findings(&store, environment, None).await;
        assert_eq!(named(&found), expected, "after {sql}");
    }
}

#[tokio::test]
async fn every_attack_is_found_on_sqlite() {
    every_attack_is_found(SqliteBackend::new).await;
}

#[tokio::test]
async fn every_attack_is_found_on_postgres() {
    every_attack_is_found(PostgresBackend::new).await;
}

/// Who rewrites the head, too, is found by a checkpoint that lies elsewhere, and by nothing else.
async fn a_checkpoint_finds_the_rest<B: Tampered>(new: impl Fn() -> B) {
    let backend = new();
    let store = backend.open(kms()).await;
    let environment = chain_of_ten::<B>(&store).await;
    let lines = store.audit_chain(environment, 0, 100).await.unwrap().lines;
    let checkpoint = |line: usize| lines.get(line - 1).unwrap().checkpoint();
    let end = checkpoint(LINES as usize);
    for line in 1..=LINES as usize {
        assert_eq!(
            findings(&store, environment, Some(checkpoint(line))).await,
            []
        );
    }

    // Line 5 says something else, and everything after it is hashed again.
    let mut forged = lines.clone();
    let mut head = checkpoint(4);
    let mut sql = Vec::new();
    for line in forged.iter_mut().skip(4) {
        if line.sequence == 5 {
            line.act = "SESSION_MADE".to_owned();
        }
        line.previous_hash = head.hash;
        line.hash = line.computed_hash();
        head = line.checkpoint();
        sql.push(format!(
            "UPDATE audit_events SET act = '{}', previous_hash = {}, hash = {} WHERE sequence = {}",
            line.act,
            backend.bytes(line.previous_hash),
            backend.bytes(line.hash),
            line.sequence
        ));
    }
    sql.push(format!(
        "UPDATE audit_heads SET hash = {}",
        backend.bytes(head.hash)
    ));
    backend.tamper(&sql).await;
    assert_eq!(findings(&store, environment, None).await, []);
    let told = [(10, "NOT_THE_CHECKPOINT")];
    let found = findings(&store, environment, Some(end)).await;
    assert_eq!(named(&found), told);
    // What a checkpoint was taken before, it does not speak of.
    assert_eq!(findings(&store, environment, Some(checkpoint(4))).await, []);

    // The tail is cut off, and the head with it.
    let cut = [
        "DELETE FROM audit_events WHERE sequence > 8",
        "UPDATE audit_heads SET sequence = 8, hash =
             (SELECT hash FROM audit_events WHERE sequence = 8)",
    ];
    backend.tamper(&cut.map(str::to_owned)).await;
    assert_eq!(findings(&store, environment, None).await, []);
    let found = findings(&store, environment, Some(end)).await;
    assert_eq!(named(&found), [(9, "TRUNCATED")]);
    assert_eq!(found.len(), 1);
    let said = found.first().unwrap().to_string();
    let expected = Checkpoint { ..end };
    assert!(said.contains(&expected.hash.to_string()), "{said}");
}

#[tokio::test]
async fn a_checkpoint_finds_the_rest_on_sqlite() {
    a_checkpoint_finds_the_rest(SqliteBackend::new).await;
}

#[tokio::test]
async fn a_checkpoint_finds_the_rest_on_postgres() {
    a_checkpoint_finds_the_rest(PostgresBackend::new).await;
}

/// A line that was altered and hashed anew is found at the next one.
#[tokio::test]
async fn a_line_hashed_anew_does_not_fit_the_next() {
    let backend = SqliteBackend::new();
    let store = backend.open(kms()).await;
    let environment = chain_of_ten::<SqliteBackend>(&store).await;
    let part = store.audit_chain(environment, 4, 1).await.unwrap();
    let mut line = part.lines.first().unwrap().clone();
    line.act = "SESSION_MADE".to_owned();
    let hash = backend.bytes(line.computed_hash());
    let sql = format!(
        "UPDATE audit_events SET act = '{}', hash = {hash} WHERE sequence = 5",
        line.act
    );
    backend.tamper(&[sql]).await;
    let found = findings(&store, environment, None).await;
    assert_eq!(named(&found), [(6, "UNLINKED")]);
}

/// The first line is taken away, and what is left is numbered and hashed anew: nothing but its
/// beginning tells. A walk from a checkpoint does not ask for one.
#[tokio::test]
async fn a_chain_without_its_first_line_has_no_beginning() {
    let backend = SqliteBackend::new();
    let store = backend.open(kms()).await;
    let environment = chain_of_ten::<SqliteBackend>(&store).await;
    let mut left = store.audit_chain(environment, 1, 100).await.unwrap().lines;
    let mut sql = vec!["DELETE FROM audit_events WHERE sequence = 1".to_owned()];
    let mut head = Checkpoint::START;
    for line in &mut left {
        line.sequence -= 1;
        line.previous_hash = head.hash;
        line.hash = line.computed_hash();
        head = line.checkpoint();
        sql.push(format!(
            "UPDATE audit_events SET sequence = {}, previous_hash = {}, hash = {} WHERE sequence = {}",
            line.sequence,
            backend.bytes(line.previous_hash),
            backend.bytes(line.hash),
            line.sequence + 1
        ));
    }
    sql.push(format!(
        "UPDATE audit_heads SET sequence = {}, hash = {}",
        head.sequence,
        backend.bytes(head.hash)
    ));
    backend.tamper(&sql).await;
    let found = findings(&store, environment, None).await;
    assert_eq!(named(&found), [(1, "NO_BEGINNING")]);
    let first = left.first().unwrap().checkpoint();
    assert_eq!(findings(&store, environment, Some(first)).await, []);
}
