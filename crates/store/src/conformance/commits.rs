//! A commit happens as a whole, on the version that was read, or not at all.

use portal_lifecycle::ids::{ClientId, WalletId};
use portal_lifecycle::{
    BackupMethod, BackupStatus, Curve, Event, OperationKind, PerCurve, SigningStatus, Wallet,
};

use super::Backend;
use super::fixture::{
    Life, fresh, fresh_hash, is_refused, kms, now, origin, shares_of, signature, with_new_pair,
};
use crate::{
    ClientStore as _, CommitError, CredentialKind, CustodianStore as _, Grounds, OutboxStore as _,
    Secrets, StoreError, WalletCommit, WalletStore as _, WalletVersion,
};

fn is_conflict<T>(result: &Result<T, CommitError>) -> bool {
    matches!(result, Err(CommitError::Conflict))
}

/// Versions grow with each commit; the time of the first commit stays.
pub async fn versions_grow_and_the_first_time_stays(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    life.keep(life.wallet.clone(), Secrets::Unchanged).await;
    let mut last = life.version;
    life.now = now().plus_ms(5_000);
    for _ in 0..3 {
        let fence = life.start(OperationKind::Generate).await;
        assert!(life.version > last, "{:?} after {last:?}", life.version);
        life.happen(Event::End { fence }).await;
        last = life.version;
    }
    let stored = life.stored().await.expect("committed");
    assert_eq!(stored.created_at, now());
}

/// Who read an older version decides nothing, not even if the state is the same.
pub async fn a_stale_version_conflicts(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    life.sign_up(OperationKind::Generate).await;
    let current = life.version.expect("committed");
    for stale in [
        None,
        Some(WalletVersion(current.0 - 1)),
        Some(WalletVersion(current.0 + 1)),
        Some(WalletVersion(u64::MAX)),
    ] {
        let mut commit = life.commit_of(&life.wallet, Secrets::Unchanged);
        commit.expected = stale;
        let result = store.commit_wallet(commit).await;
        assert!(is_conflict(&result), "{result:?} on {stale:?}");
        life.check().await;
    }
}

/// Two that saw no wallet do not both make one.
pub async fn a_second_first_commit_conflicts(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let life = Life::new(&store).await;
    let first = life.try_keep(&life.wallet, Secrets::Unchanged).await;
    first.expect("the first");
    let other = Wallet::new(
        PerCurve::new(WalletId(fresh()), WalletId(fresh())),
        portal_lifecycle::Epoch::FIRST,
    );
    let second = life.try_keep(&other, Secrets::Unchanged).await;
    assert!(is_conflict(&second), "{second:?}");
    let stored = life.stored().await.map(|stored| stored.wallet);
    assert_eq!(stored.as_ref(), Some(&life.wallet));
}

/// A version of no wallet is stale as well.
pub async fn a_commit_on_no_wallet_conflicts(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    life.version = Some(WalletVersion(1));
    let result = life.try_keep(&life.wallet, Secrets::Unchanged).await;
    assert!(is_conflict(&result), "{result:?}");
    assert_eq!(life.stored().await, None);
}

/// A wallet belongs to a client that there is.
pub async fn an_unknown_client_gets_no_wallet(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    life.client = ClientId(fresh());
    let result = life.try_keep(&life.wallet, Secrets::Unchanged).await;
    let no_such_row = matches!(
        result,
        Err(CommitError::Store(StoreError::NoSuchRow { .. }))
    );
    assert!(no_such_row, "{result:?}");
    assert_eq!(life.stored().await, None);
}

/// Whatever is refused, however late, leaves wallet, shares, outbox and audit log as they were.
pub async fn what_is_refused_leaves_nothing(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    life.sign_up(OperationKind::Generate).await;
    let backup = life.make_backup(BackupMethod::GDrive).await;
    let (with_pair, new_share) = with_new_pair(&life);
    let Secrets::StoreSigningShare { ids, .. } = new_share else {
        panic!("a new pair comes with its share");
    };
    let mut twice_active = with_pair.clone();
    for pair in &mut twice_active.signing_pairs {
        pair.status = SigningStatus::StoredClient;
    }
    // The same pair twice in the outbox: refused after the wallet's own rows were written.
    let twice_queued = Secrets::Enqueue {
        ids: backup,
        shares: shares_of(backup.map(|id| id.0)),
        blinds: None,
        due_at: now(),
    };
    let log = life.audit_log().await;
    let mut progressed = life.wallet.clone();
    for pair in &mut progressed.backup_pairs {
        pair.status = BackupStatus::StoredCustodianBackupShare;
    }
    for (wallet, secrets) in [(&twice_active, new_share), (&progressed, twice_queued)] {
        let mut commit = life.commit_of(wallet, secrets);
        commit.acts = vec![signature()];
        let result = store.commit_wallet(commit).await;
        assert!(is_refused(&result), "{result:?}");
        life.check().await;
        for curve in Curve::ALL {
            assert_eq!(life.signing_share(curve, ids).await, None);
        }
        let due = store
            .claim_deliveries(life.environment, now().plus_ms(1_000_000), now(), 10)
            .await;
        assert_eq!(due.expect("read").len(), 1);
        assert_eq!(life.audit_log().await, log);
    }
}

