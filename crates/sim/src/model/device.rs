//! The SDK on a device, in the order in which it does things.

use portal_lifecycle::{Event, OperationKind, Refusal, SigningStatus};

use super::mutation::Mutation;
use super::pairs::{Key, Set, signing_ids};
use super::record::Record;
use super::state::{Device, Made, Mark, Run, Stage, Start, State, Wrong};
use super::world::World;

impl World {
    /// An operation under a new id. Each reconciles first: a share that waits for its
    /// confirmation is confirmed, never thrown away for a new one.
    pub(super) fn start(&self, state: &mut State, device: u8, kind: OperationKind) -> Option<()> {
        let waits = self.look_after(state, device);
        if waits.is_some() {
            return None;
        }
        let wallet = &state.database.wallet;
        let source = match kind {
            OperationKind::Generate if wallet.current().is_some() => return None,
            OperationKind::Generate => 0,
            OperationKind::Backup | OperationKind::Refresh => {
                pair_in_use(state.device(device), &state.made)?
            }
            OperationKind::Recover => {
                let backup = wallet.active_backup()?.pair;
                let is_at_hand = state.backend.cipher_texts.has(backup) && state.cloud.has(backup);
                is_at_hand.then_some(backup)?
            }
        };
        let operation = state.made.operations + 1;
        let run = Start {
            device,
            operation,
            kind,
            source,
        };
        self.begin(state, run)?;
        state.made.operations = operation;
        if self.limits.repeats {
            state.network.starts[usize::from(device)] = Some(run);
        }
        self.note_other_wallet(state, kind);
        enter(state, &run);
        Some(())
    }

    /// The same operation id again, because the device does not know what became of it.
    pub(super) fn start_again(&self, state: &mut State, device: u8) -> Option<()> {
        let run = (*state.network.starts.get(usize::from(device))?)?;
        self.begin(state, run)?;
        // It is a start like any other to the bounds of the model.
        state.made.operations += 1;
        self.note_other_wallet(state, run.kind);
        enter(state, &run);
        Some(())
    }

    /// Where the database knows no wallet any more and somebody makes one, the former one can
    /// only be ejected: its late confirmation would replace a key.
    fn note_other_wallet(&self, state: &mut State, kind: OperationKind) {
        if kind == OperationKind::Generate && state.ghost.promised != Key::NONE {
            state.ghost.ejectable = state.ghost.was_backed_up;
            state.ghost.promised = Key::NONE;
        }
    }

    /// The device's machine completes: it can count on the other side's share.
    pub(super) fn last_message(&self, state: &mut State, device: u8) -> Option<()> {
        let Run::InSession(operation) = state.device(device).run else {
            return None;
        };
        let at = state.sessions.iter().position(|session| {
            session.is_some_and(|session| {
                session.run.operation == operation
                    && session.run.device == device
                    && matches!(session.stage, Stage::Committed(_))
            })
        })?;
        let session = state.sessions[at].take()?;
        let Stage::Committed(pair) = session.stage else {
            return None;
        };
        let is_backup = session.run.kind == OperationKind::Backup;
        state.device_mut(device).run = if is_backup {
            Run::Encrypting(pair)
        } else {
            Run::Computed(pair)
        };
        if !is_backup && self.mutation == Some(Mutation::ConfirmsBeforeDurable) {
            send_confirmation(state, pair);
        }
        Some(())
    }

    /// E3: beside the old one, flushed, read back; then the proof is made and sent.
    pub(super) fn store_share(&self, state: &mut State, device: u8) -> Option<()> {
        let Run::Computed(pair) = state.device(device).run else {
            return None;
        };
        let keychain = state.device_mut(device);
        if self.mutation == Some(Mutation::FormerDeletedEarly) {
            keychain.shares = Set::EMPTY;
        }
        keychain.shares.add(pair);
        *keychain.marks.get_mut(usize::from(pair))? = Mark::New;
        keychain.run = Run::Confirming(pair);
        state.ghost.was_stored.add(pair);
        send_confirmation(state, pair);
        if self.mutation == Some(Mutation::AddressBeforeConfirmed) {
            hand_out(state, pair);
        }
        Some(())
    }

    /// E4–E8: the server decides, and the device that waits hears of it or not.
    pub(super) fn confirm(
        &self,
        state: &mut State,
        pair: u8,
        epoch: u8,
        heard: bool,
    ) -> Option<()> {
        let sent = state.network.confirmations.get(usize::from(epoch))?;
        if !sent.has(pair) {
            return None;
        }
        let event = Event::ConfirmSigning {
            ids: signing_ids(pair),
            epoch: epoch.into(),
        };
        let answer = self.transact(state, event);
        if heard {
            self.hear(state, pair, answer.err());
        }
        Some(())
    }

    fn hear(&self, state: &mut State, pair: u8, refusal: Option<Refusal>) {
        let mut is_heard = false;
        for device in &mut state.devices {
            if device.run != Run::Confirming(pair) {
                continue;
            }
            device.run = Run::Idle;
            match &refusal {
                None => {
                    activate(device, pair);
                    is_heard = true;
                }
                Some(Refusal::SigningSuperseded { .. }) => mark(device, pair, Mark::Refused),
                Some(_) => {}
            }
        }
        if is_heard {
            hand_out(state, pair);
        }
    }

