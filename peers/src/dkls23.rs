//! `dkls23-core`: `DKLs23` (ePrint 2023/765) on secp256k1, 2 of 2.
//!
//! Measured: its distributed key generation, with the set-up of the multiplications that sign,
//! and its signing, each by the crate's session types, the phases of both parties side by side.
//! A phase's messages to the peer count as one message.
//!
//! Left out: encoding and decoding of the messages, which the crate leaves to its caller. Their
//! bytes are those of the message structs in postcard, without framing.
//!
//! State: the crate's `Party` in postcard.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, anyhow, ensure};
use dkls23_core::protocols::signing::SignData;
use dkls23_core::protocols::{Abort, Parameters, Party as KeyHolder, PartyIndex};
use dkls23_core::{DkgSession, SignSession};
use k256::Secp256k1;
use k256::elliptic_curve::sec1::ToSec1Point as _;
use serde::Serialize;

use crate::measure::{Contender, Meter, Operation, PARTIES, Party};
use crate::{random, verify};

/// The name in the table.
pub(crate) const NAME: &str = "dkls23-core";

pub(crate) fn generate() -> Contender {
    Contender::new(Operation::Generate, NAME, 25, |meter| {
        make_key(meter).map(drop)
    })
}

/// # Errors
///
/// If the key that signs cannot be made.
pub(crate) fn sign() -> Result<Contender> {
    let key = make_key(&mut Meter::default())?;
    let run = move |meter: &mut Meter| sign_once(meter, &key);
    Ok(Contender::new(Operation::SignEcdsa, NAME, 150, run))
}

fn make_key(meter: &mut Meter) -> Result<[KeyHolder<Secp256k1>; 2]> {
    let parameters = Parameters::new(2, 2)?;
    let id = random::bytes().to_vec();
    let begin = |meter: &mut Meter, party| -> Result<_> {
        let index = index(party)?;
        let (parameters, id) = (parameters.clone(), id.clone());
        Ok(meter.time(party, || {
            DkgSession::<Secp256k1>::new(parameters, index, id)
        }))
    };
    let mut one = begin(meter, Party::One)?;
    let mut two = begin(meter, Party::Two)?;

    let [ones, twos] = [
        meter.time(Party::One, || one.phase1()),
        meter.time(Party::Two, || two.phase1()),
    ];
    meter.flight(&[length(&ones[1])?, length(&twos[0])?]);
    let fragments = [[ones[0], twos[0]], [ones[1], twos[1]]];

    let second = [
        checked(meter.time(Party::One, || one.phase2(&fragments[0])))?,
        checked(meter.time(Party::Two, || two.phase2(&fragments[1])))?,
    ];
    let mut lengths = [0; 2];
    for (length_of, (commitment, zero, chain)) in lengths.iter_mut().zip(&second) {
        // The proof itself follows with the third phase.
        *length_of = length(&((commitment.index, commitment.commitment), zero, chain))?;
    }
    meter.flight(&lengths);

    let third = [
        checked(meter.time(Party::One, || one.phase3()))?,
        checked(meter.time(Party::Two, || two.phase3()))?,
    ];
    for ((length_of, third), (commitment, ..)) in lengths.iter_mut().zip(&third).zip(&second) {
        *length_of = length(&(&commitment.proof, &third.0, &third.1, &third.2))?;
    }
    meter.flight(&lengths);

    let commitments = second.each_ref().map(|(commitment, ..)| commitment.clone());
    let chain_2 = by_index(second.each_ref().map(|(_, _, chain)| chain.clone()))?;
    let chain_3 = by_index(third.each_ref().map(|(_, _, chain)| chain.clone()))?;
    let mut end = |party: Party, session: DkgSession<Secp256k1>| -> Result<_> {
        let (_, zero_2, _) = &second[party.peer() as usize];
        let (zero_3, multiplication, _) = &third[party.peer() as usize];
        let (made, _) = checked(meter.time(party, || {
            session.phase4(
                &commitments,
                zero_2,
                zero_3,
                multiplication,
                &chain_2,
                &chain_3,
                |_| String::new(),
            )
        }))?;
        Ok(made)
    };
    let made = [end(Party::One, one)?, end(Party::Two, two)?];
    ensure!(made[0].pk == made[1].pk, "the parties have different keys");
    meter.state(length(&made[0])?, length(&made[1])?);
    Ok(made)
}

fn sign_once(meter: &mut Meter, key: &[KeyHolder<Secp256k1>; 2]) -> Result<()> {
    let digest = random::bytes();
    let sign_id = random::bytes().to_vec();
    let begin = |meter: &mut Meter, party: Party| -> Result<_> {
        let data = SignData {
            sign_id: sign_id.clone(),
            counterparties: vec![index(party.peer())?],
            message_hash: digest,
        };
        checked(meter.time(party, || SignSession::new(&key[party as usize], data)))
    };
    let (mut one, ones) = begin(meter, Party::One)?;
    let (mut two, twos) = begin(meter, Party::Two)?;
    meter.flight(&[length(&ones)?, length(&twos)?]);

    let second = [
        checked(meter.time(Party::One, || one.phase2(&twos)))?,
        checked(meter.time(Party::Two, || two.phase2(&ones)))?,
    ];
    meter.flight(&[length(&second[0])?, length(&second[1])?]);

    let third = [
        checked(meter.time(Party::One, || one.phase3(&second[1])))?,
        checked(meter.time(Party::Two, || two.phase3(&second[0])))?,
    ];
    meter.flight(&[length(&third[0])?, length(&third[1])?]);

    let signatures = [
        checked(meter.time(Party::One, || one.phase4(&third, true)))?,
        checked(meter.time(Party::Two, || two.phase4(&third, true)))?,
    ];
    ensure!(
        signatures[0] == signatures[1],
        "the parties have different signatures"
    );
    meter.state(length(&key[0])?, length(&key[1])?);
    let point = key[0].pk.to_sec1_point(true);
    verify::ecdsa(point.as_bytes(), digest, &signatures[0].to_bytes())
}

fn index(party: Party) -> Result<PartyIndex> {
    Ok(PartyIndex::new(party as u8 + 1)?)
}

fn by_index<T>(values: [T; 2]) -> Result<BTreeMap<PartyIndex, T>> {
    let numbered = PARTIES.into_iter().zip(values);
    numbered
        .map(|(party, value)| Ok((index(party)?, value)))
        .collect()
}

/// Its abort is no `Error`.
fn checked<T>(result: Result<T, Abort>) -> Result<T> {
    result.map_err(|abort| anyhow!("aborted: {}", abort.description()))
}

fn length(message: &impl Serialize) -> Result<usize> {
    let bytes = postcard::to_allocvec(message).context("postcard refuses a message")?;
    Ok(bytes.len())
}
