//! What can happen next.

use portal_lifecycle::OperationKind;

use super::pairs::Set;
use super::state::{Catastrophe, DEVICES, Run, Stage, State};
use super::time::Step;
use super::world::World;

/// One step of one side, of the network, of the clock, or of fate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    /// A device begins an operation under a new operation id, and the server takes it up.
    Start { device: u8, kind: OperationKind },
    /// A device begins its last operation again under the same operation id.
    StartAgain { device: u8 },
    /// Recover: the server fetches the custodian's share.
    Fetch { session: u8 },
    /// The server's side of a session is done: E2, E14.
    Commit { session: u8 },
    /// A session of the server ends: time-out, or a connection that was cut.
    EndSession { session: u8 },
    /// The last message of its session reaches a device.
    LastMessage { device: u8 },
    /// E3; the confirmation is sent.
    StoreShare { device: u8 },
    /// A confirmation reaches the server; its answer reaches the device or not.
    Confirm { pair: u8, epoch: u8, heard: bool },
    /// A device looks after what an interrupted run left.
    Reconcile { device: u8 },
    /// A device signs.
    Sign { device: u8 },
    /// A device cheats in a signature, and is caught.
    Strike { device: u8 },
    /// A device's process ends.
    CrashDevice { device: u8 },
    /// The server's process ends.
    CrashServer,
    /// The outbox sends a share to the custodian.
    Deliver { pair: u8 },
    /// The custodian stores a share that was sent.
    StoreCustodianShare { pair: u8 },
    /// The custodian's receipt and fetch-back reach the server: E15.
    Receipt { pair: u8 },
    /// A device writes the encryption key into the user's storage: E16.
    WriteKey { device: u8 },
    /// The server hears of the key; its answer reaches the device or not.
    KeyStored { pair: u8, heard: bool },
    /// The app stores the cipher text.
    StoreCipherText { device: u8 },
    /// The app says that a cipher text is stored: E17.
    ConfirmBackup { pair: u8 },
    /// E9, E10, E18.
    Collect,
    /// The custodian hears that a backup pair was purged, and erases its share.
    EraseCustodianShare { pair: u8 },
    /// Time passes.
    Wait(Step),
    /// Somebody copies the database.
    Copy,
    /// The copy is put in the database's place.
    Restore,
    /// A keychain is lost.
    LoseDevice { device: u8 },
    /// The user's storage is lost.
    LoseCloud,
    /// The customer's backend is lost.
    LoseBackend,
}

impl World {
    /// Every action that may have an effect; [`World::step`] decides whether it has.
    pub(crate) fn offer(&self, state: &State, actions: &mut Vec<Action>) {
        self.offer_devices(state, actions);
        self.offer_server(state, actions);
        self.offer_backup(state, actions);
        self.offer_fate(state, actions);
    }

    fn offer_devices(&self, state: &State, actions: &mut Vec<Action>) {
        let limits = &self.limits;
        let may_start = state.made.operations < limits.operations;
        for device in 0..limits.devices.min(DEVICES) {
            match state.device(device).run {
                Run::Idle => {
                    actions.extend([Action::Reconcile { device }, Action::Sign { device }]);
                    if state.made.strikes < limits.strikes {
                        actions.push(Action::Strike { device });
                    }
                    if may_start {
                        let kinds = limits.kinds.iter().filter(|kind| match kind {
                            OperationKind::Backup => state.made.backup < limits.backup,
                            _ => state.made.signing < limits.signing,
                        });
                        actions.extend(kinds.map(|&kind| Action::Start { device, kind }));
                        if limits.repeats {
                            actions.push(Action::StartAgain { device });
                        }
                    }
                    continue;
                }
                Run::InSession(_) => actions.push(Action::LastMessage { device }),
                Run::Computed(_) => actions.push(Action::StoreShare { device }),
                Run::Encrypting(_) => actions.push(Action::WriteKey { device }),
                Run::Handed(_) => actions.push(Action::StoreCipherText { device }),
                Run::Confirming(_) | Run::KeyWritten(_) => {}
            }
            actions.push(Action::CrashDevice { device });
        }
    }

    fn offer_server(&self, state: &State, actions: &mut Vec<Action>) {
        for (session, going_on) in (0..).zip(state.sessions) {
            match going_on.map(|going_on| going_on.stage) {
                Some(Stage::Fetching) => actions.push(Action::Fetch { session }),
                Some(Stage::Running) => {
                    actions.extend([Action::Commit { session }, Action::EndSession { session }]);
                }
                Some(Stage::Committed(_)) => actions.push(Action::EndSession { session }),
                None => {}
            }
        }
        for (epoch, sent) in (0..).zip(state.network.confirmations) {
            for pair in sent.iter() {
                actions.push(Action::Confirm {
                    pair,
                    epoch,
                    heard: false,
                });
                if self.is_awaited(state, Run::Confirming(pair)) {
                    actions.push(Action::Confirm {
                        pair,
                        epoch,
                        heard: true,
                    });
                }
            }
        }
        let is_busy = state.sessions.iter().any(Option::is_some);
        let waits = !state.network.receipts.is_empty() || !state.volatile_freezes.is_empty();
        if is_busy || waits {
            actions.push(Action::CrashServer);
        }
        if !state.now.is_start() {
            actions.push(Action::Collect);
        }
    }

    fn offer_backup(&self, state: &State, actions: &mut Vec<Action>) {
        let network = &state.network;
        let each = |pairs: Set, action: fn(u8) -> Action| pairs.iter().map(action);
        actions.extend(each(state.database.outbox, |pair| Action::Deliver { pair }));
        actions.extend(each(network.deliveries, |pair| {
            Action::StoreCustodianShare { pair }
        }));
        actions.extend(each(network.receipts, |pair| Action::Receipt { pair }));
        for pair in network.keys_stored.iter() {
            actions.push(Action::KeyStored { pair, heard: false });
            if self.is_awaited(state, Run::KeyWritten(pair)) {
                actions.push(Action::KeyStored { pair, heard: true });
            }
        }
        actions.extend(each(network.backup_confirmations, |pair| {
            Action::ConfirmBackup { pair }
        }));
        actions.extend(each(network.purges, |pair| Action::EraseCustodianShare {
            pair,
        }));
    }

    fn offer_fate(&self, state: &State, actions: &mut Vec<Action>) {
        let limits = &self.limits;
        let steps = [
            (Step::Lease, limits.leases),
            (Step::Week, limits.weeks),
            (Step::Month, limits.months),
        ];
        for (step, most) in steps {
            // A lease's time matters only to who waits for one.
            let matters = step != Step::Lease || state.database.wallet.lease.is_some();
            if state.now.taken(step) < most && matters {
                actions.push(Action::Wait(step));
            }
        }
        if state.ghost.catastrophe != Catastrophe::None {
            return;
        }
        match limits.catastrophe {
            Catastrophe::None => {}
            Catastrophe::Device => {
                actions.extend((0..DEVICES).map(|device| Action::LoseDevice { device }));
            }
            Catastrophe::Cloud => actions.push(Action::LoseCloud),
            Catastrophe::Backend => actions.push(Action::LoseBackend),
            Catastrophe::RollBack => actions.push(match state.copy {
                None => Action::Copy,
                Some(_) => Action::Restore,
            }),
        }
    }

    fn is_awaited(&self, state: &State, run: Run) -> bool {
        state.devices.iter().any(|device| device.run == run)
    }
}
