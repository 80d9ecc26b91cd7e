//! One honest run of every protocol, always the same.

use std::sync::LazyLock;

use super::recording::{Middle, Recording};
use crate::ed25519::{self, Ed25519};
use crate::envelope::Channel;
use crate::hedged::Hedged;
use crate::secp256k1::{self, Secp256k1};
use crate::wire::Writer;
use crate::{
    Abort, BothCurves, Generate, Id, KeyContext, KeyShare, KeyShares, Operation, ReshareToBackup,
    ReshareToSigning, Role, Session, ShareError, SigningShares, run,
};

pub(crate) const WALLET: Id = [1; 16];
pub(crate) const SIGNING: Id = [2; 16];
pub(crate) const BACKUP: Id = [3; 16];
pub(crate) const RECOVERED: Id = [6; 16];
pub(crate) const DIGEST: [u8; 32] = [9; 32];
pub(crate) const MESSAGE: &[u8] = b"message";

/// A Generate.
///
/// # Errors
///
/// [`Abort`], which two honest machines do not come to.
pub(crate) fn generate() -> Result<Recording<Generate, Generate>, Abort> {
    let (session, key) = (session(Operation::Generate), context(Some(SIGNING), None));
    let rng = &mut seeded("generate");
    let client = Generate::client(&session, &both(key), rng)?;
    let server = Generate::server(&session, &both(key))?;
    let middle = Middle::new(|role| reshare_channel(role, &session, &key, None));
    Recording::of(client, server, middle, rng)
}

/// A Backup.
///
/// # Errors
///
/// As of [`generate`].
pub(crate) fn backup() -> Result<Recording<ReshareToBackup, ReshareToBackup>, Abort> {
    let (session, key) = (
        session(Operation::Backup),
        context(Some(BACKUP), Some(SIGNING)),
    );
    let rng = &mut seeded("backup");
    let (client, server) = signing_pair()?;
    let (client, server) = (client.into_keys(), server.into_keys());
    let middle = Middle::new(|role| reshare_channel(role, &session, &key, Some(&client)));
    let client = ReshareToBackup::client(&session, &both(key), client, rng)?;
    let server = ReshareToBackup::server(&session, &both(key), server)?;
    Recording::of(client, server, middle, rng)
}

/// A Recover; Refresh is the same machine.
///
/// # Errors
///
/// As of [`generate`].
pub(crate) fn recover() -> Result<Recording<ReshareToSigning, ReshareToSigning>, Abort> {
    let (session, key) = (
        session(Operation::Recover),
        context(Some(RECOVERED), Some(BACKUP)),
    );
    let rng = &mut seeded("recover");
    let (client, server) = backup_pair()?;
    let middle = Middle::new(|role| reshare_channel(role, &session, &key, Some(&client)));
    let client = ReshareToSigning::client(&session, &both(key), client, rng)?;
    let server = ReshareToSigning::server(&session, &both(key), server)?;
    Recording::of(client, server, middle, rng)
}

/// An ECDSA signature.
///
/// # Errors
///
/// As of [`generate`].
pub(crate) fn ecdsa() -> Result<Recording<secp256k1::ClientSign, secp256k1::ServerSign>, Abort> {
    ecdsa_drawn_from("ecdsa")
}

/// The same signature with other randomness.
pub(crate) fn ecdsa_drawn_from(
    seed: &str,
) -> Result<Recording<secp256k1::ClientSign, secp256k1::ServerSign>, Abort> {
    let (session, key) = (session(Operation::Sign), context(None, Some(SIGNING)));
    let rng = &mut seeded(seed);
    let (client, server) = signing_pair()?;
    let (client, server) = (client.secp256k1, server.secp256k1);
    let sid = session.sid::<Secp256k1>(&key, &DIGEST);
    let middle = Middle::new(|role| client.channel(role, sid));
    let client = secp256k1::ClientSign::start(&session, &key, client, DIGEST, rng)?;
    let server = secp256k1::ServerSign::new(&session, &key, server, DIGEST)?;
    Recording::of(client, server, middle, rng)
}

