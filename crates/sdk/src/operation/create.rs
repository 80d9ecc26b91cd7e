//! Generate: `create_wallet`.

use portal_api::session::Operation;
use portal_chains::Addresses;
use portal_lifecycle::{ErrorId, OperationKind, SigningStatus};
use portal_mpc::{self as mpc, Generate};

use super::pair::unexpected;
use crate::error::Run;
use crate::meter::{Meter, traced};
use crate::progress::Status;
use crate::session::{Begun, Session, compute, key_contexts};
use crate::state::exists;
use crate::{Error, Portal, Report, ambient};

/// A new wallet. **It has no backup yet**: until one is completed, a lost device is a lost wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// Its addresses.
    pub addresses: Addresses,
    /// Whether this call finished a run that was interrupted before, and made no new key.
    pub resumed: bool,
    /// Where time and bytes went.
    pub report: Report,
}

impl Portal {
    /// Makes the client's wallet, with this device's share in the keychain.
    ///
    /// Tells: Generating share, Parsing share, Storing share, Done. Called again after a
    /// failure, it finishes what was interrupted or starts afresh.
    ///
    /// # Errors
    ///
    /// `WALLET_ALREADY_EXISTS`, `STATE_INVALID`, `OPERATION_IN_PROGRESS`, the `KEYCHAIN_…` and `MPC_…` ids,
    /// `DKG_FAILED`, `UNAVAILABLE`.
    pub async fn create_wallet(&self) -> Result<Created, Error> {
        let meter = Meter::start();
        traced(meter.trace_id(), self.created(meter)).await
    }

    async fn created(&self, mut meter: Meter) -> Result<Created, Error> {
        self.device.self_test().await?;
        let state = self.rest.state(&mut meter).await?;
        if let Some(pair) = self.reconcile(&mut meter, &state).await? {
            meter.passed(SigningStatus::StoredClient.as_str());
            self.tell(Status::Done);
            let addresses = pair.addresses()?;
            return Ok(Created {
                addresses,
                resumed: true,
                report: meter.finish(),
            });
        }
        if exists(&state) {
            return Err(Error::new(
                ErrorId::WalletAlreadyExists,
                "this client already has a wallet; use it, or recover it on this device",
            ));
        }
        if self.device.holds_a_wallet().await? {
            return Err(Error::new(
                ErrorId::StateInvalid,
                "this device holds the share of a wallet that the server has forgotten, as after \
                 its database was restored from a copy of before; another wallet would hide it. \
                 Have a newer copy restored, or use another keychain for another wallet",
            ));
        }
        self.tell(Status::GeneratingShare);
        let device_id = self.device.id().await?;
        let mut session = Session::open(&self.rest, &mut meter).await?;
        session.start(device_id, Operation::Generate).await?;
        let Begun::Started(started) = session.begun().await? else {
            return Err(unexpected());
        };
        let run = Run::Pair(OperationKind::Generate);
        let about = session
            .nonces
            .session(mpc::Operation::Generate, started.generation);
        let keys = key_contexts(&started);
        let (machine, first) =
            compute(move || Generate::client(&about, &keys, &mut ambient::rng()))
                .await?
                .map_err(|abort| Error::from_abort(run, &abort))?;
        let shares = session.run(run, machine, first).await?;
        session.done_if_told().await;
        let pair = self
            .adopt(&mut meter, &started, &shares, state.epoch)
            .await?;
        let addresses = pair.addresses()?;
        self.tell(Status::Done);
        tracing::warn!(
            "the new wallet has no backup yet: until it has one, a lost device is a lost wallet"
        );
        Ok(Created {
            addresses,
            resumed: false,
            report: meter.finish(),
        })
    }
}
