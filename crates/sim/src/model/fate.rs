//! Time, and the faults of which there is one at most: what is lost, and what was promised of it.

use portal_lifecycle::SigningStatus;

use super::pairs::{Key, Set};
use super::state::{Catastrophe, Database, State};
use super::time::Step;
use super::world::World;

pub(super) fn wait(state: &mut State, step: Step) -> Option<()> {
    state.now = state.now.after(step)?;
    Some(())
}

/// Somebody copies the database, and it goes on.
pub(super) fn copy(state: &mut State) -> Option<()> {
    state.copy = Some(state.database.clone());
    state.ghost.copied_at = state.now;
    Some(())
}

/// A keychain is lost. Before a backup is complete that may be the wallet (P4), and then nothing
/// is promised any more.
pub(super) fn lose_device(state: &mut State, device: u8) -> Option<()> {
    state.ghost.catastrophe = Catastrophe::Device;
    state.device_mut(device).lose();
    let wallet = &state.database.wallet;
    let is_held = |pair| state.held().has(pair);
    let is_left = wallet.current().is_some_and(|pair| is_held(pair.pair));
    if wallet.active_backup().is_none() && !is_left {
        state.ghost.promised = Key::NONE;
    }
    Some(())
}

/// Every encryption key in the user's own storage.
pub(super) fn lose_cloud(state: &mut State) -> Option<()> {
    state.ghost.catastrophe = Catastrophe::Cloud;
    state.cloud = Set::EMPTY;
    Some(())
}

/// Every custodian share and every cipher text.
pub(super) fn lose_backend(state: &mut State) -> Option<()> {
    state.ghost.catastrophe = Catastrophe::Backend;
    state.backend.custodian = Set::EMPTY;
    state.backend.cipher_texts = Set::EMPTY;
    Some(())
}

impl World {
    /// E20: the copy comes in the database's place, as of now, under a new epoch. The server's
    /// process ends with the database that it worked on.
    ///
    /// What a copy does not know cannot be promised: a wallet whose pair is not in it, or stands
    /// in it beside a rival for the same place, lives on in its backup alone, to be ejected.
    pub(super) fn restore(&self, state: &mut State) -> Option<()> {
        let copy = state.copy.take()?;
        let ghost = &mut state.ghost;
        ghost.catastrophe = Catastrophe::RollBack;
        let complete = state
            .backend
            .custodian
            .and(state.backend.cipher_texts)
            .and(state.cloud);
        let former = state.database.wallet.active_backup();
        if former.is_some_and(|backup| complete.has(backup.pair) && backup.key == ghost.promised) {
            ghost.was_backed_up = ghost.promised;
        }
        if !knows(&copy, ghost.promised) {
            ghost.ejectable = ghost.was_backed_up;
            ghost.promised = Key::NONE;
        }
        ghost.epoch_began = state.now;
        ghost.is_proved = false;
        (ghost.used, ghost.struck) = (Set::EMPTY, Set::EMPTY);
        state.database = copy;
        state.database.wallet.epoch += 1;
        state.database.wallet.began_at = state.now;
        self.crash_server(state);
        Some(())
    }
}

/// Whether a copy of the database has the wallet of this key, in force or waiting without a rival.
fn knows(copy: &Database, key: Key) -> bool {
    if let Some(current) = copy.wallet.current() {
        return current.key == key;
    }
    let waiting =
        |pair: &&super::record::SigningRecord| pair.status == SigningStatus::StoredDatabase;
    let mut keys = copy.wallet.signing().filter(waiting).map(|pair| pair.key);
    let first = keys.next();
    first == Some(key) && keys.all(|other| other == key)
}
