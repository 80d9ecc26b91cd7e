//! The file of a wallet's whole keys: `portal-recovered-keys-v1`.
//!
//! ```json
//! { "format": "portal-recovered-keys-v1", "clientId": "…", "generation": 2,
//!   "secp256k1": { "walletId": "…", "publicKey": "<hex>", "privateKey": "0x<hex>", "wif": "…" },
//!   "ed25519": { "walletId": "…", "publicKey": "<hex>", "scalar": "<hex, little-endian>" },
//!   "addresses": { "eip155": "0x…", "solana": "…", "bip122": "bc1…" } }
//! ```
//!
//! The Ed25519 key is a scalar: there is no seed whose hash it is, so a wallet that takes a seed,
//! or seed and public key in 64 bytes, cannot take it.

use std::path::Path;

use anyhow::Context as _;
use portal_api::SecretText;
use portal_chains::{Addresses, Payload, Signature, addresses};
use portal_lifecycle::PerCurve;
use portal_lifecycle::ids::{ClientId, WalletId};
use portal_mpc::{Ed25519, Group, NotTheKey, PrivateKey, Secp256k1, secp256k1};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::custodian_shares::{parse, read_limited};
use crate::key_file;

const FORMAT: &str = "portal-recovered-keys-v1";
const FILE_BYTES: usize = 16 * 1024;

