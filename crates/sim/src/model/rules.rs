//! The server's transition function: [`Wallet::apply`] as it is, or wrapped in a mistake.

use portal_lifecycle::{
    BackupStatus, Effect, Epoch, Event, Fence, OperationKind, Refusal, SigningStatus, Timestamp,
    Transition, Wallet,
};

use super::mutation::Mutation;

/// What the rules make of an event, with a mistake around them if one was sown.
pub(crate) fn apply(
    mutation: Option<Mutation>,
    wallet: &Wallet,
    event: Event,
    now: Timestamp,
) -> Result<Transition, Refusal> {
    match mutation.and_then(|mutation| mistaken(mutation, wallet, &event, now)) {
        Some(answer) => answer,
        None => wallet.apply(event, now),
    }
}

type Answer = Result<Transition, Refusal>;

/// The answer where the mistake concerns this event.
fn mistaken(mutation: Mutation, wallet: &Wallet, event: &Event, now: Timestamp) -> Option<Answer> {
    let real = || wallet.apply(event.clone(), now);
    Some(match (mutation, event) {
        (Mutation::ActiveAtStoredDatabase, Event::CommitSigning(commit)) => {
            real().map(|made| force_signing(made, |pair| pair.ids == commit.ids))
        }
        (
            Mutation::StaleConfirmation | Mutation::SecondGenerateReplacesKey,
            Event::ConfirmSigning { ids, .. },
        ) => {
            let pair = wallet.signing_pair_of(*ids)?;
            let is_generate = pair.made_by == OperationKind::Generate;
            let wanted = match mutation {
                Mutation::StaleConfirmation => !is_generate,
                _ => is_generate,
            };
            match real() {
                Err(Refusal::SigningSuperseded { .. })
                    if wanted && pair.status == SigningStatus::StoredDatabase =>
                {
                    Ok(force_signing(unchanged(wallet), |pair| pair.ids == *ids))
                }
                answer => answer,
            }
        }
        (Mutation::FormerStaysInForce, Event::ConfirmSigning { .. }) => {
            let former = wallet.current_signing().map(|pair| pair.ids);
            real().map(|mut confirmed| {
                for pair in &mut confirmed.wallet.signing_pairs {
                    if Some(pair.ids) == former {
                        pair.status = SigningStatus::StoredClient;
                    }
                }
                confirmed
            })
        }
        (Mutation::OldProof, Event::ConfirmSigning { ids, .. }) => {
            let epoch = wallet.epoch.number;
            wallet.apply(Event::ConfirmSigning { ids: *ids, epoch }, now)
        }
        (Mutation::OldFence, Event::CommitSigning(commit)) => {
            let mut commit = commit.clone();
            commit.fence = fence_of_lease(wallet)?;
            wallet.apply(Event::CommitSigning(commit), now)
        }
        (Mutation::OldFence, Event::CommitBackup(commit)) => {
            let mut commit = commit.clone();
            commit.fence = fence_of_lease(wallet)?;
            wallet.apply(Event::CommitBackup(commit), now)
        }
        (Mutation::LeaseIgnored, Event::Start(_)) => {
            in_disguise(wallet, event, now, |wallet| wallet.lease = None, |_| {})
        }
        (Mutation::LeaseForever, Event::Start(start)) => {
            let lease = wallet.lease.as_ref()?;
            if lease.device_id == start.device_id {
                return None;
            }
            Err(Refusal::LeaseHeld {
                device_id: lease.device_id,
                operation_id: lease.operation_id,
                kind: lease.kind,
                expires_at: lease.expires_at,
            })
        }
        (Mutation::FrozenForever, Event::Start(start)) => {
            let is_frozen = wallet
                .current_signing()
                .is_some_and(|pair| pair.status == SigningStatus::Frozen);
            if !is_frozen || start.plan.kind() != OperationKind::Refresh {
                return None;
            }
            Err(Refusal::SigningFrozen)
        }
        (Mutation::CountsRepeat, Event::Start(_)) => in_disguise(
            wallet,
            event,
            now,
            |seen| {
                seen.proved_in = u64::from(!wallet.is_proved());
                seen.epoch.number = 0;
            },
            |next| {
                next.proved_in = wallet.proved_in;
                next.epoch = wallet.epoch;
            },
        ),
        (Mutation::BackupActiveAtCustodian, Event::CustodianAcknowledged { ids }) => {
            real().map(|acknowledged| {
                force_backup(acknowledged, |pair| {
                    pair.ids == *ids && pair.status == BackupStatus::StoredCustodianBackupShare
                })
            })
        }
        (Mutation::KeyNotAskedFor, Event::ConfirmBackup { ids, .. }) => match real() {
            Err(Refusal::BackupKeyNotStored) => {
                Ok(force_backup(unchanged(wallet), |pair| pair.ids == *ids))
            }
            answer => answer,
        },
        (Mutation::LateBackupConfirmation, Event::ConfirmBackup { ids, .. }) => match real() {
            Err(Refusal::BackupSuperseded { status }) if status.is_open() => {
                Ok(force_backup(unchanged(wallet), |pair| pair.ids == *ids))
            }
            answer => answer,
        },
        (Mutation::AgesFromBeforeEpoch, Event::Collect) => in_disguise(
            wallet,
            event,
            now,
            |seen| seen.epoch.began_at = Timestamp::from_ms(0),
            |next| next.epoch = wallet.epoch,
        ),
        (Mutation::RestoreIgnored, Event::Collect) => in_disguise(
            wallet,
            event,
            now,
            |seen| seen.epoch = Epoch::FIRST,
            |next| next.epoch = wallet.epoch,
        ),
        (Mutation::PurgedUnused, Event::Collect) => in_disguise(
            wallet,
            event,
            now,
            |seen| {
                seen.proved_in = seen.epoch.number;
                seen.signing_pairs
                    .iter_mut()
                    .for_each(|pair| pair.proved_at = Some(now));
            },
            |next| {
                next.proved_in = wallet.proved_in;
                for (pair, was) in next.signing_pairs.iter_mut().zip(&wallet.signing_pairs) {
                    pair.proved_at = was.proved_at;
                }
            },
        ),
        (Mutation::SignsUnproved, Event::Sign { .. }) => in_disguise(
            wallet,
            event,
            now,
            |seen| seen.proved_in = seen.epoch.number,
            |next| next.proved_in = wallet.proved_in,
        ),
        (Mutation::FrozenSigns, Event::Sign { .. }) => in_disguise(
            wallet,
            event,
            now,
            |seen| {
                for pair in &mut seen.signing_pairs {
                    if pair.status == SigningStatus::Frozen {
                        pair.status = SigningStatus::StoredClient;
                    }
                }
            },
            |next| {
                for (pair, was) in next.signing_pairs.iter_mut().zip(&wallet.signing_pairs) {
                    pair.status = was.status;
                }
            },
        ),
        _ => return None,
    })
}

