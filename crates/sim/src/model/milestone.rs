//! What the searches must come across, or their properties were held against little.

use portal_lifecycle::{BackupStatus, OperationKind, SigningStatus};

use super::property::Holds;
use super::state::{Run, Stage, State};

/// Every milestone, by its name.
pub(crate) const ALL: [(&str, Holds); 14] = [
    ("a recovered pair in force", |_, state| {
        in_force(state) == Some(OperationKind::Recover)
    }),
    ("a refreshed pair in force", |_, state| {
        in_force(state) == Some(OperationKind::Refresh)
    }),
    ("a second backup active", |_, state| {
        let active = state.database.wallet.active_backup();
        active.is_some_and(|backup| backup.pair == 1)
    }),
    ("a frozen pair replaced", |_, state| {
        let current = state.database.wallet.current();
        current.is_some_and(|pair| {
            let older = |struck: u8| struck < pair.pair;
            pair.status == SigningStatus::StoredClient && state.ghost.struck.iter().any(older)
        })
    }),
    ("a waiting pair given up", |_, state| {
        signing(state, SigningStatus::Abandoned)
    }),
    ("a superseded share purged", |_, state| {
        let wallet = &state.database.wallet;
        let mut purged = wallet
            .signing()
            .filter(|pair| pair.status == SigningStatus::Purged);
        purged.any(|pair| !state.database.shares.has(pair.pair))
    }),
    ("an open backup given up", |_, state| {
        backup(state, BackupStatus::Abandoned)
    }),
    ("a custodian's share erased", |_, state| {
        let was = state.ghost.was_delivered;
        was.iter()
            .any(|pair| !state.backend.custodian.has(pair) && state.network.purges.has(pair))
    }),
    ("proved again after a restore", |_, state| {
        let wallet = &state.database.wallet;
        wallet.epoch == 1 && wallet.is_proved()
    }),
    ("recovered after a restore", |_, state| {
        let wallet = &state.database.wallet;
        wallet.epoch == 1 && in_force(state) == Some(OperationKind::Recover)
    }),
    (
        "a session outlived by its lease's next holder",
        |_, state| {
            let fence = state.database.wallet.fence;
            let mut running = state.sessions.iter().flatten();
            running.any(|session| session.stage == Stage::Running && session.fence < fence)
        },
    ),
    ("a refused share kept", |_, state| {
        let refused = |device: &super::state::Device| {
            let marks = device.marks.iter();
            marks
                .into_iter()
                .any(|mark| *mark == super::state::Mark::Refused)
        };
        state.devices.iter().any(refused)
    }),
    ("both devices confirming", |_, state| {
        let confirming = |device: &super::state::Device| matches!(device.run, Run::Confirming(_));
        state.devices.iter().all(confirming)
    }),
    ("a key that can only be ejected", |_, state| {
        state.ghost.ejectable != super::pairs::Key::NONE
    }),
];

fn in_force(state: &State) -> Option<OperationKind> {
    state.database.wallet.current().map(|pair| pair.made_by)
}

fn signing(state: &State, status: SigningStatus) -> bool {
    let mut pairs = state.database.wallet.signing();
    pairs.any(|pair| pair.status == status)
}

fn backup(state: &State, status: BackupStatus) -> bool {
    let mut pairs = state.database.wallet.backup();
    pairs.any(|pair| pair.status == status)
}
