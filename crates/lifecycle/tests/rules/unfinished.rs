//! Pairs that nobody finishes: only so many wait at once, and the oldest make room. Operations that
//! are begun anew before they end.

use portal_lifecycle::{
    AlreadyMade, BackupMethod, BackupStatus, Effect, Fence, OperationKind, Plan, Refusal,
    SigningStatus, Wallet,
};

use crate::world::{
    KEY, acknowledged, active, after, at, back_up, back_up_by, backed_up, backup, commit_backup,
    commit_backup_of, commit_signing, confirm_signing, nothing, operation, points, refresh,
    restored, start,
};

/// The rules' own number.
const WAITING: usize = 32;

/// Numbers for as many pairs more.
fn next(made: usize, pairs: u8) -> impl Iterator<Item = u8> {
    (1..=u8::MAX).skip(made).take(usize::from(pairs))
}

/// As many signing pairs more, each of a new operation.
fn made(mut wallet: Wallet, plan: Plan, pairs: u8) -> Wallet {
    for n in next(wallet.signing_pairs.len(), pairs) {
        wallet = after(wallet, &[start(plan, n, 1)]);
        let fence = wallet.fence.0;
        wallet = after(wallet, &[commit_signing(plan, fence, n)]);
    }
    wallet
}

/// As many backup pairs more, which the custodian holds.
fn backed_up_more(mut wallet: Wallet, pairs: u8) -> Wallet {
    for n in next(wallet.backup_pairs.len(), pairs) {
        wallet = after(wallet, &[start(back_up(1), 100 + n, 1)]);
        let fence = wallet.fence.0;
        wallet = after(wallet, &[commit_backup(fence, n, 1), acknowledged(n)]);
    }
    wallet
}

fn signing_statuses(wallet: &Wallet, status: SigningStatus) -> Vec<u64> {
    let pairs = wallet.signing_pairs.iter();
    let pairs = pairs.filter(|pair| pair.status == status);
    pairs.map(|pair| pair.generation.0).collect()
}

#[test]
fn the_oldest_unconfirmed_signing_pairs_make_room() {
    for (what, given, plan, in_force) in [
        ("of no wallet yet", nothing(), Plan::Generate, 0),
        ("beside a pair in force", active(), refresh(1), 1),
    ] {
        let full = made(given, plan, 32);
        let waiting = signing_statuses(&full, SigningStatus::StoredDatabase);
        assert_eq!(waiting.len(), WAITING, "{what}: all wait");
        let more = made(full.clone(), plan, 3);
        let still = signing_statuses(&more, SigningStatus::StoredDatabase);
        assert_eq!(still.len(), WAITING, "{what}");
        let oldest = waiting.get(..3).expect("three");
        let given_up = signing_statuses(&more, SigningStatus::Abandoned);
        assert_eq!(given_up, oldest, "{what}: the oldest");
        let held = signing_statuses(&more, SigningStatus::StoredClient);
        assert_eq!(held.len(), in_force, "{what}: never the one in force");
    }
    let newest = u8::try_from(made(nothing(), Plan::Generate, 40).signing_pairs.len());
    let confirmed = after(
        made(nothing(), Plan::Generate, 40),
        &[confirm_signing(newest.expect("few pairs"))],
    );
    assert!(confirmed.current_signing().is_some(), "the newest goes on");
}

/// E20: what a restored copy brought along may have been confirmed since the copy was made.
#[test]
fn what_may_be_all_there_is_makes_no_room() {
    let copy = made(nothing(), Plan::Generate, 32);
    let more = made(restored(copy, at(0)), Plan::Generate, 4);
    let given_up = signing_statuses(&more, SigningStatus::Abandoned);
    let floor = more.epoch.number * 1_000_000;
    assert!(
        given_up.iter().all(|generation| *generation > floor),
        "{given_up:?}"
    );
    let waiting = signing_statuses(&more, SigningStatus::StoredDatabase);
    assert_eq!(
        waiting.len(),
        WAITING + 1,
        "those of the copy, and the newest"
    );
}

#[test]
fn the_oldest_open_backups_make_room() {
    for (what, given, in_force) in [
        ("before any is complete", active(), 0),
        ("beside the one in force", backed_up(), 1),
    ] {
        let count = |wallet: &Wallet, is: &dyn Fn(BackupStatus) -> bool| {
            let pairs = wallet.backup_pairs.iter();
            pairs.filter(|pair| is(pair.status)).count()
        };
        let open = |status: BackupStatus| status.is_open();
        let full = backed_up_more(given, 32);
        assert_eq!(count(&full, &open), WAITING, "{what}: all wait");
        let more = backed_up_more(full, 3);
        assert_eq!(count(&more, &open), WAITING, "{what}");
        let statuses: Vec<_> = more.backup_pairs.iter().map(|pair| pair.status).collect();
        let oldest = statuses.get(in_force..in_force + 3).expect("three");
        assert_eq!(oldest, [BackupStatus::Abandoned; 3], "{what}: the oldest");
        let complete = |status| status == BackupStatus::StoredClientBackupShare;
        assert_eq!(count(&more, &complete), in_force, "{what}");
    }
}

/// E1: what is asked for otherwise under the id of an operation that runs is not taken for it: only
/// the later one commits, as it was asked for, and only it is found again.
#[test]
fn an_operation_asked_for_otherwise_while_it_runs_is_another() {
    let otherwise = back_up_by(BackupMethod::Custom, 1);
    let given = after(active(), &[start(back_up(1), 9, 1), start(otherwise, 9, 1)]);
    let Fence(fence) = given.fence;
    let first = given.apply(commit_backup(fence - 1, 1, 1), at(0));
    let what = "backup pair";
    assert_eq!(first, Err(Refusal::Fenced { what }));
    let points = points(KEY, 1);
    let wallet = after(
        given,
        &[commit_backup_of(fence, 1, 1, BackupMethod::Custom, points)],
    );
    let again = |plan| {
        let decided = wallet.apply(start(plan, 9, 1), at(0));
        decided.map(|decided| decided.effect)
    };
    let made = AlreadyMade::Backup(backup(1));
    assert_eq!(again(otherwise), Ok(Effect::AlreadyMade(made)));
    assert_eq!(
        again(back_up(1)),
        Err(Refusal::OperationIdReused {
            operation_id: operation(9),
            ran: OperationKind::Backup,
        })
    );
}
