//! A wallet with private keys, which only tests have, and what every module checks with it.

use ed25519_dalek::Signer as _;
use portal_chains::{ChainError, ChainId, Payload, Request, Signature, Signed};
use serde_json::Value;

pub(crate) struct Wallet {
    pub(crate) ecdsa: k256::ecdsa::SigningKey,
    pub(crate) eddsa: ed25519_dalek::SigningKey,
}

impl Wallet {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self {
            ecdsa: k256::ecdsa::SigningKey::from_slice(&seed).expect("a scalar"),
            eddsa: ed25519_dalek::SigningKey::from_bytes(&seed),
        }
    }

    pub(crate) fn from_hex(seed: &str) -> Self {
        Self::new(
            hex::decode(seed)
                .expect("hex")
                .try_into()
                .expect("32 bytes"),
        )
    }

    pub(crate) fn public_key(&self, chain: &str) -> Vec<u8> {
        if chain.starts_with("solana") {
            return self.eddsa.verifying_key().as_bytes().to_vec();
        }
        self.ecdsa
            .verifying_key()
            .to_sec1_point(true)
            .as_bytes()
            .to_vec()
    }

    pub(crate) fn parse(
        &self,
        chain: &str,
        method: &str,
        params: &Value,
    ) -> Result<Request, ChainError> {
        let chain_id: ChainId = chain.parse().expect("a chain");
        Request::parse(
            &chain_id,
            method,
            params,
            &self.public_key(&chain_id.to_string()),
        )
    }

    pub(crate) fn sign(&self, request: &Request) -> Vec<Signature> {
        request
            .payloads()
            .iter()
            .map(|payload| self.sign_payload(payload))
            .collect()
    }

    pub(crate) fn sign_payload(&self, payload: &Payload) -> Signature {
        match payload {
            Payload::Message(message) => Signature::Ed25519(self.eddsa.sign(message).to_bytes()),
            Payload::Digest(digest) => {
                let (signature, id) = self.ecdsa.sign_prehash_recoverable(digest);
                let (r, s) = signature.split_bytes();
                Signature::Secp256k1 {
                    r: r.into(),
                    s: s.into(),
                    recovery_id: id.to_byte(),
                }
            }
        }
    }

    pub(crate) fn finish(&self, chain: &str, method: &str, params: &Value) -> Signed {
        let request = self.parse(chain, method, params).expect("a valid request");
        request
            .finish(&self.sign(&request))
            .expect("our own signature")
    }

    /// The request is refused with this id, for this reason.
    pub(crate) fn refused(
        &self,
        chain: &str,
        method: &str,
        params: &Value,
        id: &str,
        reason: &str,
    ) {
        match self.parse(chain, method, params) {
            Ok(request) => panic!("expected {id} ({reason}), got {request:?} from {params}"),
            Err(error) => {
                let text = error.to_string();
                assert_eq!(error.id(), id, "{text}");
                assert!(text.contains(reason), "expected {reason:?} in {text:?}");
            }
        }
    }
}

/// Whose digest libsecp256k1 says this is.
pub(crate) fn libsecp_recover(digest: [u8; 32], signature: &Signature) -> [u8; 33] {
    let Signature::Secp256k1 { r, s, recovery_id } = signature else {
        panic!("not ECDSA")
    };
    let id = secp256k1::ecdsa::RecoveryId::try_from(i32::from(*recovery_id)).expect("an id");
    let compact = [r.as_slice(), s.as_slice()].concat();
    secp256k1::ecdsa::RecoverableSignature::from_compact(&compact, id)
        .expect("a signature")
        .recover(secp256k1::Message::from_digest(digest))
        .expect("recoverable")
        .serialize()
}

/// The object with other fields in place of its own; null removes one.
pub(crate) fn patched(base: &Value, patch: &Value) -> Value {
    let mut object = base.as_object().expect("an object").clone();
    for (field, value) in patch.as_object().expect("an object") {
        match value {
            Value::Null => object.remove(field),
            value => object.insert(field.clone(), value.clone()),
        };
    }
    Value::Object(object)
}
