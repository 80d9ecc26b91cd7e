//! Shares at rest: what is written is read back, and nothing else is.

use portal_mpc::{
    Ed25519, KeyShare, PairKind, Role, Secp256k1, ShareError, secp256k1, verify_possession,
};

use crate::run::{backup, generate};

#[test]
fn a_share_reads_back_as_it_was_written() {
    let (client, _) = generate(1);
    let encoded = client.secp256k1.encode();
    assert_eq!(
        *secp256k1::SigningShare::decode(&encoded).unwrap().encode(),
        *encoded
    );
    let encoded = client.ed25519.encode();
    assert_eq!(
        *KeyShare::<Ed25519>::decode(&encoded).unwrap().encode(),
        *encoded
    );
}

#[test]
fn a_backup_share_reads_back_as_one() {
    let (client, server) = generate(1);
    let (client, _) = backup(1, 2, client.into_keys(), server.into_keys());
    let encoded = client.secp256k1.encode();
    let share = KeyShare::<Secp256k1>::decode(&encoded).unwrap();
    assert_eq!(*share.encode(), *encoded);
    let about = (share.kind(), share.pair(), share.generation(), share.role());
    assert_eq!(about, (PairKind::Backup, [2; 16], 2, Role::Client));
}

#[test]
fn a_changed_or_cut_share_is_refused() {
    let (client, _) = generate(1);
    let encoded = client.ed25519.encode();
    // Everything but the pair's id, its generation and the chain code is bound by the points;
    // those three are bound by whoever seals the share.
    let bound = (0..4).chain(28..encoded.len() - 32);
    for position in bound {
        let mut changed = encoded.clone();
        changed[position] ^= 1;
        assert!(
            KeyShare::<Ed25519>::decode(&changed).is_err(),
            "byte {position}"
        );
    }
    for length in 0..encoded.len() {
        assert!(
            KeyShare::<Ed25519>::decode(&encoded[..length]).is_err(),
            "cut to {length}"
        );
    }
    let longer = [encoded.as_slice(), &[0]].concat();
    assert_eq!(
        KeyShare::<Ed25519>::decode(&longer).err(),
        Some(ShareError::Malformed)
    );
}

#[test]
fn another_version_curve_or_engine_is_told_apart_from_damage() {
    let (client, _) = generate(1);
    let mut newer = client.ed25519.encode();
    newer[0] = 2;
    assert!(matches!(
        KeyShare::<Ed25519>::decode(&newer),
        Err(ShareError::Unsupported {
            expected: 1,
            given: 2,
            ..
        })
    ));
    assert!(matches!(
        KeyShare::<Secp256k1>::decode(&client.ed25519.encode()),
        Err(ShareError::Unsupported {
            expected: 1,
            given: 2,
            ..
        })
    ));
    // 1 was another engine, whose set-ups were of other lengths.
    for other in [1, 9] {
        let mut engine = client.secp256k1.encode();
        let at = client.secp256k1.key().encode().len();
        engine[at] = other;
        engine.extend_from_slice(&[0; 40_000]);
        assert_eq!(
            secp256k1::SigningShare::decode(&engine).err(),
            Some(ShareError::Unsupported {
                what: "the signing share's engine",
                expected: 2,
                given: other,
            })
        );
    }
}

/// A pair whose set-up is damaged, or made by an engine that is no more, can still be reshared.
#[test]
fn the_additive_share_reads_without_its_set_up() {
    let (client, _) = generate(1);
    let mut bytes = client.secp256k1.encode();
    let at = client.secp256k1.key().encode().len();
    bytes[at] = 9;
    bytes.truncate(at + 100);
    let key = secp256k1::SigningShare::decode_key(&bytes).unwrap();
    assert_eq!(*key.encode(), *client.secp256k1.key().encode());
}

/// A flipped bit of the set-up at rest would look like cheating to the peer.
#[test]
fn a_damaged_set_up_is_damage() {
    let (client, _) = generate(1);
    let mut bytes = client.secp256k1.encode();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    assert_eq!(
        secp256k1::SigningShare::decode(&bytes).err(),
        Some(ShareError::Inconsistent)
    );
}

/// What version 1 looks like at rest must read for ever.
#[test]
fn version_1_golden_bytes_read() {
    for line in include_str!("../../../../vectors/key-share-v1.txt").lines() {
        let (curve, encoded) = line.split_once(' ').unwrap();
        let bytes = hex::decode(encoded).unwrap();
        let (pair, generation, role) = match curve {
            "SECP256K1" => {
                let share = KeyShare::<Secp256k1>::decode(&bytes).unwrap();
                (share.pair(), share.generation(), share.role())
            }
            "ED25519" => {
                let share = KeyShare::<Ed25519>::decode(&bytes).unwrap();
                (share.pair(), share.generation(), share.role())
            }
            other => panic!("no curve {other}"),
        };
        assert_eq!((pair, generation, role), ([1; 16], 1, Role::Client));
    }
}

#[test]
fn possession_is_proven_for_one_purpose_role_and_point() {
    let (client, server) = generate(1);
    let point = client.ed25519.points().share(Role::Client);
    let proof = client
        .ed25519
        .prove_possession(b"purpose", &mut rand::rng());
    let verify = |context: &[u8], role, point: &[u8], proof: &[u8]| {
        verify_possession::<Ed25519>(context, role, point, proof).is_ok()
    };
    assert!(verify(b"purpose", Role::Client, &point, &proof));
    assert!(!verify(b"other", Role::Client, &point, &proof));
    assert!(!verify(b"purpose", Role::Server, &point, &proof));
    let other = server.ed25519.points().share(Role::Server);
    assert!(!verify(b"purpose", Role::Client, &other, &proof));
    for position in 0..proof.len() {
        let mut changed = proof.clone();
        changed[position] ^= 1;
        assert!(
            !verify(b"purpose", Role::Client, &point, &changed),
            "byte {position}"
        );
    }
    for length in 0..proof.len() {
        assert!(
            !verify(b"purpose", Role::Client, &point, &proof[..length]),
            "cut to {length}"
        );
    }
}

#[test]
fn a_signing_share_or_proof_with_more_behind_it_is_refused() {
    let (client, _) = generate(1);
    let longer = [client.secp256k1.encode().as_slice(), &[0]].concat();
    assert_eq!(
        secp256k1::SigningShare::decode(&longer).err(),
        Some(ShareError::Malformed)
    );
    let proof = client
        .ed25519
        .prove_possession(b"purpose", &mut rand::rng());
    let longer = [proof.as_slice(), &[0]].concat();
    let point = client.ed25519.points().share(Role::Client);
    assert!(verify_possession::<Ed25519>(b"purpose", Role::Client, &point, &longer).is_err());
}

/// All that is printed of a share: whose, of which pair, and Q.
#[test]
fn a_share_does_not_print_its_secret() {
    let (client, _) = generate(1);
    let key = hex::encode(client.ed25519.points().key());
    let printed =
        "KeyShare { role: Client, kind: Signing, generation: 1, points: Points(KEY), .. }";
    assert_eq!(
        format!("{:?}", client.ed25519),
        printed.replace("KEY", &key)
    );
    let key = hex::encode(client.secp256k1.key().points().key());
    assert_eq!(
        format!("{:?}", client.secp256k1),
        format!("SigningShare({})", printed.replace("KEY", &key))
    );
}
