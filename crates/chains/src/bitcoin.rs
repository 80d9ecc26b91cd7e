//! Bitcoin: P2WPKH addresses (BIP-173) and inputs (BIP-141, BIP-143).

mod effects;

use crate::params::{self, Fields};
use crate::{BitcoinNetwork, ChainError, Secp256k1Key, Signature, Signed, Subject};
use ::bitcoin::consensus::encode;
use ::bitcoin::hashes::Hash as _;
use ::bitcoin::sighash::SighashCache;
use ::bitcoin::{
    Address, Amount, EcdsaSighashType, Network, ScriptBuf, TxIn, WPubkeyHash, Witness,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Nodes relay no larger transaction than 400,000 weight units.
const MAX_TRANSACTION_BYTES: usize = 100_000;
const MAX_DESCRIBED: usize = 4;
const SUBJECT: Subject = Subject::Transaction;
const PREVIOUS: &str = "previousTransaction";

/// The P2WPKH address of a public key (BIP-141, BIP-173).
pub fn address(key: &Secp256k1Key, network: BitcoinNetwork) -> String {
    address_of(&own_script(key), network)
}

/// An unsigned transaction, and which of its inputs this wallet spends.
///
/// # Security
///
/// The fee in [`Self::summary`] is as true as the values given. A signature is
/// worthless where its own input's value is wrong, but BIP-143 does not tie it
/// to the values of the other inputs: whoever gets two requests for the same
/// inputs signed, each with one wrong value, can pay a fee that no summary
/// showed. So where there are several inputs, rules need the transactions that
/// they come from, which prove their values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    key: Secp256k1Key,
    network: BitcoinNetwork,
    unsigned: ::bitcoin::Transaction,
    /// Input index → the value of the output that it spends, in index order.
    spends: BTreeMap<usize, Amount>,
    /// Whether no value is only said by whoever asks: each was proven, or is tied to the only
    /// signature.
    are_values_true: bool,
    digests: Vec<[u8; 32]>,
}

impl Transaction {
    /// Reads `{transaction, inputs: [{index, value, previousTransaction}]}`: hex,
    /// and the values of this wallet's inputs in satoshi, each with the transaction
    /// in hex that has the output, which may be left out; bare or alone in an array.
    ///
    /// # Errors
    ///
    /// `TX_BUILD_FAILED` for bytes that are no transaction, inputs that are not
    /// there, twice there or signed already, a previous transaction that is
    /// another or says another value, and outputs above the inputs.
    pub fn parse(
        network: BitcoinNetwork,
        params: &Value,
        key: &Secp256k1Key,
    ) -> Result<Self, ChainError> {
        let body = params::single(SUBJECT, params)?;
        let fields = Fields::read(SUBJECT, "params[0]", body, &["transaction", "inputs"])?;
        let action = "give the unsigned transaction in hex";
        let unsigned = read_transaction("transaction", fields.required("transaction", action)?)?;
        let action = "give [{index, value}] of each input to sign; the value is that of the output it spends";
        let (spends, proven) = read_spends(&unsigned, &fields, fields.required("inputs", action)?)?;
        check_values(&unsigned, &spends)?;
        let digests = digests(&unsigned, &spends, &own_script(key))?;
        Ok(Self {
            key: key.clone(),
            network,
            unsigned,
            are_values_true: proven == spends.len() || spends.len() == 1,
            spends,
            digests,
        })
    }

    /// The network whose addresses are shown.
    pub(crate) const fn network(&self) -> BitcoinNetwork {
        self.network
    }

    /// The sighash of each input to sign, SIGHASH_ALL, in input order (BIP-143).
    pub fn digests(&self) -> &[[u8; 32]] {
        &self.digests
    }

    /// One line that says what is about to be signed.
    pub fn summary(&self) -> String {
        let own = own_script(&self.key);
        let outputs = &self.unsigned.output;
        let mut parts: Vec<_> = outputs
            .iter()
            .take(MAX_DESCRIBED)
            .map(|output| {
                let change = if output.script_pubkey == own {
                    " (back to this wallet)"
                } else {
                    ""
                };
                let to = address_of(&output.script_pubkey, self.network);
                format!("{} to {to}{change}", output.value)
            })
            .collect();
        match outputs.len().saturating_sub(MAX_DESCRIBED) {
            0 => (),
            more => parts.push(format!("and {more} more outputs")),
        }
        let (signed, all) = (self.spends.len(), self.unsigned.input.len());
        let fee = fee(&self.unsigned, &self.spends).map_or_else(
            || "unknown, other wallets pay too".to_owned(),
            |fee| fee.to_string(),
        );
        format!(
            "Bitcoin transaction, {signed} of {all} inputs: {}; fee {fee}",
            parts.join(", ")
        )
    }

