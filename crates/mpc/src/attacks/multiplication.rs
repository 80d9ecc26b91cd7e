//! Cheating in the multiplications of an ECDSA signature: which failures are strikes, and which never.

use super::*;

type Signature = Recording<secp256k1::ClientSign, secp256k1::ServerSign>;

const ENVELOPE: usize = 36;
const PROOF: usize = 65;
const COMMITMENT: usize = 32;
const U: usize = 128 * 68;
const BOB: usize = U + 16 + 32;
const CORRECTIONS: usize = 416 * 96;
const ALICE: usize = CORRECTIONS + 32 + 32;
const POINT: usize = 33;
const OPENING: usize = 32 + POINT;

/// Ends the run by `check`, which the peer of `flight`'s sender makes.
fn fails(recording: &Signature, flight: usize, body: &[u8], check: Check) {
    let sender = recording.sender(flight).unwrap();
    let ending = recording.replay(flight, body, &mut scenes::seeded("cheat"));
    let expected = Ending::Aborted {
        by: sender.peer(),
        abort: Abort::blame(sender, check),
    };
    assert_eq!(ending, Some(expected), "flight {flight}");
}

fn flipped(body: &[u8], position: usize) -> Vec<u8> {
    let mut body = body.to_vec();
    body[position] ^= 1;
    body
}

/// Any change of what Bob says in a multiplication, by the client and by the server. (What a cheat does who knows
/// better stands beside the OT extension.)
#[test]
fn a_lie_in_the_ot_extension_is_a_strike() {
    let recording = scenes::ecdsa().unwrap();
    for (flight, start) in [(1, PROOF + COMMITMENT), (2, 0)] {
        let body = recording.body(flight).unwrap();
        for place in [0, 1, U / 2, U - 1, U, U + 15, U + 16, BOB - 1] {
            let lie = flipped(body, start + place);
            fails(&recording, flight, &lie, Check::OtExtension);
        }
    }
}

/// Alice lies about one row, about η, about μ.
#[test]
fn a_lie_in_a_multiplication_is_a_strike() {
    let recording = scenes::ecdsa().unwrap();
    for (flight, start) in [(2, BOB + POINT), (3, OPENING)] {
        let body = recording.body(flight).unwrap();
        for place in [31, CORRECTIONS - 1, CORRECTIONS + 31, ALICE - 1] {
            let lie = flipped(body, start + place);
            fails(&recording, flight, &lie, Check::Multiplication);
        }
    }
}

/// Another Γ than that of the multiplication: points all right, but not these.
#[test]
fn a_product_of_another_nonce_or_key_is_a_strike() {
    let recording = scenes::ecdsa().unwrap();
    for (flight, gammas) in [(2, BOB + POINT + ALICE), (3, OPENING + ALICE)] {
        let body = recording.body(flight).unwrap();
        // The sign of a point is in its first byte; changing it gives the opposite point.
        for place in [gammas, gammas + POINT] {
            fails(&recording, flight, &flipped(body, place), Check::Relation);
        }
    }
    // R_S names the multiplications too: another one than they were made for does not even fit these.
    let lie = flipped(recording.body(2).unwrap(), BOB);
    fails(&recording, 2, &lie, Check::OtExtension);
}

/// Two lies that would cancel out if the two relations were only added up: Γ^u + T and Γ^v − T.
#[test]
fn lies_about_both_relations_do_not_cancel_out() {
    let recording = scenes::ecdsa().unwrap();
    let shift = k256::ProjectivePoint::GENERATOR;
    for (flight, gammas) in [(2, BOB + POINT + ALICE), (3, OPENING + ALICE)] {
        let mut lie = recording.body(flight).unwrap().to_vec();
        for (place, shift) in [(gammas, shift), (gammas + POINT, -shift)] {
            let gamma = Secp256k1::decode_point(&lie[place..][..POINT]).unwrap();
            let moved = Secp256k1::encode_point(&(gamma + shift));
            lie[place..][..POINT].copy_from_slice(&moved);
        }
        fails(&recording, flight, &lie, Check::Relation);
    }
}

