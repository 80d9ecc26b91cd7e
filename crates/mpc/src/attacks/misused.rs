//! Shares and sessions used for what they are not for.

use super::*;

/// Whoever reads and changes messages, but holds no share, is told apart from the peer: its
/// changes never freeze an honest user's pair.
#[test]
fn nobody_in_between_earns_the_peer_a_strike() {
    let session = session(Operation::Sign);
    let key = context(None, Some(SIGNING));
    let sid = session.sid::<Secp256k1>(&key, &[9; 32]);
    for position in [100, 2_000, 8_000] {
        let (client, server) = pair();
        let mut reads = client.secp256k1.channel(Role::Server, sid);
        let (_, message) = secp256k1::ClientSign::start(
            &session,
            &key,
            client.secp256k1,
            [9; 32],
            &mut rand::rng(),
        )
        .unwrap();
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

/// A machine takes its own operation only, and a newer generation than its source's.
#[test]
fn a_machine_takes_no_other_session() {
    let rng = &mut rand::rng();
    let keys = both(context(Some(BACKUP), Some(SIGNING)));
    let generate = both(context(Some(SIGNING), None));
    for operation in [Operation::Backup, Operation::Recover, Operation::Sign] {
        assert!(crate::Generate::client(&session(operation), &generate, rng).is_err());
        assert!(crate::Generate::server(&session(operation), &generate).is_err());
    }
    for operation in [Operation::Refresh, Operation::Recover, Operation::Generate] {
        let (client, _) = pair();
        let taken = ReshareToBackup::client(&session(operation), &keys, client.into_keys(), rng);
        assert!(taken.is_err(), "{operation:?}");
    }
    let (client, _) = pair();
    let taken =
        ReshareToSigning::client(&session(Operation::Backup), &keys, client.into_keys(), rng);
    assert!(taken.is_err());
    for generation in [6, 7] {
        let (client, _) = pair();
        let old = Session {
            generation,
            ..session(Operation::Backup)
        };
        let taken = ReshareToBackup::client(&old, &keys, client.into_keys(), rng);
        assert!(taken.is_err(), "generation {generation} after 7");
    }
}

/// The client's share does not play the server.
#[test]
fn a_share_signs_for_no_other_role() {
    let (sign, key) = (session(Operation::Sign), context(None, Some(SIGNING)));
    let (client, server) = pair();
    assert!(ed25519::ServerSign::new(&sign, &key, client.ed25519, b"m").is_err());
    assert!(secp256k1::ServerSign::new(&sign, &key, client.secp256k1, [0; 32]).is_err());
    let rng = &mut rand::rng();
    assert!(ed25519::ClientSign::start(&sign, &key, server.ed25519, b"m", rng).is_err());
    let taken = secp256k1::ClientSign::start(&sign, &key, server.secp256k1, [0; 32], rng);
    assert!(taken.is_err());
}
