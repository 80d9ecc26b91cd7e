//! E2: the server commits a new signing pair.

use portal_lifecycle::OperationKind::Generate;
use portal_lifecycle::{
    Effect, Event, Fence, OperationKind, PerCurve, Plan, Refusal, SigningCommit, SigningPair,
    SigningStatus, Wallet,
};

use crate::example::{Answer, Example, check, row, superseded};
use crate::world::{
    KEY, LEASE_MS, OTHER_KEY, acknowledged, active, after, at, back_up, backed_up, commit_backup,
    commit_signing, commit_signing_of, confirm_backup, confirm_signing, generated, keys, nothing,
    operation, points, recover, refresh, refreshing, signing, start, with,
};

/// The answer that stores pair `n`, the work of operation 9, and ends the lease. A recovery has
/// shown that backup pair 1 is good.
fn stored(given: &Wallet, n: u8, key: u8, made_by: OperationKind, at_ms: u64) -> Answer {
    let wallet = with(given.clone(), |wallet| {
        wallet.lease = None;
        if made_by == OperationKind::Recover {
            wallet.backup_pairs[0].proved_at = Some(at(at_ms));
        }
        wallet.signing_pairs.push(SigningPair {
            ids: signing(n),
            generation: wallet.generation,
            status: SigningStatus::StoredDatabase,
            points: points(key, n),
            operation_id: operation(9),
            made_by,
            source: match made_by {
                OperationKind::Refresh => given.current_signing().map(|pair| pair.generation),
                OperationKind::Recover => given.active_backup().map(|pair| pair.generation),
                OperationKind::Generate | OperationKind::Backup => None,
            },
            created_at: at(at_ms),
            status_since: at(at_ms),
            proved_at: None,
        });
    });
    Ok((wallet, Effect::StoreSigningShare(signing(n))))
}

#[test]
fn a_commit_shows_the_fence_it_ran_under() {
    let fenced = || {
        Err(Refusal::Fenced {
            what: "signing pair",
        })
    };
    let generate = |fence| commit_signing(Plan::Generate, fence, 2);
    let generating = after(nothing(), &[start(Plan::Generate, 9, 1)]);
    let overtaken = after(generating.clone(), &[start(Plan::Generate, 8, 1)]);
    let backing_up = after(active(), &[start(back_up(1), 9, 1)]);
    check(vec![
        row(
            "E2: the new pair is STORED_DATABASE",
            generating.clone(),
            generate(1),
            stored(&generating, 2, KEY, Generate, 0),
        ),
        Example {
            what: "E2: an expired lease that nobody took over still commits",
            given: generating.clone(),
            event: generate(1),
            at_ms: LEASE_MS,
            expected: stored(&generating, 2, KEY, Generate, LEASE_MS),
        },
        row(
            "E2: an older fence is refused",
            overtaken.clone(),
            generate(1),
            fenced(),
        ),
        row(
            "E2: so is one that was never handed out",
            overtaken,
            generate(3),
            fenced(),
        ),
        row(
            "E2: one lease, one commit",
            generated(),
            generate(1),
            fenced(),
        ),
        row(
            "E2: the lease of a Backup commits no Refresh",
            backing_up.clone(),
            commit_signing(refresh(1), 2, 2),
            fenced(),
        ),
        row(
            "E2: nor a signing pair that calls itself a Backup",
            backing_up,
            commit_signing(back_up(1), 2, 2),
            fenced(),
        ),
        row(
            "E2: the lease of a Recover commits no Refresh",
            after(backed_up(), &[start(recover(1), 9, 1)]),
            commit_signing(refresh(1), 3, 2),
            fenced(),
        ),
    ]);
}

