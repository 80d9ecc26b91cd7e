//! The model as the checker sees it: where it begins, what can happen, what must hold.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use portal_lifecycle::OperationKind;
use stateright::{Model, Property};

use super::action::Action;
use super::fate::{copy, lose_backend, lose_cloud, lose_device, wait};
use super::milestone;
use super::mutation::Mutation;
use super::property;
use super::state::{Catastrophe, State};

/// How much may happen; without bounds there would be no end of states.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) devices: u8,
    /// What a device may start.
    pub(crate) kinds: &'static [OperationKind],
    /// Pairs that may be made.
    pub(crate) signing: u8,
    pub(crate) backup: u8,
    /// Operations that may be started, whether they come to an end or not.
    pub(crate) operations: u8,
    /// Whether a start may be repeated under the same operation id.
    pub(crate) repeats: bool,
    pub(crate) strikes: u8,
    /// Steps of the clock.
    pub(crate) leases: u8,
    pub(crate) weeks: u8,
    pub(crate) months: u8,
    /// The one fault more that may happen, once.
    pub(crate) catastrophe: Catastrophe,
}

/// Two devices, a user's storage, a customer's backend and Portal.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) limits: Limits,
    pub(crate) mutation: Option<Mutation>,
    pub(crate) beginning: State,
    /// Whether it is noted which milestones are passed; that takes time.
    pub(crate) looks_out: bool,
    /// Set to end a search: from then on no state leads anywhere.
    pub(crate) stop: Arc<AtomicBool>,
}

impl World {
    /// Takes a step; none where it has no effect.
    pub(crate) fn step(&self, state: &mut State, action: Action) -> Option<()> {
        match action {
            Action::Start { device, kind } => self.start(state, device, kind),
            Action::StartAgain { device } => self.start_again(state, device),
            Action::Fetch { session } => self.fetch(state, session),
            Action::Commit { session } => self.commit(state, session),
            Action::EndSession { session } => self.end_session(state, session),
            Action::LastMessage { device } => self.last_message(state, device),
            Action::StoreShare { device } => self.store_share(state, device),
            Action::Confirm { pair, epoch, heard } => self.confirm(state, pair, epoch, heard),
            Action::Reconcile { device } => self.reconcile(state, device),
            Action::Sign { device } => self.sign(state, device).map(|_| ()),
            Action::Strike { device } => self.strike(state, device),
            Action::CrashDevice { device } => {
                state.device_mut(device).run = super::state::Run::Idle;
                Some(())
            }
            Action::CrashServer => {
                self.crash_server(state);
                Some(())
            }
            Action::Deliver { pair } => self.deliver(state, pair),
            Action::StoreCustodianShare { pair } => self.store_custodian_share(state, pair),
            Action::Receipt { pair } => self.receipt(state, pair),
            Action::WriteKey { device } => self.write_key(state, device),
            Action::KeyStored { pair, heard } => self.key_stored(state, pair, heard),
            Action::StoreCipherText { device } => self.store_cipher_text(state, device),
            Action::ConfirmBackup { pair } => self.confirm_backup(state, pair),
            Action::Collect => self.collect(state),
            Action::EraseCustodianShare { pair } => self.erase_custodian_share(state, pair),
            Action::Wait(step) => wait(state, step),
            Action::Copy => copy(state),
            Action::Restore => self.restore(state),
            Action::LoseDevice { device } => lose_device(state, device),
            Action::LoseCloud => lose_cloud(state),
            Action::LoseBackend => lose_backend(state),
        }
    }
}

impl Model for World {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![self.beginning.clone()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if !self.stop.load(Ordering::Relaxed) {
            self.offer(state, actions);
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = state.clone();
        self.step(&mut next, action)?;
        (next != *state).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let held = property::ALL.iter().chain([&property::REPRESENTABLE]);
        let held = held.map(|(name, holds)| Property::always(name, *holds));
        let milestones = milestone::ALL.iter().filter(|_| self.looks_out);
        held.chain(milestones.map(|(name, passed)| Property::sometimes(name, *passed)))
            .collect()
    }
}
