//! What holds after every transition, each with a name and a proof that it can be seen to fail.

use portal_lifecycle::{
    BackupStatus, Curve, Effect, Event, LeaseTaken, Plan, PublicPoints, SigningPair, SigningStatus,
    Timestamp, Wallet,
};

use crate::world::{
    KEY, OTHER_KEY, UNTIL_MS, active, after, at, backed_up, backup, backup_acknowledged,
    commit_backup, commit_signing, commit_signing_of, confirm_signing_in, eject, ejectable,
    ejected, frozen, points, refresh, refreshed, sign, start, with,
};

/// A property of a transition: the wallet before and after it.
type Holds = fn(&Wallet, &Wallet) -> bool;

const INVARIANTS: [(&str, Holds); 16] = [
    ("I2: at most one signing pair is in force", |_, next| {
        in_force(next).count() <= 1
    }),
    ("at most one backup is active", |_, next| {
        active_backups(next).count() <= 1
    }),
    ("I3: generations never fall", |before, next| {
        before.generation <= next.generation
    }),
    ("fences never fall", |before, next| {
        before.fence <= next.fence
    }),
    (
        "I1: a wallet that had a pair in force has one",
        |before, next| {
            before.current_signing().is_none()
                || next.current_signing().is_some()
                || is_ejected_now(before, next)
        },
    ),
    (
        "the pair in force never gives way to an older one",
        |before, next| {
            in_force(before).map(|pair| pair.generation).max()
                <= in_force(next).map(|pair| pair.generation).max()
                || is_ejected_now(before, next)
        },
    ),
    ("the key never changes once there is one", |before, next| {
        before.keys().is_none() || before.keys() == next.keys()
    }),
    (
        "every backup that was made shares the wallet's key",
        |_, next| {
            next.backup_pairs
                .iter()
                .all(|pair| next.keys() == Some(pair.points.as_ref().map(key)))
        },
    ),
    (
        "a signing pair that lost its force never regains it",
        |before, next| {
            before.signing_pairs.iter().all(|was| {
                let is = next.signing_pair_of(was.ids).map(|pair| pair.status);
                match was.status {
                    SigningStatus::StoredDatabase | SigningStatus::StoredClient => true,
                    SigningStatus::Frozen => {
                        matches!(is, Some(SigningStatus::Frozen | SigningStatus::Superseded))
                            || is_ejected_now(before, next)
                    }
                    SigningStatus::Superseded | SigningStatus::Abandoned => {
                        is == Some(was.status) || is == Some(SigningStatus::Purged)
                    }
                    status => is == Some(status),
                }
            })
        },
    ),
    (
        "a backup that lost its force never regains it",
        |before, next| {
            before.backup_pairs.iter().all(|was| {
                let is = next.backup_pair_of(was.ids).map(|pair| pair.status);
                let gone = is == Some(BackupStatus::Purged)
                    && was.status != BackupStatus::StoredClientBackupShare;
                was.status.is_open()
                    || is == Some(was.status)
                    || gone
                    || (was.status == BackupStatus::StoredClientBackupShare
                        && is == Some(BackupStatus::Superseded))
            })
        },
    ),
    (
        "I5: an active backup has the digest of its cipher text",
        |_, next| active_backups(next).all(|pair| pair.cipher_text_digest.is_some()),
    ),
    (
        "P3: a wallet that had an active backup has one",
        |before, next| before.active_backup().is_none() || next.active_backup().is_some(),
    ),
    (
        "the active backup never gives way to an older one",
        |before, next| {
            let newest = |wallet| active_backups(wallet).map(|pair| pair.generation).max();
            newest(before) <= newest(next)
        },
    ),
    (
        "an ejected wallet has no signing share, no lease and no open backup",
        |_, next| {
            let purged = |pair: &SigningPair| pair.status == SigningStatus::Purged;
            next.ejected_at.is_none()
                || next.lease.is_none()
                    && next.signing_pairs.iter().all(purged)
                    && !next.backup_pairs.iter().any(|pair| pair.status.is_open())
        },
    ),
    (
        "nothing but its window changes of a wallet after it was ejected",
        |before, next| {
            let apart_from_window = |wallet: &Wallet| Wallet {
                ejectable_until: None,
                ..wallet.clone()
            };
            before.ejected_at.is_none() || apart_from_window(before) == apart_from_window(next)
        },
    ),
    (
        "nothing of a pair changes but its status, its digest and its proofs",
        |before, next| {
            before.signing_pairs.iter().all(|was| {
                next.signing_pair_of(was.ids).is_some_and(|is| {
                    (is.generation, &is.points, is.operation_id, is.made_by)
                        == (was.generation, &was.points, was.operation_id, was.made_by)
                })
            }) && before.backup_pairs.iter().all(|was| {
                next.backup_pair_of(was.ids).is_some_and(|is| {
                    (is.generation, &is.points, is.operation_id, is.method)
                        == (was.generation, &was.points, was.operation_id, was.method)
                })
            })
        },
    ),
];

