//! `frost-ed25519`: FROST(Ed25519, SHA-512) of RFC 9591, 2 of 2, with keys of a dealer.
//!
//! Measured: the flights of our own signature. Party 1 commits to its nonces; party 2 commits
//! and signs; party 1 signs and aggregates, which verifies the signature.
//!
//! Left out: encoding and decoding of the messages, which the crate leaves to its caller. Their
//! bytes are those of the crate's own encoding.
//!
//! State: the party's key package, and the public key package for party 1, which aggregates,
//! in the crate's own encoding.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use frost_ed25519::keys::{self, IdentifierList, KeyPackage, PublicKeyPackage};
use frost_ed25519::{Identifier, SigningPackage, aggregate, round1, round2};

use crate::measure::{Contender, Meter, Operation, Party};
use crate::random::RngOf06;
use crate::{random, verify};

/// The name in the table.
pub(crate) const NAME: &str = "frost-ed25519";

/// # Errors
///
/// If the dealer fails.
pub(crate) fn sign() -> Result<Contender> {
    let rng = RngOf06(random::rng());
    let (shares, public) = keys::generate_with_dealer(2, 2, IdentifierList::Default, rng)?;
    let mut packages = Vec::new();
    for number in [1, 2] {
        let share = shares.get(&Identifier::try_from(number)?).cloned();
        packages.extend(share.map(KeyPackage::try_from).transpose()?);
    }
    ensure!(packages.len() == 2, "expected two shares of the dealer");
    let run = move |meter: &mut Meter| sign_once(meter, &packages[0], &packages[1], &public);
    Ok(Contender::new(Operation::SignEd25519, NAME, 2000, run))
}

fn sign_once(
    meter: &mut Meter,
    one: &KeyPackage,
    two: &KeyPackage,
    public: &PublicKeyPackage,
) -> Result<()> {
    let message = crate::ours::MESSAGE;
    let rng = &mut RngOf06(random::rng());
    let package = |ours, theirs| {
        let commitments = BTreeMap::from([(*one.identifier(), ours), (*two.identifier(), theirs)]);
        SigningPackage::new(commitments, message)
    };

    let (nonces, first) = meter.time(Party::One, || round1::commit(one.signing_share(), rng));
    meter.flight(&[first.serialize()?.len()]);

    let (second, share) = meter.time(Party::Two, || {
        let (nonces, second) = round1::commit(two.signing_share(), rng);
        round2::sign(&package(first, second), &nonces, two).map(|share| (second, share))
    })?;
    meter.flight(&[second.serialize()?.len() + share.serialize().len()]);

    let signature = meter.time(Party::One, || {
        let package = package(first, second);
        let own = round2::sign(&package, &nonces, one)?;
        let shares = BTreeMap::from([(*one.identifier(), own), (*two.identifier(), share)]);
        aggregate(&package, &shares, public)
    })?;
    let keeps = one.serialize()?.len() + public.serialize()?.len();
    meter.state(keeps, two.serialize()?.len());
    let key = public.verifying_key().serialize()?;
    verify::ed25519(&key, message, &signature.serialize()?)
}
