//! The two curves of a wallet.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// A curve on which a wallet holds a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Curve {
    /// secp256k1, for ECDSA (SEC 2 §2.4.1).
    #[serde(rename = "SECP256K1")]
    Secp256k1,
    /// Ed25519, for EdDSA (RFC 8032 §5.1).
    #[serde(rename = "ED25519")]
    Ed25519,
}

impl Curve {
    /// Both curves, in the order in which they stand in every list and message.
    pub const ALL: [Self; 2] = [Self::Secp256k1, Self::Ed25519];

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Secp256k1 => "SECP256K1",
            Self::Ed25519 => "ED25519",
        }
    }
}

impl fmt::Display for Curve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A curve name that is neither `SECP256K1` nor `ED25519`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected SECP256K1 or ED25519, got {given:?}")]
pub struct UnknownCurve {
    /// What was given.
    pub given: String,
}

impl FromStr for Curve {
    type Err = UnknownCurve;

    fn from_str(name: &str) -> Result<Self, UnknownCurve> {
        Self::ALL
            .into_iter()
            .find(|curve| curve.as_str() == name)
            .ok_or_else(|| UnknownCurve {
                given: name.to_owned(),
            })
    }
}

/// One value for each curve of a wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PerCurve<T> {
    /// The value for secp256k1.
    pub secp256k1: T,
    /// The value for Ed25519.
    pub ed25519: T,
}

impl<T> PerCurve<T> {
    /// Joins the values of both curves.
    pub const fn new(secp256k1: T, ed25519: T) -> Self {
        Self { secp256k1, ed25519 }
    }

    /// The value for `curve`.
    pub const fn of(&self, curve: Curve) -> &T {
        match curve {
            Curve::Secp256k1 => &self.secp256k1,
            Curve::Ed25519 => &self.ed25519,
        }
    }

    /// Borrows both values.
    pub const fn as_ref(&self) -> PerCurve<&T> {
        PerCurve::new(&self.secp256k1, &self.ed25519)
    }

    /// Applies `f` to both values.
    pub fn map<U>(self, mut f: impl FnMut(T) -> U) -> PerCurve<U> {
        PerCurve::new(f(self.secp256k1), f(self.ed25519))
    }

    /// Applies `f` to both values with their curve, stopping at the first error.
    ///
    /// # Errors
    ///
    /// The first error of `f`.
    pub fn try_map<U, E>(
        self,
        mut f: impl FnMut(Curve, T) -> Result<U, E>,
    ) -> Result<PerCurve<U>, E> {
        Ok(PerCurve::new(
            f(Curve::Secp256k1, self.secp256k1)?,
            f(Curve::Ed25519, self.ed25519)?,
        ))
    }

    /// Both values as an array, secp256k1 first.
    pub fn into_array(self) -> [T; 2] {
        [self.secp256k1, self.ed25519]
    }

    /// Both values with their curve, secp256k1 first.
    pub fn iter(&self) -> impl Iterator<Item = (Curve, &T)> {
        [
            (Curve::Secp256k1, &self.secp256k1),
            (Curve::Ed25519, &self.ed25519),
        ]
        .into_iter()
    }
}

impl<T: PartialEq> PerCurve<T> {
    /// The same two values in whichever order they are listed.
    ///
    /// Callers name pairs by a list of ids; the order in it carries no meaning.
    pub fn same_set(&self, listed: &[T]) -> bool {
        match listed {
            [a, b] => {
                (*a == self.secp256k1 && *b == self.ed25519)
                    || (*b == self.secp256k1 && *a == self.ed25519)
            }
            _ => false,
        }
    }
}