    /// Everything that is signed, in one spelling.
    pub(crate) fn reading(&self) -> Value {
        let own = own_script(&self.key);
        let inputs = self
            .unsigned
            .input
            .iter()
            .enumerate()
            .map(|(index, input)| {
                let value = self.spends.get(&index);
                json!({
                    "txid": input.previous_output.txid.to_string(),
                    "vout": input.previous_output.vout.to_string(),
                    "value": value.map(|value| value.to_sat().to_string()),
                })
            });
        let outputs = self.unsigned.output.iter().map(|output| {
            json!({
                "address": address_of(&output.script_pubkey, self.network),
                "value": output.value.to_sat().to_string(),
                "isOwn": output.script_pubkey == own,
            })
        });
        let fee = fee(&self.unsigned, &self.spends).filter(|_| self.are_values_true);
        json!({
            "kind": "BITCOIN_TRANSACTION",
            "inputs": inputs.collect::<Vec<_>>(),
            "outputs": outputs.collect::<Vec<_>>(),
            "fee": fee.map(|fee| fee.to_sat().to_string()),
        })
    }

    /// The transaction with a witness of signature and key in each input (BIP-141, "P2WPKH").
    ///
    /// # Errors
    ///
    /// `SIGNATURE_REJECTED` unless there is one signature for each of
    /// [`Self::digests`], in order, each this wallet's and with a low s (BIP-62).
    pub fn finish(&self, signatures: &[Signature]) -> Result<Signed, ChainError> {
        let (expected, found) = (self.digests.len(), signatures.len());
        if expected != found {
            return Err(ChainError::SignatureCount { expected, found });
        }
        let mut witnesses = BTreeMap::new();
        let pairs = self.digests.iter().zip(signatures).enumerate();
        for ((position, (digest, signature)), input) in pairs.zip(self.spends.keys()) {
            let verified = self.key.verify(position, digest, signature)?;
            let mut der = verified.signature.to_der().as_bytes().to_vec();
            der.push(EcdsaSighashType::All as u8);
            witnesses.insert(
                *input,
                Witness::from_slice(&[der.as_slice(), self.key.compressed()]),
            );
        }
        let mut signed = self.unsigned.clone();
        for (index, input) in signed.input.iter_mut().enumerate() {
            if let Some(witness) = witnesses.remove(&index) {
                input.witness = witness;
            }
        }
        let txid = signed.compute_txid().to_string();
        Ok(Signed::BitcoinTransaction {
            raw: encode::serialize(&signed),
            txid,
        })
    }
}

fn read_transaction(field: &str, value: &Value) -> Result<::bitcoin::Transaction, ChainError> {
    let text = params::text(SUBJECT, field, value)?;
    params::at_most(SUBJECT, field, text.len() / 2, MAX_TRANSACTION_BYTES)?;
    let error = |found: &str| {
        let expected = "a serialised Bitcoin transaction in hex";
        params::invalid(SUBJECT, field, expected, found)
    };
    let bytes = hex::decode(text).map_err(|_| error(text))?;
    encode::deserialize(&bytes).map_err(|source| error(&source.to_string()))
}

/// The values of this wallet's inputs, and how many of them are proven.
fn read_spends(
    unsigned: &::bitcoin::Transaction,
    fields: &Fields<'_>,
    value: &Value,
) -> Result<(BTreeMap<usize, Amount>, usize), ChainError> {
    let mut spends = BTreeMap::new();
    let mut proven = 0;
    let items = value.as_array().filter(|items| !items.is_empty());
    for item in items.ok_or_else(|| fields.invalid("inputs", "a list of {index, value}", value))? {
        let known = ["index", "value", PREVIOUS];
        let item = Fields::read(SUBJECT, "inputs[]", item, &known)?;
        let index = item.required("index", "each of inputs has an index and a value")?;
        let value = item.required("value", "each of inputs has an index and a value")?;
        let position = index.as_u64().and_then(|index| usize::try_from(index).ok());
        let (position, input) = position
            .and_then(|position| Some((position, unsigned.input.get(position)?)))
            .ok_or_else(|| {
                let expected = format!("the index of one of {} inputs", unsigned.input.len());
                item.invalid("inputs[].index", &expected, index)
            })?;
        if !input.script_sig.is_empty() || !input.witness.is_empty() {
            let found = format!("input {position}, which is signed already");
            return Err(params::invalid(
                SUBJECT,
                "inputs[].index",
                "an unsigned input",
                &found,
            ));
        }
        let amount = value
            .as_u64()
            .map(Amount::from_sat)
            .filter(|amount| *amount <= Amount::MAX_MONEY);
        let amount = amount.ok_or_else(|| {
            item.invalid(
                "inputs[].value",
                "a whole number of satoshi, at most 21 million BTC",
                value,
            )
        })?;
        if let Some(previous) = item.optional(PREVIOUS) {
            prove(input, amount, previous)?;
            proven += 1;
        }
        if spends.insert(position, amount).is_some() {
            return Err(item.invalid("inputs[].index", "each index once", index));
        }
    }
    Ok((spends, proven))
}

