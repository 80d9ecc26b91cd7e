//! A client that runs the protocols itself: it chooses its operation ids, and when it says what.

use portal_api::rest::{UpdateSigningSharePairs, confirmation_context};
use portal_api::session::{Operation, Outcome, PairIds, ServerFrame, Start, Started, Wanted};
use portal_api::{Base64Bytes, Problem};
use portal_chains::Signature;
use portal_lifecycle::ids::{ClientId, SigningSharePairId, WalletId};
use portal_lifecycle::{Curve, ErrorId, PerCurve, SigningStatus};
use portal_mpc::{
    self as mpc, BackupShares, BothCurves, Generate, KeyContext, KeyShare, KeyShares, Machine,
    Message, ReshareToBackup, SigningShares, Step, ed25519, secp256k1,
};
use portal_server::entropy;
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message as Frame;

use crate::alive::{ecdsa_signer, verify_ed25519};
use crate::raw::{Heard, Raw};
use crate::world::{User, World};

/// A signing pair, as a client without a keychain holds it.
pub(crate) struct Pair {
    pub(crate) ids: PerCurve<SigningSharePairId>,
    wallet_ids: PerCurve<WalletId>,
    generation: u64,
    pub(crate) shares: SigningShares,
}

/// Runs a Generate to its end; `start` as it was sent.
pub(crate) async fn generate(raw: &mut Raw, start: Start) -> Pair {
    raw.send_start(start).await;
    let started = raw.hear_started().await;
    finish_generate(raw, &started).await
}

/// Runs a Generate that has begun to its end.
pub(crate) async fn finish_generate(raw: &mut Raw, started: &Started) -> Pair {
    let (session, keys) = context(raw, started, mpc::Operation::Generate);
    let client = Generate::client(&session, &keys, &mut entropy::rng());
    let (machine, first) = client.expect("a first message");
    let shares = run(raw, machine, first).await;
    let PairIds::Signing(ids) = started.new_pair else {
        panic!("expected a signing pair, seen {started:?}");
    };
    let done = hear_done(raw).await;
    let status = SigningStatus::StoredDatabase;
    assert_eq!(done, Outcome::SigningPair { ids, status });
    Pair {
        ids,
        wallet_ids: started.wallet_ids,
        generation: started.generation,
        shares,
    }
}

/// Runs a Backup as far as the client's share; what the server says then is still to be heard.
pub(crate) async fn backup(raw: &mut Raw, start: Start, pair: &Pair) -> (PairIds, BackupShares) {
    raw.send_start(start).await;
    let started = raw.hear_started().await;
    let (session, keys) = context(raw, &started, mpc::Operation::Backup);
    let source = KeyShares {
        secp256k1: secp256k1::SigningShare::decode_key(&pair.shares.secp256k1.encode())
            .expect("a share"),
        ed25519: KeyShare::decode(&pair.shares.ed25519.encode()).expect("a share"),
    };
    let client = ReshareToBackup::client(&session, &keys, source, &mut entropy::rng());
    let (machine, first) = client.expect("a first message");
    let shares = run(raw, machine, first).await;
    (started.new_pair, shares)
}

pub(crate) async fn hear_done(raw: &mut Raw) -> Outcome {
    match raw.hear().await {
        Heard::Frame(ServerFrame::Done(done)) => done.outcome,
        other => panic!("expected the end of the session, seen {other:?}"),
    }
}

async fn run<M: Machine>(raw: &mut Raw, machine: M, first: Message) -> M::Output {
    let (mut machine, mut message) = (machine, first);
    loop {
        raw.send(Frame::binary(message.into_bytes())).await;
        let Heard::Binary(answer) = raw.hear().await else {
            panic!("expected an MPC message");
        };
        match machine.step(&answer, &mut entropy::rng()) {
            Ok(Step::Continue {
                next,
                message: following,
            }) => (machine, message) = (next, following),
            Ok(Step::Finish { output, .. }) => return output,
            Err(abort) => panic!("expected to go on, seen {abort}"),
        }
    }
}

fn context(
    raw: &Raw,
    started: &Started,
    operation: mpc::Operation,
) -> (mpc::Session, BothCurves<KeyContext>) {
    let session = mpc::Session {
        operation,
        generation: started.generation,
        client_nonce: raw.client_nonce,
        server_nonce: raw.server_nonce,
    };
    let key = |curve: Curve| KeyContext {
        wallet_id: started.wallet_ids.of(curve).to_bytes(),
        new_pair: Some(started.new_pair.to_bytes(curve)),
        source_pair: started.source_pair.map(|source| source.to_bytes(curve)),
    };
    let keys = BothCurves {
        secp256k1: key(Curve::Secp256k1),
        ed25519: key(Curve::Ed25519),
    };
    (session, keys)
}

/// Signs on both curves with a pair that no keychain holds.
pub(crate) async fn assert_signs(world: &World, user: &User, pair: &Pair) {
    let digest: [u8; 32] = entropy::bytes();
    let (mut raw, session, key) =
        begin(world, user, pair, Curve::Secp256k1, Wanted::raw(digest)).await;
    let share = secp256k1::SigningShare::decode(&pair.shares.secp256k1.encode());
    let share = share.expect("a share");
    let rng = &mut entropy::rng();
    let client = secp256k1::ClientSign::start(&session, &key, share, digest, rng);
    let (machine, first) = client.expect("a first message");
    let secp256k1::Signature { r, s, recovery_id } = run(&mut raw, machine, first).await;
    let signer = ecdsa_signer(digest, &Signature::Secp256k1 { r, s, recovery_id });
    assert_eq!(signer, pair.shares.secp256k1.key().points().key());

    let message: [u8; 48] = entropy::bytes();
    let (mut raw, session, key) =
        begin(world, user, pair, Curve::Ed25519, Wanted::raw(message)).await;
    let share = KeyShare::decode(&pair.shares.ed25519.encode()).expect("a share");
    let rng = &mut entropy::rng();
    let client = ed25519::ClientSign::start(&session, &key, share, &message, rng);
    let (machine, first) = client.expect("a first message");
    let signature = run(&mut raw, machine, first).await;
    let key = pair.shares.ed25519.points().key();
    let verified = verify_ed25519(&key, &message, &signature.0);
    assert!(verified.is_ok(), "expected a signature, seen {verified:?}");
}

