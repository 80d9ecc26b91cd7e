//! The audit log: a line for each act, one chain for each environment.

use portal_lifecycle::ids::{ClientId, WalletId};
use portal_lifecycle::{BackupMethod, BackupMode, Event, OperationKind};

use super::Backend;
use super::fixture::{
    Life, audit_log, environment, fresh, fresh_hash, kms, new_client, new_custodian, new_session,
    now, origin, signature,
};
use crate::audit::{
    Actor, AuditFilter, AuditHash, Checkpoint, FindingKind, KeyId, Origin, verify_chain,
};
use crate::{
    AuditStore as _, ClientStore as _, CredentialKind, CustodianStore as _, Maintenance as _,
    Secrets, WalletStore as _, WebhookStore as _,
};

/// Names of the acts of these lines.
fn acts(lines: &[crate::audit::AuditLine]) -> Vec<&str> {
    lines.iter().map(|line| line.act.as_str()).collect()
}

/// Whatever changes leaves its line, in the order of the acts, and the chain is whole.
pub async fn every_act_has_its_line(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let custodian = new_custodian();
    let home = custodian.environment_id;
    let mut webhook = custodian.webhook.clone().expect("has one");
    webhook.version = webhook.version.next();
    let secret = webhook.secret.id;
    let key = Origin {
        actor: Actor::Custodian(KeyId::of(custodian.api_key)),
        ..origin()
    };
    let made = store.create_custodian(custodian, origin()).await;
    made.expect("a custodian");
    let put = store.put_webhook(home, webhook, origin(), now()).await;
    put.expect("another webhook");
    let new = new_client(home);
    let client = new.client_id;
    store.create_client(new, key).await.expect("a client");
    let session = store.create_session(client, new_session(), key).await;
    session.expect("a session");
    let otp = fresh_hash();
    let made = store.create_web_otp(client, otp, key, now(), now().plus_ms(1));
    made.await.expect("a one-time password");
    let redeemed = store.redeem_web_otp(otp, new_session(), origin().trace_id);
    redeemed.await.expect("told").expect("good");
    for kind in [CredentialKind::Session, CredentialKind::ApiKey] {
        let revoked = store.revoke_client(client, kind, key, now()).await;
        revoked.expect("revoked");
    }
    let replaced = store.replace_client_key(client, fresh_hash(), key, now());
    replaced.await.expect("another key");
    let second = fresh_hash();
    let added = store.add_custodian_key(home, second, 2, origin(), now());
    assert!(added.await.expect("told"));
    for expected in [true, false] {
        let revoked = store.revoke_custodian_key(home, second, origin(), now());
        assert_eq!(revoked.await.expect("told"), expected);
    }
    for (client, policy) in [(None, Some("all")), (Some(client), None)] {
        let put = store.put_signing_policy(home, client, policy, key, now());
        put.await.expect("a policy");
    }
    let put = store.put_backup_mode(home, BackupMode::Managed, origin(), now());
    put.await.expect("another mode");
    store.raise_epoch(now(), origin()).await.expect("raised");
    let lines = audit_log(&store, home).await;
    let expected = [
        ("ENVIRONMENT_MADE", None, "OPERATOR"),
        ("WEBHOOK_CHANGED", None, "OPERATOR"),
        ("WEBHOOK_CHANGED", None, "OPERATOR"),
        ("CLIENT_MADE", Some(client), "CUSTODIAN_KEY"),
        ("SESSION_MADE", Some(client), "CUSTODIAN_KEY"),
        ("WEB_OTP_MADE", Some(client), "CUSTODIAN_KEY"),
        ("SESSION_MADE", Some(client), "CLIENT"),
        ("SESSIONS_REVOKED", Some(client), "CUSTODIAN_KEY"),
        ("CLIENT_KEY_REVOKED", Some(client), "CUSTODIAN_KEY"),
        ("CLIENT_KEY_REPLACED", Some(client), "CUSTODIAN_KEY"),
        ("CUSTODIAN_KEY_MADE", None, "OPERATOR"),
        ("CUSTODIAN_KEY_REVOKED", None, "OPERATOR"),
        ("SIGNING_POLICY_CHANGED", None, "CUSTODIAN_KEY"),
        ("SIGNING_POLICY_CHANGED", Some(client), "CUSTODIAN_KEY"),
        ("BACKUP_MODE_CHANGED", None, "OPERATOR"),
        ("EPOCH_RAISED", None, "OPERATOR"),
    ];
    let seen = lines.iter().map(|line| {
        assert_eq!(line.trace_id, origin().trace_id);
        (line.act.as_str(), line.client_id, line.actor_kind.as_str())
    });
    assert_eq!(seen.collect::<Vec<_>>(), expected);
    let details: Vec<_> = lines.iter().map(|line| &line.details).collect();
    for (line, name, value) in [
        (2, "secretId", secret.to_string()),
        (5, "otpId", KeyId::of(otp).to_string()),
        (6, "otpId", KeyId::of(otp).to_string()),
        (10, "keyId", KeyId::of(second).to_string()),
        (11, "keyId", KeyId::of(second).to_string()),
    ] {
        let seen = details.get(line).and_then(|details| details.get(name));
        assert_eq!(seen, Some(&value), "line {line}: {name}");
    }

    let mut life = Life::new(&store).await;
    life.wallet.epoch = store.epoch().await.expect("read");
    life.wallet.proved_in = life.wallet.epoch.number;
    life.sign_up(OperationKind::Generate).await;
    life.back_up(BackupMethod::GDrive).await;
    life.sign_up(OperationKind::Refresh).await;
    life.back_up(BackupMethod::GDrive).await;
    life.sign_up(OperationKind::Recover).await;
    let pair = life.wallet.current_signing().expect("a pair").ids.secp256k1;
    let curve = portal_lifecycle::Curve::Secp256k1;
    life.happen(Event::Strike { curve, pair }).await;
    let lines = life.audit_log().await;
    let expected = [
        "SIGNING_PAIR_MADE",
        "SIGNING_PAIR_CONFIRMED",
        "BACKUP_PAIR_MADE",
        "BACKUP_PAIR_DELIVERED",
        "BACKUP_KEY_STORED",
        "BACKUP_PAIR_COMPLETED",
        "SIGNING_PAIR_MADE",
        "SIGNING_PAIR_SUPERSEDED",
        "SIGNING_PAIR_CONFIRMED",
        "BACKUP_PAIR_MADE",
        "BACKUP_PAIR_DELIVERED",
        "BACKUP_KEY_STORED",
        "BACKUP_PAIR_SUPERSEDED",
        "BACKUP_PAIR_COMPLETED",
        "SIGNING_PAIR_MADE",
        "BACKUP_PAIR_PROVED",
        "SIGNING_PAIR_SUPERSEDED",
        "SIGNING_PAIR_CONFIRMED",
        "SIGNING_PAIR_FROZEN",
    ];
    assert_eq!(acts(&lines), expected);
}

