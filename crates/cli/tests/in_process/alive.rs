//! The end of every test: the wallet signs on both curves, and others than the signers agree.

use portal_chains::Signature;
use portal_lifecycle::Curve;
use portal_sdk::{Addresses, Portal};
use portal_server::entropy;
use secp256k1::Message;
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};

use crate::expect::granted;

/// The public side of a wallet, as it was when the wallet was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Keys {
    pub(crate) secp256k1: Vec<u8>,
    pub(crate) ed25519: Vec<u8>,
    pub(crate) addresses: Addresses,
}

impl Keys {
    /// What the server tells, compared with what this device computes.
    pub(crate) async fn of(portal: &Portal) -> Self {
        let state = granted(portal.state().await, "reading the state");
        let key = |curve| {
            let wallet = state.wallets.iter().find(|wallet| wallet.curve == curve);
            let key = wallet.and_then(|wallet| wallet.public_key.as_deref());
            hex::decode(key.expect("a wallet that both sides hold has a key")).expect("hex")
        };
        let keys = Self {
            secp256k1: key(Curve::Secp256k1),
            ed25519: key(Curve::Ed25519),
            addresses: granted(portal.addresses().await, "computing the addresses"),
        };
        let named = &state.metadata.namespaces;
        let named = [&named.eip155, &named.solana, &named.bip122]
            .map(|name| name.as_ref().map(|name| name.address.as_str()));
        let computed = &keys.addresses;
        let computed = [&computed.eip155, &computed.solana, &computed.bip122_mainnet]
            .map(|address| Some(address.as_str()));
        assert_eq!(named, computed, "server's addresses, then this device's");
        keys
    }
}

/// Signs on both curves with the keys of before.
pub(crate) async fn assert_signs(portal: &Portal, keys: &Keys, when: &str) {
    let digest: [u8; 32] = entropy::bytes();
    let signed = granted(portal.raw_sign(Curve::Secp256k1, &digest).await, when);
    let signer = ecdsa_signer(digest, &signed.signature);
    assert_eq!(
        signer, keys.secp256k1,
        "{when}: expected a signature of the wallet's secp256k1 key"
    );

    let message: [u8; 48] = entropy::bytes();
    let signed = granted(portal.raw_sign(Curve::Ed25519, &message).await, when);
    let Signature::Ed25519(signature) = &signed.signature else {
        panic!("{when}: expected an Ed25519 signature");
    };
    let verified = verify_ed25519(&keys.ed25519, &message, signature);
    assert!(
        verified.is_ok(),
        "{when}: expected ed25519-dalek to accept the signature, seen {verified:?}"
    );
}

/// What ed25519-dalek says of a signature, without cofactor.
pub(crate) fn verify_ed25519(
    key: &[u8],
    message: &[u8],
    signature: &[u8; 64],
) -> Result<(), ed25519_dalek::SignatureError> {
    ed25519_dalek::VerifyingKey::from_bytes(key.try_into().expect("32 bytes"))?
        .verify_strict(message, &ed25519_dalek::Signature::from_bytes(signature))
}

/// Whom libsecp256k1 recovers from a signature.
pub(crate) fn ecdsa_signer(digest: [u8; 32], signature: &Signature) -> Vec<u8> {
    let Signature::Secp256k1 { r, s, recovery_id } = signature else {
        panic!("expected a secp256k1 signature");
    };
    let id = RecoveryId::try_from(i32::from(*recovery_id)).expect("a recovery id");
    let signature =
        RecoverableSignature::from_compact(&[*r, *s].concat(), id).expect("r and s in range");
    let mut low = signature.to_standard();
    low.normalize_s();
    assert_eq!(low, signature.to_standard(), "expected a low s");
    signature
        .recover_ecdsa(Message::from_digest(digest))
        .expect("a key")
        .serialize()
        .to_vec()
}
