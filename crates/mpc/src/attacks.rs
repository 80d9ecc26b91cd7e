//! Attacks by a peer that keeps to the envelope but lies inside it.
//!
//! [`Middle`] sits between two honest machines, opens every envelope, may change the body, and
//! seals it again with the transcript that the receiver expects: to the receiver it is a peer
//! that built this message on purpose. (What an outsider can do without that is attacked in
//! `tests/`.)

use std::sync::OnceLock;

use zeroize::Zeroizing;

use crate::commitment;
use crate::ed25519::{self, Ed25519};
use crate::envelope::Channel;
use crate::group::{Group, random_scalar};
use crate::possession;
use crate::secp256k1::{self, Secp256k1};
use crate::session::Sid;
use crate::{
    Abort, BothCurves, Check, Generate, KeyContext, KeyShare, KeyShares, Machine, Message,
    Operation, ReshareToBackup, ReshareToSigning, Role, Session, SigningShares, Step,
};

const WALLET: [u8; 16] = [1; 16];
const SIGNING: [u8; 16] = [2; 16];
const BACKUP: [u8; 16] = [3; 16];
const RECOVERED: [u8; 16] = [6; 16];

fn session(operation: Operation) -> Session {
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

fn context(new_pair: Option<[u8; 16]>, source_pair: Option<[u8; 16]>) -> KeyContext {
    KeyContext {
        wallet_id: WALLET,
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

/// Opens, changes and seals again: one channel towards each side.
struct Middle {
    to_client: Channel,
    to_server: Channel,
}

impl Middle {
    /// `key`: what the two machines share; a liar is one of them, so it knows that.
    fn new(operation: Operation, sids: &[Sid], key: &[u8]) -> Self {
        let channel = |role| Channel::new(role, operation, sids, Zeroizing::new(key.to_vec()));
        Self {
            to_client: channel(Role::Server),
            to_server: channel(Role::Client),
        }
    }

    fn pass(
        &mut self,
        from: Role,
        message: &Message,
        change: impl FnOnce(&mut Vec<u8>),
    ) -> Message {
        let (receives, sends) = match from {
            Role::Client => (&mut self.to_client, &mut self.to_server),
            Role::Server => (&mut self.to_server, &mut self.to_client),
        };
        let mut body = receives
            .open(message.as_ref())
            .expect("from an honest machine")
            .to_vec();
        change(&mut body);
        sends.seal(&body)
    }
}

/// What came of a run in which one message was changed.
struct Outcome {
    /// Who ended the run, and how, if anybody did.
    abort: Option<(Role, Abort)>,
    /// Whether the changed message exists in this protocol.
    changed: bool,
    /// Length of the body that was changed.
    body_bytes: usize,
}

/// Runs both machines with the body of flight `target` changed at `position`.
fn run<C: Machine, S: Machine>(
    (mut client, first): (C, Message),
    mut server: S,
    mut middle: Middle,
    target: u8,
    position: usize,
) -> Outcome {
    let mut outcome = Outcome {
        abort: None,
        changed: false,
        body_bytes: 0,
    };
    let mut flight = 1;
    let mut message = first;
    let mut flip = |flight: u8, body: &mut Vec<u8>| {
        if flight == target {
            outcome.body_bytes = body.len();
            let at = position % body.len();
            body[at] ^= 1;
            outcome.changed = true;
        }
    };
    let rng = &mut rand::rng();
    let abort = loop {
        let passed = middle.pass(Role::Client, &message, |body| flip(flight, body));
        flight += 1;
        let answer = match server.step(passed.as_ref(), rng) {
            Err(abort) => break Some((Role::Server, abort)),
            Ok(Step::Continue { next, message }) => {
                server = next;
                message
            }
            Ok(Step::Finish { last, .. }) => {
                let last = last.expect("the server speaks last").release();
                let passed = middle.pass(Role::Server, &last, |body| flip(flight, body));
                let end = client.step(passed.as_ref(), rng).err();
                break end.map(|abort| (Role::Client, abort));
            }
        };
        let passed = middle.pass(Role::Server, &answer, |body| flip(flight, body));
        flight += 1;
        match client.step(passed.as_ref(), rng) {
            Err(abort) => break Some((Role::Client, abort)),
            Ok(Step::Continue {
                next,
                message: answer,
            }) => {
                client = next;
                message = answer;
            }
            Ok(Step::Finish { .. }) => break None,
        }
    };
    outcome.abort = abort;
    outcome
}

/// Changes `positions` of every flight; each change must end in an abort that blames the sender
/// of that flight, or in a session mismatch.
fn every_change_aborts(
    flights: u8,
    positions: impl Fn(usize) -> Vec<usize>,
    mut one: impl FnMut(u8, usize) -> Outcome,
) {
    for flight in 1..=flights {
        let sender = if flight % 2 == 1 {
            Role::Client
        } else {
            Role::Server
        };
        let length = one(flight, 0).body_bytes;
        for position in positions(length) {
            let outcome = one(flight, position);
            assert!(outcome.changed, "flight {flight} was never sent");
            match outcome.abort {
                // What the liar's own machine makes of its lie is its own affair.
                Some((by, _)) if by == sender => {}
                Some((_, Abort::SessionMismatch { .. })) => {}
                Some((_, Abort::Blamed { party, .. })) => {
                    assert_eq!(party, sender, "flight {flight} byte {position}");
                }
                other => panic!("flight {flight} byte {position} of {length}: {other:?}"),
            }
        }
    }
}

/// Positions spread over a message, its ends included.
fn spread(count: usize) -> impl Fn(usize) -> Vec<usize> {
    move |length| {
        let mut positions: Vec<_> = (0..count).map(|n| n * length / count).collect();
        positions.push(length - 1);
        positions
    }
}

fn all(length: usize) -> Vec<usize> {
    (0..length).collect()
}

/// A signing pair made once, as bytes: (client's, server's), secp256k1 then Ed25519.
type EncodedPair = [(Vec<u8>, Vec<u8>); 2];

fn pair() -> (SigningShares, SigningShares) {
    static PAIR: OnceLock<EncodedPair> = OnceLock::new();
    let [(client, server), (client_ed, server_ed)] = PAIR.get_or_init(|| {
        let session = session(Operation::Generate);
        let keys = both(context(Some(SIGNING), None));
        let rng = &mut rand::rng();
        let (client, message) = Generate::client(&session, &keys, rng).unwrap();
        let server = Generate::server(&session, &keys).unwrap();
        let (server, message) = next(server.step(message.as_ref(), rng));
        let (client, message) = next(client.step(message.as_ref(), rng));
        let (server, message) = next(server.step(message.as_ref(), rng));
        let (client, message) = next(client.step(message.as_ref(), rng));
        let (server, last) = finish(server.step(message.as_ref(), rng));
        let (client, _) = finish(client.step(last.unwrap().as_ref(), rng));
        [
            (
                client.secp256k1.encode().to_vec(),
                server.secp256k1.encode().to_vec(),
            ),
            (
                client.ed25519.encode().to_vec(),
                server.ed25519.encode().to_vec(),
            ),
        ]
    });
    let shares = |secp256k1: &[u8], ed25519: &[u8]| SigningShares {
        secp256k1: secp256k1::SigningShare::decode(secp256k1).unwrap(),
        ed25519: KeyShare::decode(ed25519).unwrap(),
    };
    (shares(client, client_ed), shares(server, server_ed))
}

/// A backup pair of that signing pair.
fn backup() -> (KeyShares, KeyShares) {
    let session = session(Operation::Backup);
    let keys = both(context(Some(BACKUP), Some(SIGNING)));
    let (client, server) = pair();
    let rng = &mut rand::rng();
    let (client, message) =
        ReshareToBackup::client(&session, &keys, client.into_keys(), rng).unwrap();
    let server = ReshareToBackup::server(&session, &keys, server.into_keys()).unwrap();
    let (server, message) = next(server.step(message.as_ref(), rng));
    let (client, message) = next(client.step(message.as_ref(), rng));
    let (server, message) = next(server.step(message.as_ref(), rng));
    let (client, message) = next(client.step(message.as_ref(), rng));
    let (server, last) = finish(server.step(message.as_ref(), rng));
    let (client, _) = finish(client.step(last.unwrap().as_ref(), rng));
    (client, server)
}

fn next<M: Machine>(step: Result<Step<M>, Abort>) -> (M, Message) {
    match step.unwrap() {
        Step::Continue { next, message } => (next, message),
        Step::Finish { .. } => panic!("finished early"),
    }
}

fn finish<M: Machine>(step: Result<Step<M>, Abort>) -> (M::Output, Option<Message>) {
    match step.unwrap() {
        Step::Finish { output, last } => (output, last.map(crate::HeldMessage::release)),
        Step::Continue { .. } => panic!("did not finish"),
    }
}

/// What the holders of a pair share, on both curves.
fn common(client: &KeyShares) -> Vec<u8> {
    let (secp256k1, ed25519) = (
        client.secp256k1.common_secret(),
        client.ed25519.common_secret(),
    );
    [secp256k1.as_slice(), &ed25519].concat()
}

fn sids(session: &Session, key: &KeyContext) -> [Sid; 2] {
    [
        session.sid::<Secp256k1>(key, &[]),
        session.sid::<Ed25519>(key, &[]),
    ]
}

#[test]
fn generate_survives_no_change() {
    let session = session(Operation::Generate);
    let key = context(Some(SIGNING), None);
    every_change_aborts(6, spread(6), |flight, position| {
        let client = Generate::client(&session, &both(key), &mut rand::rng()).unwrap();
        let server = Generate::server(&session, &both(key)).unwrap();
        let middle = Middle::new(Operation::Generate, &sids(&session, &key), &[]);
        run(client, server, middle, flight, position)
    });
}

#[test]
fn backup_survives_no_change() {
    let session = session(Operation::Backup);
    let key = context(Some(BACKUP), Some(SIGNING));
    every_change_aborts(6, all, |flight, position| {
        let (client, server) = pair();
        let (client, server) = (client.into_keys(), server.into_keys());
        let common = common(&client);
        let client = ReshareToBackup::client(&session, &both(key), client, &mut rand::rng());
        let server = ReshareToBackup::server(&session, &both(key), server).unwrap();
        let middle = Middle::new(Operation::Backup, &sids(&session, &key), &common);
        run(client.unwrap(), server, middle, flight, position)
    });
}

#[test]
fn recover_survives_no_change() {
    let session = session(Operation::Recover);
    let key = context(Some(RECOVERED), Some(BACKUP));
    every_change_aborts(6, spread(5), |flight, position| {
        let (client, server) = backup();
        let common = common(&client);
        let client = ReshareToSigning::client(&session, &both(key), client, &mut rand::rng());
        let server = ReshareToSigning::server(&session, &both(key), server).unwrap();
        let middle = Middle::new(Operation::Recover, &sids(&session, &key), &common);
        run(client.unwrap(), server, middle, flight, position)
    });
}

#[test]
fn ecdsa_survives_no_change() {
    let session = session(Operation::Sign);
    let key = context(None, Some(SIGNING));
    let sid = [session.sid::<Secp256k1>(&key, &[9; 32])];
    every_change_aborts(4, spread(60), |flight, position| {
        let (client, server) = pair();
        let common = client.secp256k1.key().common_secret();
        let client = secp256k1::ClientSign::start(
            &session,
            &key,
            client.secp256k1,
            [9; 32],
            &mut rand::rng(),
        );
        let server = secp256k1::ServerSign::new(&session, &key, server.secp256k1, [9; 32]).unwrap();
        run(
            client.unwrap(),
            server,
            Middle::new(Operation::Sign, &sid, &common),
            flight,
            position,
        )
    });
}

#[test]
fn eddsa_survives_no_change() {
    let session = session(Operation::Sign);
    let key = context(None, Some(SIGNING));
    let sid = [session.sid::<Ed25519>(&key, b"message")];
    every_change_aborts(2, all, |flight, position| {
        let (client, server) = pair();
        let common = client.ed25519.common_secret();
        let client = ed25519::ClientSign::start(
            &session,
            &key,
            client.ed25519,
            b"message",
            &mut rand::rng(),
        );
        let server = ed25519::ServerSign::new(&session, &key, server.ed25519, b"message").unwrap();
        run(
            client.unwrap(),
            server,
            Middle::new(Operation::Sign, &sid, &common),
            flight,
            position,
        )
    });
}

/// In flight 1 of an ECDSA signature lies the client's part of the OT extension; a client that
/// lies there learns bits of the server's set-up by whether it aborts.
#[test]
fn a_lie_in_the_ot_extension_is_a_strike() {
    let session = session(Operation::Sign);
    let key = context(None, Some(SIGNING));
    let sid = [session.sid::<Secp256k1>(&key, &[9; 32])];
    let mut strikes = 0;
    for position in (2_000..40_000).step_by(2_000) {
        let (client, server) = pair();
        let common = client.secp256k1.key().common_secret();
        let client = secp256k1::ClientSign::start(
            &session,
            &key,
            client.secp256k1,
            [9; 32],
            &mut rand::rng(),
        );
        let server = secp256k1::ServerSign::new(&session, &key, server.secp256k1, [9; 32]).unwrap();
        let middle = Middle::new(Operation::Sign, &sid, &common);
        let outcome = run(client.unwrap(), server, middle, 1, position);
        strikes += usize::from(outcome.abort.is_some_and(|(_, abort)| abort.is_strike()));
    }
    assert!(strikes >= 15, "{strikes} of 19 lies were strikes");
}

/// Whoever reads and changes messages, but holds no share, is told apart from the peer: its
/// changes never freeze an honest user's pair.
#[test]
fn nobody_in_between_earns_the_peer_a_strike() {
    let session = session(Operation::Sign);
    let key = context(None, Some(SIGNING));
    let sid = session.sid::<Secp256k1>(&key, &[9; 32]);
    for position in [100, 5_000, 20_000] {
        let (client, server) = pair();
        let common = client.secp256k1.key().common_secret();
        let (_, message) = secp256k1::ClientSign::start(
            &session,
            &key,
            client.secp256k1,
            [9; 32],
            &mut rand::rng(),
        )
        .unwrap();
        let mut reads = Channel::new(Role::Server, Operation::Sign, &[sid], common);
        let mut body = reads.open(message.as_ref()).unwrap().to_vec();
        body[position] ^= 1;
        let mut writes = Channel::new(Role::Client, Operation::Sign, &[sid], Zeroizing::default());
        let server = secp256k1::ServerSign::new(&session, &key, server.secp256k1, [9; 32]).unwrap();
        let abort = server
            .step(writes.seal(&body).as_ref(), &mut rand::rng())
            .err();
        assert!(
            matches!(abort, Some(Abort::SessionMismatch { .. })),
            "{position}: {abort:?}"
        );
    }
}

/// Everything but the client's share is known to the thief: it makes one up.
#[test]
fn a_stolen_token_alone_starts_nothing() {
    let session = session(Operation::Sign);
    let key = context(None, Some(SIGNING));
    let (mut thief, server) = pair();
    thief.ed25519.secret = random_scalar::<Ed25519>(&mut rand::rng());
    let (_, first) =
        ed25519::ClientSign::start(&session, &key, thief.ed25519, b"m", &mut rand::rng()).unwrap();
    let server = ed25519::ServerSign::new(&session, &key, server.ed25519, b"m").unwrap();
    let abort = server.step(first.as_ref(), &mut rand::rng()).err();
    assert!(
        matches!(abort, Some(Abort::SessionMismatch { .. })),
        "{abort:?}"
    );
}

/// The proof of possession stands on its own, too: it does not lean on the keyed transcript.
#[test]
fn a_first_flight_without_possession_is_refused() {
    let session = session(Operation::Sign);
    let key = context(None, Some(SIGNING));
    let sid = session.sid::<Ed25519>(&key, b"m");
    let (client, server) = pair();
    let common = client.ed25519.common_secret();
    let mut thief = client.ed25519;
    thief.secret = random_scalar::<Ed25519>(&mut rand::rng());
    let its_own = thief.common_secret();
    let (_, first) =
        ed25519::ClientSign::start(&session, &key, thief, b"m", &mut rand::rng()).unwrap();
    let body = Channel::new(Role::Server, Operation::Sign, &[sid], its_own)
        .open(first.as_ref())
        .unwrap()
        .to_vec();
    let resealed = Channel::new(Role::Client, Operation::Sign, &[sid], common).seal(&body);
    let server = ed25519::ServerSign::new(&session, &key, server.ed25519, b"m").unwrap();
    assert_eq!(
        server.step(resealed.as_ref(), &mut rand::rng()).err(),
        Some(Abort::blame(Role::Client, Check::Possession))
    );
}

/// Signing and backup shares are of different kinds, and stay so.
#[test]
fn a_backup_share_neither_signs_nor_is_backed_up() {
    let (client, server) = backup();
    let sign = Session {
        generation: 8,
        ..session(Operation::Sign)
    };
    let key = context(None, Some(BACKUP));
    assert!(ed25519::ServerSign::new(&sign, &key, server.ed25519, b"m").is_err());
    let again = Session {
        generation: 10,
        ..session(Operation::Backup)
    };
    let keys = both(context(Some(RECOVERED), Some(BACKUP)));
    assert!(ReshareToBackup::client(&again, &keys, client, &mut rand::rng()).is_err());
    let (client, _) = pair();
    let recover = session(Operation::Recover);
    let keys = both(context(Some(RECOVERED), Some(SIGNING)));
    let taken = ReshareToSigning::client(&recover, &keys, client.into_keys(), &mut rand::rng());
    assert!(taken.is_err());
}

/// A share signs only as the pair and generation that it belongs to.
#[test]
fn a_share_signs_for_no_other_pair() {
    let sign = session(Operation::Sign);
    let right = context(None, Some(SIGNING));
    let attempts = [
        (sign, context(None, Some(BACKUP))),
        (sign, context(Some(BACKUP), Some(SIGNING))),
        (
            Session {
                generation: 8,
                ..sign
            },
            right,
        ),
        (session(Operation::Refresh), right),
    ];
    for (session, key) in attempts {
        let (_, server) = pair();
        assert!(ed25519::ServerSign::new(&session, &key, server.ed25519, b"m").is_err());
        assert!(secp256k1::ServerSign::new(&session, &key, server.secp256k1, [0; 32]).is_err());
    }
}

fn contribution_of<G: Group>(scalar: &G::Scalar, sid: Sid) -> ([u8; 32], Vec<u8>) {
    let rng = &mut rand::rng();
    let point = G::base_mul(scalar);
    let proof = possession::prove::<G>(&sid.0, Role::Server, scalar, &point, rng);
    let value = [G::encode_point(&point).as_slice(), &proof, &[8; 32]].concat();
    let (opening, commitment) =
        commitment::commit("key contribution", sid, Role::Server, &value, rng);
    (commitment, opening.reveal().to_vec())
}

/// A server that learned the client's x_C (say, from a broken client) must still not be able
/// to make a trivial or doubled key of it.
fn related_contributions_are_refused<G: Group>() {
    let session = session(Operation::Generate);
    let key = context(Some(SIGNING), None);
    for (relation, check) in [("negated", Check::Key), ("copied", Check::Contribution)] {
        let part = crate::generate::Part::<G>::new(Role::Client, &session, &key).unwrap();
        let (own, _) = part.commit(&mut rand::rng());
        let scalar = if relation == "negated" {
            -*own.x
        } else {
            *own.x
        };
        let (peer, opening) = contribution_of::<G>(&scalar, part.sid);
        let committed = crate::generate::Committed { own, peer };
        assert_eq!(
            part.combine(committed, &opening).err(),
            Some(Abort::blame(Role::Server, check)),
            "{relation}"
        );
    }
}

#[test]
fn a_key_contribution_related_to_ours_is_refused() {
    related_contributions_are_refused::<Secp256k1>();
    related_contributions_are_refused::<Ed25519>();
}

#[test]
fn a_commitment_opens_for_one_purpose_party_and_session() {
    let (opening, commitment) =
        commitment::commit("a", Sid([1; 32]), Role::Client, b"value", &mut rand::rng());
    let open = |purpose, sid, role| {
        commitment::open(purpose, Sid([sid; 32]), role, &commitment, opening.reveal()).is_ok()
    };
    assert!(open("a", 1, Role::Client));
    assert!(!open("b", 1, Role::Client));
    assert!(!open("a", 2, Role::Client));
    assert!(!open("a", 1, Role::Server));
}

fn hex32(text: &str) -> [u8; 32] {
    hex::decode(text).unwrap().try_into().unwrap()
}

#[test]
fn only_canonical_points_of_prime_order_decode() {
    // secp256k1: the identity (SEC 1 §2.3.3), an x off the curve, x = p, the uncompressed form.
    let g = Secp256k1::encode_point(&Secp256k1::base_mul(
        &Secp256k1::decode_scalar(&one_be()).unwrap(),
    ));
    assert!(Secp256k1::decode_point(&g).is_some());
    let mut off = g.clone();
    off[1..].fill(0);
    off[32] = 5;
    let mut past = vec![2];
    past.extend(hex32(
        "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f",
    ));
    for (what, bytes) in [
        ("identity", vec![0]),
        ("off the curve", off),
        ("x = p", past),
    ] {
        assert!(Secp256k1::decode_point(&bytes).is_none(), "{what}");
    }
    assert!(
        Secp256k1::decode_point(&[g.as_slice(), &[0]].concat()).is_none(),
        "a byte more"
    );
    assert!(Secp256k1::decode_point(&[]).is_none(), "nothing");

    // Ed25519: the identity, the point of order 2, one of order 4 (y = 0), one of order 8
    // (RFC 7748's and CCTV's low-order lists), y = p + 1 (the identity, not canonical).
    for (what, text) in [
        (
            "identity",
            "0100000000000000000000000000000000000000000000000000000000000000",
        ),
        (
            "order 2",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        ),
        (
            "order 4",
            "0000000000000000000000000000000000000000000000000000000000000000",
        ),
        (
            "order 8",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        ),
        (
            "y = p + 1",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        ),
    ] {
        assert!(Ed25519::decode_point(&hex32(text)).is_none(), "{what}");
    }
    // A point of mixed order: the generator plus the point of order 2.
    let mixed = curve25519_dalek::constants::ED25519_BASEPOINT_POINT
        + curve25519_dalek::constants::EIGHT_TORSION[4];
    assert!(
        Ed25519::decode_point(&mixed.compress().to_bytes()).is_none(),
        "mixed order"
    );
}

fn one_be() -> [u8; 32] {
    let mut one = [0; 32];
    one[31] = 1;
    one
}

#[test]
fn only_scalars_below_the_order_decode() {
    for text in [
        "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
        "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364142",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    ] {
        assert!(
            Secp256k1::decode_scalar(&hex32(text)).is_none(),
            "secp256k1 {text}"
        );
    }
    for text in [
        "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010",
        "eed3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    ] {
        assert!(
            Ed25519::decode_scalar(&hex32(text)).is_none(),
            "Ed25519 {text}"
        );
    }
}
