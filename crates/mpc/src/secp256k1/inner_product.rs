//! Inner products of scalars, with one reduction modulo q at the end instead of one a term.

use std::sync::LazyLock;

use k256::Scalar;
use k256::elliptic_curve::bigint::{Limb, U256, U512};
use k256::elliptic_curve::ops::Reduce as _;
use subtle::{Choice, ConditionallySelectable as _};
use zeroize::Zeroize as _;

/// A sum of at most 2^32 products, in constant time. Erased when dropped.
#[derive(Default)]
pub(super) struct InnerProduct {
    /// The sum modulo 2^512.
    low: U512,
    /// How often it went over.
    carries: u32,
}

impl InnerProduct {
    /// Begins anew.
    pub(super) fn clear(&mut self) {
        self.low = U512::ZERO;
        self.carries = 0;
    }

    /// Adds `a·b`.
    pub(super) fn add(&mut self, a: &Scalar, b: &Scalar) {
        let (low, high) = U256::from(a).widening_mul(&U256::from(b));
        let product = low.concat(&high);
        let (sum, carry) = self.low.carrying_add(&product, Limb::ZERO);
        self.low = sum;
        self.carries = self.carries.wrapping_add(carry.0 as u32);
    }

    /// The sum modulo q.
    pub(super) fn reduce(&self) -> Scalar {
        Scalar::reduce(&self.low) + Scalar::from(self.carries) * *TWO_TO_512
    }

    /// The same of two products at most, which go over once at most.
    pub(super) fn reduce_two(&self) -> Scalar {
        let carry = Choice::from((self.carries & 1) as u8);
        Scalar::reduce(&self.low) + Scalar::conditional_select(&Scalar::ZERO, &TWO_TO_512, carry)
    }
}

/// 2^512 mod q.
static TWO_TO_512: LazyLock<Scalar> = LazyLock::new(|| Scalar::reduce(&U512::MAX) + Scalar::ONE);

impl Drop for InnerProduct {
    fn drop(&mut self) {
        self.low.zeroize();
        self.carries.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use k256::Scalar;
    use proptest::prelude::*;

    use super::InnerProduct;
    use crate::group::Group as _;
    use crate::secp256k1::Secp256k1;

    fn scalar() -> impl Strategy<Value = Scalar> {
        let uniform = any::<[[u8; 32]; 2]>()
            .prop_map(|halves| Secp256k1::reduce(&halves.as_flattened().try_into().unwrap()));
        prop_oneof![
            8 => uniform,
            1 => Just(Scalar::ZERO),
            4 => Just(-Scalar::ONE),
        ]
    }

    proptest! {
        #[test]
        fn it_is_what_reducing_every_term_gives(
            terms in prop_oneof![
                prop::collection::vec((scalar(), scalar()), 0..3),
                prop::collection::vec((scalar(), scalar()), 0..500),
            ]
        ) {
            let mut lazy = InnerProduct::default();
            let mut eager = Scalar::ZERO;
            for (a, b) in &terms {
                lazy.add(a, b);
                eager += *a * b;
            }
            prop_assert_eq!(lazy.reduce(), eager);
            if terms.len() <= 2 {
                prop_assert_eq!(lazy.reduce_two(), eager);
            }
        }
    }
}
