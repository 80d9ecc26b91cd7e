//! A peer that changes what it sends, byte by byte.

use super::*;

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
