//! What is given up when it has been of no use for long enough: E9, E10, E18.
//!
//! Ages count from a pair's last change of status, and never from before the epoch began: in a
//! database that was put back, what looks old and unconfirmed may have been confirmed since.

use crate::{
    BackupPair, BackupStatus, Effect, Garbage, SigningPair, SigningStatus, Timestamp, Transition,
    Wallet,
};

const DAY_MS: u64 = 24 * 3_600 * 1_000;
/// E9, E18: how long an unfinished pair waits for its other half.
const UNFINISHED_MS: u64 = 7 * DAY_MS;
/// E10, E18: how long an overtaken pair is kept.
const OVERTAKEN_MS: u64 = 30 * DAY_MS;

pub(super) fn collect(wallet: &Wallet, now: Timestamp) -> Transition {
    let mut next = wallet.clone();
    let mut garbage = Vec::new();
    for pair in &mut next.signing_pairs {
        if let Some((status, what)) = signing(wallet, pair, now) {
            pair.become_at(status, now);
            garbage.push(what);
        }
    }
    for pair in &mut next.backup_pairs {
        if let Some((status, what)) = backup(wallet, pair, now) {
            pair.become_at(status, now);
            garbage.push(what);
        }
    }
    Transition {
        wallet: next,
        effect: Effect::Collect(garbage),
    }
}

fn signing(
    wallet: &Wallet,
    pair: &SigningPair,
    now: Timestamp,
) -> Option<(SigningStatus, Garbage)> {
    let age = age_ms(wallet, pair.status_since, now);
    let purged = (SigningStatus::Purged, Garbage::PurgedSigning(pair.ids));
    match pair.status {
        SigningStatus::StoredDatabase
            if age > UNFINISHED_MS
                && !is_leased(wallet, now)
                && !may_be_all_there_is(wallet, pair) =>
        {
            let what = Garbage::AbandonedSigning(pair.ids);
            Some((SigningStatus::Abandoned, what))
        }
        SigningStatus::Superseded
            if age > OVERTAKEN_MS && successor_proved_since(wallet, pair.status_since) =>
        {
            Some(purged)
        }
        // Nothing was ever handed out that needs it (P1).
        SigningStatus::Abandoned if age > OVERTAKEN_MS => Some(purged),
        _ => None,
    }
}

/// E20: the copy of the database brought this pair along and none in force. It may have been
/// confirmed since the copy was made, and its address handed out; its device may stay away for
/// longer than any time that could be set.
pub(super) fn may_be_all_there_is(wallet: &Wallet, pair: &SigningPair) -> bool {
    wallet.current_signing().is_none() && pair.generation.0 <= wallet.epoch.floor()
}

/// E10: the pair in force has shown that somebody can still use the wallet without the old one.
fn successor_proved_since(wallet: &Wallet, superseded_at: Timestamp) -> bool {
    let since = superseded_at.max(wallet.epoch.began_at);
    wallet.is_proved()
        && wallet.current_signing().is_some_and(|current| {
            current.status == SigningStatus::StoredClient
                && current.proved_at.is_some_and(|at| at >= since)
        })
}

/// E18: never the backup in force, nor one that may still become it; and none for good before the
/// one in force has shown that it would recover the wallet. That a backup is complete is only what
/// its client said.
fn backup(wallet: &Wallet, pair: &BackupPair, now: Timestamp) -> Option<(BackupStatus, Garbage)> {
    let age = age_ms(wallet, pair.status_since, now);
    let active = wallet.active_backup()?;
    let since = pair.status_since.max(wallet.epoch.began_at);
    let is_proved_since = active.proved_at.is_some_and(|at| at >= since);
    match pair.status {
        status if status.is_open() && pair.generation < active.generation => (age > UNFINISHED_MS)
            .then_some((BackupStatus::Abandoned, Garbage::AbandonedBackup(pair.ids))),
        BackupStatus::Superseded | BackupStatus::Abandoned
            if age > OVERTAKEN_MS && is_proved_since =>
        {
            Some((BackupStatus::Purged, Garbage::PurgedBackup(pair.ids)))
        }
        _ => None,
    }
}

fn age_ms(wallet: &Wallet, since: Timestamp, now: Timestamp) -> u64 {
    now.ms_since(since.max(wallet.epoch.began_at))
}

fn is_leased(wallet: &Wallet, now: Timestamp) -> bool {
    wallet
        .lease
        .as_ref()
        .is_some_and(|lease| now < lease.expires_at)
}
