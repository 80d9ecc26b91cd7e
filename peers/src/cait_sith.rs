//! `cait-sith`: threshold ECDSA from committed Beaver triples, 2 of 2.
//!
//! Measured: key generation, and signing in three: the whole; the two triples and the
//! presignature, which can be made before the message is known; and the signature proper. Both
//! parties are poked until they wait, then their messages cross. Its protocols take and give
//! bytes, so encoding (`MessagePack`) and its executor are part of the time. The two triples are
//! made side by side.
//!
//! Left out: for the signature proper, its presignature, which comes from dealt triples. Key
//! generation has no set-up of oblivious transfers; each triple makes its own.
//!
//! State: the share of the key and the public key, in postcard. Presignatures that are kept for
//! later are not counted.

use anyhow::{Context as _, Result, anyhow, ensure};
use cait_sith::protocol::{Action, Participant, Protocol};
use cait_sith::triples::{self, TripleGenerationOutput};
use cait_sith::{FullSignature, KeygenOutput, PresignArguments, PresignOutput};
use cait_sith_k256::elliptic_curve::ops::Reduce;
use cait_sith_k256::elliptic_curve::point::AffineCoordinates as _;
use cait_sith_k256::elliptic_curve::rand_core::OsRng;
use cait_sith_k256::elliptic_curve::sec1::ToEncodedPoint as _;
use cait_sith_k256::{Scalar, Secp256k1, U256};

use crate::measure::{Contender, Meter, Operation, PARTIES, Party};
use crate::{random, verify};

type Running<T> = Box<dyn Protocol<Output = T>>;
type Key = [KeygenOutput<Secp256k1>; 2];
type Triples = [TripleGenerationOutput<Secp256k1>; 2];

pub(crate) fn generate() -> Contender {
    Contender::new(Operation::Generate, "cait-sith", 100, |meter| {
        make_key(meter).map(drop)
    })
}

/// Signing as a whole, and its two parts.
///
/// # Errors
///
/// If the key that signs cannot be made.
pub(crate) fn sign() -> Result<[Contender; 3]> {
    let key = make_key(&mut Meter::default())?;
    let (for_whole, for_ahead, for_rest) = (key.clone(), key.clone(), key);
    let whole = move |meter: &mut Meter| {
        let triples = make_triples(meter)?;
        let presignatures = presign(meter, &for_whole, triples)?;
        sign_once(meter, &for_whole, presignatures)
    };
    let ahead = move |meter: &mut Meter| {
        let triples = make_triples(meter)?;
        presign(meter, &for_ahead, triples).map(drop)
    };
    let rest = move |meter: &mut Meter| {
        let presignatures = presign(&mut Meter::default(), &for_rest, deal_triples()?)?;
        sign_once(meter, &for_rest, presignatures)
    };
    let sign = Operation::SignEcdsa;
    Ok([
        Contender::new(sign, "cait-sith", 20, whole),
        Contender::new(sign, "cait-sith: before the message", 20, ahead),
        Contender::new(sign, "cait-sith: after the message", 300, rest),
    ])
}

fn make_key(meter: &mut Meter) -> Result<Key> {
    let key = alone(run(meter, 1, |me| {
        Ok(Box::new(cait_sith::keygen(&participants(), me, 2)?))
    })?)?;
    ensure!(
        key[0].public_key == key[1].public_key,
        "the parties have different keys"
    );
    let [one, two] = [length(&key[0])?, length(&key[1])?];
    meter.state(one, two);
    Ok(key)
}

fn length(key: &KeygenOutput<Secp256k1>) -> Result<usize> {
    Ok(postcard::to_allocvec(&(key.private_share, key.public_key))?.len())
}

/// Two triples, each as both parties have it.
fn make_triples(meter: &mut Meter) -> Result<[Triples; 2]> {
    let triples = run(meter, 2, |me| {
        Ok(Box::new(triples::generate_triple(&participants(), me, 2)?))
    })?;
    <[Triples; 2]>::try_from(triples).map_err(|_| anyhow!("expected two triples"))
}

