//! Requests that are acted on once.

use portal_lifecycle::ids::EnvironmentId;
use portal_seal::SecretBytes;

use super::Backend;
use super::fixture::{
    audit_log, environment, fresh, kms, kms_of, new_client, new_session, now, origin,
};
use crate::audit::ShownCredential;
use crate::{
    Act, Begun, Claim, ClaimTimes, ClientStore as _, CommitError, IdempotencyStore as _,
    IdempotentRequest, NewClient, Store, StoreError, WebhookConfig, WebhookStore as _,
};

const CLAIMED_MS: u64 = 30_000;
const KEPT_MS: u64 = 2_592_000_000;

fn request(environment_id: EnvironmentId) -> IdempotentRequest {
    IdempotentRequest {
        environment_id,
        caller: environment_id.0,
        route: "createClient",
        key: [7; 32],
        digest: [8; 32],
    }
}

fn answer(text: &str) -> SecretBytes {
    SecretBytes::new(text.as_bytes().to_vec())
}

/// What `request` is told `after_ms` after everything began.
async fn begin(store: &impl Store, request: &IdempotentRequest, after_ms: u64) -> Begun {
    let at = now().plus_ms(after_ms);
    let times = ClaimTimes {
        now: at,
        claimed_until: at.plus_ms(CLAIMED_MS),
        expires_at: at.plus_ms(KEPT_MS),
    };
    let begun = store.begin_once(fresh(), request, times).await;
    begun.expect("told")
}

async fn claim(store: &impl Store, request: &IdempotentRequest, after_ms: u64) -> Claim {
    match begin(store, request, after_ms).await {
        Begun::Claimed(claim) => claim,
        other => panic!("expected a claim, seen {other:?}"),
    }
}

async fn total(store: &impl Store, environment: EnvironmentId) -> u64 {
    let page = store.clients(environment, None, 10).await.expect("read");
    page.total
}

fn is_lost(result: &Result<(), CommitError>) -> bool {
    matches!(result, Err(CommitError::Store(StoreError::ClaimLost)))
}

/// The act is done once, and whoever asks again gets the same answer until it is forgotten.
pub async fn an_answer_is_kept_and_given_again(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let home = environment(&store).await;
    let request = request(home);
    let claimed = claim(&store, &request, 0).await;
    let act = Act::CreateClient(new_client(home), origin());
    let kept = store.finish_once(&claimed, act, &answer("made")).await;
    kept.expect("acted on");
    for after_ms in [1, CLAIMED_MS + 1, KEPT_MS - 1] {
        let again = begin(&store, &request, after_ms).await;
        assert_eq!(again, Begun::Answered(answer("made")), "at {after_ms} ms");
    }
    assert_eq!(total(&store, home).await, 1);
    claim(&store, &request, KEPT_MS).await;
}

/// While one acts, others wait; a claim whose holder died is taken over, and then the first
/// holder does nothing any more.
pub async fn a_claim_excludes_others_and_ends(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let home = environment(&store).await;
    let request = request(home);
    let first = claim(&store, &request, 0).await;
    let meanwhile = begin(&store, &request, CLAIMED_MS - 1).await;
    assert_eq!(meanwhile, Begun::InProgress);
    let second = claim(&store, &request, CLAIMED_MS).await;
    let late = Act::CreateClient(new_client(home), origin());
    let late = store.finish_once(&first, late, &answer("late")).await;
    assert!(is_lost(&late), "{late:?}");
    assert_eq!(total(&store, home).await, 0, "nothing was done");
    store.give_up_once(&first).await.expect("nothing to do");
    let act = Act::CreateClient(new_client(home), origin());
    let done = store.finish_once(&second, act, &answer("second")).await;
    done.expect("the second holds it");
    let twice = store
        .finish_once(&second, Act::Nothing, &answer("again"))
        .await;
    assert!(is_lost(&twice), "{twice:?}");
    store.give_up_once(&second).await.expect("nothing to do");
    let again = begin(&store, &request, CLAIMED_MS + 1).await;
    assert_eq!(again, Begun::Answered(answer("second")));
    assert_eq!(total(&store, home).await, 1);
}

/// An act that fails leaves neither itself nor an answer; given up, the key is free.
pub async fn what_fails_keeps_no_answer(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let home = environment(&store).await;
    let request = request(home);
    let taken = new_client(home);
    let made = store.create_client(taken.clone(), origin()).await;
    made.expect("made");
    let claimed = claim(&store, &request, 0).await;
    for act in [
        Act::CreateClient(
            NewClient {
                api_key: taken.api_key,
                ..new_client(home)
            },
            origin(),
        ),
        Act::CreateSession {
            client: portal_lifecycle::ids::ClientId(fresh()),
            session: new_session(),
            origin: origin(),
        },
    ] {
        let failed = store.finish_once(&claimed, act, &answer("no")).await;
        assert!(failed.is_err() && !is_lost(&failed), "{failed:?}");
        assert_eq!(begin(&store, &request, 1).await, Begun::InProgress);
    }
    assert_eq!(total(&store, home).await, 1);
    store.give_up_once(&claimed).await.expect("given up");
    claim(&store, &request, 2).await;
}

