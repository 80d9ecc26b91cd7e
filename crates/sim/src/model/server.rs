//! Portal: sessions, and transactions on its database.

use portal_lifecycle::{
    self as lifecycle, BackupCommit, BackupMode, Curve, Effect, Event, Fence, Garbage,
    OperationKind, Plan, Refusal, SigningCommit,
};

use super::mutation::Mutation;
use super::pairs::{Key, Set, backup_ids, backup_points, number, signing_ids, signing_points};
use super::record::{METHOD, Record, device_id, operation_id};
use super::rules;
use super::state::{Session, Stage, Start, State, Wrong};
use super::time::LEASE_MS;
use super::watch;
use super::world::World;

impl World {
    /// Applies an event, and makes durable what it leads to, in one transaction.
    pub(super) fn transact(&self, state: &mut State, event: Event) -> Result<Effect, Refusal> {
        let before = state.database.wallet.wallet();
        let answer = rules::apply(self.mutation, &before, event.clone(), state.now.timestamp())?;
        watch::transition(state, &before, &event, &answer);
        self.carry_out(state, &answer.effect);
        let record = Record::of(&answer.wallet);
        if !record.holds(&answer.wallet) {
            state.ghost.wrongs.note(Wrong::Unrepresentable);
        }
        state.database.wallet = record;
        Ok(answer.effect)
    }

    fn carry_out(&self, state: &mut State, effect: &Effect) {
        let database = &mut state.database;
        match effect {
            Effect::StoreSigningShare(ids) => {
                if self.mutation == Some(Mutation::FormerErasedAtCommit) {
                    database.shares = Set::EMPTY;
                }
                database.shares.add(number(&ids.secp256k1.0));
            }
            Effect::EnqueueCustodianShare(ids) => database.outbox.add(number(&ids.secp256k1.0)),
            Effect::EraseOutbox(ids) => {
                if self.mutation != Some(Mutation::OutboxKept) {
                    database.outbox.remove(number(&ids.secp256k1.0));
                }
            }
            Effect::Collect(garbage) => {
                for what in garbage {
                    match what {
                        Garbage::AbandonedSigning(_) => {}
                        Garbage::PurgedSigning(ids) => {
                            database.shares.remove(number(&ids.secp256k1.0));
                        }
                        Garbage::AbandonedBackup(ids) => {
                            let pair = number(&ids.secp256k1.0);
                            database.outbox.remove(pair);
                            if self.mutation == Some(Mutation::ErasedWhenAbandoned) {
                                state.network.purges.add(pair);
                            }
                        }
                        Garbage::PurgedBackup(ids) => {
                            let pair = number(&ids.secp256k1.0);
                            database.outbox.remove(pair);
                            state.network.purges.add(pair);
                        }
                    }
                }
                if self.mutation == Some(Mutation::EveryBackupNamed)
                    && !state.network.purges.is_empty()
                {
                    (0..state.made.backup).for_each(|pair| state.network.purges.add(pair));
                }
            }
            Effect::None
            | Effect::LeaseTaken(_)
            | Effect::AlreadyMade(_)
            | Effect::AuditSignature
            | Effect::Freeze
            // Nobody backs up in managed mode, and nobody ejects.
            | Effect::StoreCustodianShare(_)
            | Effect::ReleaseBackupShare => {}
        }
    }

    /// E1: takes the lease and begins a session; gives its place, if there is one to run.
    pub(super) fn begin(&self, state: &mut State, run: Start) -> Option<()> {
        let free = state.sessions.iter().position(Option::is_none)?;
        let event = Event::Start(lifecycle::Start {
            operation_id: operation_id(run.operation),
            device_id: device_id(state.device(run.device).id),
            plan: plan(&run),
            lease_ms: LEASE_MS,
        });
        let Ok(Effect::LeaseTaken(lease)) = self.transact(state, event) else {
            return None;
        };
        let stage = match run.kind {
            OperationKind::Recover => Stage::Fetching,
            _ => Stage::Running,
        };
        let has_source = match run.kind {
            OperationKind::Refresh | OperationKind::Backup => state.database.shares.has(run.source),
            OperationKind::Generate | OperationKind::Recover => true,
        };
        if !has_source {
            return self.give_back(state, lease.fence);
        }
        state.sessions[free] = Some(Session {
            run,
            fence: super::record::Count::of(lease.fence.0),
            stage,
        });
        Some(())
    }

    fn give_back(&self, state: &mut State, fence: Fence) -> Option<()> {
        self.transact(state, Event::End { fence }).ok().map(|_| ())
    }

    pub(super) fn end_session(&self, state: &mut State, at: u8) -> Option<()> {
        let session = state.sessions.get_mut(usize::from(at))?.take()?;
        self.give_back(state, Fence(session.fence.get()))
    }

