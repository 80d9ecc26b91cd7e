//! Contributions to a key that are related to ours.

use super::*;
use crate::reshare::{Masked, Part};

/// A server's contribution to the key: `scalar`'s point, a proof about `known`, a chain code.
fn contribution_of<G: Group>(
    scalar: &G::Scalar,
    known: &G::Scalar,
    chain_code: [u8; 32],
    sid: Sid,
) -> ([u8; 32], Vec<u8>) {
    let rng = &mut rand::rng();
    let point = G::base_mul(scalar);
    let proof = possession::prove::<G>(&sid.0, Role::Server, known, &point, rng);
    let value = [G::encode_point(&point).as_slice(), &proof, &chain_code].concat();
    let (opening, commitment) =
        commitment::commit("key contribution", sid, Role::Server, &value, rng);
    (commitment, opening.reveal().to_vec())
}

/// A server that learned the client's x_C (say, from a broken client) must still not be able
/// to make a trivial or doubled key of it.
fn related_contributions_are_refused<G: Group>() {
    let session = session(Operation::Generate);
    let key = context(Some(SIGNING), None);
    let cases = [
        ("negated", Check::Key),
        ("copied", Check::Contribution),
        ("of the same chain code", Check::Contribution),
        ("not known", Check::Possession),
    ];
    for (relation, check) in cases {
        let part = crate::generate::Part::<G>::new(Role::Client, &session, &key).unwrap();
        let (own, _) = part.commit(&mut rand::rng());
        let other = random_scalar::<G>(&mut rand::rng());
        let another = random_scalar::<G>(&mut rand::rng());
        let (scalar, known, chain_code) = match relation {
            "negated" => (-*own.x, -*own.x, [8; 32]),
            "copied" => (*own.x, *own.x, [8; 32]),
            "of the same chain code" => (*other, *other, own.chain_code),
            _ => (*other, *another, [8; 32]),
        };
        let (peer, opening) = contribution_of::<G>(&scalar, &known, chain_code, part.sid);
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

/// A server's part of the mask that is zero, the client's, or its opposite.
fn related_masks_are_refused<G: Group>(source: impl Fn() -> crate::KeyShare<G>) {
    let session = session(Operation::Backup);
    let key = context(Some(BACKUP), Some(SIGNING));
    for relation in ["zero", "copied", "opposite"] {
        let part = Part::<G>::new(Role::Client, &session, &key, source()).unwrap();
        let (own, _) = part.commit(&mut rand::rng());
        let delta = match relation {
            "zero" => G::Scalar::default(),
            "copied" => *own.delta,
            _ => -*own.delta,
        };
        let encoded = G::encode_scalar(&delta);
        let rng = &mut rand::rng();
        let (opening, peer) = commitment::commit(
            "reshare mask",
            part.sid,
            Role::Server,
            encoded.as_slice(),
            rng,
        );
        let padded = part.padded(Role::Server, opening.reveal());
        assert_eq!(
            part.combine(Masked { own, peer }, &padded).err(),
            Some(Abort::blame(Role::Server, Check::Contribution)),
            "{relation}"
        );
    }
}

/// An opening has one length: what is longer than its pad would be cut, and taken twice.
#[test]
fn an_opening_of_another_length_is_refused() {
    let recording = scenes::backup().unwrap();
    for flight in [3, 4] {
        let sender = recording.sender(flight).unwrap();
        let body = recording.body(flight).unwrap();
        let (first, second) = body.split_at(4 + 64);
        let mut longer = first.to_vec();
        longer[3] = 65;
        longer.push(0);
        longer.extend_from_slice(second);
        let ending = recording.replay(flight, &longer, &mut scenes::seeded("longer"));
        let expected = Ending::Aborted {
            by: sender.peer(),
            abort: Abort::blame(sender, Check::Encoding),
        };
        assert_eq!(ending, Some(expected), "flight {flight}");
    }
}

#[test]
fn a_mask_related_to_ours_is_refused() {
    related_masks_are_refused::<Secp256k1>(|| pair().0.secp256k1.into_key());
    related_masks_are_refused::<Ed25519>(|| pair().0.ed25519);
}

/// Points of the base OTs: the identity would make every key known, and what is not canonical is no point.
#[test]
fn points_of_the_set_up_that_are_none_are_refused() {
    let recording = scenes::generate().unwrap();
    let identity = [0; 32];
    let not_canonical = [0xff; 32];
    // Of either party, the offer ends its first message and the answer its second; the server's second
    // carries a challenge behind it.
    const CHALLENGE: usize = 128 * 16 + 32;
    for (flight, behind) in [(1, 0), (2, 0), (3, 0), (3, 32 * 255), (4, CHALLENGE)] {
        for point in [identity, not_canonical] {
            let sender = recording.sender(flight).unwrap();
            let mut body = recording.body(flight).unwrap().to_vec();
            let end = body.len() - behind;
            body[end - 32..end].copy_from_slice(&point);
            let ending = recording.replay(flight, &body, &mut scenes::seeded("no point"));
            let expected = Ending::Aborted {
                by: sender.peer(),
                abort: Abort::blame(sender, Check::Point),
            };
            assert_eq!(ending, Some(expected), "flight {flight}, {point:?}");
        }
    }
}
