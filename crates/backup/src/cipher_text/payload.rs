//! The payload: what is sealed.
//!
//! ```text
//! version (1 byte) ‖ length (2, big-endian) ‖ secp256k1 share ‖ length (2) ‖ Ed25519 share
//! ```

use portal_lifecycle::PerCurve;
use portal_seal::SecretBytes;
use zeroize::Zeroizing;

use crate::BackupError;

const VERSION: u8 = 1;
const LENGTH_BYTES: usize = 2;

pub(super) fn encode(shares: &PerCurve<SecretBytes>) -> Result<Zeroizing<Vec<u8>>, BackupError> {
    // The shares themselves: this is what gets encrypted.
    let shares = [shares.secp256k1.expose(), shares.ed25519.expose()];
    let given_bytes = shares.iter().map(|share| share.len()).sum::<usize>();
    // Reserved whole, so that the buffer never moves and leaves a copy behind.
    let capacity = 1 + shares.len() * LENGTH_BYTES + given_bytes;
    let mut payload = Zeroizing::new(Vec::with_capacity(capacity));
    payload.push(VERSION);
    for share in shares {
        let length =
            u16::try_from(share.len()).map_err(|_| BackupError::SharesTooLarge { given_bytes })?;
        payload.extend_from_slice(&length.to_be_bytes());
        payload.extend_from_slice(share);
    }
    Ok(payload)
}

pub(super) fn decode(payload: &SecretBytes) -> Result<PerCurve<SecretBytes>, BackupError> {
    // To take the shares out of it.
    let (version, rest) = payload
        .expose()
        .split_first()
        .ok_or(BackupError::PayloadMalformed)?;
    if *version != VERSION {
        return Err(BackupError::PayloadVersion { given: *version });
    }
    let (secp256k1, rest) = take_share(rest)?;
    let (ed25519, rest) = take_share(rest)?;
    if rest.is_empty() {
        Ok(PerCurve::new(secp256k1, ed25519))
    } else {
        Err(BackupError::PayloadMalformed)
    }
}

fn take_share(bytes: &[u8]) -> Result<(SecretBytes, &[u8]), BackupError> {
    let (length, rest) = bytes
        .split_first_chunk::<LENGTH_BYTES>()
        .ok_or(BackupError::PayloadMalformed)?;
    let (share, rest) = rest
        .split_at_checked(usize::from(u16::from_be_bytes(*length)))
        .ok_or(BackupError::PayloadMalformed)?;
    Ok((SecretBytes::new(share.to_vec()), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode_bytes(bytes: &[u8]) -> Result<PerCurve<SecretBytes>, BackupError> {
        decode(&SecretBytes::new(bytes.to_vec()))
    }

    #[test]
    fn only_whole_payloads_are_read() {
        let whole = [1, 0, 2, 7, 7, 0, 1, 8];
        let shares = decode_bytes(&whole).unwrap();
        assert_eq!(shares.secp256k1.expose(), [7, 7]);
        assert_eq!(shares.ed25519.expose(), [8]);
        assert_eq!(encode(&shares).unwrap().as_slice(), whole);
        for length in 0..whole.len() {
            decode_bytes(&whole[..length]).unwrap_err();
        }
        decode_bytes(&[1, 0, 2, 7, 7, 0, 1, 8, 0]).unwrap_err();
        decode_bytes(&[1, 255, 255, 7, 7, 0, 1, 8]).unwrap_err();
        let other = decode_bytes(&[2, 0, 2, 7, 7, 0, 1, 8]).unwrap_err();
        assert!(matches!(other, BackupError::PayloadVersion { given: 2 }));
    }
}
