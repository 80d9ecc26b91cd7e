//! Signatures of webhook calls, the [Standard Webhooks](https://www.standardwebhooks.com) way.
//!
//! ```text
//! webhook-id         names the message; a repetition carries it again
//! webhook-timestamp  seconds since 1970, of this attempt
//! webhook-signature  v1,<base64 of HMAC-SHA256(key, id ‖ "." ‖ timestamp ‖ "." ‖ body)>
//! ```
//!
//! While two secrets live there are two signatures, separated by a space; one that fits is enough.
//!
//! A secret is `whsec_` and the base64 of 24 to 64 random bytes, which are the key. Any other text
//! is a secret of the time before signatures: its own bytes are the key.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use portal_lifecycle::Timestamp;
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};
use zeroize::Zeroizing;

/// Header with the message's id.
pub const ID_HEADER: &str = "webhook-id";
/// Header with the attempt's time, in seconds since 1970.
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";
/// Header with one signature, or several separated by spaces.
pub const SIGNATURE_HEADER: &str = "webhook-signature";

/// What a secret of this kind begins with.
pub const SECRET_PREFIX: &str = "whsec_";

/// How far the clocks of both sides may be apart, and how old a call may be, in seconds.
pub const TOLERANCE_S: u64 = 300;

/// Longest id of a message, in bytes.
pub const ID_BYTES: usize = 128;

/// Most signatures that one call may carry.
pub const SIGNATURES: usize = 8;

const VERSION: &str = "v1";
const KEY_BYTES: core::ops::RangeInclusive<usize> = 24..=64;
/// Bytes that SHA-256 takes in at once; a longer key is hashed first (RFC 2104 §2).
const BLOCK_BYTES: usize = 64;
const STATIC_TAG: &[u8] = b"portal x-webhook-secret v1";

/// Other programs write a secret with padding or without.
const SECRET_BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A secret by which calls are signed.
pub struct SigningSecret {
    text: Zeroizing<String>,
    key: Zeroizing<[u8; BLOCK_BYTES]>,
}

/// A text that is no secret. It is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MalformedSecret {
    /// What follows `whsec_` is not 24 to 64 bytes in base64.
    #[error("expected base64 of 24 to 64 bytes after `whsec_` in the webhook's secret")]
    Standard,
    /// It could not stand in a header.
    #[error("expected a webhook secret of visible ASCII characters")]
    NoHeader,
}

impl SigningSecret {
    /// Reads a secret.
    ///
    /// # Errors
    ///
    /// [`MalformedSecret`].
    pub fn parse(text: &str) -> Result<Self, MalformedSecret> {
        let key = match text.strip_prefix(SECRET_PREFIX) {
            Some(encoded) => {
                let key = SECRET_BASE64.decode(encoded).map(Zeroizing::new);
                let key = key.map_err(|_| MalformedSecret::Standard)?;
                if !KEY_BYTES.contains(&key.len()) {
                    return Err(MalformedSecret::Standard);
                }
                block(&key)
            }
            None => {
                let is_visible = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
                if !is_visible || text.trim() != text || text.is_empty() {
                    return Err(MalformedSecret::NoHeader);
                }
                block(text.as_bytes())
            }
        };
        Ok(Self {
            text: Zeroizing::new(text.to_owned()),
            key,
        })
    }

    /// A secret of this kind, of 32 random bytes.
    #[must_use]
    pub fn of_random(bytes: &[u8; 32]) -> Self {
        Self {
            text: Zeroizing::new(format!("{SECRET_PREFIX}{}", STANDARD.encode(bytes))),
            key: block(bytes),
        }
    }

    /// The secret itself; say at the call why it is needed.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// Whether it is a `whsec_` one.
    #[must_use]
    pub fn is_standard(&self) -> bool {
        self.text.starts_with(SECRET_PREFIX)
    }