/// Who takes a lease, or gives one back, has done nothing yet.
pub async fn a_commit_without_an_act_writes_no_line(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    let fence = life.start(OperationKind::Generate).await;
    life.happen(Event::End { fence }).await;
    assert_eq!(life.audit_log().await, []);
}

/// A recovery gives up the backups that are not complete, and the log tells of them.
pub async fn what_recover_gives_up_is_told(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let mut life = Life::new(&store).await;
    life.sign_up(OperationKind::Generate).await;
    life.back_up(BackupMethod::GDrive).await;
    let open = life.make_backup(BackupMethod::GDrive).await;
    life.make_signing(OperationKind::Recover).await;
    let ids = life.wallet.signing_pairs.last().expect("a pair").ids;
    let before = life.audit_log().await.len();
    let epoch = life.wallet.epoch.number;
    life.happen(Event::ConfirmSigning { ids, epoch }).await;
    let lines = life.audit_log().await;
    let new = lines.get(before..).unwrap_or_default();
    let expected = [
        "SIGNING_PAIR_SUPERSEDED",
        "SIGNING_PAIR_CONFIRMED",
        "BACKUP_PAIR_ABANDONED",
    ];
    assert_eq!(acts(new), expected);
    let abandoned = new
        .last()
        .and_then(|line| line.details.get("pairId.ED25519"));
    assert_eq!(abandoned, Some(&open.ed25519.to_string()));
}

/// Each environment has its own numbers, and sees its own lines.
pub async fn chains_of_environments_are_apart(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let (mut mine, mut other) = (Life::new(&store).await, Life::new(&store).await);
    mine.sign_up(OperationKind::Generate).await;
    other.sign_up(OperationKind::Generate).await;
    for life in [&mine, &other] {
        let lines = audit_log(&store, life.environment).await;
        let numbers: Vec<_> = lines.iter().map(|line| line.sequence).collect();
        assert_eq!(numbers, (1..=lines.len() as u64).collect::<Vec<_>>());
        assert!(
            lines
                .iter()
                .all(|line| line.environment_id == life.environment)
        );
        let foreign = if life.client == mine.client {
            &other
        } else {
            &mine
        };
        assert!(
            lines
                .iter()
                .all(|line| line.client_id != Some(foreign.client))
        );
        let filter = AuditFilter {
            client_id: Some(foreign.client),
            ..AuditFilter::default()
        };
        let seen = store.audit_lines(life.environment, filter, 0, 100).await;
        assert_eq!(seen.expect("read").total, 0, "another environment's client");
        let filter = AuditFilter {
            wallet_id: Some(foreign.wallet.ids.ed25519),
            ..AuditFilter::default()
        };
        let seen = store.audit_lines(life.environment, filter, 0, 100).await;
        assert_eq!(seen.expect("read").total, 0, "another environment's wallet");
    }
    let listed = store.audited_environments(None, 1).await.expect("read");
    let rest = store.audited_environments(listed.last().copied(), 10).await;
    let rest = rest.expect("read");
    assert_eq!((listed.len(), rest.len()), (1, 1));
    assert!(listed < rest, "by id");
}

