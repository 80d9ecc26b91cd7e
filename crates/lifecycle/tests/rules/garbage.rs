//! E9, E10, E18: what is given up, when, and never sooner.

use portal_lifecycle::{
    BackupStatus, Curve, Effect, Event, Garbage, Plan, SigningStatus, Timestamp, Wallet,
};

use crate::world::{
    acknowledged, active, after, at, back_up, backed_up, backup, commit_backup, commit_signing,
    confirm_backup, confirm_signing_in, digest, generated, recover, refresh, refreshed, refreshing,
    restored, sign, signing, start, strike, with,
};

const DAY_MS: u64 = 24 * 3_600 * 1_000;

fn day(days: u64) -> Timestamp {
    at(days * DAY_MS)
}

/// What is collected at the end of the day, and the wallet after it.
fn collected(wallet: &Wallet, days: u64) -> (Vec<Garbage>, Wallet) {
    match wallet.apply(Event::Collect, day(days).plus_ms(1)) {
        Ok(collected) => match collected.effect {
            Effect::Collect(garbage) => (garbage, collected.wallet),
            effect => panic!("expected a collection, got {effect:?}"),
        },
        Err(refusal) => panic!("expected a collection, got {refusal:?}"),
    }
}

fn garbage(wallet: &Wallet, days: u64) -> Vec<Garbage> {
    collected(wallet, days).0
}

/// `wallet`, whose pair in force signed at the end of `days`.
fn signed(wallet: &Wallet, n: u8, days: u64) -> Wallet {
    match wallet.apply(sign(Curve::Ed25519, n), day(days)) {
        Ok(signed) => signed.wallet,
        Err(refusal) => panic!("expected a signature, got {refusal:?}"),
    }
}

/// `wallet`, whose backup pair `n` was shown to be good at the end of `days`.
fn proved(wallet: &Wallet, n: u8, days: u64) -> Wallet {
    let event = Event::ProveBackup {
        ids: backup(n),
        cipher_text_digest: digest(n),
    };
    match wallet.apply(event, day(days)) {
        Ok(proved) => proved.wallet,
        Err(refusal) => panic!("expected a proof, got {refusal:?}"),
    }
}

#[test]
fn an_unconfirmed_pair_waits_seven_days() {
    assert_eq!(garbage(&generated(), 6), []);
    let (what, wallet) = collected(&generated(), 7);
    assert_eq!(what, [Garbage::AbandonedSigning(signing(1))]);
    assert_eq!(wallet.signing_pairs[0].status, SigningStatus::Abandoned);
    assert_eq!(wallet.signing_pairs[0].status_since, day(7).plus_ms(1));
}

#[test]
fn nothing_is_given_up_while_somebody_works_on_the_wallet() {
    let leased = with(refreshing(), |wallet| {
        wallet.lease = after(active(), &[start(refresh(1), 3, 1)]).lease;
        if let Some(lease) = &mut wallet.lease {
            lease.expires_at = day(8);
        }
    });
    assert_eq!(garbage(&leased, 7), []);
    assert_eq!(
        garbage(&leased, 9),
        [Garbage::AbandonedSigning(signing(2))],
        "when the lease has run out"
    );
}

#[test]
fn the_pair_in_force_is_never_given_up() {
    assert_eq!(garbage(&active(), 9_999), []);
    assert_eq!(garbage(&backed_up(), 9_999), []);
    let frozen = after(active(), &[strike(Curve::Secp256k1, 1)]);
    assert_eq!(garbage(&frozen, 9_999), []);
}

#[test]
fn a_superseded_share_is_kept_until_its_successor_was_used() {
    assert_eq!(garbage(&refreshed(), 9_999), [], "nobody signed since");
    let used = signed(&refreshed(), 2, 1);
    assert_eq!(garbage(&used, 29), []);
    let (what, wallet) = collected(&used, 30);
    assert_eq!(what, [Garbage::PurgedSigning(signing(1))]);
    assert_eq!(wallet.signing_pairs[0].status, SigningStatus::Purged);
    let struck = after(used, &[strike(Curve::Secp256k1, 2)]);
    assert_eq!(garbage(&struck, 31), [], "the successor is frozen");
}

#[test]
fn a_use_before_the_supersession_is_none_of_the_successor() {
    let late = with(refreshed(), |wallet| {
        wallet.signing_pairs[0].status_since = day(2);
        wallet.signing_pairs[1].proved_at = Some(day(1));
    });
    assert_eq!(garbage(&late, 40), []);
}

#[test]
fn an_abandoned_pair_loses_its_share_later() {
    let (_, abandoned) = collected(&generated(), 8);
    assert_eq!(garbage(&abandoned, 38), []);
    assert_eq!(
        garbage(&abandoned, 39),
        [Garbage::PurgedSigning(signing(1))]
    );
}

/// Backup pair 1 stopped halfway, backup pair 2 is active.
fn overtaken() -> Wallet {
    after(
        active(),
        &[
            start(back_up(1), 2, 1),
            commit_backup(2, 1, 1),
            start(back_up(1), 3, 1),
            commit_backup(3, 2, 1),
            acknowledged(2),
            confirm_backup(2),
        ],
    )
}