    /// What stands in `X-Webhook-Secret`, for receivers that check only that.
    ///
    /// # Security
    ///
    /// Whoever sees one call knows this value. So of a `whsec_` secret it is derived, and tells
    /// nothing of the key that signs; a secret of the time before signatures stands there itself.
    #[must_use]
    pub fn static_header(&self) -> Zeroizing<String> {
        if !self.is_standard() {
            return self.text.clone();
        }
        let mut mac = self.mac();
        mac.update(STATIC_TAG);
        Zeroizing::new(STANDARD.encode(mac.finalize().into_bytes()))
    }

    /// The signature of one attempt.
    #[must_use]
    pub fn sign(&self, id: &str, timestamp_s: u64, body: &[u8]) -> String {
        let mac = self.mac_of(id, timestamp_s, body);
        format!("{VERSION},{}", STANDARD.encode(mac))
    }

    fn mac_of(&self, id: &str, timestamp_s: u64, body: &[u8]) -> [u8; 32] {
        let mut mac = self.mac();
        mac.update(id.as_bytes());
        mac.update(b".");
        mac.update(timestamp_s.to_string().as_bytes());
        mac.update(b".");
        mac.update(body);
        mac.finalize().into_bytes().into()
    }

    fn mac(&self) -> Hmac<Sha256> {
        Hmac::<Sha256>::new((&*self.key).into())
    }
}

impl core::fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SigningSecret(…)")
    }
}

/// A key as HMAC takes it in: filled up with zeros, or hashed where it is longer (RFC 2104 §2).
fn block(key: &[u8]) -> Zeroizing<[u8; BLOCK_BYTES]> {
    let mut block = Zeroizing::new([0; BLOCK_BYTES]);
    let hashed: Zeroizing<[u8; 32]>;
    let key = if key.len() > BLOCK_BYTES {
        hashed = Zeroizing::new(Sha256::digest(key).into());
        hashed.as_slice()
    } else {
        key
    };
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    block
}

/// What the headers of a signed call say; nothing of it is believed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedHeaders<'a> {
    /// The message.
    pub id: &'a str,
    /// The attempt, in seconds since 1970.
    pub timestamp_s: u64,
    signatures: Vec<[u8; 32]>,
}

/// Why a call is not the server's, or is not believed to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The headers are not of the expected form.
    #[error(
        "expected webhook-id, webhook-timestamp and webhook-signature as the Standard Webhooks specification has them"
    )]
    Malformed,
    /// The attempt is of another time.
    #[error(
        "the webhook-timestamp is {apart_s} s away from this backend's clock, and {TOLERANCE_S} s are allowed: set both clocks by the same time"
    )]
    OutsideTolerance {
        /// How far it is away, in seconds.
        apart_s: u64,
    },
    /// No signature fits.
    #[error(
        "no signature fits the body and a secret of this backend: it was altered on its way, or Portal signs by another secret"
    )]
    Mismatch,
}

