//! What a request does once it is signed, as far as the request itself shows it.
//!
//! A rule can only hold what can be seen. So what cannot is said ([`Effects::unseen`]), and a
//! rule that would need it refuses.

use std::collections::BTreeSet;

use alloy_primitives::Address as EvmAddress;
pub use alloy_primitives::U256 as Amount;

use crate::search::Search;
use crate::{Account, Request, solana};

/// What an amount is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asset {
    /// The chain's own coin, in its smallest unit: wei, lamport, satoshi.
    Native,
    /// An ERC-20 token, by its contract.
    Evm(EvmAddress),
    /// A token of Solana, by its mint.
    Solana([u8; 32]),
}

/// What a request does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// Whom it pays, calls, or lets spend.
    pub recipients: Vec<Account>,
    /// Whom its data names besides, wherever that can be read.
    pub mentioned: Vec<Account>,
    /// What may leave the wallet, or may be taken by whom it lets spend. Of the chain's own coin
    /// with the fee.
    pub amounts: Vec<(Asset, Amount)>,
    /// The request's bytes, in which an account may stand anywhere.
    pub data: Vec<u8>,
    /// What cannot be seen.
    pub unseen: Unseen,
}

/// What of a request cannot be seen; each with the words that say why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unseen {
    /// Some of whom it pays, calls or lets spend.
    pub recipients: Option<&'static str>,
    /// Some of whom it names, which is why nobody can be looked for in it.
    pub mentioned: Option<&'static str>,
    /// Some of what may leave the wallet, of any asset.
    pub amounts: Option<&'static str>,
    /// What may leave the wallet of this one token.
    pub amount_of: Option<(Asset, &'static str)>,
    /// Whether what is shown is true, as nothing but the word of whoever asks says so.
    pub truth: Option<&'static str>,
}

impl Request {
    /// What this request does once it is signed.
    #[must_use]
    pub fn effects(&self) -> Effects {
        match self {
            Self::EvmTransaction(request) => request.effects(),
            Self::EvmTypedData(request) => request.effects(),
            Self::SolanaTransaction(request) => request.effects(),
            Self::BitcoinTransaction(request) => request.effects(),
            Self::EvmPersonalMessage(request) => of_message(request.message()),
            Self::SolanaMessage(request) => of_message(request.message()),
        }
    }
}

impl Effects {
    /// The first of these accounts that is paid, called, let spend, or named anywhere, in bytes or
    /// in words; a Solana account by its associated token accounts, too.
    #[must_use]
    pub fn first_named<'a>(&self, accounts: &'a BTreeSet<Account>) -> Option<&'a Account> {
        let mut listed = self.recipients.iter().chain(&self.mentioned);
        listed
            .find_map(|one| accounts.get(one))
            .or_else(|| Search::of(accounts).find(&self.data))
            .or_else(|| solana::first_token_owner(&self.mentioned, accounts))
    }

    /// All of one asset that may leave the wallet.
    #[must_use]
    pub fn amount(&self, asset: Asset) -> Amount {
        let amounts = self.amounts.iter().filter(|(of, _)| *of == asset);
        amounts.fold(Amount::ZERO, |sum, (_, amount)| sum.saturating_add(*amount))
    }
}

/// What a message does: nothing, if it is text. Bytes may be the hash of what a smart account does
/// when it is shown the signature (ERC-4337, Safe), or what a program takes for an order.
fn of_message(message: &[u8]) -> Effects {
    let is_text = std::str::from_utf8(message).is_ok_and(|text| {
        let is_hidden = |c: char| c.is_control() && !c.is_whitespace();
        message.len() != 32 && !text.contains(is_hidden)
    });
    let unseen = (!is_text).then_some("what the bytes of a message stand for");
    Effects {
        data: message.to_vec(),
        unseen: Unseen {
            recipients: unseen,
            amounts: unseen,
            ..Unseen::default()
        },
        ..Effects::default()
    }
}
