//! What must hold in every state, under the names of the contract.

use portal_lifecycle::{BackupStatus, SigningStatus};

use super::pairs::{Key, Set};
use super::state::{Catastrophe, State, Wrong};
use super::time::Step;
use super::world::World;

/// A property of a state.
pub(crate) type Holds = fn(&World, &State) -> bool;

/// Every property, by its name.
pub(crate) const ALL: [(&str, Holds); 18] = [
    ("I1 no wallet is lost", |_, state| is_not_lost(state)),
    ("I2 at most one active signing pair", |_, state| {
        state.database.wallet.in_force().count() <= 1
    }),
    ("I3 generations never fall", |_, state| {
        never(state, Wrong::GenerationFell)
    }),
    ("I4 active: the client had it durable", |_, state| {
        let mut in_force = state.database.wallet.in_force();
        in_force.all(|pair| state.ghost.was_stored.has(pair.pair))
    }),
    (
        "I5 active backup: all three parts were durable",
        |_, state| {
            let ghost = &state.ghost;
            let all = ghost
                .was_delivered
                .and(ghost.was_cipher_text)
                .and(ghost.was_key);
            let active = state.database.wallet.active_backup();
            active.is_none_or(|backup| all.has(backup.pair))
        },
    ),
    ("I6 outbox empty after the acknowledgement", |_, state| {
        let acknowledged = |status: BackupStatus| {
            // A recovery gives up open backups whether they are delivered or not; the outbox
            // then keeps one until it is delivered or purged.
            !matches!(status, BackupStatus::Pending | BackupStatus::Abandoned)
        };
        let mut backups = state.database.wallet.backup();
        backups.all(|pair| !acknowledged(pair.status) || !state.database.outbox.has(pair.pair))
    }),
    ("I7 nobody holds two shares of one sharing", |_, state| {
        holds_no_two_shares(state)
    }),
    ("I8 at most one strike per generation", |_, state| {
        never(state, Wrong::StruckTwice)
    }),
    ("L1 a signature is reachable", |world, state| {
        // P4: a device that was lost before a backup was complete may have been the wallet.
        let ghost = &state.ghost;
        (ghost.promised == Key::NONE && ghost.catastrophe == Catastrophe::Device)
            || world.heals(state)
    }),
    ("L2 PENDING can proceed", |world, state| {
        world.pending_proceeds(state)
    }),
    ("P1 an address is of a confirmed pair", |_, state| {
        never(state, Wrong::AddressOfUnconfirmedPair)
    }),
    ("P3 the active backup is complete", |_, state| {
        let excused = match state.ghost.catastrophe {
            Catastrophe::None | Catastrophe::Device => false,
            Catastrophe::Cloud | Catastrophe::Backend => true,
            Catastrophe::RollBack => is_old_copy(state),
        };
        let active = state.database.wallet.active_backup();
        excused || active.is_none_or(|backup| state.complete_backups().has(backup.pair))
    }),
    ("E1 one operation holds the lease", |_, state| {
        never(state, Wrong::LeaseTakenFromHolder)
    }),
    ("E2 only the newest fence commits", |_, state| {
        never(state, Wrong::CommitUnderOldFence)
    }),
    ("E9 nothing is given up before its time", |_, state| {
        never(state, Wrong::GivenUpTooSoon)
    }),
    ("E10 purged only when its successor was used", |_, state| {
        never(state, Wrong::PurgedBeforeSuccessorUsed)
    }),
    ("E11 only the pair in force signs", |_, state| {
        never(state, Wrong::SignedByPairNotInForce)
    }),
    ("E20 nothing is used before it proved itself", |_, state| {
        never(state, Wrong::UsedUnproved)
    }),
];

/// Whether the model itself is sound in this state; no property of Portal.
pub(crate) const REPRESENTABLE: (&str, Holds) =
    ("the model's record holds the whole wallet", |_, state| {
        never(state, Wrong::Unrepresentable)
    });

/// What was overtaken when the copy was made may be purged everywhere else by now.
fn is_old_copy(state: &State) -> bool {
    let ghost = &state.ghost;
    ghost.copied_at.taken(Step::Month) < ghost.epoch_began.taken(Step::Month)
}

fn never(state: &State, wrong: Wrong) -> bool {
    !state.ghost.wrongs.has(wrong)
}

/// I1, in full. Once a device heard that its pair is confirmed, an address was handed out, and its
/// key is *promised*, until a fault that the contract does not promise to survive: a lost device
/// before a backup is active (P4), or a database put back to a copy that does not know the wallet.
///
/// A promised key must be within reach of its owner by one of these, each of them at rest and
/// complete:
///
/// - the pair in force: its client share in a keychain, its server share in the database. Frozen
///   counts: it can be refreshed;
/// - the active backup: custodian's share, cipher text and encryption key;
/// - in a database that was put back to before the confirmation, and where no pair is in force: a
///   waiting pair of the key, its shares as above.
///
/// What is in force must share the promised key. A backup that waits, a superseded pair and an
/// overtaken backup do not count: the rules do not lead back to them.
///
/// A key that the copy did not know, with a complete backup when the database was put back, must
/// keep its three parts: the user ejects it.
fn is_not_lost(state: &State) -> bool {
    let (ghost, wallet) = (&state.ghost, &state.database.wallet);
    let complete = state.complete_backups();
    if ghost.ejectable != Key::NONE {
        let keys = state.made.backup_keys;
        let is_ejectable = |pair: u8| keys.get(usize::from(pair)) == Some(&ghost.ejectable);
        if !complete.iter().any(is_ejectable) {
            return false;
        }
    }
    if ghost.promised == Key::NONE {
        return true;
    }
    let shared = state.held().and(state.database.shares);
    if let Some(current) = wallet.current() {
        if current.key != ghost.promised {
            return false;
        }
        if shared.has(current.pair) {
            return true;
        }
    } else if ghost.catastrophe == Catastrophe::RollBack {
        let waits = |pair: &&super::record::SigningRecord| {
            pair.status == SigningStatus::StoredDatabase && pair.key == ghost.promised
        };
        if wallet
            .signing()
            .filter(waits)
            .any(|pair| shared.has(pair.pair))
        {
            return true;
        }
    }
    let active = wallet.active_backup();
    active.is_some_and(|backup| backup.key == ghost.promised && complete.has(backup.pair))
}

/// I7: what each party could put together from all that it keeps.
///
/// The user's devices and storage never have a share of Portal's or of the custodian's; Portal
/// and a copy of its database never have one of the client's. What could come together is the
/// customer's backend: the custodian's share, and a cipher text *with its key*.
fn holds_no_two_shares(state: &State) -> bool {
    let backend = &state.backend;
    let client_shares = backend.cipher_texts.and(backend.keys);
    client_shares.and(backend.custodian) == Set::EMPTY
}
