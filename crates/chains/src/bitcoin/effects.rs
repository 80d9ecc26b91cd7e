//! What a Bitcoin transaction does: everything is in its outputs.

use alloy_primitives::U256;

use super::{Transaction, own_script};
use crate::Account;
use crate::effects::{Asset, Effects, Unseen};

const UNPROVEN: &str =
    "what several inputs are worth, of which not each has its previousTransaction,";

impl Transaction {
    /// What it does: what this wallet puts in and does not get back, the fee with it.
    ///
    /// Where the values of inputs may be wrong, so may the fee in it; see [`Transaction`].
    pub(crate) fn effects(&self) -> Effects {
        let own = own_script(&self.key);
        let (back, paid): (Vec<_>, Vec<_>) = self
            .unsigned
            .output
            .iter()
            .partition(|output| output.script_pubkey == own);
        let put_in = self.spends.values().map(|value| value.to_sat());
        let got_back = back.iter().map(|output| output.value.to_sat());
        let spent = sum(put_in).saturating_sub(sum(got_back));
        // What comes back is the whole transaction's: it may be set against these inputs here,
        // and against others of this wallet in another request for the same transaction.
        let is_whole = self.spends.len() == self.unsigned.input.len();
        let others = "what the inputs that are not signed here are worth";
        let truth = (!self.are_values_true).then_some(UNPROVEN);
        let unseen = Unseen {
            amounts: truth.or((!is_whole).then_some(others)),
            truth,
            ..Unseen::default()
        };
        Effects {
            recipients: paid
                .iter()
                .map(|output| Account::Bitcoin(output.script_pubkey.clone()))
                .collect(),
            amounts: vec![(Asset::Native, U256::from(spent))],
            unseen,
            ..Effects::default()
        }
    }
}

fn sum(amounts: impl Iterator<Item = u64>) -> u64 {
    amounts.fold(0, u64::saturating_add)
}
