//! Credentials: 256 random bits behind a readable prefix; only their hash is kept.

use portal_api::SecretText;
use portal_store::CredentialHash;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::entropy;

/// The kinds of credential, each with its prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Custodian,
    Client,
    Session,
    WebOtp,
}

impl Kind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Custodian => "ptl_cust_",
            Self::Client => "ptl_clnt_",
            Self::Session => "ptl_sess_",
            Self::WebOtp => "ptl_wotp_",
        }
    }
}

/// Makes a credential: the text to hand out once, and the hash to keep.
pub(crate) fn make(kind: Kind) -> (SecretText, CredentialHash) {
    let secret = SecretText::of_bytes(&*Zeroizing::new(entropy::bytes::<32>()));
    let text = Zeroizing::new([kind.prefix(), secret.expose()].concat()); // one text, to be shown
    let hash = hash(&text);
    (text.into(), hash)
}

/// The hash under which a credential is kept.
///
/// A fast hash will do: there is nothing to guess in 256 random bits. And a database's
/// look-up by hash takes a time that says nothing of the credential.
pub(crate) fn hash(text: &str) -> CredentialHash {
    CredentialHash(Sha256::digest(text.as_bytes()).into())
}
