//! What `finish` refuses, for every kind of request.

use crate::wallet::Wallet;
use crate::{bitcoin_transactions, evm_messages, solana_transactions};
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::Identity as _;
use portal_chains::{Curve, Request, Signature};
use serde_json::json;
use sha2::{Digest as _, Sha512};

/// r, s and the recovery id.
type Scalars = ([u8; 32], [u8; 32], u8);

fn wallet() -> Wallet {
    Wallet::new([0x21; 32])
}

fn requests() -> Vec<Request> {
    let transaction = json!({
        "to": "0x6069a6c32cf691f5982febae4faf8a6f3ab2f0f6", "nonce": "0x1", "gas": "0x5208", "gasPrice": "0x3",
    });
    let wallet = wallet();
    let transfer = solana_transactions::transfer_from(&wallet);
    let spend = bitcoin_transactions::two_inputs();
    [
        ("ethereum", "eth_signTransaction", transaction),
        ("ethereum", "personal_sign", json!("hello")),
        ("ethereum", "eth_signTypedData_v4", evm_messages::mail()),
        ("solana", "sol_signMessage", json!("hello")),
        ("solana", "sol_signTransaction", json!(transfer)),
        ("bitcoin", "btc_signTransaction", spend),
    ]
    .into_iter()
    .map(|(chain, method, params)| wallet.parse(chain, method, &params).expect(method))
    .collect()
}

/// All are accepted as they are, and refused with the last one changed.
fn refused(request: &Request, change: impl Fn(Signature) -> Signature, reason: &str) {
    let mut signatures = wallet().sign(request);
    request.finish(&signatures).expect("accepted as it is");
    let last = signatures.pop().expect("at least one");
    signatures.push(change(last));
    let error = request.finish(&signatures).expect_err(reason);
    assert_eq!(error.id(), "SIGNATURE_REJECTED", "{error}");
    assert!(
        error.to_string().contains(reason),
        "expected {reason:?} in {error}"
    );
}

fn with_ecdsa(
    signature: Signature,
    change: impl Fn([u8; 32], [u8; 32], u8) -> Scalars,
) -> Signature {
    let Signature::Secp256k1 { r, s, recovery_id } = signature else {
        panic!("not ECDSA")
    };
    let (r, s, recovery_id) = change(r, s, recovery_id);
    Signature::Secp256k1 { r, s, recovery_id }
}

fn negated(s: [u8; 32]) -> [u8; 32] {
    use k256::elliptic_curve::PrimeField as _;
    let scalar = k256::Scalar::from_repr(s.into()).expect("a scalar");
    (-scalar).to_repr().into()
}

#[test]
fn ecdsa_signatures() {
    for request in requests()
        .iter()
        .filter(|request| request.curve() == Curve::Secp256k1)
    {
        let check = |reason: &str, change: fn([u8; 32], [u8; 32], u8) -> Scalars| {
            refused(request, |signature| with_ecdsa(signature, change), reason);
        };
        check("lower half", |r, s, id| (r, negated(s), id ^ 1));
        check("does not verify", |r, s, id| (r, s, id ^ 1));
        check("recovery id 0 or 1", |r, s, id| (r, s, id | 2));
        check("recovery id 0 or 1", |r, s, id| (r, s, id + 27));
        check("out of range", |_, s, id| ([0; 32], s, id));
        check("out of range", |r, _, id| (r, [0; 32], id));
        check("out of range", |_, s, id| ([0xff; 32], s, id));
        check("does not verify", |r, mut s, id| {
            s[31] ^= 1;
            (r, s, id)
        });
        let other = Wallet::new([0x22; 32]);
        let payloads = request.payloads();
        let digest = payloads.last().expect("a payload");
        refused(request, |_| other.sign_payload(digest), "does not verify");
        refused(
            request,
            |_| Signature::Ed25519([1; 64]),
            "expected a SECP256K1 signature",
        );
    }
}

#[test]
fn eddsa_signatures() {
    for request in requests()
        .iter()
        .filter(|request| request.curve() == Curve::Ed25519)
    {
        for byte in [0, 31, 32, 63] {
            let change = |signature| {
                let Signature::Ed25519(mut bytes) = signature else {
                    panic!("not EdDSA")
                };
                bytes[byte] ^= 1;
                Signature::Ed25519(bytes)
            };
            refused(request, change, "does not verify");
        }
        let payloads = request.payloads();
        refused(
            request,
            |_| Wallet::new([0x22; 32]).sign_payload(&payloads[0]),
            "does not verify",
        );
        refused(
            request,
            |_| unstrict(payloads[0].as_bytes()),
            "does not verify",
        );
        let ecdsa = Signature::Secp256k1 {
            r: [1; 32],
            s: [1; 32],
            recovery_id: 0,
        };
        refused(request, |_| ecdsa, "expected a ED25519 signature");
    }
}

/// A signature with the identity for R: the equation holds, and strict verification refuses it.
fn unstrict(message: &[u8]) -> Signature {
    use ed25519_dalek::Verifier as _;
    let key = wallet().eddsa;
    let r: CompressedEdwardsY = EdwardsPoint::identity().compress();
    let hash = Sha512::new()
        .chain_update(r.as_bytes())
        .chain_update(key.verifying_key().as_bytes())
        .chain_update(message)
        .finalize();
    let s = Scalar::from_bytes_mod_order_wide(&hash.into()) * key.to_scalar();
    let bytes: [u8; 64] = [*r.as_bytes(), s.to_bytes()]
        .concat()
        .try_into()
        .expect("64 bytes");
    let signature = ed25519_dalek::Signature::from_bytes(&bytes);
    key.verifying_key()
        .verify(message, &signature)
        .expect("the equation holds");
    Signature::Ed25519(bytes)
}

#[test]
fn one_signature_for_each_payload() {
    for request in &requests() {
        let signatures = wallet().sign(request);
        let fewer = &signatures[1..];
        let more = [signatures.clone(), signatures.clone()].concat();
        for wrong in [fewer, more.as_slice()] {
            let error = request.finish(wrong).expect_err("a count");
            assert_eq!(error.id(), "SIGNATURE_REJECTED", "{error}");
            let expected = format!("expected {} signature(s)", signatures.len());
            assert!(error.to_string().contains(&expected), "{error}");
        }
    }
}

/// Bitcoin's inputs have different digests, so the order counts.
#[test]
fn signatures_in_the_wrong_order() {
    let spend = wallet().parse(
        "bitcoin",
        "btc_signTransaction",
        &bitcoin_transactions::two_inputs(),
    );
    let request = spend.expect("valid");
    let mut signatures = wallet().sign(&request);
    signatures.reverse();
    let error = request.finish(&signatures).expect_err("the order");
    assert!(error.to_string().starts_with("signature 0"), "{error}");
}