    /// Start-up: marks are brought in line, and what waits for its confirmation is confirmed.
    pub(super) fn reconcile(&self, state: &mut State, device: u8) -> Option<()> {
        let before = *state.device(device);
        let waits = self.look_after(state, device);
        if let Some(pair) = waits {
            state.device_mut(device).run = Run::Confirming(pair);
            send_confirmation(state, pair);
        }
        (*state.device(device) != before).then_some(())
    }

    /// Brings a device's marks in line with the server's state; gives the pair to be confirmed.
    fn look_after(&self, state: &mut State, device: u8) -> Option<u8> {
        let (wallet, made) = (&state.database.wallet, &state.made);
        let keychain = &mut state.devices[usize::from(device % super::state::DEVICES)];
        let mut waits = None;
        for pair in newest_first(keychain, made) {
            let mark_now = mark_of(keychain, pair);
            match wallet.signing_pair(pair).map(|pair| pair.status) {
                Some(SigningStatus::StoredDatabase)
                    if waits.is_none() && mark_now != Mark::Refused =>
                {
                    waits = Some(pair);
                }
                Some(SigningStatus::StoredClient | SigningStatus::Frozen)
                    if waits.is_none() && mark_now != Mark::Active =>
                {
                    activate(keychain, pair);
                }
                Some(SigningStatus::Superseded | SigningStatus::Purged)
                    if matches!(mark_now, Mark::Active | Mark::New) =>
                {
                    mark(keychain, pair, Mark::Superseded);
                }
                _ => {}
            }
        }
        if self.mutation == Some(Mutation::NeverProvesAgain) {
            return waits;
        }
        waits.or_else(|| unproved(wallet, keychain))
    }

    /// A signature, or what the SDK learns from not getting one.
    pub(super) fn sign(&self, state: &mut State, device: u8) -> Option<bool> {
        let pair = pair_in_use(state.device(device), &state.made)?;
        match self.sign_with(state, pair) {
            Ok(()) => Some(true),
            Err(Refusal::SigningSuperseded { .. }) => {
                mark(state.device_mut(device), pair, Mark::Superseded);
                Some(false)
            }
            Err(_) => None,
        }
    }

    pub(super) fn strike(&self, state: &mut State, device: u8) -> Option<()> {
        let pair = pair_in_use(state.device(device), &state.made)?;
        self.strike_with(state, pair)
    }
}

/// P1: now, and only now, there is an address. A pair that was frozen since had one before.
fn hand_out(state: &mut State, pair: u8) {
    let current = state.database.wallet.current().map(|current| current.pair);
    if current != Some(pair) {
        state.ghost.wrongs.note(Wrong::AddressOfUnconfirmedPair);
    }
    if state.ghost.promised == Key::NONE {
        let key = state.made.keys.get(usize::from(pair)).copied();
        state.ghost.promised = key.unwrap_or(Key::NONE);
    }
}

fn enter(state: &mut State, run: &Start) {
    // A start whose source was not there has ended already.
    let goes_on = state.sessions.iter().flatten();
    if goes_on.into_iter().any(|session| session.run == *run) {
        state.device_mut(run.device).run = Run::InSession(run.operation);
    }
}

/// With a proof for the epoch that the server's state names.
fn send_confirmation(state: &mut State, pair: u8) {
    let epoch = usize::from(state.database.wallet.epoch);
    if let Some(sent) = state.network.confirmations.get_mut(epoch) {
        sent.add(pair);
    }
}

fn mark(device: &mut Device, pair: u8, mark: Mark) {
    if let Some(marked) = device.marks.get_mut(usize::from(pair)) {
        *marked = mark;
    }
}

/// E7: the former one is kept.
fn activate(device: &mut Device, pair: u8) {
    for marked in &mut device.marks {
        if *marked == Mark::Active {
            *marked = Mark::Superseded;
        }
    }
    mark(device, pair, Mark::Active);
}

fn mark_of(device: &Device, pair: u8) -> Mark {
    let mark = device.marks.get(usize::from(pair));
    mark.copied().unwrap_or(Mark::New)
}

/// The pairs in a keychain, newest first.
fn newest_first(device: &Device, made: &Made) -> impl Iterator<Item = u8> + use<> {
    let mut pairs: Vec<u8> = device.shares.iter().collect();
    let generation = |pair: &u8| made.generations.get(usize::from(*pair)).copied();
    pairs.sort_by_key(|pair| std::cmp::Reverse(generation(pair)));
    pairs.into_iter()
}

/// The newest pair in use; where none is, the newest that there is.
pub(super) fn pair_in_use(device: &Device, made: &Made) -> Option<u8> {
    let in_use = newest_first(device, made).find(|pair| mark_of(device, *pair) == Mark::Active);
    in_use.or_else(|| newest_first(device, made).next())
}

/// E20: the pair in force, if it is to prove itself again and is here.
fn unproved(wallet: &Record, keychain: &Device) -> Option<u8> {
    let current = wallet.current().map(|pair| pair.pair);
    current.filter(|pair| !wallet.is_proved() && keychain.shares.has(*pair))
}
