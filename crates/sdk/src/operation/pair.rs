//! A new signing pair on this device: stored, read back, proven, confirmed.

use portal_api::Base64Bytes;
use portal_api::rest::{UpdateSigningSharePairs, confirmation_context};
use portal_api::session::{PairIds, Started};
use portal_lifecycle::{ErrorId, Generation, SigningStatus};
use portal_mpc::SigningShares;

use crate::device::PairRecord;
use crate::meter::Meter;
use crate::progress::Status;
use crate::session::compute;
use crate::{Error, Portal, ambient};

impl Portal {
    /// E3, E4, E7: from the end of an MPC session to a pair in use.
    pub(super) async fn adopt(
        &self,
        meter: &mut Meter,
        started: &Started,
        shares: &SigningShares,
        epoch: u64,
    ) -> Result<PairRecord, Error> {
        self.tell(Status::ParsingShare);
        let PairIds::Signing(ids) = started.new_pair else {
            return Err(unexpected());
        };
        let pair = PairRecord::new(
            Generation(started.generation),
            started.wallet_ids,
            ids,
            shares,
        );
        meter.passed(SigningStatus::StoredDatabase.as_str());
        self.tell(Status::StoringShare);
        let pair = self.device.store(&pair).await?;
        self.confirm(meter, &pair, epoch).await?;
        meter.passed(SigningStatus::StoredClient.as_str());
        Ok(pair)
    }

    /// E4, E7: proves to the server that this device holds the pair, and uses it from then on.
    pub(super) async fn confirm(
        &self,
        meter: &mut Meter,
        pair: &PairRecord,
        epoch: u64,
    ) -> Result<(), Error> {
        self.prove(meter, pair, epoch).await?;
        self.device.activate(pair.generation).await
    }

    /// E4, E20: proves to the server that this device holds the pair.
    pub(super) async fn prove(
        &self,
        meter: &mut Meter,
        pair: &PairRecord,
        epoch: u64,
    ) -> Result<(), Error> {
        let (secp256k1, ed25519) = (pair.secp256k1()?, pair.ed25519()?);
        let contexts = pair
            .ids
            .map(|id| confirmation_context(self.client_id, id, epoch));
        let proofs = compute(move || {
            let rng = &mut ambient::rng();
            [
                secp256k1.key().prove_possession(&contexts.secp256k1, rng),
                ed25519.prove_possession(&contexts.ed25519, rng),
            ]
        });
        let update = UpdateSigningSharePairs {
            signing_share_pair_ids: pair.ids.into_array().to_vec(),
            status: SigningStatus::StoredClient,
            proofs: proofs.await?.map(Base64Bytes).to_vec(),
            epoch,
        };
        self.rest.update_signing(meter, &update).await
    }
}

/// The server answered with another kind of pair, or with a pair that was never asked for.
pub(super) fn unexpected() -> Error {
    Error::new(
        ErrorId::WsMsgMalformed,
        "the server began something else than was asked for",
    )
}
