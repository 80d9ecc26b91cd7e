//! Finishing what an interrupted run left on this device.

use portal_api::rest::ClientState;
use portal_lifecycle::{ErrorId, SigningStatus};

use crate::device::{Mark, PairRecord};
use crate::meter::Meter;
use crate::state::{exists, signing_status};
use crate::{Error, Portal};

impl Portal {
    /// Brings this device's marks in line with the server, and confirms the newest pair that
    /// was stored here but whose confirmation was lost; gives that pair.
    ///
    /// A share that the server does not know, or refuses, is not used and not deleted (E8).
    pub(crate) async fn reconcile(
        &self,
        meter: &mut Meter,
        state: &ClientState,
    ) -> Result<Option<PairRecord>, Error> {
        let mut finished = None;
        for pair in self.device.pairs().await?.readable.into_iter().rev() {
            let mark = self.device.mark_of(pair.generation).await?;
            match signing_status(state, pair.ids) {
                Some(SigningStatus::StoredDatabase) if finished.is_none() => {
                    finished = self.confirmed_now(meter, pair, mark, state.epoch).await?;
                }
                // E20: the server's database was put back. The pair that is in force there proves
                // itself, even if it had been superseded in what was lost.
                Some(SigningStatus::StoredClient | SigningStatus::Frozen)
                    if finished.is_none() && !state.is_proved =>
                {
                    self.prove_again(meter, &pair, mark, state.epoch).await?;
                }
                // What was just confirmed is newer than what the state says.
                Some(SigningStatus::StoredClient | SigningStatus::Frozen)
                    if finished.is_none() && mark != Mark::Active && mark != Mark::Frozen =>
                {
                    self.device.activate(pair.generation).await?;
                }
                Some(SigningStatus::Superseded | SigningStatus::Purged)
                    if mark == Mark::Active || mark == Mark::New =>
                {
                    self.device.mark(pair.generation, Mark::Superseded).await?;
                }
                // Nor is a pair of use that the server has forgotten, while another is in force.
                None if mark == Mark::Active && exists(state) => {
                    self.device.mark(pair.generation, Mark::Superseded).await?;
                }
                _ => {}
            }
        }
        Ok(finished)
    }

    /// E20: a pair whose share on this device does not fit stands in nobody's way.
    async fn prove_again(
        &self,
        meter: &mut Meter,
        pair: &PairRecord,
        mark: Mark,
        epoch: u64,
    ) -> Result<(), Error> {
        match self.prove(meter, pair, epoch).await {
            // That the server cheated with it is not forgotten.
            Ok(()) if matches!(mark, Mark::Active | Mark::Frozen) => Ok(()),
            Ok(()) => self.device.activate(pair.generation).await,
            Err(error) if !error.is_retryable() => {
                tracing::warn!(%error, "the signing pair in force cannot prove itself");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    async fn confirmed_now(
        &self,
        meter: &mut Meter,
        pair: PairRecord,
        mark: Mark,
        epoch: u64,
    ) -> Result<Option<PairRecord>, Error> {
        if mark == Mark::Refused {
            return Ok(None);
        }
        match self.confirm(meter, &pair, epoch).await {
            Ok(()) => Ok(Some(pair)),
            Err(error) if error.id() == ErrorId::SigningShareSuperseded => {
                self.device.mark(pair.generation, Mark::Refused).await?;
                Ok(None)
            }
            // It will not get better by itself, and must not stand in the way of an older pair
            // that works, nor of a recovery.
            Err(error) if !error.is_retryable() => {
                tracing::warn!(%error, "a signing pair on this device cannot be confirmed");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}