fn deal_triples() -> Result<[Triples; 2]> {
    let deal = || -> Result<Triples> {
        let (public, shares) = triples::deal(&mut OsRng, &participants(), 2);
        let [one, two] = <[_; 2]>::try_from(shares)
            .ok()
            .context("expected two shares")?;
        Ok([(one, public.clone()), (two, public)])
    };
    Ok([deal()?, deal()?])
}

fn presign(
    meter: &mut Meter,
    key: &Key,
    [first, second]: [Triples; 2],
) -> Result<[PresignOutput<Secp256k1>; 2]> {
    let mut arguments =
        first
            .into_iter()
            .zip(second)
            .zip(key.clone())
            .map(|((triple0, triple1), keygen_out)| PresignArguments {
                triple0,
                triple1,
                keygen_out,
                threshold: 2,
            });
    alone(run(meter, 1, |me| {
        let arguments = arguments.next().context("expected two parties")?;
        Ok(Box::new(cait_sith::presign(
            &participants(),
            me,
            arguments,
        )?))
    })?)
}

fn sign_once(
    meter: &mut Meter,
    key: &Key,
    presignatures: [PresignOutput<Secp256k1>; 2],
) -> Result<()> {
    let digest = random::bytes();
    let scalar = <Scalar as Reduce<U256>>::reduce_bytes(&digest.into());
    let public_key = key[0].public_key;
    let mut presignatures = presignatures.into_iter();
    let [signature, _]: [FullSignature<Secp256k1>; 2] = alone(run(meter, 1, |me| {
        let presignature = presignatures.next().context("expected two parties")?;
        let protocol = cait_sith::sign(&participants(), me, public_key, presignature, scalar)?;
        Ok(Box::new(protocol))
    })?)?;
    let [one, two] = [length(&key[0])?, length(&key[1])?];
    meter.state(one, two);
    let r_and_s = [signature.big_r.x(), signature.s.to_bytes()].concat();
    let key = public_key.to_encoded_point(true);
    verify::ecdsa(key.as_bytes(), digest, &r_and_s)
}

/// Runs `count` protocols side by side, each between both parties.
fn run<T>(
    meter: &mut Meter,
    count: usize,
    mut begin: impl FnMut(Participant) -> Result<Running<T>>,
) -> Result<Vec<[T; 2]>> {
    let mut running = Vec::new();
    let mut results = Vec::new();
    for _ in 0..count {
        let mut begin = |party| meter.time(party, || begin(participant(party)));
        running.push([begin(Party::One)?, begin(Party::Two)?]);
        results.push([None, None]);
    }
    loop {
        let mut sent = Vec::new();
        for (which, protocol) in running.iter_mut().enumerate() {
            for party in PARTIES {
                loop {
                    let side = &mut protocol[party as usize];
                    match meter.time(party, || side.poke())? {
                        Action::Wait => break,
                        Action::SendMany(message) | Action::SendPrivate(_, message) => {
                            sent.push((which, party, message));
                        }
                        Action::Return(result) => results[which][party as usize] = Some(result),
                    }
                }
            }
        }
        if sent.is_empty() {
            break;
        }
        let lengths: Vec<usize> = sent.iter().map(|(.., message)| message.len()).collect();
        meter.flight(&lengths);
        for (which, from, message) in sent {
            let receiver = &mut running[which][from.peer() as usize];
            meter.time(from.peer(), || receiver.message(participant(from), message));
        }
    }
    results
        .into_iter()
        .map(|[one, two]| one.zip(two).map(|(one, two)| [one, two]))
        .collect::<Option<_>>()
        .context("expected a result, but both parties wait")
}

/// The results of the only protocol that ran.
fn alone<T>(results: Vec<[T; 2]>) -> Result<[T; 2]> {
    results.into_iter().next().context("expected a result")
}

fn participants() -> [Participant; 2] {
    PARTIES.map(participant)
}

fn participant(party: Party) -> Participant {
    Participant::from(party as u32)
}