/// A conflict leaves as little as a refusal.
pub async fn a_conflict_leaves_nothing(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    life.sign_up(OperationKind::Generate).await;
    let backup = life.make_backup(BackupMethod::GDrive).await;
    let (next, secrets) = with_new_pair(&life);
    let Secrets::StoreSigningShare { ids, .. } = secrets else {
        panic!("a new pair comes with its share");
    };
    let log = life.audit_log().await;
    for secrets in [secrets, Secrets::EraseOutbox { ids: backup }] {
        let commit = WalletCommit {
            expected: Some(WalletVersion(1)),
            acts: vec![signature()],
            ..life.commit_of(&next, secrets)
        };
        let result = store.commit_wallet(commit).await;
        assert!(is_conflict(&result), "{result:?}");
        life.check().await;
        for curve in Curve::ALL {
            assert_eq!(life.signing_share(curve, ids).await, None);
        }
        let delivery = store.delivery(life.client, backup).await.expect("read");
        assert!(delivery.is_some());
        assert_eq!(life.audit_log().await, log);
    }
}

/// What a commit tells the audit log is there with it.
pub async fn an_audit_line_is_written_with_its_commit(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    let mut expected = Vec::new();
    for acts in [1, 0, 2] {
        let acts: Vec<_> = (0..acts).map(|_| signature()).collect();
        let mut commit = life.commit_of(&life.wallet, Secrets::Unchanged);
        expected.extend(acts.iter().map(|act| act.details()));
        commit.acts = acts;
        let version = store.commit_wallet(commit).await.expect("committed");
        life.version = Some(version);
    }
    let lines = life.audit_log().await;
    assert!(lines.iter().all(|line| line.act == "SIGNATURE"));
    let details: Vec<_> = lines.into_iter().map(|line| line.details).collect();
    assert_eq!(details, expected);
}

/// A line is written only by who knows the wallet as it is.
pub async fn an_audit_line_needs_the_current_version(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    let act = signature();
    let at = now().plus_ms(7);
    let early = store.audit(life.client, WalletVersion(1), origin(), act, None, at);
    let early = early.await;
    assert!(is_conflict(&early), "{early:?} without a wallet");
    life.sign_up(OperationKind::Generate).await;
    let current = life.version.expect("committed");
    let before = life.audit_log().await;
    for stale in [current.0 - 1, current.0 + 1] {
        let stale = WalletVersion(stale);
        let late = store
            .audit(life.client, stale, origin(), act, None, at)
            .await;
        assert!(is_conflict(&late), "{late:?}");
    }
    assert_eq!(life.audit_log().await, before);
    let written = store
        .audit(life.client, current, origin(), act, None, at)
        .await;
    written.expect("written");
    let lines = life.audit_log().await;
    let (line, lines) = lines.split_last().expect("a line");
    assert_eq!(lines, before);
    assert_eq!((&line.details, line.at), (&act.details(), at));
    // A line is no change of the wallet: who read it before may still commit.
    life.start(OperationKind::Refresh).await;
}

/// What a line was allowed by must stand when it is written: both policies, and the credential.
pub async fn an_audit_line_needs_its_grounds(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let (mut life, other) = (Life::new(&store).await, Life::new(&store).await);
    life.sign_up(OperationKind::Generate).await;
    let (client, home) = (life.client, life.environment);
    let credential = async |client| {
        let key = fresh_hash();
        let replaced = store.replace_client_key(client, key, origin(), now());
        replaced.await.expect("another key");
        let owner = store.owner_of_credential(key, now()).await;
        owner.expect("read").expect("known")
    };
    let caller = credential(client).await;
    let judged = async || Grounds {
        policies: store
            .signing_policies(home, Some(client))
            .await
            .expect("read"),
        caller,
    };
    let current = life.version.expect("committed");
    let write = async |grounds: &Grounds| {
        let (act, grounds) = (signature(), Some(grounds));
        let written = store.audit(client, current, origin(), act, grounds, now());
        written.await
    };
    let is_overtaken = |result| matches!(result, Err(CommitError::Overtaken));
    let first = judged().await;
    write(&first).await.expect("all stands");
    for (of, policy) in [
        (None, Some("a")),
        (Some(client), Some("b")),
        (Some(client), None),
    ] {
        let former = judged().await;
        let put = store.put_signing_policy(home, of, policy, origin(), now());
        put.await.expect("another policy");
        assert!(is_overtaken(write(&former).await), "{of:?}: {policy:?}");
        write(&judged().await).await.expect("judged by this one");
    }
    let of_another = Grounds {
        caller: credential(other.client).await,
        ..judged().await
    };
    assert!(is_overtaken(write(&of_another).await), "another's key");
    let before = life.audit_log().await;
    let commit = WalletCommit {
        acts: vec![signature()],
        grounds: Some(first),
        ..life.commit_of(&life.wallet, Secrets::Unchanged)
    };
    let committed = store.commit_wallet(commit).await.map(|_| ());
    assert!(is_overtaken(committed), "a commit");
    assert_eq!(life.audit_log().await, before);
    let last = judged().await;
    write(&last).await.expect("all stands");
    let revoked = store.revoke_client(client, CredentialKind::ApiKey, origin(), now());
    revoked.await.expect("revoked");
    assert!(is_overtaken(write(&last).await), "a revoked key");
}
