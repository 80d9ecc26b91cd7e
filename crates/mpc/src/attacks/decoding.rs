//! Encodings of points and scalars that must not be taken.

use super::*;

fn hex32(text: &str) -> [u8; 32] {
    hex::decode(text).unwrap().try_into().unwrap()
}

#[test]
fn only_canonical_points_of_prime_order_decode() {
    // secp256k1: the identity (SEC 1 §2.3.3), an x off the curve, x = p, the uncompressed form.
    let g = Secp256k1::encode_point(&Secp256k1::base_mul(
        &Secp256k1::decode_scalar(&one_be()).unwrap(),
    ));
    assert!(Secp256k1::decode_point(&g).is_some());
    let mut off = g.clone();
    off[1..].fill(0);
    off[32] = 5;
    let mut past = vec![2];
    past.extend(hex32(
        "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f",
    ));
    for (what, bytes) in [
        ("identity", vec![0]),
        ("off the curve", off),
        ("x = p", past),
        ("compact", [&[5], &g[1..]].concat()),
        ("hybrid", [&[6], &g[1..]].concat()),
    ] {
        assert!(Secp256k1::decode_point(&bytes).is_none(), "{what}");
    }
    assert!(
        Secp256k1::decode_point(&[g.as_slice(), &[0]].concat()).is_none(),
        "a byte more"
    );
    assert!(Secp256k1::decode_point(&[]).is_none(), "nothing");

    // Ed25519: the identity, the point of order 2, one of order 4 (y = 0), one of order 8
    // (RFC 7748's and CCTV's low-order lists), y = p + 1 (the identity, not canonical).
    for (what, text) in [
        (
            "identity",
            "0100000000000000000000000000000000000000000000000000000000000000",
        ),
        (
            "order 2",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        ),
        (
            "order 4",
            "0000000000000000000000000000000000000000000000000000000000000000",
        ),
        (
            "order 8",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        ),
        (
            "y = p + 1",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        ),
    ] {
        assert!(Ed25519::decode_point(&hex32(text)).is_none(), "{what}");
    }
    // A point of mixed order: the generator plus the point of order 2.
    let mixed = curve25519_dalek::constants::ED25519_BASEPOINT_POINT
        + curve25519_dalek::constants::EIGHT_TORSION[4];
    assert!(
        Ed25519::decode_point(&mixed.compress().to_bytes()).is_none(),
        "mixed order"
    );
}

fn one_be() -> [u8; 32] {
    let mut one = [0; 32];
    one[31] = 1;
    one
}

#[test]
fn only_scalars_below_the_order_decode() {
    for text in [
        "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
        "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364142",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    ] {
        assert!(
            Secp256k1::decode_scalar(&hex32(text)).is_none(),
            "secp256k1 {text}"
        );
    }
    for text in [
        "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010",
        "eed3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    ] {
        assert!(
            Ed25519::decode_scalar(&hex32(text)).is_none(),
            "Ed25519 {text}"
        );
    }
}