/// What the sender knew to be wrong before tells it nothing: blamed, and no strike.
#[test]
fn other_lies_are_blamed_without_a_strike() {
    let recording = scenes::ecdsa().unwrap();
    let first = recording.body(1).unwrap();
    let second = recording.body(2).unwrap();
    let third = recording.body(3).unwrap();
    let fourth = recording.body(4).unwrap();
    fails(&recording, 1, &flipped(first, PROOF - 1), Check::Possession);
    fails(
        &recording,
        3,
        &flipped(third, OPENING - 1),
        Check::Commitment,
    );
    // w, u, s.
    let end = third.len();
    fails(&recording, 3, &flipped(third, end - 1), Check::Signature);
    fails(&recording, 3, &flipped(third, end - 33), Check::Signature);
    fails(&recording, 4, &flipped(fourth, 31), Check::Signature);
    // A scalar that is not below q; a point that is none; the identity has no encoding of this length.
    let mut lie = second.to_vec();
    lie[BOB + POINT..][..32].fill(0xff);
    fails(&recording, 2, &lie, Check::Encoding);
    let mut lie = second.to_vec();
    lie[BOB + POINT + CORRECTIONS..][..32].fill(0xff);
    fails(&recording, 2, &lie, Check::Encoding);
    for first_byte in [0, 4, 5] {
        let mut lie = second.to_vec();
        lie[BOB] = first_byte;
        fails(&recording, 2, &lie, Check::Point);
    }
    for check in [
        Check::Possession,
        Check::Commitment,
        Check::Signature,
        Check::Encoding,
        Check::Point,
        Check::Contribution,
        Check::Key,
        Check::Setup,
        Check::SignatureShare,
    ] {
        assert!(!Abort::blame(Role::Client, check).is_strike(), "{check}");
    }
    for check in [Check::OtExtension, Check::Multiplication, Check::Relation] {
        assert!(Abort::blame(Role::Client, check).is_strike(), "{check}");
    }
}

/// A message is read to its end before anything secret is looked at: with a lie about the OT
/// extension *and* a malformed field behind it, the answer is about the field.
#[test]
fn malformed_comes_before_caught() {
    let recording = scenes::ecdsa().unwrap();
    let second = recording.body(2).unwrap();
    let mut lie = flipped(second, 0);
    let end = lie.len();
    lie[end - 32..].fill(0xff);
    fails(&recording, 2, &lie, Check::Encoding);
    let mut lie = flipped(second, 0);
    lie[BOB] = 5;
    fails(&recording, 2, &lie, Check::Point);
    let third = recording.body(3).unwrap();
    let mut lie = flipped(third, OPENING + 31);
    let end = lie.len();
    lie[end - 32..].fill(0xff);
    fails(&recording, 3, &lie, Check::Encoding);
}

/// The server's signature must be the low one: a high s verifies elsewhere, and is refused here.
#[test]
fn a_high_s_is_refused() {
    let recording = scenes::ecdsa().unwrap();
    let s = Secp256k1::decode_scalar(recording.body(4).unwrap().try_into().unwrap()).unwrap();
    let high = *Secp256k1::encode_scalar(&-s);
    fails(&recording, 4, &high, Check::Signature);
    fails(&recording, 4, &[0; 32], Check::Signature);
}

/// Column `n` of the corrections in `body`, which begin at `start`.
fn column(body: &[u8], start: usize, n: usize) -> Vec<k256::Scalar> {
    let rows = body[start..][..CORRECTIONS].as_chunks::<96>().0;
    rows.iter()
        .map(|row| Secp256k1::decode_scalar(row[32 * n..][..32].try_into().unwrap()).unwrap())
        .collect()
}

/// A session that comes twice (a snapshot restored, a nonce repeated) must not use the pads twice: where
/// β_j differs, two corrections under the same pads add up to twice what Alice multiplies, the
/// share of the key among it; where it does not, they are the same.
#[test]
fn a_session_that_comes_twice_uses_no_pad_twice() {
    let once = scenes::ecdsa_drawn_from("once").unwrap();
    let twice = scenes::ecdsa_drawn_from("twice").unwrap();
    for (flight, start) in [(2, BOB + POINT), (3, OPENING)] {
        let (once, twice) = (once.body(flight).unwrap(), twice.body(flight).unwrap());
        let key = column(once, start, 1)
            .into_iter()
            .zip(column(twice, start, 1));
        let (mut sums, mut differences): (Vec<_>, Vec<_>) = key
            .map(|(once, twice)| (once + twice, once - twice))
            .map(|(sum, difference)| (sum.to_bytes(), difference.to_bytes()))
            .unzip();
        for values in [&mut sums, &mut differences] {
            values.sort_unstable();
            values.dedup();
            assert_eq!(values.len(), 416, "flight {flight}");
        }
    }
}