/// Asks for one thing and runs the protocol on another: the problem that comes.
pub(crate) async fn signs_another_digest(
    world: &World,
    user: &User,
    pair: &Pair,
    wanted: Wanted,
    digest: [u8; 32],
) -> Problem {
    let (mut raw, session, key) = begin(world, user, pair, Curve::Secp256k1, wanted).await;
    let share = secp256k1::SigningShare::decode(&pair.shares.secp256k1.encode());
    let rng = &mut entropy::rng();
    let client = secp256k1::ClientSign::start(&session, &key, share.expect("a share"), digest, rng);
    let (_, first) = client.expect("a first message");
    raw.send(Frame::binary(first.into_bytes())).await;
    raw.hear_problem().await
}

/// Signs on secp256k1, with something that happens in the midst of it: the id of the problem that
/// comes.
pub(crate) async fn signs_until_refused(
    world: &World,
    user: &User,
    pair: &Pair,
    wanted: Wanted,
    digest: [u8; 32],
    meanwhile: impl Future<Output = ()>,
) -> ErrorId {
    let (mut raw, session, key) = begin(world, user, pair, Curve::Secp256k1, wanted).await;
    let share = secp256k1::SigningShare::decode(&pair.shares.secp256k1.encode());
    let rng = &mut entropy::rng();
    let client = secp256k1::ClientSign::start(&session, &key, share.expect("a share"), digest, rng);
    let (machine, first) = client.expect("a first message");
    run_until_refused(&mut raw, machine, first, meanwhile).await
}

/// Runs a Generate that has begun, in the same way.
pub(crate) async fn generates_until_refused(
    raw: &mut Raw,
    started: &Started,
    meanwhile: impl Future<Output = ()>,
) -> ErrorId {
    let (session, keys) = context(raw, started, mpc::Operation::Generate);
    let client = Generate::client(&session, &keys, &mut entropy::rng());
    let (machine, first) = client.expect("a first message");
    run_until_refused(raw, machine, first, meanwhile).await
}

async fn run_until_refused<M: Machine>(
    raw: &mut Raw,
    machine: M,
    first: Message,
    meanwhile: impl Future<Output = ()>,
) -> ErrorId {
    let (mut machine, mut message) = (machine, first);
    let mut meanwhile = Some(meanwhile);
    loop {
        raw.send(Frame::binary(message.into_bytes())).await;
        let answer = match raw.hear().await {
            Heard::Binary(answer) => answer,
            Heard::Frame(ServerFrame::Problem { problem }) => return problem.id,
            other => panic!("expected an MPC message or a problem, seen {other:?}"),
        };
        if let Some(meanwhile) = meanwhile.take() {
            meanwhile.await;
        }
        match machine.step(&answer, &mut entropy::rng()) {
            Ok(Step::Continue {
                next,
                message: following,
            }) => (machine, message) = (next, following),
            Ok(Step::Finish { .. }) => panic!("expected a refusal, seen the last message"),
            Err(abort) => panic!("expected to go on, seen {abort}"),
        }
    }
}

async fn begin(
    world: &World,
    user: &User,
    pair: &Pair,
    curve: Curve,
    wanted: Wanted,
) -> (Raw, mpc::Session, KeyContext) {
    let mut raw = Raw::open(world.url(), &user.token).await;
    raw.start(Operation::Sign {
        curve,
        signing_share_pair_id: *pair.ids.of(curve),
        wanted,
    })
    .await;
    let session = mpc::Session {
        operation: mpc::Operation::Sign,
        generation: pair.generation,
        client_nonce: raw.client_nonce,
        server_nonce: raw.server_nonce,
    };
    let key = KeyContext {
        wallet_id: pair.wallet_ids.of(curve).to_bytes(),
        new_pair: None,
        source_pair: Some(pair.ids.of(curve).to_bytes()),
    };
    (raw, session, key)
}

impl Pair {
    /// Proofs that this client holds the shares, made for `client` and the pair `about`.
    pub(crate) fn proofs(
        &self,
        client: ClientId,
        about: PerCurve<SigningSharePairId>,
    ) -> [Base64Bytes; 2] {
        let context = about.map(|id| confirmation_context(client, id, 0));
        let rng = &mut entropy::rng();
        let shares = &self.shares;
        [
            shares
                .secp256k1
                .key()
                .prove_possession(&context.secp256k1, rng),
            shares.ed25519.prove_possession(&context.ed25519, rng),
        ]
        .map(Base64Bytes)
    }
}

/// The body of a confirmation.
pub(crate) fn confirmation(ids: &[SigningSharePairId], proofs: &[Base64Bytes]) -> Value {
    let update = UpdateSigningSharePairs {
        signing_share_pair_ids: ids.to_vec(),
        status: SigningStatus::StoredClient,
        proofs: proofs.to_vec(),
        epoch: 0,
    };
    serde_json::to_value(update).expect("JSON")
}

/// What a Backup of this pair is asked for with.
pub(crate) fn backup_of(pair: &Pair) -> Operation {
    Operation::Backup {
        backup_method: portal_lifecycle::BackupMethod::Password,
        backup_mode: portal_lifecycle::BackupMode::Plain,
        signing_share_pair_ids: pair.ids,
    }
}
