//! Two handles on one database, as two processes would have them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use portal_lifecycle::OperationKind;
use portal_seal::{SealingKey, SecretBytes};
use portal_store::conformance::{
    Backend, Life, audit_log, kms, new_client, now, origin, signature,
};
use portal_store::kms::KeyFileKms;
use portal_store::{
    Act, Begun, ClaimTimes, ClientStore as _, CommitError, CredentialKind, CustodianStore as _,
    IdempotencyStore as _, IdempotentRequest, KmsRole, Maintenance as _, OutboxStore as _, Secrets,
    Store, StoreError, WalletStore as _, WalletVersion,
};
use tokio::task::JoinSet;

/// Of commits on the same version exactly one wins, and the others are told.
pub(crate) async fn of_racing_commits_exactly_one_wins<B>(backend: &B)
where
    B: Backend,
    B::Store: Clone + 'static,
{
    let handles = [backend.open(kms()).await, backend.open(kms()).await];
    let mut life = Life::new(&handles[0]).await;
    for _ in 0..20 {
        race(&handles, &mut life).await;
    }
    let lines = life.audit_log().await;
    assert_eq!(lines.len(), 20, "one line for each winner");
}

/// Of first commits of a wallet exactly one wins, though all name the same ids.
pub(crate) async fn of_racing_first_commits_exactly_one_wins<B>(backend: &B)
where
    B: Backend,
    B::Store: Clone + 'static,
{
    let handles = [backend.open(kms()).await, backend.open(kms()).await];
    for _ in 0..100 {
        let mut life = Life::new(&handles[0]).await;
        race(&handles, &mut life).await;
        assert_eq!(life.version, Some(WalletVersion(1)));
    }
}

/// Of lines that race for one chain each has its place, whoever writes them.
pub(crate) async fn of_racing_lines_each_has_its_place<B>(backend: &B)
where
    B: Backend,
    B::Store: Clone + 'static,
{
    const EACH: u64 = 20;
    let handles = [backend.open(kms()).await, backend.open(kms()).await];
    let home = Life::new(&handles[0]).await.environment;
    let before = audit_log(&handles[0], home).await.len() as u64;
    let mut racers = JoinSet::new();
    for racer in 0..8_usize {
        let store = handles[racer % 2].clone();
        let new = new_client(home);
        let client = new.client_id;
        store.create_client(new, origin()).await.unwrap();
        let mut life = Life::new(&store).await;
        (life.client, life.environment) = (client, home);
        life.keep(life.wallet.clone(), Secrets::Unchanged).await;
        let version = life.version.unwrap();
        drop(life);
        racers.spawn(async move {
            for _ in 0..EACH {
                let line = store.audit(client, version, origin(), signature(), None, now());
                line.await.unwrap();
            }
        });
    }
    racers.join_all().await;
    // Reads the chain and finds it whole.
    let lines = audit_log(&handles[1], home).await.len() as u64;
    assert_eq!(lines, before + 8 + 8 * EACH);
}

/// Commits the same from several sides at once, on the version that `life` has.
async fn race<S: Store + Clone + 'static>(handles: &[S; 2], life: &mut Life<'_, S>) {
    let mut racers = JoinSet::new();
    for racer in 0..4_usize {
        let store = handles[racer % 2].clone();
        let mut commit = life.commit_of(&life.wallet, Secrets::Unchanged);
        commit.acts = vec![signature()];
        racers.spawn(async move { store.commit_wallet(commit).await });
    }
    let mut winners = Vec::new();
    for result in racers.join_all().await {
        match result {
            Ok(version) => winners.push(version),
            Err(CommitError::Conflict) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!(winners.len(), 1, "on {:?}", life.version);
    life.version = winners.pop();
    life.check().await;
}

/// What is due is claimed by one of several nodes that ask at once.
pub(crate) async fn of_racing_claims_one_gets_each_delivery<B>(backend: &B)
where
    B: Backend,
    B::Store: Clone + 'static,
{
    const DELIVERIES: usize = 12;
    let handles = [backend.open(kms()).await, backend.open(kms()).await];
    let mut life = Life::new(&handles[0]).await;
    life.sign_up(OperationKind::Generate).await;
    for _ in 0..DELIVERIES {
        life.make_backup(portal_lifecycle::BackupMethod::GDrive)
            .await;
    }
    let environment = life.environment;
    let (due, until) = (now().plus_ms(1_000_000), now().plus_ms(2_000_000));
    let mut racers = JoinSet::new();
    for racer in 0..8 {
        let store = handles[racer % 2].clone();
        racers.spawn(async move { store.claim_deliveries(environment, due, until, 2).await });
    }
    let mut claimed = Vec::new();
    for result in racers.join_all().await {
        claimed.extend(
            result
                .unwrap()
                .into_iter()
                .map(|delivery| delivery.ids.secp256k1),
        );
    }
    // A node may find rows that another is just claiming, and goes without them.
    let mut once = claimed.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), claimed.len(), "a delivery was claimed twice");
    let rest = handles[0].claim_deliveries(environment, due, until, 100);
    let rest = rest.await.unwrap();
    assert_eq!(claimed.len() + rest.len(), DELIVERIES);
}

