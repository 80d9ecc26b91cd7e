//! What an EVM transaction or typed data does, as far as the standards for tokens tell.

use alloy_consensus::Transaction as _;
use alloy_primitives::{Address, TxKind, U256};

use super::{Transaction, TypedData, typed_value};
use crate::Account;
use crate::effects::{Asset, Effects, Unseen};

const WORD_BYTES: usize = 32;

/// Functions that move tokens or let somebody move them, and in which of their words the one
/// who gets them stands, and the amount.
struct TokenCall {
    selector: [u8; 4],
    recipient: usize,
    amount: Option<usize>,
}

const TOKEN_CALLS: [TokenCall; 20] = [
    // transfer(address,uint256)
    call([0xa9, 0x05, 0x9c, 0xbb], 0, Some(1)),
    // transferFrom(address,address,uint256)
    call([0x23, 0xb8, 0x72, 0xdd], 1, Some(2)),
    // approve(address,uint256)
    call([0x09, 0x5e, 0xa7, 0xb3], 0, Some(1)),
    // increaseAllowance(address,uint256)
    call([0x39, 0x50, 0x93, 0x51], 0, Some(1)),
    // decreaseAllowance(address,uint256)
    call([0xa4, 0x57, 0xc2, 0xd7], 0, None),
    // safeTransferFrom(address,address,uint256) and with bytes
    call([0x42, 0x84, 0x2e, 0x0e], 1, None),
    call([0xb8, 0x8d, 0x4f, 0xde], 1, None),
    // safeTransferFrom(address,address,uint256,uint256,bytes)
    call([0xf2, 0x42, 0x43, 0x2a], 1, None),
    // setApprovalForAll(address,bool)
    call([0xa2, 0x2c, 0xb4, 0x65], 0, None),
    // safeBatchTransferFrom(address,address,uint256[],uint256[],bytes)
    call([0x2e, 0xb2, 0xc2, 0xd6], 1, None),
    // ERC-2612: permit(address,address,uint256,uint256,uint8,bytes32,bytes32)
    call([0xd5, 0x05, 0xac, 0xcf], 1, Some(2)),
    // ERC-677: transferAndCall(address,uint256,bytes), of ERC-1363 as well, and without bytes
    call([0x40, 0x00, 0xae, 0xa0], 0, Some(1)),
    call([0x12, 0x96, 0xee, 0x62], 0, Some(1)),
    // ERC-1363: transferFromAndCall(address,address,uint256) and with bytes
    call([0xd8, 0xfb, 0xe9, 0x94], 1, Some(2)),
    call([0xc1, 0xd3, 0x4b, 0x89], 1, Some(2)),
    // approveAndCall(address,uint256) and with bytes
    call([0x31, 0x77, 0x02, 0x9f], 0, Some(1)),
    call([0xca, 0xe9, 0xca, 0x51], 0, Some(1)),
    // ERC-777: send(address,uint256,bytes)
    call([0x9b, 0xd9, 0xbb, 0xc6], 0, Some(1)),
    // operatorSend(address,address,uint256,bytes,bytes)
    call([0x62, 0xad, 0x1b, 0x83], 1, Some(2)),
    // authorizeOperator(address)
    call([0x95, 0x9b, 0x8c, 0x3f], 0, None),
];

const fn call(selector: [u8; 4], recipient: usize, amount: Option<usize>) -> TokenCall {
    TokenCall {
        selector,
        recipient,
        amount,
    }
}

impl Transaction {
    /// What it does: the callee and, of a known token call, who gets the tokens.
    pub(crate) fn effects(&self) -> Effects {
        let transaction = &self.unsigned;
        let spent = transaction.value().saturating_add(self.fee());
        let data = transaction.input();
        let mut effects = Effects {
            amounts: vec![(Asset::Native, spent)],
            data: data.to_vec(),
            ..Effects::default()
        };
        // So that no address is read across two of its parts.
        effects.data.push(0);
        for item in transaction
            .access_list()
            .into_iter()
            .flat_map(|list| &list.0)
        {
            effects.mentioned.push(Account::Evm(item.address));
            for key in &item.storage_keys {
                effects.data.extend(key.as_slice());
                effects.data.push(0);
            }
        }
        match transaction.kind() {
            TxKind::Create => {
                effects.unseen.recipients = Some("what a new contract does");
            }
            TxKind::Call(to) => {
                effects.recipients.push(Account::Evm(to));
                token_call(&mut effects, to, data);
            }
        }
        effects
    }
}

/// Adds what a call of `contract` does if it is a token.
fn token_call(effects: &mut Effects, contract: Address, data: &[u8]) {
    let asset = Asset::Evm(contract);
    let Some((selector, arguments)) = data.split_first_chunk::<4>() else {
        if !data.is_empty() {
            effects.unseen.amount_of = Some((asset, "what this call of the token does"));
        }
        return;
    };
    let Some(known) = TOKEN_CALLS.iter().find(|call| call.selector == *selector) else {
        effects.unseen.amount_of = Some((asset, "what this call of the token does"));
        return;
    };
    let Some(recipient) = word(arguments, known.recipient).and_then(address) else {
        effects.unseen.recipients = Some("who gets the tokens of a call that is cut short");
        effects.unseen.amount_of = Some((asset, "the amount of a call that is cut short"));
        return;
    };
    effects.recipients.push(Account::Evm(recipient));
    match known.amount.map(|place| word(arguments, place)) {
        Some(Some(amount)) => {
            effects.amounts.push((asset, U256::from_be_slice(amount)));
        }
        Some(None) => {
            effects.unseen.amount_of = Some((asset, "the amount of a call that is cut short"))
        }
        None => effects.unseen.amount_of = Some((asset, "how much this call of the token moves")),
    }
}

fn word(arguments: &[u8], place: usize) -> Option<&[u8]> {
    let start = place.checked_mul(WORD_BYTES)?;
    arguments.get(start..start.checked_add(WORD_BYTES)?)
}

/// The address in a word; contracts ignore the twelve bytes before it, so they are not looked at.
fn address(word: &[u8]) -> Option<Address> {
    Some(Address::from_slice(word.get(12..)?))
}

impl TypedData {
    /// What it does: nobody can tell but the contract that reads it.
    ///
    /// A permit or an order moves tokens as surely as a transaction does.
    pub(crate) fn effects(&self) -> Effects {
        let mut effects = Effects {
            unseen: Unseen {
                recipients: Some("whom typed data lets spend"),
                amounts: Some("what typed data gives away"),
                ..Unseen::default()
            },
            ..Effects::default()
        };
        let domain = &self.data.domain;
        if let Some(contract) = domain.verifying_contract {
            effects.mentioned.push(Account::Evm(contract));
        }
        let data = &mut effects.data;
        for text in [&domain.name, &domain.version].into_iter().flatten() {
            data.extend(text.as_bytes());
            data.push(0);
        }
        data.extend(domain.salt.unwrap_or_default().as_slice());
        data.push(0);
        typed_value::bytes(&self.value, data);
        effects
    }
}
