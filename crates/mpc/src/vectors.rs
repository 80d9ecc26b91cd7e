//! Vectors that nobody here wrote: Wycheproof's, for what decides whether a signature leaves.

use k256::elliptic_curve::sec1::FromSec1Point as _;
use k256::{AffinePoint, ProjectivePoint};
use wycheproof::TestResult;

use crate::Points;
use crate::ed25519::{self, Ed25519};
use crate::group::Group;
use crate::secp256k1::{Secp256k1, Signature};

/// A sharing of the key that a vector names; none where it has no point of prime order.
fn points<G: Group>(key: Option<G::Point>) -> Option<Points<G>> {
    let client = G::base_mul(&G::reduce(&[7; 64]));
    let key = key?;
    Points::join(client, key - client)
}

/// The low-s signature of (r, s), if it verifies.
fn taken(
    points: Option<&Points<Secp256k1>>,
    digest: [u8; 32],
    r: &[u8; 32],
    s: &[u8; 32],
) -> Option<Signature> {
    let (r, s) = Secp256k1::decode_scalar(r).zip(Secp256k1::decode_scalar(s))?;
    Signature::low(&r, &s, points?, &digest)
}

fn sha256(message: &[u8]) -> [u8; 32] {
    use k256::sha2::Digest as _;
    k256::sha2::Sha256::digest(message).into()
}

fn ecdsa(name: wycheproof::ecdsa::TestName, parse: fn(&[u8]) -> Option<[[u8; 32]; 2]>) {
    let set = wycheproof::ecdsa::TestSet::load(name).unwrap();
    let mut taken_and_refused = [0; 2];
    for group in &set.test_groups {
        let key = AffinePoint::from_sec1_bytes(group.key.key.as_ref()).unwrap();
        let points = points::<Secp256k1>(Some(ProjectivePoint::from(key)));
        for test in &group.tests {
            let digest = sha256(&test.msg);
            let signature =
                parse(&test.sig).and_then(|[r, s]| taken(points.as_ref(), digest, &r, &s));
            let what = format!("{name:?} {}: {}", test.tc_id, test.comment);
            assert_eq!(
                signature.is_some(),
                test.result == TestResult::Valid,
                "{what}"
            );
            if let Some(signature) = signature {
                let points = points.as_ref().unwrap();
                assert!(signature.verifies(points, &digest), "{what}");
                assert_spoilt_ones_do_not_verify(&signature, points, &digest);
            }
            taken_and_refused[usize::from(signature.is_none())] += 1;
        }
    }
    assert!(
        taken_and_refused.iter().all(|count| *count > 50),
        "{taken_and_refused:?}"
    );
}

/// High s, another recovery id, another digest: each alone is refused.
fn assert_spoilt_ones_do_not_verify(
    signature: &Signature,
    points: &Points<Secp256k1>,
    digest: &[u8; 32],
) {
    let high = -Secp256k1::decode_scalar(&signature.s).unwrap();
    let high = Signature {
        s: high.to_bytes().into(),
        recovery_id: signature.recovery_id ^ 1,
        ..*signature
    };
    assert!(!high.verifies(points, digest), "high s");
    for bit in [1, 2, 4] {
        let other = Signature {
            recovery_id: signature.recovery_id ^ bit,
            ..*signature
        };
        assert!(!other.verifies(points, digest), "recovery id");
    }
    let mut other = *digest;
    other[31] ^= 1;
    assert!(!signature.verifies(points, &other), "digest");
}

/// Big-endian integers of a strict DER signature.
fn der(bytes: &[u8]) -> Option<[[u8; 32]; 2]> {
    let signature = k256::ecdsa::Signature::from_der(bytes).ok()?;
    let (r, s) = signature.split_bytes();
    Some([r.into(), s.into()])
}

fn fixed(bytes: &[u8]) -> Option<[[u8; 32]; 2]> {
    let (halves, []) = bytes.as_chunks() else {
        return None;
    };
    halves.try_into().ok()
}

#[test]
fn wycheproof_ecdsa_secp256k1_sha256() {
    use wycheproof::ecdsa::TestName;
    ecdsa(TestName::EcdsaSecp256k1Sha256, der);
    ecdsa(TestName::EcdsaSecp256k1Sha256P1363, fixed);
}

/// These call a high s invalid, as [`Signature::complete`] does.
#[test]
fn wycheproof_ecdsa_secp256k1_bitcoin() {
    let name = wycheproof::ecdsa::TestName::EcdsaSecp256k1Sha256Bitcoin;
    let set = wycheproof::ecdsa::TestSet::load(name).unwrap();
    let mut count = 0;
    for group in &set.test_groups {
        let key = AffinePoint::from_sec1_bytes(group.key.key.as_ref()).unwrap();
        let points = points::<Secp256k1>(Some(ProjectivePoint::from(key))).unwrap();
        for test in &group.tests {
            let digest = sha256(&test.msg);
            let signature = der(&test.sig).and_then(|[r, s]| {
                Signature::complete(&Secp256k1::decode_scalar(&r)?, &s, &points, &digest)
            });
            let what = format!("{}: {}", test.tc_id, test.comment);
            assert_eq!(
                signature.is_some(),
                test.result == TestResult::Valid,
                "{what}"
            );
            count += 1;
        }
    }
    assert!(count > 300, "{count}");
}

#[test]
fn wycheproof_ed25519() {
    let set = wycheproof::eddsa::TestSet::load(wycheproof::eddsa::TestName::Ed25519).unwrap();
    let mut count = 0;
    for group in &set.test_groups {
        let points = points::<Ed25519>(Ed25519::decode_point(&group.key.pk));
        for test in &group.tests {
            let signature = <[u8; 64]>::try_from(test.sig.as_ref()).ok();
            let verifies = signature.zip(points).is_some_and(|(signature, points)| {
                ed25519::Signature(signature).verifies(&points, &test.msg)
            });
            let what = format!("{}: {}", test.tc_id, test.comment);
            assert_eq!(verifies, test.result == TestResult::Valid, "{what}");
            count += 1;
        }
    }
    assert!(count > 100, "{count}");
}

/// r = 0 with the digest zero: the point that is compared is the identity, whose x reads as zero too.
#[test]
fn a_signature_of_nothing_is_refused() {
    let points = points::<Secp256k1>(Some(ProjectivePoint::GENERATOR)).unwrap();
    let mut one = [0; 32];
    one[31] = 1;
    let zero = k256::Scalar::ZERO;
    assert_eq!(Signature::complete(&zero, &one, &points, &[0; 32]), None);
    assert_eq!(
        Signature::complete(&zero, &[0; 32], &points, &[0; 32]),
        None
    );
}

/// RFC 8032 §7.1, tests 1 to 3: secret key, public key, message, signature.
#[test]
fn rfc_8032_signatures_verify() {
    let vectors = [
        (
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
    ];
    for (key, message, signature) in vectors {
        let points = points::<Ed25519>(Ed25519::decode_point(&hex::decode(key).unwrap())).unwrap();
        assert_eq!(hex::encode(points.key()), key);
        let signature = hex::decode(signature).unwrap().try_into().unwrap();
        let signature = ed25519::Signature(signature);
        assert!(signature.verifies(&points, &hex::decode(message).unwrap()));
    }
}
