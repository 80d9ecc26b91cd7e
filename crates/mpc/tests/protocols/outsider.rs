//! What can be done without knowing a share: altering, repeating, reflecting and mixing messages.
//! All of it is a session mismatch, and none of it a strike.

use portal_mpc::{
    Abort, Generate, Machine, Operation, ReshareToBackup, Session, Step, ed25519, secp256k1,
};

use crate::run::{both, context, generate, session};

fn is_mismatch(abort: Option<&Abort>) -> bool {
    matches!(
        abort,
        Some(
            Abort::SessionMismatch { .. }
                | Abort::Unsupported {
                    what: "message",
                    ..
                }
        )
    )
}

#[test]
fn every_flipped_byte_of_a_first_message_is_a_mismatch() {
    let session = session(Operation::Generate, 1);
    let keys = both(context(Some(1), None));
    let (_, first) = Generate::client(&session, &keys, &mut rand::rng()).unwrap();
    let bytes = first.into_bytes();
    for position in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[position] ^= 0x80;
        let server = Generate::server(&session, &keys).unwrap();
        let abort = server.step(&changed, &mut rand::rng()).err();
        assert!(is_mismatch(abort.as_ref()), "byte {position}: {abort:?}");
    }
    for length in 0..bytes.len() {
        let server = Generate::server(&session, &keys).unwrap();
        let abort = server.step(&bytes[..length], &mut rand::rng()).err();
        assert!(is_mismatch(abort.as_ref()), "cut to {length}: {abort:?}");
    }
}

#[test]
fn a_reflected_or_repeated_message_is_a_mismatch() {
    let session = session(Operation::Generate, 1);
    let keys = both(context(Some(1), None));
    let rng = &mut rand::rng();
    let (client, first) = Generate::client(&session, &keys, rng).unwrap();
    let abort = client.step(first.as_ref(), rng).err();
    assert!(is_mismatch(abort.as_ref()), "reflected: {abort:?}");

    let (_, first) = Generate::client(&session, &keys, rng).unwrap();
    let server = Generate::server(&session, &keys).unwrap();
    let Step::Continue { next: server, .. } = server.step(first.as_ref(), rng).unwrap() else {
        panic!("finished early")
    };
    let abort = server.step(first.as_ref(), rng).err();
    assert!(is_mismatch(abort.as_ref()), "repeated: {abort:?}");
}

/// Every field of a session counts: a message for one session is none for another.
#[test]
fn a_message_of_another_session_is_a_mismatch() {
    let (client, _) = generate(1);
    let base = session(Operation::Backup, 2);
    let key = context(Some(2), Some(1));
    let (_, first) =
        ReshareToBackup::client(&base, &both(key), client.into_keys(), &mut rand::rng()).unwrap();
    let sessions = [
        Session {
            generation: 3,
            ..base
        },
        Session {
            client_nonce: [0; 32],
            ..base
        },
        Session {
            server_nonce: [0; 32],
            ..base
        },
    ];
    let keys = [
        portal_mpc::KeyContext {
            wallet_id: [0; 16],
            ..key
        },
        portal_mpc::KeyContext {
            new_pair: Some([0; 16]),
            ..key
        },
    ];
    let others = sessions
        .map(|session| (session, key))
        .into_iter()
        .chain(keys.map(|key| (base, key)));
    for (session, key) in others {
        let (_, server) = generate(1);
        let server = ReshareToBackup::server(&session, &both(key), server.into_keys()).unwrap();
        let abort = server.step(first.as_ref(), &mut rand::rng()).err();
        assert!(
            is_mismatch(abort.as_ref()),
            "{session:?} {key:?}: {abort:?}"
        );
    }
}

/// A server that was asked to sign one thing does not sign another.
#[test]
fn a_signature_of_another_payload_is_a_mismatch() {
    let (client, server) = generate(1);
    let session = session(Operation::Sign, 1);
    let key = context(None, Some(1));
    let rng = &mut rand::rng();
    let (_, first) =
        secp256k1::ClientSign::start(&session, &key, client.secp256k1, [1; 32], rng).unwrap();
    let asked = secp256k1::ServerSign::new(&session, &key, server.secp256k1, [2; 32]).unwrap();
    assert!(is_mismatch(asked.step(first.as_ref(), rng).err().as_ref()));
    let (_, first) =
        ed25519::ClientSign::start(&session, &key, client.ed25519, b"one", rng).unwrap();
    let asked = ed25519::ServerSign::new(&session, &key, server.ed25519, b"two").unwrap();
    assert!(is_mismatch(asked.step(first.as_ref(), rng).err().as_ref()));
}

#[test]
fn garbage_is_a_mismatch() {
    let session = session(Operation::Generate, 1);
    let keys = both(context(Some(1), None));
    for garbage in [vec![], vec![0], vec![1; 36], vec![0xff; 100_000]] {
        let server = Generate::server(&session, &keys).unwrap();
        let abort = server.step(&garbage, &mut rand::rng()).err();
        assert!(
            is_mismatch(abort.as_ref()),
            "{} bytes: {abort:?}",
            garbage.len()
        );
    }
}

/// What is wrong with an envelope is told by name, before the transcript is looked at.
#[test]
fn a_mismatch_names_what_differs() {
    let session = session(Operation::Generate, 1);
    let keys = both(context(Some(1), None));
    let (_, first) = Generate::client(&session, &keys, &mut rand::rng()).unwrap();
    let bytes = first.into_bytes();
    let given = |position: usize, value: u8| {
        let mut changed = bytes.clone();
        changed[position] = value;
        let server = Generate::server(&session, &keys).unwrap();
        server.step(&changed, &mut rand::rng()).err()
    };
    for version in [0, 1, 3] {
        let expected = Abort::Unsupported {
            what: "message",
            expected: 2,
            given: version,
        };
        assert_eq!(given(0, version), Some(expected));
    }
    for (position, difference) in [(1, "the operation"), (2, "the flight"), (3, "the sender")] {
        let expected = Abort::SessionMismatch { difference };
        assert_eq!(given(position, 9), Some(expected));
    }
}
