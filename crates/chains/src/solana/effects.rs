//! What a Solana transaction does, as far as the programs that are known here tell.
//!
//! Of any other program only the accounts that it may write are known, not what it does with
//! them.

use alloy_primitives::U256;
use solana_address::Address;
use solana_message::compiled_instruction::CompiledInstruction;
use solana_message::{MessageHeader, VersionedMessage};

use super::{Transaction, account};
use crate::Account;
use crate::effects::{Asset, Effects};

pub(super) const SYSTEM: Address = Address::new_from_array([0; 32]);
const COMPUTE_BUDGET: Address =
    Address::from_str_const("ComputeBudget111111111111111111111111111111");
const MEMO: Address = Address::from_str_const("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr");
pub(super) const TOKEN: Address =
    Address::from_str_const("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA");
pub(super) const TOKEN_2022: Address =
    Address::from_str_const("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb");
pub(super) const ASSOCIATED_TOKEN: Address =
    Address::from_str_const("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL");

/// The rent of an account of up to 1,300 bytes: (128 + 1,300) · 6,960 and a little more.
const TOKEN_ACCOUNT_LAMPORTS: u64 = 10_000_000;
const LAMPORTS_PER_SIGNATURE: u64 = 5_000;
/// What a transaction may use at most, and uses if it does not say less.
const MAX_COMPUTE_UNITS: u64 = 1_400_000;

const HIDDEN_ACCOUNTS: &str = "accounts from an address lookup table";
const UNKNOWN_PROGRAM: &str = "what a program that is not known here does";
const UNKNOWN_CALL: &str = "what this call of a program of Solana's own does";
const OF_AN_ACCOUNT: &str = "what a token account holds";
const NO_MINT: &str = "whose token account a transfer pays that does not name its mint";

impl Transaction {
    /// What it does.
    pub(crate) fn effects(&self) -> Effects {
        let mut reading = self.read();
        if let Some(fee) = reading.fee() {
            reading.native(fee);
        }
        reading.effects
    }

    /// The fee in lamports, if it is this wallet that pays it.
    pub(super) fn fee(&self) -> Option<u64> {
        self.read().fee()
    }

    fn read(&self) -> Reading<'_> {
        let message = &self.unsigned.message;
        let keys = message.static_account_keys();
        let mut reading = Reading {
            own: account(&self.key),
            message,
            compute_units: MAX_COMPUTE_UNITS,
            micro_lamports: 0,
            effects: Effects {
                mentioned: keys.iter().map(|key| solana(*key)).collect(),
                ..Effects::default()
            },
        };
        if message
            .address_table_lookups()
            .is_some_and(|lookups| !lookups.is_empty())
        {
            reading.effects.unseen.mentioned = Some(HIDDEN_ACCOUNTS);
        }
        for instruction in message.instructions() {
            reading.effects.data.extend(&instruction.data);
            // So that no address is read across two instructions.
            reading.effects.data.push(0);
            reading.read(instruction);
        }
        reading
    }
}

/// Effects that grow instruction by instruction.
struct Reading<'a> {
    own: Address,
    message: &'a VersionedMessage,
    compute_units: u64,
    /// Price of a compute unit.
    micro_lamports: u64,
    effects: Effects,
}

