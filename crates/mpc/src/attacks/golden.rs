//! What version 2 says and keeps, byte for byte: a change of an oracle's tag, of an order or of a parameter
//! would look like cheating to a peer that has not changed.

use std::fmt::Write as _;

use super::*;
use crate::KeyShare;

/// Protocol, flight, length of the body, BLAKE3 of it.
fn lines<C, S>(text: &mut String, name: &str, recording: &Recording<C, S>)
where
    C: Machine + Clone,
    S: Machine + Clone,
{
    for flight in 1..=recording.flights() {
        let body = recording.body(flight).unwrap();
        writeln!(
            text,
            "{name} {flight} {} {}",
            body.len(),
            blake3::hash(body)
        )
        .unwrap();
    }
}

/// These bytes hang on what goes over the wire *and* on the order in which a party draws. If what the peer must
/// understand was changed, raise the envelope's version, and keep the old file beside the new one. If only a
/// party's own drawing was, write the file anew.
#[test]
fn messages_are_those_of_version_2() {
    let mut text = String::new();
    lines(&mut text, "generate", &scenes::generate().unwrap());
    lines(&mut text, "backup", &scenes::backup().unwrap());
    lines(&mut text, "recover", &scenes::recover().unwrap());
    lines(&mut text, "ecdsa", &scenes::ecdsa().unwrap());
    lines(&mut text, "eddsa", &scenes::eddsa().unwrap());
    let golden = include_str!("../../../../vectors/mpc-messages-v2.txt");
    assert_eq!(text, golden, "now:\n{text}");
}

/// The client's share of secp256k1, then the server's.
#[test]
fn signing_shares_are_those_of_engine_2() {
    let golden = include_str!("../../../../vectors/signing-share-v2.txt");
    let (client, server) = pair();
    let text = [client, server].map(|shares| hex::encode(&*shares.secp256k1.encode()) + "\n");
    assert!(
        text.concat() == golden,
        "a signing share is encoded otherwise"
    );
    for line in golden.lines() {
        let bytes = hex::decode(line).unwrap();
        let share = secp256k1::SigningShare::decode(&bytes).unwrap();
        assert_eq!(*share.encode(), bytes);
        let key: KeyShare<Secp256k1> = secp256k1::SigningShare::decode_key(&bytes).unwrap();
        assert_eq!(key.pair(), SIGNING);
    }
}
