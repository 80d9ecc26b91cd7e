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

/// A client that changes one column's choices guesses at a bit of the server's Δ, and so does a server.
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

/// A server whose randomness repeats draws another nonce for another message of the client's.
#[test]
fn the_same_randomness_answers_another_message_with_another_nonce() {
    let points: Vec<_> = ["one", "other"]
        .into_iter()
        .map(|client| {
            let (session, key) = (session(Operation::Sign), context(None, Some(SIGNING)));
            let (client_share, server_share) = pair();
            let rng = &mut scenes::seeded(client);
            let (_, first) = secp256k1::ClientSign::start(
                &session,
                &key,
                client_share.secp256k1,
                scenes::DIGEST,
                rng,
            )
            .unwrap();
            let share = server_share.secp256k1;
            let server = secp256k1::ServerSign::new(&session, &key, share, scenes::DIGEST).unwrap();
            let rng = &mut scenes::seeded("the snapshot");
            match server.step(first.as_ref(), rng).unwrap() {
                crate::Step::Continue { message, .. } => {
                    message.as_ref()[ENVELOPE + BOB..][..POINT].to_vec()
                }
                crate::Step::Finish { .. } => panic!("finished early"),
            }
        })
        .collect();
    assert_ne!(points[0], points[1]);
}
