//! Rules that a request must keep before a wallet signs it.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::U256;

use crate::effects::{Asset, Effects};
use crate::{Account, ChainId, ChainRule, Request};

/// Rules for a wallet. Where a rule is absent it allows everything; where it stands, what it
/// would have to see and cannot is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Methods that may be signed.
    pub methods: Option<BTreeSet<String>>,
    /// Chains on which may be signed.
    pub chains: Option<BTreeSet<ChainRule>>,
    /// Who may be paid, called or let spend.
    pub recipients: Option<BTreeSet<Account>>,
    /// The most that one request may take out of the wallet, in the asset's smallest unit.
    pub value_caps: BTreeMap<(ChainId, Asset), U256>,
    /// Who may not be named anywhere in a request.
    pub blocked: BTreeSet<Account>,
    /// Whether messages pass that the rules on chains, recipients and values cannot see through:
    /// typed data, and bytes.
    pub trusts_messages: bool,
    /// Whether somebody else is shown what a request does, and judges by that.
    pub is_shown: bool,
}

/// Why a policy refuses a request. It says what of the request was refused, and not what the policy
/// would allow: whoever asks need not be the wallet's owner.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyRefusal {
    /// The method is not among those allowed.
    #[error("the method {method} is not allowed for this wallet")]
    Method {
        /// The method as it came.
        method: String,
    },
    /// The chain is not among those allowed.
    #[error("the chain {chain} is not allowed for this wallet")]
    Chain {
        /// The chain as it came.
        chain: ChainId,
    },
    /// Somebody would be paid, called or let spend who is not among those allowed.
    #[error("{recipient} is not among the recipients allowed for this wallet")]
    Recipient {
        /// Whose address it is.
        recipient: String,
    },
    /// More than the cap may leave the wallet.
    #[error("up to {amount} may leave the wallet on {chain}, fee included, which is over the cap")]
    Value {
        /// The chain.
        chain: ChainId,
        /// What the request may cost, in the asset's smallest unit.
        amount: U256,
    },
    /// Somebody is named whom the blocklist names.
    #[error("{account} is blocked")]
    Blocked {
        /// Whose address it is.
        account: String,
    },
    /// The rule cannot be held, since the request does not show what it needs.
    #[error("the rule on {rule} cannot be held: {unseen} cannot be seen")]
    Unseen {
        /// The rule.
        rule: &'static str,
        /// What cannot be seen.
        unseen: &'static str,
    },
}

impl PolicyRefusal {
    /// The stable id that callers branch on.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        match self {
            Self::Blocked { .. } => "ADDRESS_BLOCKED",
            Self::Method { .. }
            | Self::Chain { .. }
            | Self::Recipient { .. }
            | Self::Value { .. }
            | Self::Unseen { .. } => "FORBIDDEN",
        }
    }
}

impl Policy {
    /// Whether the wallet may sign this request, which has these effects.
    ///
    /// # Errors
    ///
    /// [`PolicyRefusal`], the first rule that is broken.
    pub fn check(
        &self,
        chain: &ChainId,
        method: &str,
        request: &Request,
        effects: &Effects,
    ) -> Result<(), PolicyRefusal> {
        self.check_method(method)?;
        self.check_chain(chain)?;
        self.check_blocked(request, effects)?;
        if self.trusts_messages && request.is_message() {
            return Ok(());
        }
        self.check_bound(chain, request, effects)?;
        self.check_recipients(request, effects)?;
        self.check_values(chain, effects)?;
        match effects.unseen.truth {
            Some(unseen) if self.is_shown => Err(PolicyRefusal::Unseen {
                rule: "approval",
                unseen,
            }),
            _ => Ok(()),
        }
    }

    fn check_method(&self, method: &str) -> Result<(), PolicyRefusal> {
        match &self.methods {
            Some(allowed) if !allowed.contains(method) => Err(PolicyRefusal::Method {
                method: crate::params::shortened(method),
            }),
            _ => Ok(()),
        }
    }

    fn check_chain(&self, chain: &ChainId) -> Result<(), PolicyRefusal> {
        match &self.chains {
            Some(allowed) if !allowed.iter().any(|one| one.is_of(chain)) => {
                Err(PolicyRefusal::Chain {
                    chain: chain.clone(),
                })
            }
            _ => Ok(()),
        }
    }

    /// A message that moves something must say on which chain, where not every chain will do.
    fn check_bound(
        &self,
        chain: &ChainId,
        request: &Request,
        effects: &Effects,
    ) -> Result<(), PolicyRefusal> {
        let whole = ChainRule::Whole(chain.namespace());
        let is_free = match &self.chains {
            None => true,
            Some(allowed) => allowed.contains(&whole),
        };
        if is_free || request.is_evm_of_one_chain() != Some(false) {
            return Ok(());
        }
        // Text moves nothing anywhere.
        effects.unseen.amounts.map_or(Ok(()), |_| {
            Err(PolicyRefusal::Unseen {
                rule: "chains",
                unseen: "for which chain a message without one is meant",
            })
        })
    }

    fn check_blocked(&self, request: &Request, effects: &Effects) -> Result<(), PolicyRefusal> {
        if let Some(account) = effects.first_named(&self.blocked) {
            let account = account.shown(request.bitcoin_network());
            return Err(PolicyRefusal::Blocked { account });
        }
        // Only Solana's accounts can stand where nothing shows them.
        let is_solana = |one: &Account| matches!(one, Account::Solana(_));
        match effects.unseen.mentioned {
            Some(unseen) if self.blocked.iter().any(is_solana) => Err(PolicyRefusal::Unseen {
                rule: "blocked addresses",
                unseen,
            }),
            _ => Ok(()),
        }
    }

    fn check_recipients(&self, request: &Request, effects: &Effects) -> Result<(), PolicyRefusal> {
        let Some(allowed) = &self.recipients else {
            return Ok(());
        };
        if let Some(unseen) = effects.unseen.recipients {
            let rule = "recipients";
            return Err(PolicyRefusal::Unseen { rule, unseen });
        }
        let stranger = effects.recipients.iter().find(|one| !allowed.contains(one));
        stranger.map_or(Ok(()), |stranger| {
            let recipient = stranger.shown(request.bitcoin_network());
            Err(PolicyRefusal::Recipient { recipient })
        })
    }

    fn check_values(&self, chain: &ChainId, effects: &Effects) -> Result<(), PolicyRefusal> {
        let caps = self
            .value_caps
            .iter()
            .filter(|((on, _), _)| is_same_money(on, chain));
        for ((_, asset), cap) in caps {
            let unseen = effects.unseen;
            let of_this = unseen.amount_of.filter(|(of, _)| of == asset);
            if let Some(unseen) = unseen.amounts.or(of_this.map(|(_, unseen)| unseen)) {
                let rule = "values";
                return Err(PolicyRefusal::Unseen { rule, unseen });
            }
            let amount = effects.amount(*asset);
            if amount > *cap {
                return Err(PolicyRefusal::Value {
                    chain: chain.clone(),
                    amount,
                });
            }
        }
        Ok(())
    }
}

/// Whether a signature for `chain` may move what is capped `on` a chain.
///
/// What is signed for Solana and Bitcoin does not name its network: whoever asks may say another.
fn is_same_money(on: &ChainId, chain: &ChainId) -> bool {
    on == chain || (on.namespace() == chain.namespace() && on.eip155_number().is_none())
}
