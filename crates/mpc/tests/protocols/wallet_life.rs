//! Generate, back up, recover, refresh, sign; checked by implementations that did not sign.

use portal_mpc::{Abort, KeyShare, Operation, SigningShares, secp256k1};

use crate::run::{backup, generate, recover, sign_ecdsa, sign_eddsa};

fn copy_keys(shares: &SigningShares) -> portal_mpc::KeyShares {
    portal_mpc::KeyShares {
        secp256k1: KeyShare::decode(&shares.secp256k1.key().encode()).unwrap(),
        ed25519: KeyShare::decode(&shares.ed25519.encode()).unwrap(),
    }
}

/// The secret within an encoded key share: it follows 4 + 16 + 8 bytes.
fn secret(encoded: &[u8]) -> [u8; 32] {
    encoded[28..60].try_into().unwrap()
}

fn x_secp256k1(client: &[u8], server: &[u8]) -> k256::Scalar {
    use k256::elliptic_curve::PrimeField as _;
    let scalar = |share| k256::Scalar::from_repr(secret(share).into()).unwrap();
    scalar(client) + scalar(server)
}

fn x_ed25519(client: &[u8], server: &[u8]) -> curve25519_dalek::Scalar {
    let scalar = |share| curve25519_dalek::Scalar::from_canonical_bytes(secret(share)).unwrap();
    scalar(client) + scalar(server)
}

pub(crate) fn assert_libsecp256k1_verifies(
    key: &[u8],
    digest: [u8; 32],
    signature: &secp256k1::Signature,
) {
    let compact = [signature.r, signature.s].concat();
    let parsed = ::secp256k1::ecdsa::Signature::from_compact(&compact).unwrap();
    let mut normalised = parsed;
    normalised.normalize_s();
    assert_eq!(parsed, normalised, "low s");
    let message = ::secp256k1::Message::from_digest(digest);
    let key = ::secp256k1::PublicKey::from_slice(key).unwrap();
    ::secp256k1::ecdsa::verify(&parsed, message, &key).expect("libsecp256k1 verifies");
    let id = ::secp256k1::ecdsa::RecoveryId::try_from(i32::from(signature.recovery_id)).unwrap();
    let recoverable = ::secp256k1::ecdsa::RecoverableSignature::from_compact(&compact, id).unwrap();
    assert_eq!(
        recoverable.recover_ecdsa(message).unwrap(),
        key,
        "recovery id"
    );
}

fn assert_dalek_verifies(key: &[u8], message: &[u8], signature: [u8; 64]) {
    ed25519_dalek::VerifyingKey::from_bytes(key.try_into().unwrap())
        .unwrap()
        .verify_strict(message, &ed25519_dalek::Signature::from_bytes(&signature))
        .expect("ed25519-dalek verifies strictly");
}

fn assert_signs(pair: u8, client: SigningShares, server: SigningShares) {
    let key = client.secp256k1.key().points().key();
    let signature = sign_ecdsa(pair, client.secp256k1, server.secp256k1, [9; 32]).unwrap();
    assert_libsecp256k1_verifies(&key, [9; 32], &signature);
    let key = client.ed25519.points().key();
    let signature = sign_eddsa(pair, client.ed25519, server.ed25519, b"a message").unwrap();
    assert_dalek_verifies(&key, b"a message", signature.0);
}

