//! Associated token accounts: where an owner's tokens of a mint lie (SPL, "Associated Token Account
//! Program", "Finding the Associated Token Account address").

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use super::effects::{ASSOCIATED_TOKEN, SYSTEM, TOKEN, TOKEN_2022};
use crate::Account;

type Bytes = [u8; 32];

/// The first of these owners one of whose associated token accounts is mentioned, together with its
/// mint and its program.
pub(crate) fn first_token_owner<'a>(
    mentioned: &[Account],
    owners: &'a BTreeSet<Account>,
) -> Option<&'a Account> {
    let keys: BTreeSet<Bytes> = mentioned.iter().filter_map(bytes).collect();
    let programs = [TOKEN, TOKEN_2022].map(|program| program.to_bytes());
    let programs: Vec<_> = programs
        .into_iter()
        .filter(|program| keys.contains(program))
        .collect();
    if programs.is_empty() {
        return None;
    }
    let none_is_a_mint = [SYSTEM, TOKEN, TOKEN_2022, ASSOCIATED_TOKEN].map(|key| key.to_bytes());
    let mints = keys.iter().filter(|key| !none_is_a_mint.contains(key));
    let places: Vec<_> = programs
        .iter()
        .flat_map(|program| mints.clone().map(move |mint| (program, mint)))
        .collect();
    owners.iter().find(|owner| {
        let Some(owner) = bytes(owner) else {
            return false;
        };
        let mut places = places.iter();
        places.any(|(program, mint)| is_among(&keys, [&owner, program, mint]))
    })
}

/// Whether an account derived from these is among `keys`: the hash under the highest number with
/// which it is no point of the curve, so that nobody has its key.
fn is_among(keys: &BTreeSet<Bytes>, seeds: [&Bytes; 3]) -> bool {
    for bump in (0..=u8::MAX).rev() {
        let mut hash = Sha256::new();
        seeds.iter().for_each(|seed| hash.update(seed));
        hash.update([bump]);
        hash.update(ASSOCIATED_TOKEN.as_array());
        hash.update(b"ProgramDerivedAddress");
        let derived: Bytes = hash.finalize().into();
        if keys.contains(&derived) {
            return true;
        }
        if ed25519_dalek::VerifyingKey::from_bytes(&derived).is_err() {
            return false;
        }
    }
    false
}

fn bytes(account: &Account) -> Option<Bytes> {
    match account {
        Account::Solana(bytes) => Some(*bytes),
        Account::Evm(_) | Account::Bitcoin(_) => None,
    }
}
