//! Runs generate, backup, recover and an ECDSA signature with every secret marked as undefined.
//!
//! Under valgrind's memcheck, a branch or an address that depends on an undefined value is an
//! error: what it reports here is code that is not constant-time in a secret. Marked are:
//!
//! - what is drawn: every byte of the random generator;
//! - what is read from storage: the additive share, Δ, the seeds of the oblivious transfers, the
//!   transcripts' key (in `portal-mpc`, where the decoding ends).
//!
//! Unmarked again is what becomes public: messages, outcomes of checks, points that both parties
//! will know (`ct.rs` of `portal-mpc`).
//!
//! Left out: Ed25519 signatures. FROST comes from a library that looks at its own public points
//! with ordinary branches before it sends them.
//!
//! ```text
//! cargo xtask constant-time
//! ```
//!
//! With the argument `leak`, it branches on a stored secret on purpose: the run must fail.

use std::convert::Infallible;
use std::error::Error;
use std::hint::black_box;

use crabgrind::memcheck::{MemState, mark_memory};
use portal_mpc::{
    BothCurves, Generate, KeyContext, KeyShare, KeyShares, Operation, ReshareToBackup,
    ReshareToSigning, Session, SigningShares, run, secp256k1,
};
use rand_core::{Rng as _, TryCryptoRng, TryRng};

/// The operating system's randomness, marked as secret.
struct Secret;

impl TryRng for Secret {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        rand::rng().fill_bytes(bytes);
        mark(bytes, MemState::Undefined);
        Ok(())
    }
}

impl TryCryptoRng for Secret {}

fn mark(bytes: &mut [u8], state: MemState) {
    let _ = mark_memory(black_box(bytes.as_mut_ptr()).cast(), bytes.len(), state);
    black_box(bytes);
}

/// What storage gives back: plain bytes, whose reader knows what in them is secret.
fn stored(encoded: &[u8]) -> Vec<u8> {
    let mut bytes = encoded.to_vec();
    mark(&mut bytes, MemState::Defined);
    bytes
}

fn session(operation: Operation, generation: u64) -> Session {
    Session {
        operation,
        generation,
        client_nonce: [1; 32],
        server_nonce: [2; 32],
    }
}

fn context(new_pair: Option<u8>, source_pair: Option<u8>) -> KeyContext {
    KeyContext {
        wallet_id: [1; 16],
        new_pair: new_pair.map(|pair| [pair; 16]),
        source_pair: source_pair.map(|pair| [pair; 16]),
    }
}

fn both(key: KeyContext) -> BothCurves<KeyContext> {
    BothCurves {
        secp256k1: key,
        ed25519: key,
    }
}

fn keys(shares: &SigningShares) -> Result<KeyShares, Box<dyn Error>> {
    Ok(KeyShares {
        secp256k1: KeyShare::decode(&stored(&shares.secp256k1.key().encode()))?,
        ed25519: KeyShare::decode(&stored(&shares.ed25519.encode()))?,
    })
}

fn backed_up(shares: &KeyShares) -> Result<KeyShares, Box<dyn Error>> {
    Ok(KeyShares {
        secp256k1: KeyShare::decode(&stored(&shares.secp256k1.encode()))?,
        ed25519: KeyShare::decode(&stored(&shares.ed25519.encode()))?,
    })
}

fn sign(client: &SigningShares, server: &SigningShares, pair: u8) -> Result<(), Box<dyn Error>> {
    let share = |shares: &SigningShares| {
        secp256k1::SigningShare::decode(&stored(&shares.secp256k1.encode()))
    };
    let (about, key) = (
        session(Operation::Sign, u64::from(pair)),
        context(None, Some(pair)),
    );
    let client = secp256k1::ClientSign::start(&about, &key, share(client)?, [9; 32], &mut Secret)?;
    let server = secp256k1::ServerSign::new(&about, &key, share(server)?, [9; 32])?;
    run(client, server, &mut Secret)?;
    Ok(())
}

/// Branches on a bit of a share that was read from storage.
fn leak(shares: &SigningShares) -> Result<(), Box<dyn Error>> {
    let share = keys(shares)?.secp256k1.encode();
    let secret = share.get(28..60).ok_or("a key share of another length")?;
    if secret.iter().fold(0, |sum, byte| sum ^ byte) > 127 {
        println!("high");
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let rng = &mut Secret;
    let (about, key) = (session(Operation::Generate, 1), context(Some(1), None));
    let client = Generate::client(&about, &both(key), rng)?;
    let (client, server) = run(client, Generate::server(&about, &both(key))?, rng)?;
    println!("generate: done");
    if std::env::args().nth(1).as_deref() == Some("leak") {
        return leak(&client);
    }

    sign(&client, &server, 1)?;
    println!("ECDSA signature: done");

    let (about, key) = (session(Operation::Backup, 2), context(Some(2), Some(1)));
    let backup = ReshareToBackup::client(&about, &both(key), keys(&client)?, rng)?;
    let holder = ReshareToBackup::server(&about, &both(key), keys(&server)?)?;
    let (client, server) = run(backup, holder, rng)?;
    println!("backup: done");

    let (about, key) = (session(Operation::Recover, 3), context(Some(3), Some(2)));
    let (client, server) = (backed_up(&client)?, backed_up(&server)?);
    let recover = ReshareToSigning::client(&about, &both(key), client, rng)?;
    let holder = ReshareToSigning::server(&about, &both(key), server)?;
    let (client, server) = run(recover, holder, rng)?;
    println!("recover: done");

    sign(&client, &server, 3)?;
    println!("ECDSA signature with the recovered pair: done");
    Ok(())
}
