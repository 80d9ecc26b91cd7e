//! What a rule on chains lists.

use std::fmt;
use std::str::FromStr;

use crate::{ChainError, ChainId, Namespace};

const WHOLE: &str = ":*";

/// A chain, or every chain of a namespace (`eip155:*`, `solana:*`, `bip122:*`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChainRule {
    /// This chain.
    One(ChainId),
    /// Every chain of the namespace.
    Whole(Namespace),
}

impl ChainRule {
    /// Whether a request for `chain` is one for this.
    #[must_use]
    pub fn is_of(&self, chain: &ChainId) -> bool {
        match self {
            Self::One(one) => one == chain,
            Self::Whole(namespace) => *namespace == chain.namespace(),
        }
    }

    /// The namespace, of which alone a request shows that it is for this: what is signed for a
    /// Solana cluster or a Bitcoin network names neither, so whoever asks may say another. None
    /// where the rule can be held as it stands.
    #[must_use]
    pub fn only_as(&self) -> Option<Self> {
        match self {
            Self::One(chain) if chain.eip155_number().is_none() => {
                Some(Self::Whole(chain.namespace()))
            }
            Self::One(_) | Self::Whole(_) => None,
        }
    }
}

impl FromStr for ChainRule {
    type Err = ChainError;

    fn from_str(text: &str) -> Result<Self, ChainError> {
        let all = [Namespace::Eip155, Namespace::Solana, Namespace::Bip122];
        let whole = text.strip_suffix(WHOLE);
        let namespace = all.into_iter().find(|one| whole == Some(one.as_str()));
        namespace.map_or_else(|| text.parse().map(Self::One), |one| Ok(Self::Whole(one)))
    }
}

impl fmt::Display for ChainRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(chain) => chain.fmt(f),
            Self::Whole(namespace) => write!(f, "{namespace}{WHOLE}"),
        }
    }
}
