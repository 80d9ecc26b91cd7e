//! Solana: whom programs pay, what they may write, and what leaves with fees and tokens.

use portal_chains::{Asset, PolicyRefusal};
use proptest::prelude::*;
use serde_json::json;
use solana_address::Address;
use solana_instruction::{AccountMeta, Instruction};

use super::{
    SOLANA_THIEF, THIEF, TOKEN_PROGRAM, account, blocked, cap, check, is_unseen, recipients,
    solana, token_call, wallet,
};
use crate::solana_transactions::{address, encode, legacy_message, system_transfer};

const TOKEN_2022: &str = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb";

proptest! {
    /// A cap holds exactly at its number, for any sum of transfers of a Solana transaction.
    #[test]
    fn a_cap_counts_all_transfers_of_a_solana_transaction(amounts in prop::collection::vec(0_u64..1 << 40, 1..6)) {
        let own = address(&wallet());
        let pay = |lamports: &u64| system_transfer(own, Address::from([9; 32]), *lamports);
        let message = legacy_message(own, &amounts.iter().map(pay).collect::<Vec<_>>());
        let params = json!([encode(&message.serialize())]);
        let total = amounts.iter().sum::<u64>() + 5_000;
        let exact = cap("solana", Asset::Native, total);
        prop_assert_eq!(check(&exact, "solana", "sol_signTransaction", &params), Ok(()));
        let less = cap("solana", Asset::Native, total - 1);
        let refused = check(&less, "solana", "sol_signTransaction", &params);
        prop_assert!(matches!(refused, Err(PolicyRefusal::Value { .. })), "{refused:?}");
    }
}

#[test]
fn solana_recipients_are_whom_known_programs_pay_and_what_others_may_write() {
    let own = address(&wallet());
    let (friend, thief) = (Address::from([9; 32]), Address::from([8; 32]));
    let (friend_text, thief_text) = (friend.to_string(), thief.to_string());
    let allowed = recipients(&[&friend_text]);
    assert_eq!(solana(&allowed, &[system_transfer(own, friend, 1)]), Ok(()));
    let pays_thief = [
        system_transfer(own, friend, 1),
        system_transfer(own, thief, 1),
    ];
    let refused = solana(&allowed, &pays_thief);
    assert!(
        matches!(refused, Err(PolicyRefusal::Recipient { .. })),
        "{refused:?}"
    );
    let refused = solana(&blocked(account(&thief_text)), &pays_thief);
    assert!(
        matches!(refused, Err(PolicyRefusal::Blocked { .. })),
        "{refused:?}"
    );

    let program = Address::from([7; 32]);
    let writes = |who, may_write: bool| Instruction {
        program_id: program,
        accounts: vec![
            AccountMeta::new(own, true),
            if may_write {
                AccountMeta::new(who, false)
            } else {
                AccountMeta::new_readonly(who, false)
            },
        ],
        data: vec![1],
    };
    let trusted = recipients(&[&program.to_string()]);
    assert_eq!(solana(&trusted, &[writes(thief, false)]), Ok(()));
    let refused = solana(&trusted, &[writes(thief, true)]);
    assert!(
        matches!(refused, Err(PolicyRefusal::Recipient { .. })),
        "{refused:?}"
    );
    let refused = solana(&allowed, &[writes(friend, true)]);
    assert!(
        matches!(refused, Err(PolicyRefusal::Recipient { .. })),
        "the program itself: {refused:?}"
    );
    is_unseen(solana(
        &cap("solana", Asset::Native, u64::MAX),
        &[writes(friend, true)],
    ));
}

#[test]
fn solana_tokens_are_capped_by_their_mint() {
    let own = address(&wallet());
    let program: Address = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
        .parse()
        .expect("a program");
    let (source, mint, target) = (
        Address::from([4; 32]),
        Address::from([5; 32]),
        Address::from([6; 32]),
    );
    let transfer = |tag: u8, amount: u64| Instruction {
        program_id: program,
        accounts: vec![
            AccountMeta::new(source, false),
            AccountMeta::new_readonly(mint, false),
            AccountMeta::new(target, false),
            AccountMeta::new_readonly(own, true),
        ],
        data: [&[tag][..], &amount.to_le_bytes(), &[6]].concat(),
    };
    let policy = cap("solana", Asset::Solana(mint.to_bytes()), 100);
    assert_eq!(solana(&policy, &[transfer(12, 100)]), Ok(()));
    for instructions in [
        vec![transfer(12, 101)],
        vec![transfer(12, 60), transfer(12, 60)],
        vec![transfer(13, 101)],
    ] {
        let refused = solana(&policy, &instructions);
        assert!(
            matches!(refused, Err(PolicyRefusal::Value { .. })),
            "{refused:?}"
        );
    }
    // The plain Transfer does not name its mint.
    is_unseen(solana(&policy, &[transfer(3, 1)]));
    let other = cap("solana", Asset::Solana([1; 32]), 0);
    assert_eq!(solana(&other, &[transfer(12, 5)]), Ok(()));
    let allowed = recipients(&[&target.to_string()]);
    assert_eq!(solana(&allowed, &[transfer(12, 5)]), Ok(()));
    let refused = solana(&recipients(&[&source.to_string()]), &[transfer(12, 5)]);
    assert!(
        matches!(refused, Err(PolicyRefusal::Recipient { .. })),
        "{refused:?}"
    );
}

