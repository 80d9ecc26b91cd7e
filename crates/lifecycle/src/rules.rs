//! The rules E1–E20 of a wallet's life, and its end by Eject: [`Wallet::apply`].

mod backup;
mod eject;
mod garbage;
mod lease;
mod signing;

use crate::{Effect, Event, Refusal, Timestamp, Transition, Wallet};

/// Pairs of one kind that wait for their other half at once. A device that was interrupted comes
/// back for its newest; where somebody begins over and over, the oldest make room.
const UNFINISHED_PAIRS: usize = 32;

impl Wallet {
    /// Decides what `event` makes of this wallet at time `now`.
    ///
    /// # Errors
    ///
    /// A [`Refusal`]; the wallet stays as it is.
    pub fn apply(&self, event: Event, now: Timestamp) -> Result<Transition, Refusal> {
        if self.ejected_at.is_some() {
            return eject::after(self, &event, now);
        }
        match event {
            Event::Start(start) => lease::start(self, start, now),
            Event::End { fence } => Ok(lease::end(self, fence)),
            Event::CommitSigning(commit) => signing::commit(self, commit, now),
            Event::ConfirmSigning { ids, epoch } => signing::confirm(self, ids, epoch, now),
            Event::Sign { curve, pair } => signing::sign(self, curve, pair, now),
            Event::Strike { curve, pair } => signing::strike(self, curve, pair, now),
            Event::CommitBackup(commit) => backup::commit(self, commit, now),
            Event::CustodianAcknowledged { ids } => backup::acknowledged(self, ids, now),
            Event::ClientKeyStored { ids } => backup::key_stored(self, ids, now),
            Event::ConfirmBackup {
                ids,
                cipher_text_digest,
            } => backup::confirm(self, ids, cipher_text_digest, now),
            Event::ProveBackup {
                ids,
                cipher_text_digest,
            } => backup::prove(self, ids, cipher_text_digest, now),
            Event::Collect => Ok(garbage::collect(self, now)),
            Event::EnableEject { until } => eject::enable(self, until, now),
            Event::ReleaseBackupShare => eject::release(self, now),
            Event::DisableEject => Ok(eject::disable(self)),
            Event::Eject { until } => eject::eject(self, until, now),
        }
    }

    fn unchanged(&self) -> Transition {
        Transition {
            wallet: self.clone(),
            effect: Effect::None,
        }
    }
}
