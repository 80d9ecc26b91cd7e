//! `givre` with its Ed25519 suite: FROST, 2 of 2, with keys of its trusted dealer.
//!
//! Measured: the flights of our own signature, by the crate's functions for each round, which
//! it calls manual signing. Party 1 commits to its nonces; party 2 commits and signs; party 1
//! signs and aggregates, which verifies the signature.
//!
//! Left out: its interactive signing, which does the same over an asynchronous transport and
//! with one more flight; and encoding and decoding of the messages, which manual signing leaves
//! to its caller. Their bytes are those of the message structs in postcard, in which each point
//! and scalar names its curve.
//!
//! State: the crate's `KeyShare` in postcard.

use anyhow::{Context as _, Result};
use givre::ciphersuite::Ed25519;
use givre::signing::aggregate::{Signature, aggregate};
use givre::signing::{round1, round2};
use givre::{Ciphersuite, KeyShare};
use serde::Serialize;

use crate::measure::{Contender, Meter, Operation, Party};
use crate::random::RngOf06;
use crate::{random, verify};

type Curve = <Ed25519 as Ciphersuite>::Curve;

/// # Errors
///
/// If the dealer fails.
pub(crate) fn sign() -> Result<Contender> {
    let shares = givre::trusted_dealer::builder::<Curve>(2)
        .set_threshold(Some(2))
        .generate_shares(&mut RngOf06(random::rng()))?;
    let [one, two] = <[_; 2]>::try_from(shares)
        .ok()
        .context("expected two shares of the dealer")?;
    let run = move |meter: &mut Meter| sign_once(meter, &one, &two);
    Ok(Contender::new(Operation::SignEd25519, "givre", 2000, run))
}

fn sign_once(meter: &mut Meter, one: &KeyShare<Curve>, two: &KeyShare<Curve>) -> Result<()> {
    let message = crate::ours::MESSAGE;
    let rng = &mut RngOf06(random::rng());

    let (nonces, first) = meter.time(Party::One, || round1::commit::<Ed25519>(rng, one));
    meter.flight(&[length(&first)?]);

    let (second, share) = meter.time(Party::Two, || {
        let (nonces, second) = round1::commit::<Ed25519>(rng, two);
        round2::sign::<Ed25519>(two, nonces, message, &[(0, first), (1, second)])
            .map(|share| (second, share))
    })?;
    meter.flight(&[length(&(second, share))?]);

    let signature: Signature<Ed25519> = meter.time(Party::One, || -> Result<_> {
        let own = round2::sign::<Ed25519>(one, nonces, message, &[(0, first), (1, second)])?;
        let signed = [(0, first, own), (1, second, share)];
        Ok(aggregate::<Ed25519>(one.as_ref(), &signed, message)?)
    })?;
    meter.state(length(one)?, length(two)?);
    let mut bytes = vec![0; Signature::<Ed25519>::serialized_len()];
    signature.write_to_slice(&mut bytes);
    let key = one.shared_public_key.to_bytes(true);
    verify::ed25519(key.as_bytes(), message, &bytes)
}

fn length(value: &impl Serialize) -> Result<usize> {
    let bytes = postcard::to_allocvec(value).context("postcard refuses a message")?;
    Ok(bytes.len())
}
