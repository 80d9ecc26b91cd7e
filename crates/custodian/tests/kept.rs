//! Which secrets a database was served with last.

use std::sync::Arc;

use portal_custodian::conformance::{Backend, key};
use portal_custodian::{
    AppTokens, BackendSecret, GivenSecret, KeptSecret, KeptSecretsError, SealingKeys,
    SqlCustodianStore, StoreError, WebhookAuth, WebhookSecret,
};
use portal_seal::recipient::OpeningKey;
use zeroize::Zeroizing;

use crate::postgres::PostgresBackend;
use crate::sqlite::SqliteBackend;

const WEBHOOK: [&str; 2] = ["the webhook's first secret", "the webhook's other secret"];

fn sealing_keys(bytes: &[u8]) -> GivenSecret {
    let keys = bytes.iter();
    let keys = keys.map(|byte| OpeningKey::from_bytes(Zeroizing::new([*byte; 32])));
    (&SealingKeys::new(keys.collect()).expect("a key")).into()
}

fn app_secret(byte: u8) -> GivenSecret {
    (&AppTokens::new(Zeroizing::new([byte; 32]))).into()
}

fn backend_secret(text: &str) -> GivenSecret {
    (&BackendSecret::new(text).expect("a long secret")).into()
}

fn webhook_secret(present: &str, former: Option<&str>) -> GivenSecret {
    let secret = |text| WebhookSecret::new(text).expect("a long secret");
    let auth = WebhookAuth::new(secret(present));
    let auth = match former {
        Some(former) => auth.or(secret(former)),
        None => auth,
    };
    (&auth).into()
}

/// Each secret, as the first start has it.
fn first() -> [GivenSecret; 4] {
    [
        webhook_secret(WEBHOOK[0], None),
        app_secret(1),
        sealing_keys(&[1]),
        backend_secret("the first secret of a backend"),
    ]
}

/// Each secret, as nobody was served with.
fn others() -> [GivenSecret; 4] {
    [
        webhook_secret(WEBHOOK[1], None),
        app_secret(2),
        sealing_keys(&[2]),
        backend_secret("another secret of a backend"),
    ]
}

/// Those that the store refuses.
async fn refused(
    store: &SqlCustodianStore,
    given: &[GivenSecret],
    replaced: &[KeptSecret],
) -> Vec<KeptSecret> {
    match store.check_secrets(given, replaced).await {
        Ok(()) => Vec::new(),
        Err(KeptSecretsError::Others { secrets }) => secrets,
        Err(KeptSecretsError::Store(error)) => panic!("{error:?}"),
    }
}