#[test]
fn a_commit_is_made_from_what_is_in_force() {
    // Device 2 confirms pair 2 while device 1 refreshes pair 1 once more.
    let refreshed_under_it = after(
        refreshing(),
        &[start(refresh(1), 10, 1), confirm_signing(2)],
    );
    let backed_up_under_it = after(
        backed_up(),
        &[
            start(back_up(1), 3, 1),
            commit_backup(3, 2, 1),
            acknowledged(2),
            start(recover(1), 9, 2),
            confirm_backup(2),
        ],
    );
    let confirmed_under_it = after(
        generated(),
        &[start(Plan::Generate, 9, 2), confirm_signing(1)],
    );
    check(vec![
        row(
            "E2: Refresh of a pair that was superseded since",
            refreshed_under_it,
            commit_signing(refresh(1), 3, 3),
            superseded(1, 2, 2),
        ),
        row(
            "E2: Refresh of a pair that never was",
            after(active(), &[start(refresh(1), 9, 1)]),
            commit_signing(refresh(7), 2, 2),
            Err(Refusal::PairNotFound),
        ),
        row(
            "E2: Recover from a backup that was superseded since",
            backed_up_under_it,
            commit_signing(recover(1), 4, 2),
            Err(Refusal::BackupNotActive),
        ),
        row(
            "E2: Generate where another Generate was confirmed since",
            confirmed_under_it,
            commit_signing(Plan::Generate, 2, 2),
            Err(Refusal::WalletAlreadyExists),
        ),
    ]);
}

#[test]
fn only_generate_makes_a_key() {
    let refreshing = after(active(), &[start(refresh(1), 9, 1)]);
    let recovering = after(backed_up(), &[start(recover(1), 9, 1)]);
    let recovering_alone = with(recovering.clone(), |wallet| wallet.signing_pairs.clear());
    // What a store that mixed up two wallets would hold.
    let backup_of_another = with(recovering.clone(), |wallet| {
        wallet.backup_pairs[0].points = points(OTHER_KEY, 1);
    });
    let commit = |given: &Wallet, plan, secp256k1, ed25519| {
        commit_signing_of(plan, given.fence.0, 2, keys(secp256k1, ed25519, 2))
    };
    let changed = |what, given: &Wallet, plan, secp256k1, ed25519| {
        let event = commit(given, plan, secp256k1, ed25519);
        row(what, given.clone(), event, Err(Refusal::KeyChanged))
    };
    let same = |what, given: &Wallet, plan: Plan| {
        let expected = stored(given, 2, KEY, plan.kind(), 0);
        row(what, given.clone(), commit(given, plan, KEY, KEY), expected)
    };
    let (from_pair, from_backup) = (refresh(1), recover(1));
    check(vec![
        changed(
            "E2: Refresh, other secp256k1",
            &refreshing,
            from_pair,
            OTHER_KEY,
            KEY,
        ),
        changed(
            "E2: Refresh, other Ed25519",
            &refreshing,
            from_pair,
            KEY,
            OTHER_KEY,
        ),
        same("E2: Refresh keeps both keys", &refreshing, from_pair),
        changed(
            "E2: Recover, other secp256k1",
            &recovering,
            from_backup,
            OTHER_KEY,
            KEY,
        ),
        changed(
            "E2: Recover, other Ed25519",
            &recovering,
            from_backup,
            KEY,
            OTHER_KEY,
        ),
        same("E2: Recover keeps both keys", &recovering, from_backup),
        changed(
            "E2: Recover answers to its backup's key where there is no pair",
            &recovering_alone,
            from_backup,
            OTHER_KEY,
            OTHER_KEY,
        ),
        changed(
            "E2: Recover answers to the key in force as well as to its backup's",
            &backup_of_another,
            from_backup,
            OTHER_KEY,
            OTHER_KEY,
        ),
    ]);
}

#[test]
fn no_two_pairs_have_an_id_in_common() {
    let given = after(active(), &[start(refresh(1), 9, 1)]);
    let with_ids = |what, secp256k1, ed25519| {
        let ids = PerCurve::new(signing(secp256k1).secp256k1, signing(ed25519).ed25519);
        let event = Event::CommitSigning(SigningCommit {
            fence: Fence(2),
            ids,
            points: points(KEY, 2),
            plan: refresh(1),
        });
        row(what, given.clone(), event, Err(Refusal::PairIdTaken))
    };
    check(vec![
        with_ids("E2: both ids taken", 1, 1),
        with_ids("E2: the secp256k1 id taken", 1, 2),
        with_ids("E2: the Ed25519 id taken", 2, 1),
    ]);
}
