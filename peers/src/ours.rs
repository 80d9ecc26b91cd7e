//! Portal's engine, driven as its programs drive it.
//!
//! Measured: all that [`portal_mpc`]'s machines do between the agreement on a session and the
//! result on both sides, encoding and decoding of the messages included, for they take and give
//! bytes. Generate, recover, refresh and reshare to backup work on both curves at once, and
//! prove and confirm what the peers' key generation does not: possession, agreement on the
//! result, the binding to wallet, pair and session. Party 1 is the client.
//!
//! Left out: reading a share from its bytes.
//!
//! State: what one party stores of a pair, as its `encode` gives it; for an operation on both
//! curves the shares of both, for a signature the share that signs.

use anyhow::{Result, ensure};
use portal_mpc::{
    BothCurves, Ed25519, Generate, KeyContext, KeyShare, KeyShares, Operation as Protocol,
    ReshareToBackup, ReshareToSigning, Session, SigningShares, ed25519, secp256k1,
};

use crate::drive::run;
use crate::measure::{Contender, Meter, Operation};
use crate::{random, verify};

/// The name in the table.
pub(crate) const NAME: &str = "portal-mpc";

/// How often an ECDSA signature runs where `--runs` is not given.
pub(crate) const SIGNATURES: u32 = 300;

/// What every Ed25519 contender signs.
pub(crate) const MESSAGE: &[u8] = b"a short message for Ed25519";

const SIGNING_PAIR: [u8; 16] = [1; 16];
const BACKUP_PAIR: [u8; 16] = [2; 16];
const NEW_PAIR: [u8; 16] = [3; 16];

/// What one party stores of a pair on both curves.
struct Stored {
    secp256k1: Vec<u8>,
    ed25519: Vec<u8>,
}

impl Stored {
    fn signing(shares: &SigningShares) -> Self {
        Self {
            secp256k1: shares.secp256k1.encode().to_vec(),
            ed25519: shares.ed25519.encode().to_vec(),
        }
    }

    fn backup(shares: &KeyShares) -> Self {
        Self {
            secp256k1: shares.secp256k1.encode().to_vec(),
            ed25519: shares.ed25519.encode().to_vec(),
        }
    }

    fn bytes(&self) -> usize {
        self.secp256k1.len() + self.ed25519.len()
    }

    /// The additive shares: what a reshare starts from.
    fn keys(&self) -> Result<KeyShares> {
        Ok(KeyShares {
            secp256k1: secp256k1::SigningShare::decode_key(&self.secp256k1)?,
            ed25519: KeyShare::decode(&self.ed25519)?,
        })
    }
}

/// The client's and the server's side of a pair.
type Pair = [Stored; 2];

pub(crate) fn generate() -> Contender {
    Contender::new(Operation::Generate, NAME, 100, |meter| {
        make_pair(meter).map(drop)
    })
}

/// # Errors
///
/// If the pairs that are recovered and refreshed cannot be made.
pub(crate) fn recover() -> Result<Contender> {
    let source = make_backup(&mut Meter::default(), &make_pair(&mut Meter::default())?)?;
    Ok(Contender::new(Operation::Recover, NAME, 60, move |meter| {
        make_signing(meter, Protocol::Recover, BACKUP_PAIR, &source)
    }))
}

/// # Errors
///
/// If the pair that is refreshed cannot be made.
pub(crate) fn refresh() -> Result<Contender> {
    let source = make_pair(&mut Meter::default())?;
    Ok(Contender::new(Operation::Refresh, NAME, 60, move |meter| {
        make_signing(meter, Protocol::Refresh, SIGNING_PAIR, &source)
    }))
}

/// # Errors
///
/// If the pair that is backed up cannot be made.
pub(crate) fn reshare_to_backup() -> Result<Contender> {
    let source = make_pair(&mut Meter::default())?;
    let run = move |meter: &mut Meter| make_backup(meter, &source).map(drop);
    Ok(Contender::new(Operation::ReshareToBackup, NAME, 300, run))
}

/// # Errors
///
/// If the pair that signs cannot be made.
pub(crate) fn sign_ecdsa() -> Result<Contender> {
    let pair = make_pair(&mut Meter::default())?;
    let run = move |meter: &mut Meter| sign_ecdsa_once(meter, &pair);
    Ok(Contender::new(Operation::SignEcdsa, NAME, SIGNATURES, run))
}

