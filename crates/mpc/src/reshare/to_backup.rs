//! Backup: the active signing pair reshared to a backup pair.

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::part::{Mask, Masked, Part};
use crate::ed25519::Ed25519;
use crate::envelope::Channel;
use crate::exchange::{Exchange, Rounds, fields};
use crate::secp256k1::Secp256k1;
use crate::wire::{Malformed, Reader, Writer};
use crate::{
    Abort, BackupShares, BothCurves, Check, KeyContext, KeyShares, Message, Operation, Role,
    Session,
};

/// One party's side of a Backup; gives [`BackupShares`].
pub type ReshareToBackup = Exchange<ToBackup>;

/// What a Backup does between the flights.
pub struct ToBackup {
    secp256k1: Part<Secp256k1>,
    ed25519: Part<Ed25519>,
}

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
        let (rounds, channel) = ToBackup::new(Role::Client, session, keys, source)?;
        Self::start_client(rounds, channel, rng)
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
        let (rounds, channel) = ToBackup::new(Role::Server, session, keys, source)?;
        Ok(Self::start_server(rounds, channel))
    }
}

impl ToBackup {
    fn new(
        role: Role,
        session: &Session,
        keys: &BothCurves<KeyContext>,
        source: KeyShares,
    ) -> Result<(Self, Channel), Abort> {
        if session.operation != Operation::Backup {
            return Err(Abort::Engine {
                stage: "taking the session",
            });
        }
        let secp256k1 = Part::new(role, session, &keys.secp256k1, source.secp256k1)?;
        let ed25519 = Part::new(role, session, &keys.ed25519, source.ed25519)?;
        let key = [
            secp256k1.source.common_secret(),
            ed25519.source.common_secret(),
        ]
        .map(|key| key.to_vec());
        let channel = Channel::new(
            role,
            session.operation,
            &[secp256k1.sid, ed25519.sid],
            Zeroizing::new(key.concat()),
        );
        Ok((Self { secp256k1, ed25519 }, channel))
    }

    const fn peer(&self) -> Role {
        self.secp256k1.source.role.peer()
    }
}

impl Rounds for ToBackup {
    type Committed = (Mask<Secp256k1>, Mask<Ed25519>);
    type Opened = (Masked<Secp256k1>, Masked<Ed25519>);
    type Output = BackupShares;

    fn commit(&self, rng: &mut impl CryptoRng) -> Result<(Self::Committed, Vec<u8>), Abort> {
        let (secp256k1, body_secp256k1) = self.secp256k1.commit(rng);
        let (ed25519, body_ed25519) = self.ed25519.commit(rng);
        Ok((
            (secp256k1, ed25519),
            [body_secp256k1, body_ed25519].concat(),
        ))
    }

    fn open(
        &self,
        (secp256k1, ed25519): Self::Committed,
        peer: &[u8],
    ) -> Result<(Self::Opened, Vec<u8>), Abort> {
        let mut body = Reader::new(peer);
        let secp256k1 = self.secp256k1.committed(secp256k1, &mut body)?;
        let ed25519 = self.ed25519.committed(ed25519, &mut body)?;
        body.finish()
            .map_err(|Malformed| Abort::blame(self.peer(), Check::Encoding))?;
        let body = Writer::new()
            .sized(&self.secp256k1.reveal(&secp256k1))
            .sized(&self.ed25519.reveal(&ed25519))
            .finish()
            .to_vec();
        Ok(((secp256k1, ed25519), body))
    }

    fn combine(
        &self,
        (secp256k1, ed25519): Self::Opened,
        peer: &[u8],
    ) -> Result<BackupShares, Abort> {
        let [opening_secp256k1, opening_ed25519] =
            fields(self.peer(), peer, |body| Ok([body.sized()?, body.sized()?]))?;
        Ok(BackupShares {
            secp256k1: self.secp256k1.combine(secp256k1, opening_secp256k1)?,
            ed25519: self.ed25519.combine(ed25519, opening_ed25519)?,
        })
    }

    fn public(output: &BackupShares) -> Vec<Vec<u8>> {
        [output.secp256k1.public(), output.ed25519.public()].concat()
    }
}