#[test]
fn one_key_lives_through_every_operation() {
    let (client, server) = generate(1);
    let (key, key_ed) = (
        client.secp256k1.key().points().key(),
        client.ed25519.points().key(),
    );
    let x = x_secp256k1(&client.secp256k1.encode(), &server.secp256k1.encode());
    let x_ed = x_ed25519(&client.ed25519.encode(), &server.ed25519.encode());
    assert_eq!(
        k256::ProjectivePoint::mul_by_generator(&x),
        k256::PublicKey::from_sec1_bytes(&key)
            .unwrap()
            .to_projective()
    );

    let (client_backup, server_backup) = backup(1, 2, copy_keys(&client), copy_keys(&server));
    assert_signs(1, client, server);
    assert_eq!(
        x,
        x_secp256k1(
            &client_backup.secp256k1.encode(),
            &server_backup.secp256k1.encode()
        )
    );
    assert_eq!(
        x_ed,
        x_ed25519(
            &client_backup.ed25519.encode(),
            &server_backup.ed25519.encode()
        )
    );

    let (client, server) = recover(Operation::Recover, 2, 3, client_backup, server_backup).unwrap();
    assert_eq!(client.secp256k1.key().points().key(), key);
    assert_eq!(client.ed25519.points().key(), key_ed);
    assert_eq!(
        x,
        x_secp256k1(&client.secp256k1.encode(), &server.secp256k1.encode())
    );

    let (client, server) = recover(
        Operation::Refresh,
        3,
        4,
        client.into_keys(),
        server.into_keys(),
    )
    .unwrap();
    assert_eq!(
        x_ed,
        x_ed25519(&client.ed25519.encode(), &server.ed25519.encode())
    );
    assert_signs(4, client, server);
}

#[test]
fn shares_of_two_pairs_do_not_combine() {
    let (client, server) = generate(1);
    let (client_backup, server_backup) = backup(1, 2, copy_keys(&client), copy_keys(&server));
    let x = x_secp256k1(&client.secp256k1.encode(), &server.secp256k1.encode());
    let old_and_new = [
        (client.secp256k1.encode(), server_backup.secp256k1.encode()),
        (client_backup.secp256k1.encode(), server.secp256k1.encode()),
    ];
    for (client, server) in old_and_new {
        assert_ne!(x, x_secp256k1(&client, &server));
    }
    // Nor do they run a protocol together.
    let mixed = recover(Operation::Refresh, 1, 3, client.into_keys(), server_backup);
    assert!(
        matches!(mixed, Err(Abort::Engine { .. })),
        "{:?}",
        mixed.err()
    );
}

#[test]
fn a_share_of_the_other_role_or_pair_is_not_taken() {
    let (client, server) = generate(1);
    let swapped = recover(
        Operation::Refresh,
        1,
        2,
        copy_keys(&server),
        copy_keys(&client),
    );
    assert!(matches!(swapped, Err(Abort::Engine { .. })));
    let other_pair = recover(
        Operation::Refresh,
        9,
        2,
        client.into_keys(),
        server.into_keys(),
    );
    assert!(matches!(other_pair, Err(Abort::Engine { .. })));
}

#[test]
fn two_wallets_do_not_sign_together() {
    let (client, _) = generate(1);
    let (_, server) = generate(1);
    let aborted = sign_ecdsa(1, client.secp256k1, server.secp256k1, [9; 32]);
    assert!(matches!(aborted, Err(Abort::SessionMismatch { .. })));
    let aborted = sign_eddsa(1, client.ed25519, server.ed25519, b"m");
    assert!(matches!(aborted, Err(Abort::SessionMismatch { .. })));
}

/// A pair that was struck must not take its set-up along: no seed of a pair is one of the next.
#[test]
fn every_signing_pair_has_a_set_up_of_its_own() {
    let (client, server) = generate(1);
    let seeds = |shares: &SigningShares| {
        let bytes = shares.secp256k1.encode();
        let at = shares.secp256k1.key().encode().len() + 1;
        let (seeds, _) = bytes[at..][..6_160].as_chunks::<16>();
        seeds.to_vec()
    };
    let before = [seeds(&client), seeds(&server)].concat();
    let (client, server) = recover(
        Operation::Refresh,
        1,
        2,
        client.into_keys(),
        server.into_keys(),
    )
    .unwrap();
    let after = [seeds(&client), seeds(&server)].concat();
    assert!(after.iter().all(|seed| !before.contains(seed)));
}
