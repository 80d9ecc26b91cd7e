//! Accounts looked for in bytes, in every way in which they may be written there.

use std::collections::BTreeMap;

use crate::{Account, BitcoinNetwork};

/// How accounts are written, by the number of bytes.
type Spellings<'a> = BTreeMap<usize, BTreeMap<Vec<u8>, &'a Account>>;

/// Accounts to look for.
pub(crate) struct Search<'a> {
    exact: Spellings<'a>,
    /// Text in which the case of a letter does not matter, in small letters.
    any_case: Spellings<'a>,
}

impl<'a> Search<'a> {
    /// Looks for each of these.
    pub(crate) fn of(accounts: impl IntoIterator<Item = &'a Account>) -> Self {
        let mut search = Self {
            exact: BTreeMap::new(),
            any_case: BTreeMap::new(),
        };
        for account in accounts {
            search.add(account);
        }
        search
    }

    fn add(&mut self, account: &'a Account) {
        let add = |spellings: &mut Spellings<'a>, bytes: Vec<u8>| {
            let of_this_length = spellings.entry(bytes.len()).or_default();
            of_this_length.insert(bytes, account);
        };
        match account {
            Account::Evm(address) => {
                add(&mut self.exact, address.to_vec());
                add(&mut self.any_case, hex::encode(address).into_bytes());
            }
            Account::Solana(bytes) => {
                add(&mut self.exact, bytes.to_vec());
                add(&mut self.exact, account.to_string().into_bytes());
            }
            Account::Bitcoin(script) => {
                add(&mut self.exact, script.to_bytes());
                for network in [BitcoinNetwork::Mainnet, BitcoinNetwork::Testnet] {
                    let text = account.shown(network);
                    // BIP-173: all small, or all capital. Base58 is neither.
                    let is_bech32 = ["bc1", "tb1"].iter().any(|kind| text.starts_with(kind));
                    let spellings = if is_bech32 {
                        &mut self.any_case
                    } else {
                        &mut self.exact
                    };
                    add(spellings, text.into_bytes());
                }
            }
        }
    }

    /// The first of them that stands in the bytes.
    pub(crate) fn find(&self, data: &[u8]) -> Option<&'a Account> {
        find(&self.exact, data).or_else(|| {
            (!self.any_case.is_empty())
                .then(|| find(&self.any_case, &data.to_ascii_lowercase()))
                .flatten()
        })
    }
}

fn find<'a>(spellings: &Spellings<'a>, data: &[u8]) -> Option<&'a Account> {
    spellings.iter().find_map(|(length, all)| {
        // None has no bytes at all.
        let mut windows = data.windows((*length).max(1));
        windows.find_map(|window| all.get(window).copied())
    })
}
