//! Instructions in words: transfers of SOL by amount, everything else by program.

use solana_address::Address;
use solana_message::VersionedMessage;
use solana_message::compiled_instruction::CompiledInstruction;

const MAX_DESCRIBED: usize = 4;
const SYSTEM_PROGRAM: Address = Address::new_from_array([0; 32]);
/// `SystemInstruction::Transfer`, a little-endian u32, before the lamports.
const TRANSFER_TAG: [u8; 4] = [2, 0, 0, 0];
const LAMPORTS_PER_SOL: u64 = 1_000_000_000;

/// The instructions in words, the first few of them.
pub(super) fn describe(message: &VersionedMessage) -> String {
    let instructions = message.instructions();
    let mut parts: Vec<_> = instructions
        .iter()
        .take(MAX_DESCRIBED)
        .map(|one| describe_one(message, one))
        .collect();
    match instructions.len().saturating_sub(MAX_DESCRIBED) {
        0 if parts.is_empty() => "no instructions".to_owned(),
        0 => parts.join(", "),
        more => {
            parts.push(format!("and {more} more"));
            parts.join(", ")
        }
    }
}

fn describe_one(message: &VersionedMessage, instruction: &CompiledInstruction) -> String {
    let keys = message.static_account_keys();
    let account = |index: u8| {
        keys.get(usize::from(index)).map_or_else(
            || "an account from a lookup table".to_owned(),
            ToString::to_string,
        )
    };
    let program = keys.get(usize::from(instruction.program_id_index));
    match (
        program,
        lamports(&instruction.data),
        instruction.accounts.as_slice(),
    ) {
        (Some(&SYSTEM_PROGRAM), Some(lamports), [from, to]) => {
            let (whole, rest) = (lamports / LAMPORTS_PER_SOL, lamports % LAMPORTS_PER_SOL);
            let (from, to) = (account(*from), account(*to));
            format!("send {whole}.{rest:09} SOL from {from} to {to}")
        }
        _ => format!("call program {}", account(instruction.program_id_index)),
    }
}

/// The amount, if the data is that of a system transfer.
fn lamports(data: &[u8]) -> Option<u64> {
    let amount = data.strip_prefix(&TRANSFER_TAG)?;
    amount.try_into().ok().map(u64::from_le_bytes)
}