/// The whole keys of a wallet.
pub(crate) struct RecoveredKeys {
    pub(crate) client_id: ClientId,
    pub(crate) wallet_ids: PerCurve<WalletId>,
    /// Generation of the backup that they were made of.
    pub(crate) generation: u64,
    pub(crate) secp256k1: PrivateKey<Secp256k1>,
    pub(crate) ed25519: PrivateKey<Ed25519>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    format: String,
    client_id: ClientId,
    generation: u64,
    secp256k1: WrittenSecp256k1,
    ed25519: WrittenEd25519,
    addresses: WrittenAddresses,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenSecp256k1 {
    wallet_id: WalletId,
    public_key: String,
    private_key: SecretText,
    /// The same as Bitcoin wallets import it.
    wif: SecretText,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenEd25519 {
    wallet_id: WalletId,
    public_key: String,
    scalar: SecretText,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenAddresses {
    eip155: String,
    solana: String,
    bip122: String,
}

impl RecoveredKeys {
    /// The wallet's addresses.
    pub(crate) fn addresses(&self) -> anyhow::Result<Addresses> {
        let keys = (
            self.secp256k1.public_key().try_into().ok(),
            self.ed25519.public_key().try_into().ok(),
        );
        let (Some(secp256k1), Some(ed25519)) = keys else {
            anyhow::bail!("the public keys are not of their curves' lengths");
        };
        Ok(addresses(&secp256k1, &ed25519)?)
    }

    /// The compressed public key on each curve.
    pub(crate) fn public_keys(&self) -> PerCurve<Vec<u8>> {
        PerCurve::new(self.secp256k1.public_key(), self.ed25519.public_key())
    }

    /// The keys as people copy them: each with what it is called.
    pub(crate) fn shown(&self) -> anyhow::Result<[(&'static str, SecretText); 3]> {
        Ok([
            ("privateKey", private_key(&self.secp256k1)),
            ("wif", wif(&self.secp256k1)?),
            ("scalar", scalar(&self.ed25519)),
        ])
    }

    /// Writes the keys into a file that only its owner may read, reads them back, and says so only
    /// then. A file that is there stays as it is.
    pub(crate) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let shown = path.display();
        let text = self.to_json()?;
        key_file::write_private(path, &text).with_context(|| {
            format!(
                "cannot write {shown}; give a file that does not exist yet, in a directory that \
                     can be read and written"
            )
        })?;
        let read = Self::read(path)?;
        let same = read.secp256k1.expose() == self.secp256k1.expose()
            && read.ed25519.expose() == self.ed25519.expose();
        anyhow::ensure!(same, "{shown} did not read back as it was written");
        Ok(())
    }

    /// Reads such a file, and checks that each key is the one of its public key.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = read_limited(path, FILE_BYTES)?;
        Self::from_json(&text).with_context(|| format!("in {}", path.display()))
    }

    /// Signs what a request asks for.
    pub(crate) fn sign(&self, payload: &Payload) -> Result<Signature, NotTheKey> {
        match payload {
            Payload::Digest(digest) => {
                let secp256k1::Signature { r, s, recovery_id } = self.secp256k1.sign(digest)?;
                Ok(Signature::Secp256k1 { r, s, recovery_id })
            }
            Payload::Message(message) => Ok(Signature::Ed25519(self.ed25519.sign(message)?.0)),
        }
    }

    fn to_json(&self) -> anyhow::Result<Zeroizing<Vec<u8>>> {
        let addresses = self.addresses()?;
        let written = Written {
            format: FORMAT.to_owned(),
            client_id: self.client_id,
            generation: self.generation,
            secp256k1: WrittenSecp256k1 {
                wallet_id: self.wallet_ids.secp256k1,
                public_key: hex::encode(self.secp256k1.public_key()),
                private_key: private_key(&self.secp256k1),
                wif: wif(&self.secp256k1)?,
            },
            ed25519: WrittenEd25519 {
                wallet_id: self.wallet_ids.ed25519,
                public_key: hex::encode(self.ed25519.public_key()),
                scalar: scalar(&self.ed25519),
            },
            addresses: WrittenAddresses {
                eip155: addresses.eip155,
                solana: addresses.solana,
                bip122: addresses.bip122_mainnet,
            },
        };
        let mut text = Zeroizing::new(Vec::with_capacity(FILE_BYTES));
        serde_json::to_writer_pretty(&mut *text, &written)?;
        text.push(b'\n');
        Ok(text)
    }

    fn from_json(text: &[u8]) -> anyhow::Result<Self> {
        let Written {
            client_id,
            generation,
            secp256k1,
            ed25519,
            ..
        } = parse(text, FORMAT)?;
        // Exposed to be keys again.
        let private_key = secp256k1.private_key.expose();
        let private_key = private_key.strip_prefix("0x").unwrap_or(private_key);
        Ok(Self {
            client_id,
            wallet_ids: PerCurve::new(secp256k1.wallet_id, ed25519.wallet_id),
            generation,
            secp256k1: key(private_key, &secp256k1.public_key).context("its secp256k1 key")?,
            ed25519: key(ed25519.scalar.expose(), &ed25519.public_key)
                .context("its Ed25519 key")?,
        })
    }
}

fn key<G: Group>(digits: &str, public_key: &str) -> anyhow::Result<PrivateKey<G>> {
    let mut bytes = Zeroizing::new([0; 32]);
    // The decoder's own error may repeat a digit.
    hex::decode_to_slice(digits, bytes.as_mut_slice())
        .ok()
        .context("expected 64 hexadecimal digits")?;
    let public_key = hex::decode(public_key).context("expected its public key in hexadecimal")?;
    Ok(PrivateKey::from_bytes(&bytes, &public_key)?)
}

fn private_key(key: &PrivateKey<Secp256k1>) -> SecretText {
    let mut text = Zeroizing::new(String::with_capacity(66));
    text.push_str("0x");
    text.push_str(&Zeroizing::new(hex::encode(key.expose())));
    text.into()
}

/// Wallet import format, of a compressed key on the main network.
fn wif(key: &PrivateKey<Secp256k1>) -> anyhow::Result<SecretText> {
    let key = bitcoin::PrivateKey::from_slice(key.expose().as_slice(), bitcoin::NetworkKind::Main)
        .ok()
        .context("the secp256k1 key is out of range")?;
    Ok(key.to_wif().into())
}

fn scalar(key: &PrivateKey<Ed25519>) -> SecretText {
    hex::encode(key.expose()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys whose scalar is one.
    const GOLDEN: &str = include_str!("../../../../vectors/recovered-keys-v1.json");

    #[test]
    fn files_stay_as_they_are() {
        let keys = RecoveredKeys::from_json(GOLDEN.as_bytes()).unwrap();
        let written = keys.to_json().unwrap();
        assert_eq!(core::str::from_utf8(&written).unwrap(), GOLDEN);
    }

    #[test]
    fn what_is_not_such_a_file_is_told_without_its_text() {
        let told = |text: String| {
            let read = RecoveredKeys::from_json(text.as_bytes());
            format!("{:#}", read.err().unwrap())
        };
        let version = told(GOLDEN.replace("-v1", "-v2"));
        assert!(
            version.contains("expected a portal-recovered-keys-v1 file"),
            "{version}"
        );
        let field = told(GOLDEN.replace("scalar", "seed"));
        assert!(field.contains("from line"), "{field}");
        let digits = told(GOLDEN.replace("0x0000", "0xsecret"));
        assert!(
            digits.contains("64 hexadecimal digits") && !digits.contains("secret"),
            "{digits}"
        );
        let other = told(GOLDEN.replace("\"0100", "\"0200"));
        assert!(
            other.contains("not the private key of this public key"),
            "{other}"
        );
        told(GOLDEN[..100].to_owned());
    }
}