/// A webhook is replaced with its answer, or neither is there; a secret that is told again leaves a
/// line.
pub async fn a_webhook_is_changed_with_its_answer(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let home = environment(&store).await;
    let request = request(home);
    let claimed = claim(&store, &request, 0).await;
    let stored = store.webhook(home).await.expect("read").expect("a webhook");
    let put = |version, base_url: &str| Act::PutWebhook {
        environment: home,
        webhook: Box::new(WebhookConfig {
            version,
            base_url: base_url.to_owned(),
            ..stored.clone()
        }),
        origin: origin(),
        now: now(),
    };
    let overtaken = put(stored.version, "https://overtaken.example");
    let conflict = store.finish_once(&claimed, overtaken, &answer("no")).await;
    assert!(
        matches!(conflict, Err(CommitError::Conflict)),
        "{conflict:?}"
    );
    assert_eq!(begin(&store, &request, 1).await, Begun::InProgress);
    let next = put(stored.version.next(), "https://next.example");
    let kept = store.finish_once(&claimed, next, &answer("a secret")).await;
    kept.expect("decided anew");
    let changed = store.webhook(home).await.expect("read").expect("a webhook");
    assert_eq!(changed.base_url, "https://next.example");
    let again = begin(&store, &request, 2).await;
    assert_eq!(again, Begun::Answered(answer("a secret")));

    let secret = ShownCredential::WebhookSecret;
    let noted = store.answered_again(home, None, secret, origin(), now());
    noted.await.expect("written");
    let lines = audit_log(&store, home).await;
    let last = lines.last().expect("a line");
    let told = (last.act.as_str(), last.details.get("credential"));
    let expected = "WEBHOOK_SECRET".to_owned();
    assert_eq!(told, ("CREDENTIAL_SHOWN_AGAIN", Some(&expected)));
}

/// Another digest is another request; another key, route, caller or environment is another key.
pub async fn a_key_is_one_callers_for_one_request(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let (home, other) = (environment(&store).await, environment(&store).await);
    let first = request(home);
    let claimed = claim(&store, &first, 0).await;
    let differs = IdempotentRequest {
        digest: [9; 32],
        ..first
    };
    assert_eq!(begin(&store, &differs, 1).await, Begun::Mismatch);
    let done = store
        .finish_once(&claimed, Act::Nothing, &answer("mine"))
        .await;
    done.expect("acted on");
    assert_eq!(begin(&store, &differs, 2).await, Begun::Mismatch);
    for elsewhere in [
        IdempotentRequest {
            key: [9; 32],
            ..first
        },
        IdempotentRequest {
            route: "createSession",
            ..first
        },
        IdempotentRequest {
            caller: fresh(),
            ..first
        },
        request(other),
    ] {
        claim(&store, &elsewhere, 3).await;
    }
}

/// What is over is forgotten, so many at a time; what counts stays.
pub async fn answers_that_are_over_are_forgotten(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let home = environment(&store).await;
    let of_key = |key| IdempotentRequest {
        key: [key; 32],
        ..request(home)
    };
    for key in 0..5 {
        let claimed = claim(&store, &of_key(key), u64::from(key)).await;
        let done = store
            .finish_once(&claimed, Act::Nothing, &answer("done"))
            .await;
        done.expect("acted on");
    }
    claim(&store, &of_key(9), 0).await;
    let forget = async |after_ms, take| {
        let forgotten = store.forget_answers(now().plus_ms(after_ms), take).await;
        forgotten.expect("forgotten")
    };
    assert_eq!(forget(CLAIMED_MS - 1, 10).await, 0);
    assert_eq!(forget(CLAIMED_MS, 10).await, 1, "a claim that died");
    assert_eq!(forget(KEPT_MS + 2, 2).await, 2);
    assert_eq!(forget(KEPT_MS + 2, 2).await, 1);
    assert_eq!(forget(KEPT_MS + 2, 2).await, 0);
    let kept = begin(&store, &of_key(4), KEPT_MS + 3).await;
    assert_eq!(kept, Begun::Answered(answer("done")));
}

/// An answer may hold credentials: it lies sealed, for its own request.
pub async fn an_answer_opens_under_its_own_key_only(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let home = environment(&store).await;
    let request = request(home);
    let claimed = claim(&store, &request, 0).await;
    let done = store
        .finish_once(&claimed, Act::Nothing, &answer("a credential"))
        .await;
    done.expect("acted on");
    let other = backend.open(kms_of([0x5f; 32])).await;
    let times = ClaimTimes {
        now: now(),
        claimed_until: now(),
        expires_at: now(),
    };
    let opened = other.begin_once(fresh(), &request, times).await;
    assert!(
        matches!(opened, Err(StoreError::Unsealing { .. })),
        "{opened:?}"
    );
}