/// The first message of a client that drew from `seed`.
fn first_message(seed: &str) -> crate::Message {
    let (session, key) = (session(Operation::Sign), context(None, Some(SIGNING)));
    let share = pair().0.secp256k1;
    let rng = &mut scenes::seeded(seed);
    let client = secp256k1::ClientSign::start(&session, &key, share, scenes::DIGEST, rng);
    client.unwrap().1
}

/// What a server that draws from `seed` answers: its body.
fn answer(first: &crate::Message, seed: &str) -> Vec<u8> {
    let (session, key) = (session(Operation::Sign), context(None, Some(SIGNING)));
    let share = pair().1.secp256k1;
    let server = secp256k1::ServerSign::new(&session, &key, share, scenes::DIGEST).unwrap();
    let rng = &mut scenes::seeded(seed);
    match server.step(first.as_ref(), rng).unwrap() {
        crate::Step::Continue { message, .. } => message.as_ref()[ENVELOPE..].to_vec(),
        crate::Step::Finish { .. } => panic!("finished early"),
    }
}

/// The same message answered twice (by two copies of a server): Alice's own drawing keeps the pads apart.
#[test]
fn one_message_answered_twice_uses_no_pad_twice() {
    let first = first_message("client");
    let answers = ["one", "two"].map(|server| answer(&first, server));
    let [one, two] = answers.map(|body| column(&body, BOB + POINT, 1));
    assert!(one.iter().zip(&two).all(|(one, two)| one != two));
}

/// Bob's own drawing keeps his streams apart: else `u ⊕ u'` would be `x ⊕ x'` in every column.
#[test]
fn a_session_that_comes_twice_uses_no_stream_twice() {
    let bodies = ["one", "two"].map(|client| first_message(client).as_ref()[ENVELOPE..].to_vec());
    let [one, two] = bodies.map(|body| body[PROOF + COMMITMENT..][..U].to_vec());
    let differences: Vec<_> = one.iter().zip(&two).map(|(one, two)| one ^ two).collect();
    let columns = differences.as_chunks::<68>().0;
    assert!(columns.windows(2).all(|pair| pair[0] != pair[1]));
}

/// A server whose randomness repeats draws otherwise for another message of the client's.
#[test]
fn the_same_randomness_answers_another_message_otherwise() {
    let answers = ["one", "two"].map(|client| answer(&first_message(client), "the snapshot"));
    let [one, two] = answers.map(|body| body[BOB..][..POINT].to_vec());
    assert_ne!(one, two, "R_S");
}

/// The same of FROST's nonces, and of everything that Generate draws.
#[test]
fn other_protocols_answer_otherwise_too() {
    let (sign, key) = (session(Operation::Sign), context(None, Some(SIGNING)));
    let commitments = ["one", "two"].map(|client| {
        let (client_share, server_share) = pair();
        let rng = &mut scenes::seeded(client);
        let message = scenes::MESSAGE;
        let (_, first) =
            ed25519::ClientSign::start(&sign, &key, client_share.ed25519, message, rng).unwrap();
        let server = ed25519::ServerSign::new(&sign, &key, server_share.ed25519, message).unwrap();
        let rng = &mut scenes::seeded("the snapshot");
        match server.step(first.as_ref(), rng).unwrap() {
            crate::Step::Finish { last, .. } => {
                last.unwrap().release().as_ref()[ENVELOPE..][..70].to_vec()
            }
            crate::Step::Continue { .. } => panic!("did not finish"),
        }
    });
    assert_ne!(commitments[0], commitments[1], "FROST's commitments");

    let (generate, keys) = (
        session(Operation::Generate),
        both(context(Some(SIGNING), None)),
    );
    let offers = ["one", "two"].map(|client| {
        let rng = &mut scenes::seeded(client);
        let (_, first) = crate::Generate::client(&generate, &keys, rng).unwrap();
        let server = crate::Generate::server(&generate, &keys).unwrap();
        let rng = &mut scenes::seeded("the snapshot");
        match server.step(first.as_ref(), rng).unwrap() {
            crate::Step::Continue { message, .. } => message.as_ref()[ENVELOPE + 64..].to_vec(),
            crate::Step::Finish { .. } => panic!("finished early"),
        }
    });
    assert_ne!(offers[0], offers[1], "A of the base OTs");
}