/// Every filter, each alone and some together; pages go by number, and count all that is asked for.
pub async fn lines_are_filtered_and_come_in_pages(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let home = environment(&store).await;
    let mut lives = Vec::new();
    for number in 0..2 {
        let mut life = Life::new(&store).await;
        life.environment = home;
        let new = new_client(home);
        life.client = new.client_id;
        store.create_client(new, origin()).await.expect("made");
        life.now = now().plus_ms(1_000 * number);
        life.sign_up(OperationKind::Generate).await;
        lives.push(life);
    }
    let all = audit_log(&store, home).await;
    let (first, second) = (&lives[0], &lives[1]);
    let act = |name: &str| Some(name.to_owned());
    let filters = [
        (AuditFilter::default(), 8),
        (
            AuditFilter {
                client_id: Some(first.client),
                ..Default::default()
            },
            3,
        ),
        (
            AuditFilter {
                client_id: Some(ClientId(fresh())),
                ..Default::default()
            },
            0,
        ),
        (
            AuditFilter {
                wallet_id: Some(second.wallet.ids.secp256k1),
                ..Default::default()
            },
            3,
        ),
        (
            AuditFilter {
                wallet_id: Some(second.wallet.ids.ed25519),
                ..Default::default()
            },
            3,
        ),
        (
            AuditFilter {
                wallet_id: Some(WalletId(fresh())),
                ..Default::default()
            },
            0,
        ),
        (
            AuditFilter {
                act: act("SIGNING_PAIR_MADE"),
                ..Default::default()
            },
            2,
        ),
        (
            AuditFilter {
                act: act("SIGNATURE"),
                ..Default::default()
            },
            0,
        ),
        (
            AuditFilter {
                since: Some(now().plus_ms(1_000)),
                ..Default::default()
            },
            2,
        ),
        (
            AuditFilter {
                until: Some(now().plus_ms(1_000)),
                ..Default::default()
            },
            6,
        ),
        (
            AuditFilter {
                client_id: Some(first.client),
                wallet_id: Some(second.wallet.ids.secp256k1),
                ..Default::default()
            },
            0,
        ),
        (
            AuditFilter {
                client_id: Some(second.client),
                act: act("CLIENT_MADE"),
                since: Some(now()),
                until: Some(now().plus_ms(1)),
                ..Default::default()
            },
            1,
        ),
    ];
    for (filter, expected) in filters {
        let mut seen = Vec::new();
        loop {
            let after = seen
                .last()
                .map_or(0, |line: &crate::audit::AuditLine| line.sequence);
            let page = store.audit_lines(home, filter.clone(), after, 2).await;
            let page = page.expect("read");
            assert_eq!(page.total, expected, "{filter:?}");
            assert!(page.entries.len() <= 2);
            if page.entries.is_empty() {
                break;
            }
            seen.extend(page.entries);
        }
        assert_eq!(seen.len() as u64, expected, "{filter:?}");
        assert!(seen.iter().all(|line| all.contains(line)), "{filter:?}");
    }
}

/// A checkpoint that was taken before is where a walk may begin; what came after is looked at.
pub async fn a_walk_goes_on_from_a_checkpoint(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let life = Life::new(&store).await;
    let walk = |since| verify_chain(&store, life.environment, since, |found| panic!("{found}"));
    let before = walk(None).await.expect("read");
    assert_eq!(before.end.sequence, before.lines);
    let version = life.commit_of(&life.wallet, Secrets::Unchanged);
    let version = store.commit_wallet(version).await.expect("committed");
    for _ in 0..3 {
        let line = store.audit(life.client, version, origin(), signature(), None, now());
        line.await.expect("written");
    }
    let after = walk(Some(before.end)).await.expect("read");
    // The checkpoint's own line is looked at again.
    assert_eq!((after.lines, after.findings), (4, 0));
    assert_eq!(after.end.sequence, before.end.sequence + 3);
    assert_eq!(walk(None).await.expect("read").end, after.end);
}

/// A checkpoint of another history, or of a longer one, is not this chain's.
pub async fn another_checkpoint_is_told(backend: &impl Backend) {
    let store = backend.open(kms()).await;
    let life = Life::new(&store).await;
    let lines = audit_log(&store, life.environment).await;
    let last = lines.last().expect("a line").checkpoint();
    let another = AuditHash([9; 32]);
    for (since, expected) in [
        (
            Checkpoint {
                hash: another,
                ..last
            },
            "NOT_THE_CHECKPOINT",
        ),
        (
            Checkpoint {
                sequence: last.sequence + 1,
                ..last
            },
            "TRUNCATED",
        ),
        (
            Checkpoint {
                sequence: u64::MAX,
                ..last
            },
            "TRUNCATED",
        ),
    ] {
        let mut found = Vec::new();
        let walked = verify_chain(&store, life.environment, Some(since), |finding| {
            found.push(finding.kind);
        });
        assert_eq!(walked.await.expect("read").findings, 1);
        let names: Vec<_> = found.iter().map(FindingKind::name).collect();
        assert_eq!(names, [expected]);
    }
}
