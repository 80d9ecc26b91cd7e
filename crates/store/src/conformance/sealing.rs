//! What lies in the database is of no use without the key, and moves from one key to another.

use std::sync::Arc;

use async_trait::async_trait;
use portal_lifecycle::ids::EnvironmentId;
use portal_lifecycle::{BackupMethod, Curve, OperationKind};
use portal_seal::{SealingKey, SecretBytes};

use super::Backend;
use super::fixture::{Life, fresh, kms, kms_of, now, share_of};
use crate::kms::{KeyContext, KeyRing, Kms, KmsError, WrappedKey};
use crate::{
    Act, Begun, ClaimTimes, IdempotencyStore as _, IdempotentRequest, KmsRole, Maintenance as _,
    OutboxStore as _, Store, StoreError, WalletStore as _, WebhookStore as _,
};

/// Under another key no share and no secret opens, and everything else can be read.
pub async fn nothing_opens_under_another_key(backend: &impl Backend) {
    fn is_sealed<T>(result: &Result<T, StoreError>) -> bool {
        matches!(result, Err(StoreError::Unsealing { .. }))
    }
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    let signing = life.sign_up(OperationKind::Generate).await;
    let backup = life.make_backup(BackupMethod::GDrive).await;

    let other = backend.open(kms_of([0x5f; 32])).await;
    for curve in Curve::ALL {
        let pair = *signing.of(curve);
        let share = other.signing_share(life.client, curve, pair).await;
        assert!(is_sealed(&share), "{share:?}");
    }
    let delivery = other.delivery(life.client, backup).await;
    assert!(is_sealed(&delivery), "{delivery:?}");
    let due = other
        .claim_deliveries(life.environment, now().plus_ms(1_000_000), now(), 10)
        .await;
    assert!(is_sealed(&due), "{due:?}");
    let webhook = other.webhook(life.environment).await;
    assert!(is_sealed(&webhook), "{webhook:?}");
    let stored = other.wallet(life.client).await.expect("read");
    assert_eq!(stored.map(|stored| stored.wallet), Some(life.wallet));
}

/// A rotation: both keys are there while data keys move; then the former one is of no use.
pub async fn everything_is_rewrapped_and_reads_the_same(backend: &impl Backend) {
    let (former, anew) = (kms(), kms_of([0x5f; 32]));
    let store = backend.open(former.clone()).await;
    let mut life = Life::new(&store).await;
    let signing = life.sign_up(OperationKind::Generate).await;
    let backup = life.make_backup(BackupMethod::GDrive).await;
    let before = store.delivery(life.client, backup).await.expect("read");
    let webhook = store.webhook(life.environment).await.expect("read");
    let once = answered(&store, life.environment).await;

    let both = KeyRing {
        current: anew.clone(),
        former: vec![former.clone()],
    };
    let rotating = backend.open(Arc::new(both)).await;
    assert_eq!(
        rotating.delivery(life.client, backup).await.expect("read"),
        before,
        "read under the former key meanwhile"
    );
    // A share of each curve, both of the delivery, both secrets of the webhook, and the answer.
    assert_eq!(rewrap_all(&rotating, 2).await, (7, 7));
    assert_eq!(rewrap_all(&rotating, 2).await, (7, 0), "done already");

    let rotated = backend.open(anew).await;
    for curve in Curve::ALL {
        let pair = *signing.of(curve);
        let share = rotated.signing_share(life.client, curve, pair).await;
        assert_eq!(share.expect("opens"), Some(share_of(pair.0)));
    }
    let after = rotated.delivery(life.client, backup).await;
    assert_eq!(after.expect("opens"), before);
    assert_eq!(
        rotated.webhook(life.environment).await.expect("opens"),
        webhook
    );
    let again = rotated.begin_once(fresh(), &once.0, once.1).await;
    assert_eq!(again.expect("opens"), Begun::Answered(an_answer()));
    let share = store
        .signing_share(life.client, Curve::Ed25519, signing.ed25519)
        .await;
    assert!(share.is_err(), "the former key still opens it: {share:?}");
}

fn an_answer() -> SecretBytes {
    SecretBytes::new(b"an answer".to_vec())
}

/// A request that was answered.
async fn answered(
    store: &impl Store,
    environment: EnvironmentId,
) -> (IdempotentRequest, ClaimTimes) {
    let request = IdempotentRequest {
        environment_id: environment,
        caller: environment.0,
        route: "createClient",
        key: [1; 32],
        digest: [2; 32],
    };
    let times = ClaimTimes {
        now: now(),
        claimed_until: now().plus_ms(1),
        expires_at: now().plus_ms(2),
    };
    let begun = store.begin_once(fresh(), &request, times).await;
    let Ok(Begun::Claimed(claim)) = begun else {
        panic!("expected a claim, seen {begun:?}");
    };
    let done = store.finish_once(&claim, Act::Nothing, &an_answer()).await;
    done.expect("kept");
    (request, times)
}

/// A pass that stopped halfway is run again, and does the rest.
pub async fn an_interrupted_rewrap_goes_on(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    for _ in 0..2 {
        Life::new(&store)
            .await
            .sign_up(OperationKind::Generate)
            .await;
    }
    store.claim(KmsRole::Main).await.expect("its first KMS");
    let both = KeyRing {
        current: kms_of([0x5f; 32]),
        former: vec![kms()],
    };
    let rotating = backend.open(Arc::new(both)).await;
    let begun = rotating.rewrap(None, 1).await.expect("rewrapped");
    assert!(begun.rewrapped >= 1, "{begun:?}");
    // Nobody starts any more who has the former key alone.
    let late = backend.open(kms()).await.claim(KmsRole::Main).await;
    assert!(
        matches!(late, Err(StoreError::AnotherKey { .. })),
        "{late:?}"
    );
    let (seen, rewrapped) = rewrap_all(&rotating, 1).await;
    assert_eq!((seen, rewrapped), (9, 9 - begun.rewrapped));
}

/// Secrets that were looked at, and those that were rewrapped.
async fn rewrap_all(store: &impl Store, take: u32) -> (u64, u64) {
    let (mut seen, mut rewrapped, mut from) = (0, 0, None);
    loop {
        let step = store.rewrap(from, take).await.expect("rewrapped");
        seen += step.seen;
        rewrapped += step.rewrapped;
        match step.next {
            Some(next) => from = Some(next),
            None => return (seen, rewrapped),
        }
    }
}

/// What cannot wrap is told before a share needs it.
pub async fn a_kms_that_does_not_answer_is_told(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    store.try_kms().await.expect("a KMS that answers");
    for store in [
        backend.open(Arc::new(Silent)).await,
        backend.open_with(kms(), Arc::new(Silent)).await,
    ] {
        let tried = store.try_kms().await;
        assert!(matches!(tried, Err(StoreError::Kms { .. })), "{tried:?}");
        store.ping().await.expect("the database answers");
    }
}

/// A KMS that is down.
#[derive(Debug)]
struct Silent;

impl Silent {
    fn down<T>() -> Result<T, KmsError> {
        let problem = "down".to_owned();
        Err(KmsError::Unavailable { problem })
    }
}

#[async_trait]
impl Kms for Silent {
    async fn key_id(&self) -> Result<String, KmsError> {
        Self::down()
    }

    async fn wrap(&self, _: &SealingKey, _: &KeyContext) -> Result<WrappedKey, KmsError> {
        Self::down()
    }

    async fn unwrap(&self, _: &WrappedKey, _: &KeyContext) -> Result<SealingKey, KmsError> {
        Self::down()
    }
}
