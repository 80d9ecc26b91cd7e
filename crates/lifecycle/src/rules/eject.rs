//! The way out: a window that the custodian opens, and the end of everything else.

use crate::{
    BackupStatus, Effect, Event, Garbage, Refusal, SigningStatus, Timestamp, Transition, Wallet,
};

/// How long a window is open at least, from when it is asked for.
pub(crate) const WINDOW_MIN_MS: u64 = 60 * 1_000;
/// How long at most.
pub(crate) const WINDOW_MAX_MS: u64 = 7 * 24 * 3_600 * 1_000;

/// The custodian lets the user take the key out until `until`; again, it moves the window's end.
pub(super) fn enable(
    wallet: &Wallet,
    until: Timestamp,
    now: Timestamp,
) -> Result<Transition, Refusal> {
    wallet.active_backup().ok_or(Refusal::BackupNotComplete)?;
    if until < now.plus_ms(WINDOW_MIN_MS) || until > now.plus_ms(WINDOW_MAX_MS) {
        return Err(Refusal::EjectWindow {
            min_ms: WINDOW_MIN_MS,
            max_ms: WINDOW_MAX_MS,
        });
    }
    let mut next = wallet.clone();
    next.ejectable_until = Some(until);
    Ok(Transition {
        wallet: next,
        effect: Effect::None,
    })
}

/// The custodian closes the window before its end. One that is closed stays so.
pub(super) fn disable(wallet: &Wallet) -> Transition {
    let mut next = wallet.clone();
    next.ejectable_until = None;
    Transition {
        wallet: next,
        effect: Effect::None,
    }
}

/// Somebody asks for the custodian's share of the backup in force, to take the key out.
pub(super) fn release(wallet: &Wallet, now: Timestamp) -> Result<Transition, Refusal> {
    require_window(wallet, now)?;
    Ok(Transition {
        wallet: wallet.clone(),
        effect: Effect::ReleaseBackupShare,
    })
}

/// The user holds the whole key: the server's shares are destroyed, and nothing is signed,
/// refreshed, recovered or backed up any more.
pub(super) fn eject(
    wallet: &Wallet,
    until: Timestamp,
    now: Timestamp,
) -> Result<Transition, Refusal> {
    require_window(wallet, now)?;
    // Proofs are for one window: of another they say nothing.
    if wallet.ejectable_until != Some(until) {
        return Err(Refusal::EjectNotEnabled);
    }
    let mut next = wallet.clone();
    next.ejected_at = Some(now);
    // What it was opened for is done.
    next.ejectable_until = None;
    // Whoever holds the lease commits under a fence that is of the past.
    next.lease = None;
    let mut gone = Vec::new();
    for pair in &mut next.signing_pairs {
        if pair.status != SigningStatus::Purged {
            pair.become_at(SigningStatus::Purged, now);
            gone.push(Garbage::PurgedSigning(pair.ids));
        }
    }
    for pair in &mut next.backup_pairs {
        if pair.status.is_open() {
            pair.become_at(BackupStatus::Abandoned, now);
            gone.push(Garbage::AbandonedBackup(pair.ids));
        }
    }
    Ok(Transition {
        wallet: next,
        effect: Effect::Collect(gone),
    })
}

/// What may still happen to a wallet whose key was taken out: nothing that makes, changes or uses
/// a share of it. Its owner may lose the key that was taken out, so the custodian may open a window
/// again, in which its share of the last backup is given out as before.
pub(super) fn after(wallet: &Wallet, event: &Event, now: Timestamp) -> Result<Transition, Refusal> {
    match event {
        Event::End { .. } => Ok(wallet.unchanged()),
        Event::EnableEject { until } => enable(wallet, *until, now),
        Event::DisableEject => Ok(disable(wallet)),
        Event::ReleaseBackupShare => release(wallet, now),
        Event::Collect => Ok(Transition {
            wallet: wallet.clone(),
            effect: Effect::Collect(Vec::new()),
        }),
        // What was on its way to the custodian need not be tried again.
        Event::CustodianAcknowledged { ids } if wallet.backup_pair_of(*ids).is_some() => {
            Ok(Transition {
                wallet: wallet.clone(),
                effect: Effect::EraseOutbox(*ids),
            })
        }
        // Whoever cheated while the key was taken out is told so; there is nothing left to freeze.
        Event::Strike { curve, pair } => {
            wallet
                .signing_pair(*curve, *pair)
                .ok_or(Refusal::PairNotFound)?;
            Ok(Transition {
                wallet: wallet.clone(),
                effect: Effect::Freeze,
            })
        }
        _ => Err(Refusal::Ejected),
    }
}

fn require_window(wallet: &Wallet, now: Timestamp) -> Result<(), Refusal> {
    let until = wallet.ejectable_until.ok_or(Refusal::EjectNotEnabled)?;
    wallet.active_backup().ok_or(Refusal::BackupNotComplete)?;
    // A clock that was set back does not stretch the window.
    if now < until && until.ms_since(now) <= WINDOW_MAX_MS {
        Ok(())
    } else {
        Err(Refusal::EjectNotEnabled)
    }
}
