//! Secrets at rest: sealed, each for the one place where it lies.

use portal_lifecycle::Curve;
use portal_lifecycle::ids::{
    BackupSharePairId, ClientId, EnvironmentId, SigningSharePairId, WalletId,
};
use portal_seal::{SealingKey, SecretBytes};
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;

use crate::StoreError;

/// Version of the encoding of [`Place`]; another number makes every stored secret unreadable.
const PLACE_VERSION: u32 = 1;

/// Where a secret lies; it opens nowhere else.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place<'a> {
    /// The server's share of a signing pair.
    SigningShare {
        client: ClientId,
        wallet: WalletId,
        pair: SigningSharePairId,
        curve: Curve,
    },
    /// The custodian's share of a backup pair, on its way.
    OutboxShare {
        client: ClientId,
        wallet: WalletId,
        pair: BackupSharePairId,
        curve: Curve,
    },
    /// What authenticates the server to a custodian. Bound to the URL too: whoever can write
    /// to the database only must not be able to have secret and shares sent elsewhere.
    WebhookSecret {
        environment: EnvironmentId,
        base_url: &'a str,
    },
}

impl Place<'_> {
    fn table(&self) -> &'static str {
        match self {
            Self::SigningShare { .. } => "signing_share_pairs",
            Self::OutboxShare { .. } => "outbox",
            Self::WebhookSecret { .. } => "environments",
        }
    }

    /// Name and value of each field, each after its length as four bytes, big-endian.
    fn associated_data(&self) -> Vec<u8> {
        let mut fields = Fields::new();
        fields.put("format", b"portal-store sealed secret");
        fields.put("version", &PLACE_VERSION.to_be_bytes());
        match *self {
            Self::SigningShare {
                client,
                wallet,
                pair,
                curve,
            } => {
                fields.put("purpose", b"signing share");
                fields.put("client", &client.to_bytes());
                fields.put("wallet", &wallet.to_bytes());
                fields.put("pair", &pair.to_bytes());
                fields.put("curve", curve.as_str().as_bytes());
                fields.put("role", b"server");
            }
            Self::OutboxShare {
                client,
                wallet,
                pair,
                curve,
            } => {
                fields.put("purpose", b"backup share in the outbox");
                fields.put("client", &client.to_bytes());
                fields.put("wallet", &wallet.to_bytes());
                fields.put("pair", &pair.to_bytes());
                fields.put("curve", curve.as_str().as_bytes());
                fields.put("role", b"custodian");
            }
            Self::WebhookSecret {
                environment,
                base_url,
            } => {
                fields.put("purpose", b"webhook secret");
                fields.put("environment", &environment.to_bytes());
                fields.put("base_url", base_url.as_bytes());
            }
        }
        fields.0
    }
}

struct Fields(Vec<u8>);

impl Fields {
    const fn new() -> Self {
        Self(Vec::new())
    }

    fn put(&mut self, name: &str, value: &[u8]) {
        for part in [name.as_bytes(), value] {
            // No field comes near 4 GiB: a URL is the longest, and a request's size is limited.
            let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
            self.0.extend_from_slice(&length.to_be_bytes());
            self.0.extend_from_slice(part);
        }
    }
}

/// Seals and opens secrets for their places.
#[derive(Debug)]
pub(crate) struct Sealer(SealingKey);

impl Sealer {
    pub(crate) const fn new(key: SealingKey) -> Self {
        Self(key)
    }

    /// The only place in this crate that draws randomness: a nonce is no business of a caller.
    pub(crate) fn seal(&self, place: &Place<'_>, secret: &SecretBytes) -> Vec<u8> {
        portal_seal::seal(
            &self.0,
            &place.associated_data(),
            // Exposed to be encrypted, nothing else.
            secret.expose(),
            &mut UnwrapErr(SysRng),
        )
    }

    pub(crate) fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<SecretBytes, StoreError> {
        portal_seal::open(&self.0, &place.associated_data(), sealed).map_err(|source| {
            StoreError::Unsealing {
                table: place.table(),
                source,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    /// The bytes that every database in the field depends on.
    #[test]
    fn places_are_encoded_as_ever() {
        let id = |byte| Uuid::from_bytes([byte; 16]);
        let place = Place::SigningShare {
            client: ClientId(id(b'c')),
            wallet: WalletId(id(b'w')),
            pair: SigningSharePairId(id(b'p')),
            curve: Curve::Ed25519,
        };
        let expected = b"\0\0\0\x06format\0\0\0\x1aportal-store sealed secret\
            \0\0\0\x07version\0\0\0\x04\0\0\0\x01\
            \0\0\0\x07purpose\0\0\0\x0dsigning share\
            \0\0\0\x06client\0\0\0\x10cccccccccccccccc\
            \0\0\0\x06wallet\0\0\0\x10wwwwwwwwwwwwwwww\
            \0\0\0\x04pair\0\0\0\x10pppppppppppppppp\
            \0\0\0\x05curve\0\0\0\x07ED25519\
            \0\0\0\x04role\0\0\0\x06server";
        assert_eq!(
            place.associated_data(),
            expected,
            "seen: {}",
            place.associated_data().escape_ascii()
        );
    }

    #[test]
    fn no_two_places_are_alike() {
        let id = |byte| Uuid::from_bytes([byte; 16]);
        let signing = |client, wallet, pair, curve| Place::SigningShare {
            client: ClientId(id(client)),
            wallet: WalletId(id(wallet)),
            pair: SigningSharePairId(id(pair)),
            curve,
        };
        let webhook = |environment, base_url| Place::WebhookSecret {
            environment: EnvironmentId(id(environment)),
            base_url,
        };
        let places = [
            signing(1, 2, 3, Curve::Ed25519),
            signing(9, 2, 3, Curve::Ed25519),
            signing(1, 9, 3, Curve::Ed25519),
            signing(1, 2, 9, Curve::Ed25519),
            signing(1, 2, 3, Curve::Secp256k1),
            Place::OutboxShare {
                client: ClientId(id(1)),
                wallet: WalletId(id(2)),
                pair: BackupSharePairId(id(3)),
                curve: Curve::Ed25519,
            },
            webhook(1, "https://a.example"),
            webhook(2, "https://a.example"),
            webhook(1, "https://b.example"),
        ];
        let sealer = Sealer::new(SealingKey::from_bytes([7; 32].into()));
        let secret = SecretBytes::new(b"a share".to_vec());
        for (i, here) in places.iter().enumerate() {
            let sealed = sealer.seal(here, &secret);
            for (j, there) in places.iter().enumerate() {
                assert_eq!(
                    sealer.open(there, &sealed).is_ok(),
                    i == j,
                    "sealed for {here:?}, opened at {there:?}"
                );
            }
        }
    }
}