/// Sees that the transaction that an input spends an output of says the same value. Its id is the
/// hash of all that it says.
fn prove(input: &TxIn, value: Amount, previous: &Value) -> Result<(), ChainError> {
    let field = "inputs[].previousTransaction";
    let previous = read_transaction(field, previous)?;
    let outpoint = input.previous_output;
    let found = previous.compute_txid();
    if found != outpoint.txid {
        let expected = format!("the transaction {}", outpoint.txid);
        return Err(params::invalid(
            SUBJECT,
            field,
            &expected,
            &found.to_string(),
        ));
    }
    let output = usize::try_from(outpoint.vout).ok();
    let output = output.and_then(|place| previous.output.get(place));
    if output.map(|output| output.value) == Some(value) {
        return Ok(());
    }
    let expected = format!("an output {} of {} satoshi", outpoint.vout, value.to_sat());
    let found = output.map_or_else(
        || "none".to_owned(),
        |output| output.value.to_sat().to_string(),
    );
    Err(params::invalid(SUBJECT, field, &expected, &found))
}

/// With all values known, outputs above inputs are a wrong value or a wrong transaction.
fn check_values(
    unsigned: &::bitcoin::Transaction,
    spends: &BTreeMap<usize, Amount>,
) -> Result<(), ChainError> {
    if spends.len() < unsigned.input.len() || fee(unsigned, spends).is_some() {
        return Ok(());
    }
    Err(ChainError::FieldsConflict {
        subject: SUBJECT,
        first: "transaction".to_owned(),
        second: "inputs".to_owned(),
        action: "the outputs are worth more than the inputs: check each value (it is in satoshi)",
    })
}

/// Inputs less outputs, where all inputs are known and worth as much.
fn fee(unsigned: &::bitcoin::Transaction, spends: &BTreeMap<usize, Amount>) -> Option<Amount> {
    let inputs = spends
        .values()
        .try_fold(Amount::ZERO, |sum, value| sum.checked_add(*value))?;
    let outputs = unsigned
        .output
        .iter()
        .try_fold(Amount::ZERO, |sum, output| sum.checked_add(output.value))?;
    inputs
        .checked_sub(outputs)
        .filter(|_| spends.len() == unsigned.input.len())
}

fn digests(
    unsigned: &::bitcoin::Transaction,
    spends: &BTreeMap<usize, Amount>,
    script: &ScriptBuf,
) -> Result<Vec<[u8; 32]>, ChainError> {
    let mut cache = SighashCache::new(unsigned);
    spends
        .iter()
        .map(|(index, value)| {
            cache
                .p2wpkh_signature_hash(*index, script, *value, EcdsaSighashType::All)
                .map(|digest| digest.to_byte_array())
                .map_err(|error| {
                    params::invalid(
                        SUBJECT,
                        "inputs",
                        "inputs that can be signed",
                        &error.to_string(),
                    )
                })
        })
        .collect()
}

/// OP_0 and the HASH160 of the key.
fn own_script(key: &Secp256k1Key) -> ScriptBuf {
    ScriptBuf::new_p2wpkh(&WPubkeyHash::hash(key.compressed()))
}

/// The address of a script, or the script where it has none.
fn address_of(script: &ScriptBuf, network: BitcoinNetwork) -> String {
    let network = match network {
        BitcoinNetwork::Mainnet => Network::Bitcoin,
        BitcoinNetwork::Testnet => Network::Testnet,
    };
    Address::from_script(script, network).map_or_else(
        |_| format!("script {script:x}"),
        |address| address.to_string(),
    )
}
