//! What a fuzzer makes up, in the place of one message.

use std::sync::LazyLock;

use super::recording::{Ending, Recording};
use super::scenes::{self, seeded, signing_pair};
use crate::secp256k1::SigningShare;
use crate::{Abort, Ed25519, KeyShare, Machine};

/// A protocol whose messages are fuzzed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Six flights.
    Generate,
    /// Six flights.
    Backup,
    /// Six flights; Refresh is the same machine.
    Recover,
    /// Four flights.
    Ecdsa,
    /// Two flights.
    Eddsa,
}

/// Puts what `input` makes of an honest message in the place of message `flight`.
///
/// The first byte of `input` chooses. Even: the rest is the body. Odd: the rest edits the honest
/// body, by repetitions of place (3 bytes, little-endian), length (1), and that many bytes to write there;
/// length 0 cuts the body off there.
///
/// # Errors
///
/// What was found: a changed message is taken, an honest one refused, or somebody other than its
/// sender blamed. (A panic of a machine is a finding too, and stays a panic.)
pub fn fuzz(protocol: Protocol, flight: usize, input: &[u8]) -> Result<(), String> {
    macro_rules! against {
        ($scene:path, $client:ty, $server:ty) => {{
            static RECORDING: LazyLock<Result<Recording<$client, $server>, Abort>> =
                LazyLock::new($scene);
            match &*RECORDING {
                Ok(recording) => against(recording, flight, input),
                Err(abort) => Err(format!("the honest run ended: {abort}")),
            }
        }};
    }
    match protocol {
        Protocol::Generate => against!(scenes::generate, crate::Generate, crate::Generate),
        Protocol::Backup => {
            against!(
                scenes::backup,
                crate::ReshareToBackup,
                crate::ReshareToBackup
            )
        }
        Protocol::Recover => {
            against!(
                scenes::recover,
                crate::ReshareToSigning,
                crate::ReshareToSigning
            )
        }
        Protocol::Ecdsa => against!(
            scenes::ecdsa,
            crate::secp256k1::ClientSign,
            crate::secp256k1::ServerSign
        ),
        Protocol::Eddsa => against!(
            scenes::eddsa,
            crate::ed25519::ClientSign,
            crate::ed25519::ServerSign
        ),
    }
}

/// Reads what `input` makes of an honest share's bytes, as of [`fuzz`].
///
/// # Errors
///
/// What was read is not written back as the same bytes.
pub fn fuzz_share(input: &[u8]) -> Result<(), String> {
    let (client, _) = signing_pair().map_err(|abort| abort.to_string())?;
    let bytes = edit(&client.secp256k1.encode(), input);
    let signing = SigningShare::decode(&bytes).map(|share| share.encode());
    let differs = signing.is_ok_and(|encoded| *encoded != bytes);
    let bytes = edit(&client.ed25519.encode(), input);
    let key = KeyShare::<Ed25519>::decode(&bytes).map(|share| share.encode());
    if differs || key.is_ok_and(|encoded| *encoded != bytes) {
        return Err("a share has two encodings".to_owned());
    }
    Ok(())
}

fn against<C, S>(recording: &Recording<C, S>, flight: usize, input: &[u8]) -> Result<(), String>
where
    C: Machine + Clone,
    S: Machine + Clone,
{
    let no_flight = || format!("there is no flight {flight}");
    let honest = recording.body(flight).ok_or_else(no_flight)?;
    let sender = recording.sender(flight).ok_or_else(no_flight)?;
    let body = edit(honest, input);
    let ending = recording.replay(flight, &body, &mut seeded("fuzz"));
    match ending.ok_or_else(no_flight)? {
        Ending::Completed if body == honest => Ok(()),
        Ending::Completed => Err("a changed message was taken".to_owned()),
        ending if body == honest => Err(format!("the honest message was refused: {ending:?}")),
        // What the liar's own machine makes of what follows is its own affair.
        Ending::Aborted { by, .. } if by == sender => Ok(()),
        Ending::Aborted {
            abort: Abort::SessionMismatch { .. },
            ..
        } => Ok(()),
        Ending::Aborted {
            abort: Abort::Blamed { party, .. },
            ..
        } if party == sender => Ok(()),
        ending @ Ending::Aborted { .. } => Err(format!("{ending:?}")),
    }
}

fn edit(honest: &[u8], input: &[u8]) -> Vec<u8> {
    let Some((mode, mut edits)) = input.split_first() else {
        return honest.to_vec();
    };
    if mode % 2 == 0 {
        return edits.to_vec();
    }
    let mut body = honest.to_vec();
    while let Some(([low, middle, high, length], rest)) = edits.split_first_chunk() {
        let place = u32::from_le_bytes([*low, *middle, *high, 0]) as usize % (body.len() + 1);
        let (written, rest) = rest.split_at(rest.len().min(usize::from(*length)));
        edits = rest;
        if *length == 0 {
            body.truncate(place);
        }
        for (byte, write) in body.iter_mut().skip(place).zip(written) {
            *byte = *write;
        }
    }
    body
}