/// The rules are shown another wallet, and what they make of it is put right again.
fn in_disguise(
    wallet: &Wallet,
    event: &Event,
    now: Timestamp,
    disguise: impl FnOnce(&mut Wallet),
    restore: impl FnOnce(&mut Wallet),
) -> Answer {
    let mut seen = wallet.clone();
    disguise(&mut seen);
    let mut answer = seen.apply(event.clone(), now)?;
    restore(&mut answer.wallet);
    Ok(answer)
}

fn unchanged(wallet: &Wallet) -> Transition {
    Transition {
        wallet: wallet.clone(),
        effect: Effect::None,
    }
}

fn fence_of_lease(wallet: &Wallet) -> Option<Fence> {
    wallet.lease.as_ref().map(|lease| lease.fence)
}

/// The pair comes into force, come what may.
fn force_signing(
    mut transition: Transition,
    is_it: impl Fn(&portal_lifecycle::SigningPair) -> bool,
) -> Transition {
    transition.wallet.proved_in = transition.wallet.epoch.number;
    for pair in &mut transition.wallet.signing_pairs {
        if is_it(pair) {
            pair.status = SigningStatus::StoredClient;
        } else if pair.status == SigningStatus::StoredClient {
            pair.status = SigningStatus::Superseded;
        }
    }
    transition
}

/// The backup becomes active, come what may.
fn force_backup(
    mut transition: Transition,
    is_it: impl Fn(&portal_lifecycle::BackupPair) -> bool,
) -> Transition {
    if !transition.wallet.backup_pairs.iter().any(&is_it) {
        return transition;
    }
    for pair in &mut transition.wallet.backup_pairs {
        if is_it(pair) {
            pair.status = BackupStatus::StoredClientBackupShare;
            pair.cipher_text_digest = Some(super::record::digest(super::pairs::number(
                &pair.ids.secp256k1.0,
            )));
        } else if pair.status == BackupStatus::StoredClientBackupShare {
            pair.status = BackupStatus::Superseded;
        }
    }
    transition
}