async fn stores() -> [(SqlCustodianStore, &'static str); 2] {
    // Kept until the process ends: the stores are used after this returns.
    let sqlite = Box::leak(Box::new(SqliteBackend::new()));
    let sqlite = sqlite.open(key(1)).await.expect("a store");
    let postgres = PostgresBackend::new().open(key(1)).await.expect("a store");
    [(sqlite, "on SQLite"), (postgres, "on Postgres")]
}

#[tokio::test]
async fn a_start_must_come_with_the_secrets_of_the_last_one() {
    for (store, on) in stores().await {
        assert!(refused(&store, &first(), &[]).await.is_empty(), "{on}");
        assert!(refused(&store, &first(), &[]).await.is_empty(), "{on}");
        let all = refused(&store, &others(), &[]).await;
        assert_eq!(all, KeptSecret::ALL, "{on}");
        for (n, other) in others().into_iter().enumerate() {
            let mut given = first();
            given[n] = other;
            let told = refused(&store, &given, &[]).await;
            assert_eq!(told, [KeptSecret::ALL[n]], "{on}");
        }
        // What was refused left nothing behind.
        assert!(refused(&store, &first(), &[]).await.is_empty(), "{on}");
    }
}

/// A refusal notes nothing of the secrets beside the one that is refused, either.
#[tokio::test]
async fn a_refused_start_is_none() {
    for (store, on) in stores().await {
        let [_, app, sealing, _] = first();
        assert!(refused(&store, &[app], &[]).await.is_empty(), "{on}");
        let told = refused(&store, &[sealing, app_secret(2)], &[]).await;
        assert_eq!(told, [KeptSecret::AppSecret], "{on}");
        let [_, _, other, _] = others();
        assert!(refused(&store, &[other], &[]).await.is_empty(), "{on}");
    }
}

#[tokio::test]
async fn a_rotated_secret_goes_with_its_former_one_first() {
    for (store, on) in stores().await {
        let (one, both) = (|| sealing_keys(&[1]), || sealing_keys(&[2, 1]));
        assert!(refused(&store, &[one()], &[]).await.is_empty(), "{on}");
        assert!(refused(&store, &[both()], &[]).await.is_empty(), "{on}");
        let older = refused(&store, &[one()], &[]).await;
        assert_eq!(
            older,
            [KeptSecret::SealingKey],
            "{on}: apps seal to the new one"
        );
        let told = refused(&store, &[sealing_keys(&[2])], &[]).await;
        assert!(told.is_empty(), "{on}: the former one may go");

        let [former, present] = WEBHOOK;
        for (given, is_refused) in [
            (webhook_secret(former, None), false),
            (webhook_secret(present, Some(former)), false),
            (webhook_secret(former, None), true),
            (webhook_secret(present, None), false),
        ] {
            let told = refused(&store, &[given], &[]).await;
            assert_eq!(!told.is_empty(), is_refused, "{on}");
        }
    }
}

#[tokio::test]
async fn one_that_is_said_to_be_replaced_takes_the_formers_place() {
    for (store, on) in stores().await {
        assert!(refused(&store, &first(), &[]).await.is_empty(), "{on}");
        for (n, secret) in KeptSecret::ALL.into_iter().enumerate() {
            let other = || others().into_iter().nth(n).expect("four");
            let wrong = KeptSecret::ALL[(n + 1) % 4];
            assert_eq!(
                refused(&store, &[other()], &[wrong]).await,
                [secret],
                "{on}"
            );
            assert!(
                refused(&store, &[other()], &[secret]).await.is_empty(),
                "{on}"
            );
            assert!(refused(&store, &[other()], &[]).await.is_empty(), "{on}");
            let former = first().into_iter().nth(n).expect("four");
            assert_eq!(refused(&store, &[former], &[]).await, [secret], "{on}");
        }
    }
}

/// Of two first starts at once, each with secrets of its own, the second is held against the first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_first_starts_the_secrets_of_one_count() {
    let (ours, theirs) = (PostgresBackend::new(), PostgresBackend::new());
    let elsewhere = theirs.open(key(1)).await.expect("a store");
    assert!(refused(&elsewhere, &[app_secret(2)], &[]).await.is_empty());
    let sealed: Vec<u8> = sqlx::query_scalar("SELECT sealed FROM kept_secret")
        .fetch_one(&mut theirs.prompt().await)
        .await
        .expect("a seal");

    let store = Arc::new(ours.open(key(1)).await.expect("a store"));
    let (mut first, mut prompt) = (ours.prompt().await, ours.prompt().await);
    let lock =
        "BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('portal custodian secrets', 0))";
    sqlx::raw_sql(lock)
        .execute(&mut first)
        .await
        .expect("alone");
    sqlx::query("INSERT INTO kept_secret (name, sealed) VALUES ('app-secret', $1)")
        .bind(sealed)
        .execute(&mut first)
        .await
        .expect("inserted");
    let second = tokio::spawn({
        let store = Arc::clone(&store);
        async move { refused(&store, &[app_secret(1)], &[]).await }
    });
    // Asked until the second is seen to wait, or did not.
    let is_waiting = "SELECT count(*) > 0 FROM pg_stat_activity
         WHERE application_name = 'portal-custodian' AND wait_event_type = 'Lock'
           AND datname = current_database()";
    while !second.is_finished() {
        let is_waiting = sqlx::query_scalar(is_waiting).fetch_one(&mut prompt).await;
        if is_waiting.expect("an answer") {
            break;
        }
        tokio::task::yield_now().await;
    }
    sqlx::raw_sql("COMMIT")
        .execute(&mut first)
        .await
        .expect("committed");
    assert_eq!(second.await.expect("no panic"), [KeptSecret::AppSecret]);
}

/// Who may write to the database cannot pass one secret off as another.
#[tokio::test]
async fn a_seal_of_one_secret_is_none_of_another() {
    let backend = PostgresBackend::new();
    let store = backend.open(key(1)).await.expect("a store");
    assert!(refused(&store, &first(), &[]).await.is_empty());
    let moved = "INSERT INTO kept_secret (name, sealed)
         SELECT 'backend-secret', sealed FROM kept_secret WHERE name = 'app-secret'";
    let mut prompt = backend.prompt().await;
    let moved = sqlx::query(moved).execute(&mut prompt).await;
    assert_eq!(moved.expect("inserted").rows_affected(), 1);
    let told = store.check_secrets(&first(), &[]).await;
    let is_found_out = matches!(
        told,
        Err(KeptSecretsError::Store(StoreError::Corrupt {
            table: "kept_secret",
            ..
        }))
    );
    assert!(is_found_out, "{told:?}");
}

/// At which a secret could be guessed.
#[tokio::test]
async fn nothing_of_a_secret_lies_there_in_clear() {
    let backend = PostgresBackend::new();
    let store = backend.open(key(1)).await.expect("a store");
    let text = "the first secret of a backend";
    assert!(refused(&store, &first(), &[]).await.is_empty());
    let sealed: Vec<Vec<u8>> = sqlx::query_scalar("SELECT sealed FROM kept_secret")
        .fetch_all(&mut backend.prompt().await)
        .await
        .expect("seals");
    let digest = portal_custodian::Digest::of(text.as_bytes()).0;
    for needle in [text.as_bytes(), &digest] {
        let is_there = |sealed: &Vec<u8>| sealed.windows(needle.len()).any(|seen| seen == needle);
        assert!(!sealed.iter().any(is_there));
    }
    assert!(!format!("{:?}", first()).contains(&format!("{digest:?}")));
}