impl Reading<'_> {
    fn read(&mut self, instruction: &CompiledInstruction) {
        let program = self.key(instruction.program_id_index);
        let accounts: Option<Vec<_>> = instruction
            .accounts
            .iter()
            .map(|index| self.key(*index))
            .collect();
        let known = match (program, accounts) {
            (Some(program), Some(accounts)) => self.known(program, &accounts, &instruction.data),
            _ => None,
        };
        match (known, program) {
            (Some(()), _) => {}
            // Whoever lists one of these trusts it with what is read here, and with nothing else.
            (None, Some(SYSTEM | TOKEN | TOKEN_2022 | ASSOCIATED_TOKEN)) => {
                self.effects.unseen.recipients = Some(UNKNOWN_CALL);
                self.effects.unseen.amounts = Some(UNKNOWN_CALL);
            }
            (None, _) => self.unknown(instruction),
        }
    }

    /// What an instruction of a known program does; none if it is not one of those known here.
    fn known(&mut self, program: Address, accounts: &[Address], data: &[u8]) -> Option<()> {
        match program {
            SYSTEM => self.system(accounts, data),
            COMPUTE_BUDGET => self.compute_budget(data),
            MEMO => Some(()),
            TOKEN | TOKEN_2022 => self.token(accounts, data),
            ASSOCIATED_TOKEN => self.associated_token(accounts, data),
            _ => None,
        }
    }

    /// CreateAccount, Transfer, AdvanceNonceAccount, TransferWithSeed: a tag, then lamports.
    fn system(&mut self, accounts: &[Address], data: &[u8]) -> Option<()> {
        let (tag, rest) = data.split_first_chunk::<4>()?;
        match (u32::from_le_bytes(*tag), accounts) {
            (0 | 2, [_, to]) => self.pay(*to, lamports(rest)?),
            (11, [_, _, to]) => self.pay(*to, lamports(rest)?),
            (4, _) => {}
            _ => return None,
        }
        Some(())
    }

    fn compute_budget(&mut self, data: &[u8]) -> Option<()> {
        let (tag, rest) = data.split_first()?;
        match tag {
            2 => self.compute_units = u32::from_le_bytes(*rest.first_chunk()?).into(),
            3 => self.micro_lamports = lamports(rest)?,
            _ => {}
        }
        Some(())
    }

    /// Who gets tokens, or may take them, or a token account as a whole.
    fn token(&mut self, accounts: &[Address], data: &[u8]) -> Option<()> {
        let (tag, rest) = data.split_first()?;
        match (tag, accounts) {
            // TransferChecked, ApproveChecked: the only ones that name their mint.
            (12 | 13, [_, mint, to, ..]) => {
                self.gets(*to);
                let asset = Asset::Solana(mint.to_bytes());
                let amount = U256::from(lamports(rest)?);
                self.effects.amounts.push((asset, amount));
            }
            // Transfer.
            (3, [_, to, ..]) => {
                self.gets(*to);
                self.effects.unseen.amounts = Some(OF_AN_ACCOUNT);
                let mentioned = &mut self.effects.unseen.mentioned;
                *mentioned = mentioned.or(Some(NO_MINT));
            }
            // Approve; CloseAccount, which gives away its lamports, wrapped ones too.
            (4 | 9, [_, to, ..]) => {
                self.gets(*to);
                self.effects.unseen.amounts = Some(OF_AN_ACCOUNT);
            }
            // SetAuthority: a kind, and to whom, if not to nobody.
            (6, [_, ..]) => {
                match rest {
                    [_, 0] => {}
                    [_, 1, authority @ ..] => {
                        let authority: [u8; 32] = authority.try_into().ok()?;
                        self.gets(authority.into());
                    }
                    _ => return None,
                }
                self.effects.unseen.amounts = Some(OF_AN_ACCOUNT);
            }
            // Revoke, SyncNative: nobody gets anything.
            (5 | 17, _) => {}
            _ => return None,
        }
        Some(())
    }

    fn gets(&mut self, who: Address) {
        if who != self.own {
            self.effects.recipients.push(solana(who));
        }
    }

    /// Create and CreateIdempotent: rent for an account of a wallet and mint that are named.
    fn associated_token(&mut self, accounts: &[Address], data: &[u8]) -> Option<()> {
        let [_, _, owner, ..] = accounts else {
            return None;
        };
        if !matches!(data, [] | [0 | 1]) {
            return None;
        }
        // Its owner gets the rent back by closing it.
        self.gets(*owner);
        self.native(TOKEN_ACCOUNT_LAMPORTS);
        Some(())
    }

    /// Everything that it may write, and the program itself, may get what is this wallet's.
    fn unknown(&mut self, instruction: &CompiledInstruction) {
        self.effects.unseen.amounts = Some(UNKNOWN_PROGRAM);
        let header = *self.message.header();
        let all = self.message.static_account_keys();
        let indices = instruction
            .accounts
            .iter()
            .filter(|index| is_writable(header, all.len(), usize::from(**index)))
            .chain([&instruction.program_id_index]);
        for index in indices {
            match self.key(*index) {
                Some(key) if key != self.own => self.effects.recipients.push(solana(key)),
                Some(_) => {}
                None => self.effects.unseen.recipients = Some(HIDDEN_ACCOUNTS),
            }
        }
    }

    fn pay(&mut self, to: Address, lamports: u64) {
        self.gets(to);
        self.native(lamports);
    }

    fn native(&mut self, lamports: u64) {
        let amount = (Asset::Native, U256::from(lamports));
        self.effects.amounts.push(amount);
    }

    /// The fee, if it is this wallet that pays it.
    fn fee(&self) -> Option<u64> {
        if self.message.static_account_keys().first() != Some(&self.own) {
            return None;
        }
        let signatures = u64::from(self.message.header().num_required_signatures);
        let units = u128::from(self.compute_units.min(MAX_COMPUTE_UNITS));
        let priority = units
            .saturating_mul(u128::from(self.micro_lamports))
            .div_ceil(1_000_000);
        let priority = u64::try_from(priority).unwrap_or(u64::MAX);
        let fee = LAMPORTS_PER_SIGNATURE.saturating_mul(signatures);
        Some(fee.saturating_add(priority))
    }

    fn key(&self, index: u8) -> Option<Address> {
        let keys = self.message.static_account_keys();
        keys.get(usize::from(index)).copied()
    }
}

/// Whether an account may be written, by its place among them ("Compact account array").
pub(super) fn is_writable(header: MessageHeader, accounts: usize, index: usize) -> bool {
    let signers = usize::from(header.num_required_signatures);
    // One of a lookup table: nobody knows.
    if index >= accounts {
        return true;
    }
    if index < signers {
        return index < signers.saturating_sub(header.num_readonly_signed_accounts.into());
    }
    index < accounts.saturating_sub(header.num_readonly_unsigned_accounts.into())
}

/// A little-endian u64 at the beginning.
fn lamports(data: &[u8]) -> Option<u64> {
    Some(u64::from_le_bytes(*data.first_chunk()?))
}

fn solana(address: Address) -> Account {
    Account::Solana(address.to_bytes())
}
