//! L1 and L2: from a state, what the sides do by themselves when no fault comes between any more.
//!
//! A search for liveness over the whole graph would cost too much, and so would fairness. One
//! schedule of the sides' own steps that always comes to a signature shows more: it says how.

use portal_lifecycle::{BackupStatus, OperationKind, SigningStatus};

use super::action::Action;
use super::pairs::SIGNING;
use super::state::{DEVICES, Run, State};
use super::time::Step;
use super::world::World;

impl World {
    /// L1: everybody starts up again, leases run out, and then a device signs: with the pair that
    /// it holds, after a Refresh where that is frozen, after a recovery, or with a new wallet where
    /// there is none.
    pub(crate) fn heals(&self, state: &State) -> bool {
        let mut state = state.clone();
        self.start_up(&mut state);
        let signed = (0..DEVICES).any(|device| self.signs(&mut state, device));
        if signed {
            return true;
        }
        self.complete_backups(&mut state);
        let kind = match state.database.wallet.current() {
            Some(_) => OperationKind::Recover,
            None => OperationKind::Generate,
        };
        (0..DEVICES).any(|device| {
            self.makes(&mut state, device, kind).is_some() && self.signs_once(&mut state, device)
        })
    }

    /// L2: what is `PENDING` has its share in the outbox, and its delivery brings it on.
    pub(crate) fn pending_proceeds(&self, state: &State) -> bool {
        let is_pending = |state: &State, pair| {
            let pair = state.database.wallet.backup_pair(pair);
            pair.is_some_and(|pair| pair.status == BackupStatus::Pending)
        };
        (0..state.made.backup)
            .filter(|pair| is_pending(state, *pair))
            .all(|pair| {
                let mut state = state.clone();
                self.start_up(&mut state);
                self.delivers(&mut state, pair).is_some() && !is_pending(&state, pair)
            })
    }

    fn start_up(&self, state: &mut State) {
        for device in &mut state.devices {
            device.run = Run::Idle;
        }
        self.crash_server(state);
        if state.database.wallet.lease.is_some() {
            // The clock of the model may stand at its last step: then its bounds are too wide.
            let _ = self.step(state, Action::Wait(Step::Lease));
        }
    }

    fn signs(&self, state: &mut State, device: u8) -> bool {
        self.signs_once(state, device)
            || is_frozen(state)
                && self.makes(state, device, OperationKind::Refresh).is_some()
                && self.signs_once(state, device)
    }

    fn signs_once(&self, state: &mut State, device: u8) -> bool {
        self.reconciles(state, device);
        self.sign(state, device) == Some(true)
    }

    /// Until nothing is left to be done.
    fn reconciles(&self, state: &mut State, device: u8) {
        for _ in 0..SIGNING {
            if self.step(state, Action::Reconcile { device }).is_none() {
                break;
            }
            self.confirms(state, device);
        }
    }

    /// The device's confirmation arrives, and so does its answer.
    fn confirms(&self, state: &mut State, device: u8) {
        if let Run::Confirming(pair) = state.device(device).run {
            let epoch = state.database.wallet.epoch;
            let heard = true;
            let _ = self.step(state, Action::Confirm { pair, epoch, heard });
        }
    }

    /// A whole operation that makes a signing pair, without a fault.
    fn makes(&self, state: &mut State, device: u8, kind: OperationKind) -> Option<()> {
        self.reconciles(state, device);
        self.step(state, Action::Start { device, kind })?;
        let session = state.sessions.iter().position(Option::is_some)?;
        let session = u8::try_from(session).ok()?;
        if kind == OperationKind::Recover {
            self.step(state, Action::Fetch { session })?;
        }
        self.step(state, Action::Commit { session })?;
        self.step(state, Action::LastMessage { device })?;
        self.step(state, Action::StoreShare { device })?;
        self.confirms(state, device);
        Some(())
    }

    /// Every open backup whose cipher text is stored is brought to its end.
    fn complete_backups(&self, state: &mut State) {
        for pair in 0..state.made.backup {
            let _ = self.delivers(state, pair);
            let heard = false;
            let _ = self.step(state, Action::KeyStored { pair, heard });
            let _ = self.step(state, Action::ConfirmBackup { pair });
        }
    }

    fn delivers(&self, state: &mut State, pair: u8) -> Option<()> {
        self.step(state, Action::Deliver { pair })?;
        self.step(state, Action::StoreCustodianShare { pair })?;
        self.step(state, Action::Receipt { pair })
    }
}

fn is_frozen(state: &State) -> bool {
    let current = state.database.wallet.current();
    current.is_some_and(|pair| pair.status == SigningStatus::Frozen)
}