#[test]
fn an_open_backup_is_given_up_only_when_it_cannot_be_completed() {
    let open = after(active(), &[start(back_up(1), 2, 1), commit_backup(2, 1, 1)]);
    assert_eq!(garbage(&open, 9_999), [], "it may be the only one");
    assert_eq!(garbage(&overtaken(), 6), []);
    let (what, wallet) = collected(&overtaken(), 7);
    assert_eq!(what, [Garbage::AbandonedBackup(backup(1))]);
    assert_eq!(garbage(&wallet, 38), [], "who knows whether pair 2 is good");
    let wallet = proved(&wallet, 2, 8);
    assert_eq!(garbage(&wallet, 37), []);
    assert_eq!(garbage(&wallet, 38), [Garbage::PurgedBackup(backup(1))]);
}

#[test]
fn a_newer_open_backup_is_kept() {
    let newer = after(
        backed_up(),
        &[start(back_up(1), 3, 1), commit_backup(3, 2, 1)],
    );
    assert_eq!(garbage(&newer, 9_999), []);
}

#[test]
fn a_superseded_backup_is_purged_after_thirty_days() {
    let twice = twice_backed_up();
    assert_eq!(garbage(&twice, 9_999), [], "the newer one may be no good");
    let twice = proved(&twice, 2, 1);
    assert_eq!(garbage(&twice, 29), []);
    let (what, wallet) = collected(&twice, 30);
    assert_eq!(what, [Garbage::PurgedBackup(backup(1))]);
    assert_eq!(wallet.backup_pairs[0].status, BackupStatus::Purged);
    assert_eq!(garbage(&wallet, 9_999), [], "once");
}

/// They are the user's way out.
#[test]
fn no_backup_of_an_ejected_wallet_is_purged() {
    let ejected = with(proved(&twice_backed_up(), 2, 1), |wallet| {
        wallet.ejected_at = Some(day(2));
    });
    assert_eq!(garbage(&ejected, 9_999), []);
}

/// In a copy, what was confirmed later looks as if it had never been.
#[test]
fn ages_begin_anew_with_an_epoch() {
    let put_back = |wallet| restored(wallet, day(100));
    assert_eq!(garbage(&put_back(refreshing()), 106), []);
    assert_eq!(
        garbage(&put_back(refreshing()), 108),
        [Garbage::AbandonedSigning(signing(2))]
    );
    let used = put_back(signed(&refreshed(), 2, 1));
    assert_eq!(garbage(&used, 200), [], "used before the restore only");
    let proved = match used.apply(confirm_signing_in(1, 2), day(101)) {
        Ok(proved) => proved.wallet,
        Err(refusal) => panic!("expected a proof, got {refusal:?}"),
    };
    assert_eq!(garbage(&proved, 129), []);
    assert_eq!(garbage(&proved, 131), [Garbage::PurgedSigning(signing(1))]);
}

/// Its confirmation may be what the copy does not know, and its address may be in use: then it is
/// the wallet, however long its device stays away.
#[test]
fn the_only_pair_of_a_copy_is_never_given_up() {
    let waiting = restored(generated(), day(100));
    assert_eq!(garbage(&waiting, 9_999), []);
    let begun_anew = after(
        waiting,
        &[
            start(Plan::Generate, 7, 2),
            commit_signing(Plan::Generate, 1_000_001, 2),
        ],
    );
    let given_up = [Garbage::AbandonedSigning(signing(2))];
    assert_eq!(garbage(&begun_anew, 9_999), given_up, "of this epoch");
    let replaced = after(begun_anew, &[confirm_signing_in(1, 2)]);
    let given_up = [Garbage::AbandonedSigning(signing(1))];
    assert_eq!(garbage(&replaced, 9_999), given_up, "another is in force");
}

/// A node whose clock ran a year ahead has noted a use that was none of the days that follow.
#[test]
fn a_note_from_the_future_is_corrected() {
    let ahead = signed(&active(), 1, 365);
    let then = signed(&ahead, 1, 1);
    assert_eq!(then.signing_pairs[0].proved_at, Some(day(1)));
}

/// A signature is noted once a day: it costs a write.
#[test]
fn the_last_use_is_noted_to_the_day() {
    let first = signed(&active(), 1, 1);
    assert_eq!(first.signing_pairs[0].proved_at, Some(day(1)));
    let within = first.apply(sign(Curve::Ed25519, 1), day(2));
    let later = within.map(|signed| signed.wallet.signing_pairs[0].proved_at);
    assert_eq!(later, Ok(Some(day(2))));
    let soon = first.apply(sign(Curve::Ed25519, 1), day(1).plus_ms(DAY_MS - 1));
    assert_eq!(soon.map(|signed| signed.wallet), Ok(first));
}

/// A proof from before the former one was overtaken, or before the database was put back, says
/// nothing; a recovery is one.
#[test]
fn a_backup_is_purged_only_after_its_successor_was_proved() {
    let late = with(proved(&twice_backed_up(), 2, 1), |wallet| {
        wallet.backup_pairs[0].status_since = day(2)
    });
    assert_eq!(garbage(&late, 40), []);
    let put_back = restored(proved(&twice_backed_up(), 2, 1), day(100));
    assert_eq!(garbage(&put_back, 9_999), []);
    let recovery = [start(recover(2), 9, 2), commit_signing(recover(2), 4, 2)];
    let recovered = after(twice_backed_up(), &recovery);
    assert!(garbage(&recovered, 31).contains(&Garbage::PurgedBackup(backup(1))));
}

fn twice_backed_up() -> Wallet {
    after(
        backed_up(),
        &[
            start(back_up(1), 3, 1),
            commit_backup(3, 2, 1),
            acknowledged(2),
            confirm_backup(2),
        ],
    )
}
