//! Two machines in one thread.

use portal_mpc::{
    Abort, BothCurves, Generate, KeyContext, KeyShares, Machine, Message, Operation,
    ReshareToBackup, ReshareToSigning, Session, SigningShares, ed25519, secp256k1,
};

pub(crate) const WALLET: [u8; 16] = [1; 16];

/// Runs both machines in one thread.
pub(crate) fn run<C: Machine, S: Machine>(
    client: (C, Message),
    server: S,
) -> Result<(C::Output, S::Output), Abort> {
    portal_mpc::run(client, server, &mut rand::rng())
}

/// Pair n is of generation n; nonces differ by operation and generation.
pub(crate) fn session(operation: Operation, generation: u8) -> Session {
    Session {
        operation,
        generation: u64::from(generation),
        client_nonce: [generation; 32],
        server_nonce: [!generation; 32],
    }
}

pub(crate) fn context(new_pair: Option<u8>, source_pair: Option<u8>) -> KeyContext {
    KeyContext {
        wallet_id: WALLET,
        new_pair: new_pair.map(|pair| [pair; 16]),
        source_pair: source_pair.map(|pair| [pair; 16]),
    }
}

pub(crate) fn both(key: KeyContext) -> BothCurves<KeyContext> {
    BothCurves {
        secp256k1: key,
        ed25519: key,
    }
}

pub(crate) fn generate(pair: u8) -> (SigningShares, SigningShares) {
    let session = session(Operation::Generate, pair);
    let keys = both(context(Some(pair), None));
    let client = Generate::client(&session, &keys, &mut rand::rng()).unwrap();
    run(client, Generate::server(&session, &keys).unwrap()).unwrap()
}

pub(crate) fn backup(
    source: u8,
    pair: u8,
    client: KeyShares,
    server: KeyShares,
) -> (KeyShares, KeyShares) {
    let session = session(Operation::Backup, pair);
    let keys = both(context(Some(pair), Some(source)));
    let client = ReshareToBackup::client(&session, &keys, client, &mut rand::rng()).unwrap();
    run(
        client,
        ReshareToBackup::server(&session, &keys, server).unwrap(),
    )
    .unwrap()
}

pub(crate) fn recover(
    operation: Operation,
    source: u8,
    pair: u8,
    client: KeyShares,
    server: KeyShares,
) -> Result<(SigningShares, SigningShares), Abort> {
    let session = session(operation, pair);
    let keys = both(context(Some(pair), Some(source)));
    let client = ReshareToSigning::client(&session, &keys, client, &mut rand::rng())?;
    run(client, ReshareToSigning::server(&session, &keys, server)?)
}

pub(crate) fn sign_ecdsa(
    pair: u8,
    client: secp256k1::SigningShare,
    server: secp256k1::SigningShare,
    digest: [u8; 32],
) -> Result<secp256k1::Signature, Abort> {
    let session = session(Operation::Sign, pair);
    let key = context(None, Some(pair));
    let client = secp256k1::ClientSign::start(&session, &key, client, digest, &mut rand::rng())?;
    let (ours, theirs) = run(
        client,
        secp256k1::ServerSign::new(&session, &key, server, digest)?,
    )?;
    assert_eq!(ours, theirs);
    Ok(ours)
}

pub(crate) fn sign_eddsa(
    pair: u8,
    client: portal_mpc::KeyShare<portal_mpc::Ed25519>,
    server: portal_mpc::KeyShare<portal_mpc::Ed25519>,
    message: &[u8],
) -> Result<ed25519::Signature, Abort> {
    let session = session(Operation::Sign, pair);
    let key = context(None, Some(pair));
    let client = ed25519::ClientSign::start(&session, &key, client, message, &mut rand::rng())?;
    let server = ed25519::ServerSign::new(&session, &key, server, message)?;
    run(client, server).map(|(signature, ())| signature)
}
