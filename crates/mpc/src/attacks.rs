//! Attacks by a peer that keeps to the envelope but lies inside it.
//!
//! [`Middle`] sits between two honest machines, opens every envelope, may change the body, and
//! seals it again with the transcript that the receiver expects: to the receiver it is a peer
//! that built this message on purpose. (What an outsider can do without that is attacked in
//! `tests/`.)

mod contributions;
mod decoding;
mod lying;
mod misused;

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