impl<'a> SignedHeaders<'a> {
    /// Reads the headers' values. Signatures of versions that are not known are passed over.
    ///
    /// # Errors
    ///
    /// [`SignatureError::Malformed`].
    pub fn parse(id: &'a str, timestamp: &str, signatures: &str) -> Result<Self, SignatureError> {
        let is_id = |byte: u8| byte.is_ascii_graphic() && byte != b'.';
        if id.is_empty() || id.len() > ID_BYTES || !id.bytes().all(is_id) {
            return Err(SignatureError::Malformed);
        }
        // A sign would parse, and not be what was signed.
        let is_number = timestamp.bytes().all(|byte| byte.is_ascii_digit());
        let timestamp_s = timestamp.parse().ok().filter(|_| is_number);
        let mut known = Vec::new();
        for (number, signature) in signatures.split(' ').enumerate() {
            if number >= SIGNATURES {
                return Err(SignatureError::Malformed);
            }
            let Some((VERSION, encoded)) = signature.split_once(',') else {
                continue;
            };
            let decoded = STANDARD.decode(encoded).ok();
            known.extend(decoded.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()));
        }
        Ok(Self {
            id,
            timestamp_s: timestamp_s.ok_or(SignatureError::Malformed)?,
            signatures: known,
        })
    }

    /// Whether the attempt is of about now.
    ///
    /// # Errors
    ///
    /// [`SignatureError::OutsideTolerance`].
    pub fn check_time(&self, now: Timestamp) -> Result<(), SignatureError> {
        let apart_s = self.timestamp_s.abs_diff(now.as_ms() / 1_000);
        if apart_s > TOLERANCE_S {
            return Err(SignatureError::OutsideTolerance { apart_s });
        }
        Ok(())
    }

    /// Whether one of the signatures is by one of these secrets, and the attempt is of about now.
    /// How long it takes depends on how many there are, and on nothing else of them.
    ///
    /// # Errors
    ///
    /// [`SignatureError`].
    pub fn verify<'s>(
        &self,
        secrets: impl IntoIterator<Item = &'s SigningSecret>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), SignatureError> {
        self.check_time(now)?;
        let mut fits = Choice::from(0);
        for secret in secrets {
            let expected = secret.mac_of(self.id, self.timestamp_s, body);
            for given in &self.signatures {
                fits |= expected.ct_eq(given);
            }
        }
        if bool::from(fits) {
            Ok(())
        } else {
            Err(SignatureError::Mismatch)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's own libraries, in all their languages.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const TIMESTAMP_S: u64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn secret() -> SigningSecret {
        SigningSecret::parse(SECRET).unwrap()
    }

    fn at(timestamp_s: u64) -> Timestamp {
        Timestamp::from_ms(timestamp_s * 1_000)
    }

    fn verify(signatures: &str, body: &[u8], now_s: u64) -> Result<(), SignatureError> {
        let headers = SignedHeaders::parse(ID, &TIMESTAMP_S.to_string(), signatures)?;
        headers.verify([&secret()], body, at(now_s))
    }

    #[test]
    fn the_published_example_comes_out() {
        assert_eq!(secret().sign(ID, TIMESTAMP_S, BODY), SIGNATURE);
        assert_eq!(verify(SIGNATURE, BODY, TIMESTAMP_S), Ok(()));
    }

    /// RFC 4231 §4.2 to 4.7, without the truncated one: the key of a plain secret is its bytes,
    /// short or longer than a block.
    #[test]
    fn the_mac_is_that_of_the_rfc() {
        let cases: [(&[u8], &[u8], &str); 3] = [
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
            (
                &[0x0b; 20],
                b"Hi There",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
        ];
        for (key, data, expected) in cases {
            let mut mac = Hmac::<Sha256>::new((&*block(key)).into());
            mac.update(data);
            let mac: [u8; 32] = mac.finalize().into_bytes().into();
            let hex: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hex, expected);
        }
    }

    #[test]
    fn whatever_is_altered_does_not_verify() {
        let other = |id: &str, timestamp_s: u64, body: &[u8]| {
            let headers = SignedHeaders::parse(id, &timestamp_s.to_string(), SIGNATURE);
            headers?.verify([&secret()], body, at(TIMESTAMP_S))
        };
        assert_eq!(other(ID, TIMESTAMP_S, BODY), Ok(()));
        let refused = Err(SignatureError::Mismatch);
        assert_eq!(other("msg_other", TIMESTAMP_S, BODY), refused);
        assert_eq!(other(ID, TIMESTAMP_S + 1, BODY), refused);
        for position in 0..BODY.len() {
            let mut altered = BODY.to_vec();
            altered[position] ^= 1;
            assert_eq!(other(ID, TIMESTAMP_S, &altered), refused, "{position}");
        }
        let by_another = SigningSecret::parse("another secret").unwrap();
        let headers = SignedHeaders::parse(ID, &TIMESTAMP_S.to_string(), SIGNATURE).unwrap();
        assert_eq!(
            headers.verify([&by_another], BODY, at(TIMESTAMP_S)),
            refused
        );
        assert_eq!(headers.verify([], BODY, at(TIMESTAMP_S)), refused);
    }

    /// Id, time and body are kept apart: no part can lend bytes to its neighbour.
    #[test]
    fn an_id_with_a_stop_is_no_id() {
        for id in ["", "a.b", "a b", "é", &"x".repeat(ID_BYTES + 1)] {
            let parsed = SignedHeaders::parse(id, "1", SIGNATURE);
            assert_eq!(parsed, Err(SignatureError::Malformed), "{id:?}");
        }
        for timestamp in ["", "+1", "-1", "1.0", " 1", "99999999999999999999"] {
            let parsed = SignedHeaders::parse(ID, timestamp, SIGNATURE);
            assert_eq!(parsed, Err(SignatureError::Malformed), "{timestamp:?}");
        }
    }

    #[test]
    fn five_minutes_either_way_are_allowed() {
        for (now_s, apart_s) in [
            (TIMESTAMP_S - 300, None),
            (TIMESTAMP_S + 300, None),
            (TIMESTAMP_S - 301, Some(301)),
            (TIMESTAMP_S + 301, Some(301)),
            (0, Some(TIMESTAMP_S)),
        ] {
            let expected = match apart_s {
                None => Ok(()),
                Some(apart_s) => Err(SignatureError::OutsideTolerance { apart_s }),
            };
            assert_eq!(verify(SIGNATURE, BODY, now_s), expected, "at {now_s}");
        }
    }

    #[test]
    fn one_signature_of_several_is_enough_and_none_is_too_few() {
        let zeros = format!("v1,{}", STANDARD.encode([0; 32]));
        for (signatures, fits) in [
            (format!("{zeros} {SIGNATURE}"), true),
            (format!("{SIGNATURE} {zeros}"), true),
            (format!("v1a,AAAA v2 {SIGNATURE}"), true),
            (zeros.clone(), false),
            (String::new(), false),
            (SIGNATURE.replace("v1,", "v2,"), false),
            (SIGNATURE.replace("v1,", ""), false),
            (SIGNATURE.replace('=', ""), false),
            ("v1,".to_owned(), false),
        ] {
            let verified = verify(&signatures, BODY, TIMESTAMP_S);
            assert_eq!(verified.is_ok(), fits, "{signatures:?}");
        }
        let many = [zeros.as_str(); SIGNATURES + 1].join(" ");
        let verified = verify(&many, BODY, TIMESTAMP_S);
        assert_eq!(verified, Err(SignatureError::Malformed));
    }

    #[test]
    fn a_secret_has_its_form() {
        let whsec = |bytes: usize| format!("{SECRET_PREFIX}{}", STANDARD.encode(vec![7; bytes]));
        for (text, fits) in [
            (whsec(23), false),
            (whsec(24), true),
            (whsec(32), true),
            (whsec(32).trim_end_matches('=').to_owned(), true),
            (whsec(64), true),
            (whsec(65), false),
            ("whsec_".to_owned(), false),
            ("whsec_not base64".to_owned(), false),
            ("words with spaces".to_owned(), true),
            (" around ".to_owned(), false),
            ("two\nlines".to_owned(), false),
            ("é".to_owned(), false),
            (String::new(), false),
        ] {
            assert_eq!(SigningSecret::parse(&text).is_ok(), fits, "{text:?}");
        }
        let made = SigningSecret::of_random(&[9; 32]);
        let read = SigningSecret::parse(made.expose()).unwrap();
        assert_eq!(read.sign(ID, 1, BODY), made.sign(ID, 1, BODY));
    }

    /// What everybody on the way of a call may see is not the key.
    #[test]
    fn the_static_header_tells_nothing_of_a_standard_secret() {
        let shown = secret().static_header();
        assert_ne!(shown.as_str(), SECRET);
        let by_what_was_seen = SigningSecret::parse(&shown).unwrap();
        assert_ne!(
            by_what_was_seen.sign(ID, 1, BODY),
            secret().sign(ID, 1, BODY)
        );
        let plain = SigningSecret::parse("a secret of before").unwrap();
        assert_eq!(plain.static_header().as_str(), "a secret of before");
        assert_eq!(format!("{:?}", secret()), "SigningSecret(…)");
    }
}