    /// E19: the custodian's share of the backup, or nothing is changed.
    pub(super) fn fetch(&self, state: &mut State, at: u8) -> Option<()> {
        let custodian = state.backend.custodian;
        let session = state.sessions.get_mut(usize::from(at))?.as_mut()?;
        if session.stage != Stage::Fetching {
            return None;
        }
        if custodian.has(session.run.source) {
            session.stage = Stage::Running;
            return Some(());
        }
        self.end_session(state, at)
    }

    /// E2, E14: durable, and only then the last message.
    pub(super) fn commit(&self, state: &mut State, at: u8) -> Option<()> {
        let session = (*state.sessions.get(usize::from(at))?)?;
        if session.stage != Stage::Running {
            return None;
        }
        let (event, pair) = commit_of(state, &session)?;
        if self.transact(state, event).is_err() {
            return self.end_session(state, at);
        }
        let wallet = &state.database.wallet;
        if session.run.kind == OperationKind::Backup {
            let made = wallet.backup_pair(pair)?;
            *state.made.backup_keys.get_mut(usize::from(pair))? = made.key;
            state.made.backup += 1;
        } else {
            let made = wallet.signing_pair(pair)?;
            *state.made.keys.get_mut(usize::from(pair))? = made.key;
            *state.made.generations.get_mut(usize::from(pair))? = made.generation;
            state.made.signing += 1;
        }
        state.sessions[usize::from(at)] = Some(Session {
            stage: Stage::Committed(pair),
            ..session
        });
        Some(())
    }

    /// E11: one curve stands for both.
    pub(super) fn sign_with(&self, state: &mut State, pair: u8) -> Result<(), Refusal> {
        let ids = signing_ids(pair);
        if state.volatile_freezes.has(pair) {
            return Err(Refusal::SigningFrozen);
        }
        let event = Event::Sign {
            curve: Curve::Secp256k1,
            pair: ids.secp256k1,
        };
        self.transact(state, event).map(|_| ())
    }

    /// E12: in a signature that was allowed, and durable before anybody is answered.
    pub(super) fn strike_with(&self, state: &mut State, pair: u8) -> Option<()> {
        self.sign_with(state, pair).ok()?;
        let event = Event::Strike {
            curve: Curve::Secp256k1,
            pair: signing_ids(pair).secp256k1,
        };
        let before = state.database.clone();
        self.transact(state, event).ok()?;
        state.made.strikes += 1;
        if self.mutation == Some(Mutation::FreezeNotDurable) {
            state.database = before;
            state.volatile_freezes.add(pair);
        }
        Some(())
    }

    /// What only the process knew.
    pub(super) fn crash_server(&self, state: &mut State) {
        state.sessions = Default::default();
        state.network.receipts = Set::EMPTY;
        state.volatile_freezes = Set::EMPTY;
    }

    /// E9, E10, E18.
    pub(super) fn collect(&self, state: &mut State) -> Option<()> {
        match self.transact(state, Event::Collect) {
            Ok(Effect::Collect(garbage)) if !garbage.is_empty() => Some(()),
            _ => None,
        }
    }
}

fn plan(run: &Start) -> Plan {
    match run.kind {
        OperationKind::Generate => Plan::Generate,
        OperationKind::Backup => Plan::Backup {
            source: signing_ids(run.source),
            method: METHOD,
            mode: BackupMode::Plain,
        },
        OperationKind::Recover => Plan::Recover {
            source: backup_ids(run.source),
        },
        OperationKind::Refresh => Plan::Refresh {
            source: signing_ids(run.source),
        },
    }
}

/// The commit of a session that ended well, and the number of its pair.
fn commit_of(state: &State, session: &Session) -> Option<(Event, u8)> {
    let (run, made) = (&session.run, &state.made);
    let source = usize::from(run.source);
    let fence = Fence(session.fence.get());
    let key = match run.kind {
        OperationKind::Generate => Key::made_with(made.signing),
        OperationKind::Backup | OperationKind::Refresh => *made.keys.get(source)?,
        OperationKind::Recover => *made.backup_keys.get(source)?,
    };
    if run.kind == OperationKind::Backup {
        let pair = made.backup;
        made.backup_keys.get(usize::from(pair))?;
        let commit = BackupCommit {
            fence,
            ids: backup_ids(pair),
            points: backup_points(key, pair),
            source: signing_ids(run.source),
            method: METHOD,
            mode: BackupMode::Plain,
        };
        return Some((Event::CommitBackup(commit), pair));
    }
    let pair = made.signing;
    made.keys.get(usize::from(pair))?;
    let commit = SigningCommit {
        fence,
        ids: signing_ids(pair),
        points: signing_points(key, pair),
        plan: plan(run),
    };
    Some((Event::CommitSigning(commit), pair))
}