/// The one way in which a wallet loses its signing pairs.
const fn is_ejected_now(before: &Wallet, next: &Wallet) -> bool {
    before.ejected_at.is_none() && next.ejected_at.is_some()
}

/// The names of the invariants that the transition from `before` to `next` breaks.
pub(crate) fn broken(before: &Wallet, next: &Wallet) -> Vec<&'static str> {
    INVARIANTS
        .iter()
        .filter(|(_, holds)| !holds(before, next))
        .map(|(name, _)| *name)
        .collect()
}

/// What `event` must not have been allowed to do, whatever state it leaves.
pub(crate) fn wrongly_allowed(
    before: &Wallet,
    event: &Event,
    effect: &Effect,
    now: Timestamp,
) -> Option<&'static str> {
    let newest = |fence| before.lease.is_some() && fence == before.fence;
    let held_by_another = |device_id| {
        before.lease.as_ref().is_some_and(|lease| {
            lease.device_id != device_id
                && now < lease.expires_at
                && lease.fence.0 > before.epoch.number * 1_000_000
        })
    };
    let signs = |curve, id| {
        before
            .signing_pair(curve, id)
            .is_some_and(|pair| pair.status == SigningStatus::StoredClient)
    };
    let needs_proof = |plan: &Plan| matches!(plan, Plan::Backup { .. } | Plan::Refresh { .. });
    match (event, effect) {
        (Event::Sign { .. }, _) if !before.is_proved() => {
            Some("E20: a signature with a pair that has not proved itself")
        }
        (Event::Start(start), Effect::LeaseTaken(_))
            if needs_proof(&start.plan) && !before.is_proved() =>
        {
            Some("E20: a pair made from one that has not proved itself")
        }
        (Event::Start(start), Effect::LeaseTaken(_)) if held_by_another(start.device_id) => {
            Some("E1: a lease was taken while another device held it")
        }
        (Event::CommitSigning(commit), _) if !newest(commit.fence) => {
            Some("E2: a commit under an old fence")
        }
        (Event::CommitBackup(commit), _) if !newest(commit.fence) => {
            Some("E14: a commit under an old fence")
        }
        (Event::Sign { curve, pair }, _) if !signs(*curve, *pair) => {
            Some("E11: a pair signed that is not active")
        }
        (Event::Eject { .. } | Event::ReleaseBackupShare, _)
            if before.ejectable_until.is_none_or(|until| now >= until) =>
        {
            Some("a share or the end, outside of the window")
        }
        (Event::Eject { until }, _) if before.ejectable_until != Some(*until) => {
            Some("the end, by proofs for another window")
        }
        (Event::Eject { .. }, _) if before.ejected_at.is_some() => Some("a second end"),
        _ => None,
    }
}

/// The fence that the next lease has.
fn next_fence(wallet: &Wallet) -> u64 {
    let taken = wallet.apply(start(Plan::Generate, 0xfd, 0xfd), at(u64::MAX));
    let of_recovery = wallet.active_backup().map(|backup| {
        let plan = Plan::Recover { source: backup.ids };
        wallet.apply(start(plan, 0xfd, 0xfd), at(u64::MAX))
    });
    match of_recovery.unwrap_or(taken).map(|begun| begun.effect) {
        Ok(Effect::LeaseTaken(lease)) => lease.fence.0,
        _ => 0,
    }
}

/// L1: with an active backup, and once the lease has run out, any device comes to a signature.
///
/// # Errors
///
/// The step that was refused, and why.
pub(crate) fn recovers(wallet: &Wallet, now: Timestamp) -> Result<(), String> {
    // Who took the key out needs nobody.
    let Some(backup) = wallet
        .active_backup()
        .filter(|_| wallet.ejected_at.is_none())
    else {
        return Ok(());
    };
    let free_at = wallet
        .lease
        .as_ref()
        .map_or(now, |lease| now.max(lease.expires_at));
    let plan = Plan::Recover { source: backup.ids };
    let new = 0xfe;
    let steps = [
        start(plan, new, new),
        commit_signing_of(plan, next_fence(wallet), new, backup.points.clone()),
        confirm_signing_in(wallet.epoch.number, new),
        sign(Curve::Secp256k1, new),
        sign(Curve::Ed25519, new),
    ];
    let mut wallet = wallet.clone();
    for step in steps {
        match wallet.apply(step.clone(), free_at) {
            Ok(transition) => wallet = transition.wallet,
            Err(refusal) => return Err(format!("L1: expected {step:?}, got {refusal:?}")),
        }
    }
    Ok(())
}

fn in_force(wallet: &Wallet) -> impl Iterator<Item = &portal_lifecycle::SigningPair> {
    wallet.signing_pairs.iter().filter(|pair| {
        matches!(
            pair.status,
            SigningStatus::StoredClient | SigningStatus::Frozen
        )
    })
}

