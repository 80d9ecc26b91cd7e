//! What was read of a request, in one spelling, for whoever judges it by rules of their own.
//!
//! A request can be written in many ways, and other readers may take another meaning from it than
//! the one that is signed. This is that one.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::effects::{Asset, Effects};
use crate::{Account, Request};

impl Request {
    /// Everything that is signed and what it does, each number as a decimal text.
    #[must_use]
    pub fn reading(&self, effects: &Effects) -> Value {
        let read = match self {
            Self::EvmTransaction(request) => request.reading(),
            Self::EvmTypedData(request) => request.reading(),
            Self::EvmPersonalMessage(request) => of_message(request.message()),
            Self::SolanaMessage(request) => of_message(request.message()),
            Self::SolanaTransaction(request) => request.reading(),
            Self::BitcoinTransaction(request) => request.reading(),
        };
        let mut reading = match read {
            Value::Object(reading) => reading,
            _ => Map::new(),
        };
        let network = self.bitcoin_network();
        let recipients: Value = effects
            .recipients
            .iter()
            .map(|account| account.shown(network))
            .collect();
        reading.insert("recipients".to_owned(), recipients);
        reading.insert("amounts".to_owned(), amounts(effects));
        reading.insert("unseen".to_owned(), unseen(effects));
        reading.into()
    }
}

fn of_message(message: &[u8]) -> Value {
    match std::str::from_utf8(message) {
        Ok(text) => json!({ "kind": "MESSAGE", "text": text }),
        Err(_) => json!({ "kind": "MESSAGE", "bytes": format!("0x{}", hex::encode(message)) }),
    }
}

/// What may leave the wallet at most, of each asset; the chain's own coin names no token.
fn amounts(effects: &Effects) -> Value {
    let assets: BTreeMap<_, _> = effects
        .amounts
        .iter()
        .map(|(asset, _)| (*asset, effects.amount(*asset)))
        .collect();
    let shown = |(asset, amount): (Asset, crate::Amount)| match token(asset) {
        None => json!({ "max": amount.to_string() }),
        Some(token) => json!({ "token": token, "max": amount.to_string() }),
    };
    assets.into_iter().map(shown).collect()
}

fn token(asset: Asset) -> Option<String> {
    match asset {
        Asset::Native => None,
        Asset::Evm(contract) => Some(Account::Evm(contract).to_string()),
        Asset::Solana(mint) => Some(Account::Solana(mint).to_string()),
    }
}

/// Why something else may be paid, or more leave, than is said; empty where nothing is hidden.
fn unseen(effects: &Effects) -> Value {
    let unseen = effects.unseen;
    let of_token = unseen.amount_of.map(|(_, why)| why);
    let whys = [unseen.recipients, unseen.amounts, of_token, unseen.truth];
    let mut all: Vec<_> = whys.into_iter().flatten().collect();
    all.dedup();
    all.into()
}