/// # Errors
///
/// If the pair that signs cannot be made.
pub(crate) fn sign_ed25519() -> Result<Contender> {
    let pair = make_pair(&mut Meter::default())?;
    let run = move |meter: &mut Meter| sign_ed25519_once(meter, &pair);
    Ok(Contender::new(Operation::SignEd25519, NAME, 2000, run))
}

fn sign_ecdsa_once(meter: &mut Meter, [one, two]: &Pair) -> Result<()> {
    let client = secp256k1::SigningShare::decode(&one.secp256k1)?;
    let server = secp256k1::SigningShare::decode(&two.secp256k1)?;
    let key = client.key().points().key();
    let session = session(Protocol::Sign, 1);
    let context = context(None, Some(SIGNING_PAIR));
    let (digest, rng) = (random::bytes(), &mut random::rng());
    let (ours, theirs) = run(
        meter,
        || secp256k1::ClientSign::start(&session, &context, client, digest, rng),
        || secp256k1::ServerSign::new(&session, &context, server, digest),
    )?;
    ensure!(ours == theirs, "the parties have different signatures");
    meter.state(one.secp256k1.len(), two.secp256k1.len());
    verify::ecdsa(&key, digest, &[ours.r, ours.s].concat())
}

fn sign_ed25519_once(meter: &mut Meter, [one, two]: &Pair) -> Result<()> {
    let client = KeyShare::<Ed25519>::decode(&one.ed25519)?;
    let server = KeyShare::<Ed25519>::decode(&two.ed25519)?;
    let key = client.points().key();
    let session = session(Protocol::Sign, 1);
    let context = context(None, Some(SIGNING_PAIR));
    let rng = &mut random::rng();
    let (signature, ()) = run(
        meter,
        || ed25519::ClientSign::start(&session, &context, client, MESSAGE, rng),
        || ed25519::ServerSign::new(&session, &context, server, MESSAGE),
    )?;
    meter.state(one.ed25519.len(), two.ed25519.len());
    verify::ed25519(&key, MESSAGE, &signature.0)
}

fn make_pair(meter: &mut Meter) -> Result<Pair> {
    let session = session(Protocol::Generate, 1);
    let keys = both(context(Some(SIGNING_PAIR), None));
    let made = run(
        meter,
        || Generate::client(&session, &keys, &mut random::rng()),
        || Generate::server(&session, &keys),
    )?;
    let pair = [Stored::signing(&made.0), Stored::signing(&made.1)];
    meter.state(pair[0].bytes(), pair[1].bytes());
    Ok(pair)
}

fn make_backup(meter: &mut Meter, source: &Pair) -> Result<Pair> {
    let session = session(Protocol::Backup, 2);
    let keys = both(context(Some(BACKUP_PAIR), Some(SIGNING_PAIR)));
    let (client, server) = (source[0].keys()?, source[1].keys()?);
    let made = run(
        meter,
        || ReshareToBackup::client(&session, &keys, client, &mut random::rng()),
        || ReshareToBackup::server(&session, &keys, server),
    )?;
    let pair = [Stored::backup(&made.0), Stored::backup(&made.1)];
    meter.state(pair[0].bytes(), pair[1].bytes());
    Ok(pair)
}

fn make_signing(
    meter: &mut Meter,
    protocol: Protocol,
    from: [u8; 16],
    source: &Pair,
) -> Result<()> {
    let session = session(protocol, 3);
    let keys = both(context(Some(NEW_PAIR), Some(from)));
    let (client, server) = (source[0].keys()?, source[1].keys()?);
    let key = client.secp256k1.points().key();
    let made = run(
        meter,
        || ReshareToSigning::client(&session, &keys, client, &mut random::rng()),
        || ReshareToSigning::server(&session, &keys, server),
    )?;
    ensure!(
        made.0.secp256k1.key().points().key() == key,
        "the key has changed"
    );
    meter.state(
        Stored::signing(&made.0).bytes(),
        Stored::signing(&made.1).bytes(),
    );
    Ok(())
}

fn session(operation: Protocol, generation: u64) -> Session {
    Session {
        operation,
        generation,
        client_nonce: random::bytes(),
        server_nonce: random::bytes(),
    }
}

fn context(new_pair: Option<[u8; 16]>, source_pair: Option<[u8; 16]>) -> KeyContext {
    KeyContext {
        wallet_id: [9; 16],
        new_pair,
        source_pair,
    }
}

fn both(key: KeyContext) -> BothCurves<KeyContext> {
    BothCurves {
        secp256k1: key,
        ed25519: key,
    }
}