/// An Ed25519 signature.
///
/// # Errors
///
/// As of [`generate`].
pub(crate) fn eddsa() -> Result<Recording<ed25519::ClientSign, ed25519::ServerSign>, Abort> {
    let (session, key) = (session(Operation::Sign), context(None, Some(SIGNING)));
    let rng = &mut seeded("eddsa");
    let (client, server) = signing_pair()?;
    let (client, server) = (client.ed25519, server.ed25519);
    let sid = session.sid::<Ed25519>(&key, MESSAGE);
    let middle =
        Middle::new(|role| Channel::new(role, Operation::Sign, &[sid], client.common_secret()));
    let client = ed25519::ClientSign::start(&session, &key, client, MESSAGE, rng)?;
    let server = ed25519::ServerSign::new(&session, &key, server, MESSAGE)?;
    Recording::of(client, server, middle, rng)
}

pub(crate) const fn session(operation: Operation) -> Session {
    let generation = match operation {
        Operation::Generate | Operation::Sign => 7,
        Operation::Backup => 8,
        Operation::Recover | Operation::Refresh => 9,
    };
    Session {
        operation,
        generation,
        client_nonce: [4; 32],
        server_nonce: [5; 32],
    }
}

pub(crate) const fn context(new_pair: Option<Id>, source_pair: Option<Id>) -> KeyContext {
    KeyContext {
        wallet_id: WALLET,
        new_pair,
        source_pair,
    }
}

pub(crate) const fn both(key: KeyContext) -> BothCurves<KeyContext> {
    BothCurves {
        secp256k1: key,
        ed25519: key,
    }
}

/// Randomness that is always the same.
pub(crate) fn seeded(scene: &str) -> Hedged {
    Hedged::seeded(scene.as_bytes())
}

/// The signing pair of all scenes.
pub(crate) fn signing_pair() -> Result<(SigningShares, SigningShares), Abort> {
    static PAIR: LazyLock<Option<[SharesBytes; 2]>> = LazyLock::new(|| {
        let (session, key) = (session(Operation::Generate), context(Some(SIGNING), None));
        let rng = &mut seeded("signing pair");
        let client = Generate::client(&session, &both(key), rng).ok()?;
        let server = Generate::server(&session, &both(key)).ok()?;
        let (client, server) = run(client, server, rng).ok()?;
        Some([client, server].map(|shares| {
            [
                shares.secp256k1.encode().to_vec(),
                shares.ed25519.encode().to_vec(),
            ]
        }))
    });
    let [client, server] = PAIR.as_ref().ok_or(SCENE)?;
    let decode = |[secp256k1, ed25519]: &SharesBytes| -> Result<_, ShareError> {
        Ok(SigningShares {
            secp256k1: secp256k1::SigningShare::decode(secp256k1)?,
            ed25519: KeyShare::decode(ed25519)?,
        })
    };
    Ok((
        decode(client).map_err(|_| SCENE)?,
        decode(server).map_err(|_| SCENE)?,
    ))
}

/// The backup pair of that signing pair.
pub(crate) fn backup_pair() -> Result<(KeyShares, KeyShares), Abort> {
    let (session, key) = (
        session(Operation::Backup),
        context(Some(BACKUP), Some(SIGNING)),
    );
    let rng = &mut seeded("backup pair");
    let (client, server) = signing_pair()?;
    let client = ReshareToBackup::client(&session, &both(key), client.into_keys(), rng)?;
    let server = ReshareToBackup::server(&session, &both(key), server.into_keys())?;
    run(client, server, rng)
}

/// Bytes of a party's shares: secp256k1, Ed25519.
type SharesBytes = [Vec<u8>; 2];

const SCENE: Abort = Abort::Engine {
    stage: "setting a scene",
};

/// The channel of a Generate, or of a Reshare of `source`.
fn reshare_channel(
    role: Role,
    session: &Session,
    key: &KeyContext,
    source: Option<&KeyShares>,
) -> Channel {
    let sids = [
        session.sid::<Secp256k1>(key, &[]),
        session.sid::<Ed25519>(key, &[]),
    ];
    let common = source.map_or_else(
        || Writer::new().finish(),
        |source| {
            Writer::new()
                .fixed(&source.secp256k1.common_secret())
                .fixed(&source.ed25519.common_secret())
                .finish()
        },
    );
    Channel::new(role, session.operation, &sids, common)
}