/// A priority fee leaves the wallet as surely as a transfer.
#[test]
fn solana_priority_fees_count() {
    let own = address(&wallet());
    let budget: Address = "ComputeBudget111111111111111111111111111111"
        .parse()
        .expect("a program");
    let set = |data: Vec<u8>| Instruction {
        program_id: budget,
        accounts: vec![],
        data,
    };
    let price = set([&[3][..], &2_000_000_u64.to_le_bytes()].concat());
    let limit = set([&[2][..], &1_000_u32.to_le_bytes()].concat());
    let pay = system_transfer(own, Address::from([9; 32]), 1);
    let most = |instructions: &[Instruction], lamports| {
        let exact = solana(&cap("solana", Asset::Native, lamports), instructions);
        assert_eq!(exact, Ok(()), "{lamports}");
        solana(&cap("solana", Asset::Native, lamports - 1), instructions).expect_err("one less");
    };
    most(
        &[price.clone(), limit.clone(), pay.clone()],
        1 + 5_000 + 2_000,
    );
    most(&[price.clone(), pay.clone()], 1 + 5_000 + 2_800_000);
    // No transaction uses more, whatever it asks for; and a part of a lamport is one.
    let too_many = set([&[2][..], &2_000_000_u32.to_le_bytes()].concat());
    most(&[price, too_many, pay.clone()], 1 + 5_000 + 2_800_000);
    let cheap = set([&[3][..], &1_u64.to_le_bytes()].concat());
    most(&[cheap, limit, pay], 1 + 5_000 + 1);
}

/// Neither Solana nor Bitcoin signs the name of its network.
#[test]
fn a_cap_holds_on_whatever_cluster_is_named() {
    let own = address(&wallet());
    let message = legacy_message(own, &[system_transfer(own, Address::from([9; 32]), 10)]);
    let params = json!([encode(&message.serialize())]);
    let cap = cap("solana", Asset::Native, 9);
    for named in ["solana-devnet", "solana:11111111111111111111111111111112"] {
        let refused = check(&cap, named, "sol_signTransaction", &params);
        assert!(
            matches!(refused, Err(PolicyRefusal::Value { .. })),
            "{named}: {refused:?}"
        );
    }
}

/// What a lookup table stands for may be anybody, and may be written.
#[test]
fn accounts_of_a_lookup_table_are_not_seen() {
    use solana_message::{AddressLookupTableAccount, VersionedMessage, v0};
    let own = address(&wallet());
    let (program, thief) = (Address::from([7; 32]), Address::from([8; 32]));
    let call = Instruction {
        program_id: program,
        accounts: vec![
            AccountMeta::new(thief, false),
            AccountMeta::new_readonly(own, true),
        ],
        data: vec![3],
    };
    let table = AddressLookupTableAccount {
        key: Address::from([6; 32]),
        addresses: vec![thief],
    };
    let hash = solana_hash::Hash::new_from_array([7; 32]);
    let message = v0::Message::try_compile(&own, &[call], &[table], hash).expect("compiles");
    assert_eq!(message.address_table_lookups.len(), 1, "expected a lookup");
    let params = json!([encode(&VersionedMessage::V0(message).serialize())]);
    let method = "sol_signTransaction";
    let allowed = recipients(&[&program.to_string()]);
    is_unseen(check(&allowed, "solana", method, &params));
    let hidden = blocked(account(SOLANA_THIEF));
    is_unseen(check(&hidden, "solana", method, &params));
    let elsewhere = blocked(account(THIEF));
    assert_eq!(check(&elsewhere, "solana", method, &params), Ok(()));
}

