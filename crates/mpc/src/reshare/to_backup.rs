//! Backup: the active signing pair reshared to a backup pair.

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::both::{BothMasked, Masks, Parts};
use crate::exchange::{Exchange, Rounds};
use crate::wire::{Malformed, Reader, Writer, fields};
use crate::{
    Abort, BackupShares, BothCurves, Check, KeyContext, KeyShares, Message, Operation, Role,
    Session,
};

/// One party's side of a Backup; gives [`BackupShares`].
pub type ReshareToBackup = Exchange<ToBackup>;

/// What a Backup does between the flights.
#[cfg_attr(any(test, feature = "attack"), derive(Clone))]
pub struct ToBackup(Parts);

const OPERATIONS: [Operation; 1] = [Operation::Backup];

impl ReshareToBackup {
    /// Begins as the client.
    ///
    /// # Errors
    ///
    /// [`Abort::Engine`] if the session is not a Backup's or `source` is not its source.
    pub fn client(
        session: &Session,
        keys: &BothCurves<KeyContext>,
        source: KeyShares,
        rng: &mut impl CryptoRng,
    ) -> Result<(Self, Message), Abort> {
        let (parts, channel) = Parts::new(Role::Client, session, keys, source, &OPERATIONS)?;
        Ok(Self::start_client(ToBackup(parts), channel, rng))
    }

    /// Awaits the client.
    ///
    /// # Errors
    ///
    /// [`Abort::Engine`] if the session is not a Backup's or `source` is not its source.
    pub fn server(
        session: &Session,
        keys: &BothCurves<KeyContext>,
        source: KeyShares,
    ) -> Result<Self, Abort> {
        let (parts, channel) = Parts::new(Role::Server, session, keys, source, &OPERATIONS)?;
        Ok(Self::start_server(ToBackup(parts), channel))
    }
}

impl Rounds for ToBackup {
    type Committed = Masks;
    type Opened = BothMasked;
    type Combined = BackupShares;
    type Output = BackupShares;

    const CHALLENGE_BYTES: usize = 0;
    const REPLY_BYTES: usize = 0;

    fn secret(&self) -> Zeroizing<Vec<u8>> {
        self.0.secret()
    }

    fn commit(&self, rng: &mut impl CryptoRng) -> (Masks, Vec<u8>) {
        self.0.commit(rng)
    }

    fn open(
        &self,
        masks: Masks,
        peer: &[u8],
        _: &mut impl CryptoRng,
    ) -> Result<(BothMasked, Vec<u8>), Abort> {
        let mut body = Reader::new(peer);
        let masked = self.0.committed(masks, &mut body)?;
        body.finish()
            .map_err(|Malformed| Abort::blame(self.0.peer(), Check::Encoding))?;
        let [secp256k1, ed25519] = self.0.reveal(&masked);
        let body = Writer::new().sized(&secp256k1).sized(&ed25519).finish();
        Ok((masked, body.to_vec()))
    }

    fn combine(&self, masked: BothMasked, peer: &[u8]) -> Result<(BackupShares, Vec<u8>), Abort> {
        let openings = fields(self.0.peer(), peer, |body| {
            Ok([body.sized()?, body.sized()?])
        })?;
        Ok((self.0.combine(masked, openings)?, Vec::new()))
    }

    fn public(combined: &BackupShares) -> Vec<Vec<u8>> {
        combined.public()
    }

    fn reply(&self, _: &BackupShares, _: &[u8]) -> Result<Vec<u8>, Abort> {
        Ok(Vec::new())
    }

    fn settle(&self, combined: BackupShares, _: &[u8]) -> Result<BackupShares, Abort> {
        Ok(combined)
    }
}
