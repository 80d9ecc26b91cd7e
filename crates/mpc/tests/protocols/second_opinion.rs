//! The same protocol by `dkls23-core`, with the shares that our Generate made.
//!
//! Its multiplications and ours do not speak with each other: it draws four columns where ours draws
//! three, and frames its messages otherwise. What the two must agree on is the key: what its two
//! parties sign with our shares verifies under our Q, and its Q is ours.

use std::collections::BTreeMap;

use dkls23_core::protocols::derivation::DerivData;
use dkls23_core::protocols::signing::SignData;
use dkls23_core::protocols::{Parameters, Party, PartyIndex};
use dkls23_core::utilities::multiplication::{MulReceiver, MulSender};
use dkls23_core::utilities::zero_shares::{SeedPair, ZeroShare};
use k256::elliptic_curve::PrimeField as _;
use portal_mpc::{KeyShare, Role, Secp256k1, secp256k1};

use crate::run::{generate, sign_ecdsa};
use crate::wallet_life::assert_libsecp256k1_verifies;

type Curve = k256::Secp256k1;

const ID: [u8; 32] = [3; 32];
const DIGEST: [u8; 32] = [8; 32];

fn index(number: u8) -> PartyIndex {
    PartyIndex::new(number).unwrap()
}

/// One direction of its set-up: the sender's and the receiver's side.
fn multiplication() -> (MulSender<Curve>, MulReceiver<Curve>) {
    let (ot_sender, proof, nonce) = MulReceiver::<Curve>::init_phase1(&ID);
    let (ot_receiver, correlation, vec_r, proofs) = MulSender::<Curve>::init_phase1(&ID);
    let receiver =
        MulReceiver::init_phase2(&ot_sender, &ID, &ot_receiver.seed, &proofs, &nonce).unwrap();
    let sender =
        MulSender::init_phase2(&ot_receiver, &ID, correlation, &vec_r, &proof, &nonce).unwrap();
    (sender, receiver)
}

/// Its view of our additive share: a Shamir share, f(1) = x_C / 2, f(2) = −x_S.
fn party(
    share: &KeyShare<Secp256k1>,
    sender: MulSender<Curve>,
    receiver: MulReceiver<Curve>,
) -> Party<Curve> {
    let secret: [u8; 32] = share.encode()[28..60].try_into().unwrap();
    let secret = k256::Scalar::from_repr(secret.into()).unwrap();
    let (own, peer, poly_point) = match share.role() {
        Role::Client => (1, 2, secret * k256::Scalar::TWO_INV),
        Role::Server => (2, 1, -secret),
    };
    let pk = k256::PublicKey::from_sec1_bytes(&share.points().key()).unwrap();
    let pk = *pk.as_affine();
    Party {
        parameters: Parameters::new(2, 2).unwrap(),
        party_index: index(own),
        session_id: ID.to_vec(),
        poly_point,
        pk,
        zero_share: ZeroShare::initialize(vec![SeedPair {
            lowest_index: own < peer,
            index_counterparty: index(peer),
            seed: [4; 32],
        }]),
        mul_senders: BTreeMap::from([(index(peer), sender)]),
        mul_receivers: BTreeMap::from([(index(peer), receiver)]),
        derivation_data: DerivData {
            depth: 0,
            child_number: 0,
            parent_fingerprint: [0; 4],
            poly_point,
            pk,
            chain_code: *share.chain_code(),
        },
        address: String::new(),
    }
}

fn bytes(text: &str) -> [u8; 32] {
    hex::decode(text).unwrap().try_into().unwrap()
}

#[test]
fn dkls23_core_signs_with_our_shares_and_so_do_we() {
    let (client, server) = generate(1);
    let (client, server) = (client.secp256k1, server.secp256k1);
    let key = client.key().points().key();
    let (sender_c, receiver_s) = multiplication();
    let (sender_s, receiver_c) = multiplication();
    let parties = [
        party(client.key(), sender_c, receiver_c),
        party(server.key(), sender_s, receiver_s),
    ];
    let data = [2, 1].map(|peer| SignData {
        sign_id: vec![5; 32],
        counterparties: vec![index(peer)],
        message_hash: DIGEST,
    });
    let [first0, first1] = [0, 1].map(|n| parties[n].sign_phase1(&data[n]).unwrap());
    let phase2 = |n: usize, (unique, kept, _): (_, _, _), received: &[_]| {
        parties[n].sign_phase2(&data[n], unique, kept, received)
    };
    let (sent0, sent1) = (first0.2.clone(), first1.2.clone());
    let (unique0, kept0, to1) = phase2(0, first0, &sent1).unwrap();
    let (unique1, kept1, to0) = phase2(1, first1, &sent0).unwrap();
    let (x0, share0) = parties[0]
        .sign_phase3(&data[0], unique0, kept0, &to0)
        .unwrap();
    let (x1, share1) = parties[1]
        .sign_phase3(&data[1], unique1, kept1, &to1)
        .unwrap();
    assert_eq!(x0, x1);
    let (s, recovery_id) = parties[0]
        .sign_phase4(&data[0], &x0, &[share0, share1], true)
        .unwrap();
    let theirs = secp256k1::Signature {
        r: bytes(&x0),
        s: bytes(&s),
        recovery_id,
    };
    assert!(theirs.verifies(client.key().points(), &DIGEST));
    assert_libsecp256k1_verifies(&key, DIGEST, &theirs);

    let points = *client.key().points();
    let ours = sign_ecdsa(1, client, server, DIGEST).unwrap();
    assert!(ours.verifies(&points, &DIGEST));
    assert_libsecp256k1_verifies(&key, DIGEST, &ours);
}