/// A token program that is listed is trusted with what is read of it, and with nothing else.
#[test]
fn whoever_gets_tokens_or_an_account_is_a_recipient() {
    let own = address(&wallet());
    let [source, mint, thief] = [4, 5, 8].map(|byte| Address::from([byte; 32]));
    let amount = 7_u64.to_le_bytes();
    let authority = [&[6, 2, 1][..], thief.as_ref()].concat();
    for program in [TOKEN_PROGRAM, TOKEN_2022] {
        let trusted = recipients(&[program]);
        let with_thief = recipients(&[program, &thief.to_string()]);
        for (accounts, data) in [
            (&[source, thief, own][..], [&[3], &amount[..]].concat()),
            (&[source, thief, own], [&[4], &amount[..]].concat()),
            (&[source, own], authority.clone()),
            (&[source, thief, own], vec![9]),
            (&[source, mint, thief, own], [&[12], &amount[..]].concat()),
            (&[source, mint, thief, own], [&[13], &amount[..]].concat()),
        ] {
            let call = token_call(program, accounts, &data);
            let refused = solana(&trusted, std::slice::from_ref(&call));
            assert!(
                matches!(refused, Err(PolicyRefusal::Recipient { .. })),
                "{data:?}: {refused:?}"
            );
            assert_eq!(solana(&with_thief, &[call]), Ok(()), "{data:?}");
        }
        for data in [vec![7], vec![26, 1], authority[..20].to_vec(), vec![]] {
            let call = token_call(program, &[source, mint, thief], &data);
            is_unseen(solana(&with_thief, &[call]));
        }
        // Nobody gets anything; and what is closed comes back.
        for data in [vec![5], vec![17], vec![6, 3, 0], vec![9]] {
            let call = token_call(program, &[source, own], &data);
            assert_eq!(solana(&trusted, &[call]), Ok(()), "{data:?}");
        }
    }
    let assign = token_call("11111111111111111111111111111111", &[own], &[1, 0, 0, 0]);
    let system = recipients(&["11111111111111111111111111111111"]);
    is_unseen(solana(&system, &[assign]));
}

const ASSOCIATED_TOKEN: &str = "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL";

/// What System and the program of associated token accounts pay, and the rent with it.
#[test]
fn accounts_that_are_made_and_paid_are_counted() {
    const SYSTEM: &str = "11111111111111111111111111111111";
    let own = address(&wallet());
    let [friend, seeded, mint, ata] = [9, 8, 7, 6].map(|byte| Address::from([byte; 32]));
    let lamports = 50_u64.to_le_bytes();
    let create = [&[0, 0, 0, 0][..], &lamports, &[0; 40]].concat();
    let with_seed = [&[11, 0, 0, 0][..], &lamports, &[0; 40]].concat();
    for (call, amount) in [
        (token_call(SYSTEM, &[own, friend], &create), 50),
        (token_call(SYSTEM, &[seeded, own, friend], &with_seed), 50),
        (
            token_call(ASSOCIATED_TOKEN, &[own, ata, friend, mint], &[]),
            10_000_000,
        ),
        (
            token_call(ASSOCIATED_TOKEN, &[own, ata, friend, mint], &[1]),
            10_000_000,
        ),
    ] {
        let call = std::slice::from_ref(&call);
        assert_eq!(solana(&recipients(&[&friend.to_string()]), call), Ok(()));
        let refused = solana(&recipients(&[&ata.to_string(), ASSOCIATED_TOKEN]), call);
        assert!(
            matches!(refused, Err(PolicyRefusal::Recipient { .. })),
            "{call:?}: {refused:?}"
        );
        let exact = cap("solana", Asset::Native, amount + 5_000);
        assert_eq!(solana(&exact, call), Ok(()), "{call:?}");
        let refused = solana(&cap("solana", Asset::Native, amount + 4_999), call);
        assert!(
            matches!(refused, Err(PolicyRefusal::Value { .. })),
            "{call:?}: {refused:?}"
        );
    }
    // Nobody is paid by a memo, nor by a nonce that goes on.
    let nothing = cap("solana", Asset::Native, 5_000);
    let memo = "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr";
    for call in [
        token_call(memo, &[own], b"hi"),
        token_call(SYSTEM, &[seeded, own], &[4, 0, 0, 0]),
    ] {
        let call = std::slice::from_ref(&call);
        assert_eq!(solana(&recipients(&[]), call), Ok(()), "{call:?}");
        assert_eq!(solana(&nothing, call), Ok(()), "{call:?}");
    }
}

/// Whoever may take tokens or an account may take any number of them.
#[test]
fn calls_without_an_amount_do_not_pass_a_cap() {
    let own = address(&wallet());
    let [source, mint, thief] = [4, 5, 8].map(|byte| Address::from([byte; 32]));
    let amount = 7_u64.to_le_bytes();
    let authority = [&[6, 2, 1][..], thief.as_ref()].concat();
    let token = cap("solana", Asset::Solana(mint.to_bytes()), u64::MAX);
    for (program, accounts, data) in [
        (
            TOKEN_PROGRAM,
            &[source, thief, own][..],
            [&[4], &amount[..]].concat(),
        ),
        (TOKEN_PROGRAM, &[source, thief, own], vec![9]),
        (TOKEN_PROGRAM, &[source, own], authority),
        (TOKEN_PROGRAM, &[source, mint, thief], vec![7]),
        (ASSOCIATED_TOKEN, &[source, mint, thief, own], vec![2]),
    ] {
        is_unseen(solana(&token, &[token_call(program, accounts, &data)]));
    }
    // Not the program alone: what it is told here, nobody knows.
    let nested = token_call(ASSOCIATED_TOKEN, &[source, mint, thief, own], &[2]);
    let all = [source, mint, thief].map(|one| one.to_string());
    let [one, two, three] = &all;
    is_unseen(solana(
        &recipients(&[ASSOCIATED_TOKEN, one, two, three]),
        &[nested],
    ));
}