fn active_backups(wallet: &Wallet) -> impl Iterator<Item = &portal_lifecycle::BackupPair> {
    wallet
        .backup_pairs
        .iter()
        .filter(|pair| pair.status == BackupStatus::StoredClientBackupShare)
}

fn key(points: &PublicPoints) -> &portal_lifecycle::Point {
    &points.key
}

#[test]
fn each_invariant_sees_what_breaks_it() {
    let signing_status =
        |wallet: Wallet, status| with(wallet, |wallet| wallet.signing_pairs[0].status = status);
    let backup_status =
        |wallet: Wallet, status| with(wallet, |wallet| wallet.backup_pairs[0].status = status);
    let two_backups = with(backed_up(), |wallet| {
        let mut second = wallet.backup_pairs[0].clone();
        second.ids = backup(2);
        wallet.backup_pairs.push(second);
    });
    let superseded_backup = backup_status(backed_up(), BackupStatus::Superseded);
    let cases: [(Wallet, Wallet); INVARIANTS.len()] = [
        (
            refreshed(),
            signing_status(refreshed(), SigningStatus::Frozen),
        ),
        (backed_up(), two_backups),
        (active(), with(active(), |wallet| wallet.generation.0 = 0)),
        (active(), with(active(), |wallet| wallet.fence.0 = 0)),
        (
            active(),
            signing_status(active(), SigningStatus::Superseded),
        ),
        (
            refreshed(),
            with(
                signing_status(refreshed(), SigningStatus::StoredClient),
                |wallet| {
                    wallet.signing_pairs[1].status = SigningStatus::Superseded;
                },
            ),
        ),
        (
            active(),
            with(active(), |wallet| {
                wallet.signing_pairs[0].points = points(OTHER_KEY, 1)
            }),
        ),
        (
            backed_up(),
            with(backed_up(), |wallet| {
                wallet.backup_pairs[0].points = points(OTHER_KEY, 1)
            }),
        ),
        (frozen(), active()),
        (superseded_backup.clone(), backed_up()),
        (
            backup_acknowledged(),
            backup_status(backup_acknowledged(), BackupStatus::StoredClientBackupShare),
        ),
        (backed_up(), superseded_backup),
        (
            backed_up(),
            with(backed_up(), |wallet| {
                wallet.backup_pairs[0].generation.0 = 0;
            }),
        ),
        (
            backed_up(),
            with(backed_up(), |wallet| wallet.ejected_at = Some(at(0))),
        ),
        (
            ejected(),
            with(ejected(), |wallet| wallet.backup_pairs.clear()),
        ),
        (
            active(),
            with(active(), |wallet| {
                wallet.signing_pairs[0].points = points(KEY, 2)
            }),
        ),
    ];
    for ((name, _), (before, next)) in INVARIANTS.iter().zip(&cases) {
        let seen = broken(before, next);
        assert!(
            seen.contains(name),
            "expected to see {name:?} broken, saw {seen:?}"
        );
        assert_eq!(
            broken(before, before),
            Vec::<&str>::new(),
            "{name}: at rest"
        );
    }
}

#[test]
fn what_was_wrongly_allowed_is_seen() {
    let leased = after(backed_up(), &[start(refresh(1), 3, 1)]);
    let taken = Effect::LeaseTaken(LeaseTaken {
        fence: leased.fence,
        generation: leased.generation,
    });
    for (event, effect) in [
        (start(refresh(1), 4, 2), taken),
        (commit_signing(refresh(1), 2, 2), Effect::None),
        (commit_backup(2, 2, 1), Effect::None),
        (sign(Curve::Ed25519, 2), Effect::AuditSignature),
        (Event::ReleaseBackupShare, Effect::ReleaseBackupShare),
        (eject(UNTIL_MS), Effect::None),
    ] {
        let seen = wrongly_allowed(&leased, &event, &effect, at(0));
        assert!(seen.is_some(), "expected {event:?} to be seen");
    }
    let open = ejectable(UNTIL_MS);
    for (before, event) in [(open, eject(UNTIL_MS + 1)), (ejected(), eject(UNTIL_MS))] {
        let seen = wrongly_allowed(&before, &event, &Effect::None, at(0));
        assert!(seen.is_some(), "expected {event:?} to be seen");
    }
}

#[test]
fn a_recovery_that_cannot_start_is_seen() {
    let leased = after(backed_up(), &[start(refresh(1), 3, 1)]);
    assert_eq!(recovers(&leased, at(0)), Ok(()));
    // A pair in force that no new pair can be newer than.
    let stuck = with(backed_up(), |wallet| {
        wallet.signing_pairs[0].generation.0 = u64::MAX;
    });
    assert!(recovers(&stuck, at(0)).is_err());
}
