//! Cheating in the multiplications of an ECDSA signature: which failures are strikes, and which never.

use super::*;

type Signature = Recording<secp256k1::ClientSign, secp256k1::ServerSign>;

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

/// Another Γ than that of the multiplication, or another R: points all right, but not these.
#[test]
fn a_product_of_another_nonce_or_key_is_a_strike() {
    let recording = scenes::ecdsa().unwrap();
    for (flight, gammas, r) in [
        (2, BOB + POINT + ALICE, Some(BOB)),
        (3, OPENING + ALICE, None),
    ] {
        let body = recording.body(flight).unwrap();
        // The sign of a point is in its first byte; changing it gives the opposite point.
        for place in [Some(gammas), Some(gammas + POINT), r]
            .into_iter()
            .flatten()
        {
            let lie = flipped(body, place);
            fails(&recording, flight, &lie, Check::Relation);
        }
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

/// R = O: the server answers the client's commitment with the opposite of its point.
#[test]
fn a_nonce_that_cancels_ours_is_refused() {
    let recording = scenes::ecdsa().unwrap();
    let mut lie = recording.body(2).unwrap().to_vec();
    let client = &recording.body(3).unwrap()[32..OPENING];
    lie[BOB..][..POINT].copy_from_slice(client);
    lie[BOB] ^= 1;
    // It cannot know the product for that point, and is caught at the product.
    fails(&recording, 2, &lie, Check::Relation);
}