/// Of requests that come with one key at once, one is acted on.
pub(crate) async fn of_racing_requests_one_is_acted_on<B>(backend: &B)
where
    B: Backend,
    B::Store: Clone + 'static,
{
    let handles = [backend.open(kms()).await, backend.open(kms()).await];
    let custodian = portal_store::conformance::new_custodian();
    let environment = custodian.environment_id;
    let made = handles[0].create_custodian(custodian, origin()).await;
    made.unwrap();
    for round in 0..20_u8 {
        let request = IdempotentRequest {
            environment_id: environment,
            caller: environment.0,
            route: "race",
            key: [round; 32],
            digest: [0; 32],
        };
        let times = ClaimTimes {
            now: now(),
            claimed_until: now().plus_ms(1_000),
            expires_at: now().plus_ms(1_000_000),
        };
        let mut racers = JoinSet::new();
        for racer in 0..6_u8 {
            let store = handles[usize::from(racer) % 2].clone();
            racers.spawn(async move {
                let id = uuid::Uuid::from_bytes([racer + 6 * round; 16]);
                let begun = store.begin_once(id, &request, times).await.unwrap();
                let Begun::Claimed(claim) = begun else {
                    return false;
                };
                let new = portal_store::conformance::new_client(environment);
                let answer = SecretBytes::new(vec![racer]);
                let act = Act::CreateClient(new, origin());
                store.finish_once(&claim, act, &answer).await.unwrap();
                true
            });
        }
        let acted = racers.join_all().await;
        assert_eq!(acted.iter().filter(|acted| **acted).count(), 1, "{acted:?}");
        let page = handles[0].clients(environment, None, 1).await.unwrap();
        assert_eq!(page.total, u64::from(round) + 1);
    }
}

/// Whoever has a wallet's turn has it alone, on every node.
pub(crate) async fn turns_exclude_each_other<B>(backend: &B)
where
    B: Backend,
    B::Store: Clone + 'static,
{
    let handles = [backend.open(kms()).await, backend.open(kms()).await];
    let client = portal_lifecycle::ids::ClientId(uuid::Uuid::from_u128(7));
    let inside = Arc::new(AtomicU32::new(0));
    let mut racers = JoinSet::new();
    for racer in 0..12 {
        let (store, inside) = (handles[racer % 2].clone(), Arc::clone(&inside));
        racers.spawn(async move {
            let turn = store.signing_turn(client).await.unwrap();
            assert_eq!(
                inside.fetch_add(1, Ordering::SeqCst),
                0,
                "two have the turn"
            );
            tokio::task::yield_now().await;
            inside.fetch_sub(1, Ordering::SeqCst);
            drop(turn);
        });
    }
    racers.join_all().await;
}

/// Whoever redeems a one-time password while the client's sessions are revoked has no session
/// after, whichever of the two was first.
pub(crate) async fn of_a_racing_password_no_session_is_left<B>(backend: &B)
where
    B: Backend,
    B::Store: Clone + 'static,
{
    let handles = [backend.open(kms()).await, backend.open(kms()).await];
    let home = Life::new(&handles[0]).await.environment;
    for round in 0..50 {
        let (new, others) = (new_client(home), new_client(home));
        let (client, otp, session) = (new.client_id, others.api_key, others.session);
        let [one, other] = handles.clone();
        one.create_client(new, origin()).await.unwrap();
        let until = now().plus_ms(1_000);
        one.create_web_otp(client, otp, origin(), now(), until)
            .await
            .unwrap();
        let redeems = one.redeem_web_otp(otp, session, origin().trace_id);
        let revokes = other.revoke_client(client, CredentialKind::Session, origin(), now());
        let (redeemed, revoked) = tokio::join!(redeems, revokes);
        revoked.unwrap();
        redeemed.unwrap();
        let left = one.client_by_credential(session.token, now(), now()).await;
        assert_eq!(left.unwrap(), None, "round {round}");
    }
}

/// Of servers that start at once on an empty database, each with keys of its own, one goes on.
pub(crate) async fn of_racing_keys_one_is_the_databases<B>(backend: &B)
where
    B: Backend,
    B::Store: Clone + 'static,
{
    for role in [KmsRole::Main, KmsRole::ManagedBackups] {
        let mut racers = JoinSet::new();
        for racer in 0..8 {
            let key = SealingKey::from_bytes([racer; 32].into());
            let store = backend.open(Arc::new(KeyFileKms::from_key(key))).await;
            racers.spawn(async move {
                let claimed = store.claim(role).await;
                (store, claimed)
            });
        }
        let mut winners = Vec::new();
        for (store, claimed) in racers.join_all().await {
            match claimed {
                Ok(()) => winners.push(store),
                Err(StoreError::AnotherKey { .. }) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
        assert_eq!(winners.len(), 1, "{role}");
        let again = winners.pop().unwrap().claim(role).await;
        again.unwrap();
    }
}
