//! Multiplication: random vector OLE, `DKLs23` (ePrint 2023/765) Protocol 5.2 with ℓ = 2.
//!
//! Alice brings `a = (a_1, a_2) ∈ Z_q²`, Bob draws `b`; they get additive shares of both products:
//! `c_i + d_i = a_i·b`. Bob's one `b` serves both (the paper's forced reuse), since one set of
//! choice bits does.
//!
//! ```text
//! Bob                                                   Alice
//! β ← {0,1}^ξ,  b = ⟨g, β⟩     ── OT extension ──▶
//!                                                       â ← Z_q,  α = (a_1, a_2, â)
//!                                                       z^A_j = P(j, w_j) ∈ Z_q³
//!                              ◀────── ã ──────         ã_j = P(j, w_j ⊕ Δ) − z^A_j + α
//! z^B_j = β_j·ã_j − P(j, v_j)
//! θ = RO(ã) ∈ Z_q²                                      η = â + ⟨θ, a⟩,  r_j = z^A_{j,3} + ⟨θ, z^A_j⟩
//!                              ◀───── η, μ ────         μ = RO(r_1 ‖ … ‖ r_ξ)
//! μ ≟ RO(… ‖ β_j·η − z^B_{j,3} − ⟨θ, z^B_j⟩ ‖ …)
//! d_i = Σ_j g_j·z^B_{j,i}                               c_i = Σ_j g_j·z^A_{j,i}
//! ```
//!
//! Since `z^A_j + z^B_j = β_j·α`.
//!
//! | parameter | value | why |
//! |---|---|---|
//! | κ = \|q\| | 256 | |
//! | λ_c, λ_s | 128, 80 | computational and statistical security |
//! | ξ = κ + 2·λ_s | 416 | OTs: the choice bits that Alice may guess leave b uniform |
//! | ρ = ⌈λ_c / κ⌉ | 1 | check columns: a false `α_j` passes for one θ in q ≈ 2^256, so Alice may try 2^128 of them |
//! | g | 416 scalars, hashed from a constant | gadget: public, nothing up anybody's sleeve |
//!
//! # What falls without which part
//!
//! - **The check of μ.** Alice can use another `α_j` in one row: whether the signature
//!   then works out tells her β_j. With all of them she knows b, then by ψ Bob's φ; and where Bob
//!   is the client, its (w, u) then give its share of the key.
//! - **The 2·λ_s bits more than κ.** Under the check she can still guess: each false row passes with
//!   probability ½ and tells one β_j. k guesses are right with probability 2^−k, and leave b within
//!   2^−(λ_s − k/2) of uniform (leftover hash lemma): together below 2^−λ_s for every k.
//! - **g uniform.** Were the first 256 elements powers of two, guesses would tell bits of b.
//! - **θ after ã.** Known before, a false row could be chosen to pass.
//! - **What is fresh in P.** P's key hangs on Bob's whole message and on something that Alice drew, besides the
//!   session. Were it the session alone, a session that came twice would give `P(v) − P(v ⊕ Δ)` once with either sign:
//!   where β_j differs, the two ã_j add up to 2·α.
//! - **A strike at a failure.** β is fresh in each session, but the functionality that the paper realises
//!   ends for good when a check fails, and so does the pair.

use std::sync::LazyLock;

use k256::elliptic_curve::ops::Reduce as _;
use k256::{FieldBytes, Scalar};
use rand_core::CryptoRng;
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};
use zeroize::Zeroizing;

use super::Secp256k1;
use super::base_ot::BothSeeds;
use super::inner_product::InnerProduct;
use super::ot_extension::{self, Choices, OTS, Rows};
use super::setup::AliceSeeds;
use crate::Check;
use crate::ct::declassify;
use crate::group::{Group as _, random_scalar};
use crate::hash::{ORACLE_BYTES, SessionOracle, TaggedHash};
use crate::wire::{Malformed, Reader};

pub(super) const SCALAR_BYTES: usize = 32;
/// ℓ + ρ.
const COLUMNS: usize = 3;
const ROW_BYTES: usize = COLUMNS * SCALAR_BYTES;
const CORRECTION_BYTES: usize = OTS * ROW_BYTES;
// A row that outgrew what the oracle says would go out unmasked.
const _: () = assert!(ROW_BYTES <= ORACLE_BYTES);

/// Length of Bob's message.
pub(super) const BOB_BYTES: usize = ot_extension::MESSAGE_BYTES;
/// Length of Alice's message: ã, η, μ.
pub(super) const ALICE_BYTES: usize = CORRECTION_BYTES + SCALAR_BYTES + 32;

/// Shares of both products.
pub(super) type Shares = Zeroizing<[Scalar; 2]>;
type Row = [Scalar; COLUMNS];

/// Bob between his message and Alice's.
#[cfg_attr(any(test, feature = "attack"), derive(Clone))]
pub(super) struct Bob {
    /// A hash of the session and of his message.
    spoken: [u8; 32],
    beta: Zeroizing<Choices>,
    b: Zeroizing<Scalar>,
    v: Rows,
}

impl Bob {
    /// Draws b, and writes the message to Alice. `session` must be fresh by Bob's doing.
    pub(super) fn start(
        seeds: &BothSeeds,
        session: &[u8; 32],
        rng: &mut impl CryptoRng,
        message: &mut Vec<u8>,
    ) -> Self {
        let mut beta: Zeroizing<Choices> = Zeroizing::new([0; OTS / 8]);
        rng.fill_bytes(beta.as_mut_slice());
        let start = message.len();
        let v = ot_extension::receive(seeds, session, &beta, rng, message);
        let mut b = Zeroizing::new(Scalar::ZERO);
        for (bit, g) in bits(&beta).zip(gadget()) {
            *b += Scalar::conditional_select(&Scalar::ZERO, g, bit);
        }
        Self {
            spoken: spoken(session, message.get(start..).unwrap_or_default()),
            beta,
            b,
            v,
        }
    }

    /// b, the factor that Bob drew.
    pub(super) fn factor(&self) -> &Scalar {
        &self.b
    }

    /// Takes Alice's message, and what makes her session fresh; gives d.
    pub(super) fn finish(
        self,
        alice_fresh: &[u8],
        message: &AliceMessage<'_>,
    ) -> Result<Shares, Check> {
        let session = answered(&self.spoken, alice_fresh);
        let mut pads = pads(&session);
        let mut weights = Weights::after(&session, message.corrections);
        let mut d = [InnerProduct::default(), InnerProduct::default()];
        // The peer knows these rows: there is nothing to erase.
        let mut rows = Vec::with_capacity(OTS * SCALAR_BYTES);
        let choices = bits(&self.beta).zip(gadget());
        let given = message.rows.iter().zip(self.v.iter());
        let mut z = Zeroizing::new(Row::default());
        for (j, ((bit, g), (correction, v))) in (0..).zip(choices.zip(given)) {
            pad(&mut pads, j, *v, &mut z);
            for (z, correction) in z.iter_mut().zip(correction) {
                *z = Scalar::conditional_select(&Scalar::ZERO, correction, bit) - *z;
            }
            let eta = Scalar::conditional_select(&Scalar::ZERO, &message.eta, bit);
            rows.extend_from_slice(&(eta - weights.of(&z)).to_bytes());
            accumulate(&mut d, g, &z);
        }
        let agrees = digest(&session, &rows).ct_eq(message.mu);
        if declassify(agrees) {
            Ok(shares(&d))
        } else {
            Err(Check::Multiplication)
        }
    }
}

/// Alice's whole part: takes Bob's message, writes hers to `message`, and gives c. `fresh` is of her own
/// drawing, and known to Bob.
pub(super) fn alice(
    AliceSeeds { delta, seeds }: &AliceSeeds,
    session: &[u8; 32],
    fresh: &[u8],
    bob: &[u8; BOB_BYTES],
    a: &[Scalar; 2],
    rng: &mut impl CryptoRng,
    message: &mut Vec<u8>,
) -> Result<Shares, Check> {
    let w = ot_extension::send(**delta, seeds, session, bob)
        .map_err(|ot_extension::Inconsistent| Check::OtExtension)?;
    let session = answered(&spoken(session, bob), fresh);
    let [a1, a2] = a;
    let a_hat = random_scalar::<Secp256k1>(rng);
    let alpha = Zeroizing::new([*a1, *a2, *a_hat]);

    let mut pads = pads(&session);
    let start = message.len();
    let mut z = Zeroizing::new(vec![Row::default(); OTS]);
    let mut one = Zeroizing::new(Row::default());
    for (j, (w, zero)) in (0..).zip(w.iter().zip(z.iter_mut())) {
        pad(&mut pads, j, *w, zero);
        pad(&mut pads, j, *w ^ **delta, &mut one);
        for ((zero, one), alpha) in zero.iter().zip(one.iter()).zip(alpha.iter()) {
            message.extend_from_slice(&(*one - (*zero - alpha)).to_bytes());
        }
    }
    let mut weights = Weights::after(&session, message.get(start..).unwrap_or_default());
    let mut c = [InnerProduct::default(), InnerProduct::default()];
    // The peer knows these rows: there is nothing to erase.
    let mut rows = Vec::with_capacity(OTS * SCALAR_BYTES);
    for (z, g) in z.iter().zip(gadget()) {
        rows.extend_from_slice(&weights.of(z).to_bytes());
        accumulate(&mut c, g, z);
    }
    message.extend_from_slice(&weights.of(&alpha).to_bytes());
    message.extend_from_slice(&digest(&session, &rows));
    Ok(shares(&c))
}

/// Alice's message, decoded: whatever is wrong with it, it is wrong with before anything secret is
/// looked at.
pub(super) struct AliceMessage<'a> {
    corrections: &'a [u8],
    rows: Vec<Row>,
    eta: Scalar,
    mu: &'a [u8],
}

impl<'a> AliceMessage<'a> {
    /// Reads it; refuses scalars that are not below q.
    pub(super) fn read(body: &mut Reader<'a>) -> Result<Self, Malformed> {
        let corrections = body.take(CORRECTION_BYTES)?;
        let mut rows = Vec::with_capacity(OTS);
        let mut unread = Reader::new(corrections);
        for _ in 0..OTS {
            rows.push([
                scalar(&mut unread)?,
                scalar(&mut unread)?,
                scalar(&mut unread)?,
            ]);
        }
        Ok(Self {
            corrections,
            rows,
            eta: scalar(body)?,
            mu: body.take(32)?,
        })
    }
}

/// A scalar below q.
pub(super) fn scalar(body: &mut Reader<'_>) -> Result<Scalar, Malformed> {
    Secp256k1::decode_scalar(&body.array()?).ok_or(Malformed)
}

/// The gadget vector g.
fn gadget() -> &'static [Scalar] {
    static GADGET: LazyLock<Vec<Scalar>> = LazyLock::new(|| {
        let mut stream = TaggedHash::new("VOLE gadget").stream();
        let mut wide = [0; 64];
        let scalar = |_| {
            stream.fill(&mut wide);
            Secp256k1::reduce(&wide)
        };
        (0..OTS).map(scalar).collect()
    });
    &GADGET
}

/// The session after Bob's message.
fn spoken(session: &[u8; 32], bob: &[u8]) -> [u8; 32] {
    TaggedHash::new("VOLE, Bob has spoken")
        .field(session)
        .long_field(bob)
        .short()
}

/// What pads and checks are bound to.
fn answered(spoken: &[u8; 32], alice_fresh: &[u8]) -> [u8; 32] {
    TaggedHash::new("VOLE, Alice answers")
        .field(spoken)
        .field(alice_fresh)
        .short()
}

/// β, bit by bit.
fn bits(beta: &Choices) -> impl Iterator<Item = Choice> + '_ {
    beta.iter()
        .flat_map(|byte| (0..8).map(move |bit| Choice::from(byte >> bit & 1)))
}

/// P: what a row of the extension stands for in `Z_q³`.
fn pads(session: &[u8; 32]) -> SessionOracle {
    SessionOracle::new(TaggedHash::new("VOLE pad").field(session))
}

/// 32 bytes are enough for each scalar: q is so near to 2^256 that reducing them is within 2^−127
/// of uniform.
fn pad(pads: &mut SessionOracle, j: u16, row: u128, scalars: &mut Row) {
    let output = pads.ask(j, &row.to_le_bytes());
    for (scalar, bytes) in scalars.iter_mut().zip(output.as_chunks::<SCALAR_BYTES>().0) {
        *scalar = Scalar::reduce(&FieldBytes::from(*bytes));
    }
}

/// θ.
struct Weights {
    theta: [Scalar; 2],
    sum: InnerProduct,
}

impl Weights {
    /// θ, from all corrections.
    fn after(session: &[u8; 32], corrections: &[u8]) -> Self {
        let mut stream = TaggedHash::new("VOLE check")
            .field(session)
            .long_field(corrections)
            .stream();
        let theta = [(); 2].map(|()| {
            let mut wide = [0; 64];
            stream.fill(&mut wide);
            Secp256k1::reduce(&wide)
        });
        Self {
            theta,
            sum: InnerProduct::default(),
        }
    }

    /// `z_3 + ⟨θ, z⟩`.
    fn of(&mut self, [z1, z2, z3]: &Row) -> Scalar {
        let [theta1, theta2] = &self.theta;
        self.sum.clear();
        self.sum.add(theta1, z1);
        self.sum.add(theta2, z2);
        self.sum.reduce_two() + z3
    }
}

fn accumulate(sums: &mut [InnerProduct; 2], g: &Scalar, z: &Row) {
    for (sum, z) in sums.iter_mut().zip(z) {
        sum.add(g, z);
    }
}

fn shares([first, second]: &[InnerProduct; 2]) -> Shares {
    Zeroizing::new([first.reduce(), second.reduce()])
}

fn digest(session: &[u8; 32], rows: &[u8]) -> [u8; 32] {
    TaggedHash::new("VOLE rows")
        .field(session)
        .long_field(rows)
        .short()
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;
    use crate::attack::scenes::{seeded, signing_pair};

    const SESSION: [u8; 32] = [7; 32];
    const FRESH: &[u8] = b"fresh";

    /// The server is Bob, the client Alice.
    fn bob(message: &mut Vec<u8>) -> Bob {
        let (_, server) = signing_pair().unwrap();
        Bob::start(
            &server.secp256k1.setup.bob,
            &SESSION,
            &mut seeded("bob"),
            message,
        )
    }

    fn factors() -> [Scalar; 2] {
        [(); 2].map(|()| *random_scalar::<Secp256k1>(&mut seeded("a")))
    }

    #[test]
    fn shares_add_up_to_the_products() {
        let mut first = Vec::new();
        let bob = bob(&mut first);
        let b = *bob.factor();
        let (client, _) = signing_pair().unwrap();
        let mut second = Vec::new();
        let a = factors();
        let c = alice(
            &client.secp256k1.setup.alice,
            &SESSION,
            FRESH,
            first.as_slice().try_into().unwrap(),
            &a,
            &mut seeded("alice"),
            &mut second,
        )
        .unwrap();
        let message = AliceMessage::read(&mut Reader::new(&second)).unwrap();
        let d = bob.finish(FRESH, &message).unwrap();
        for i in 0..2 {
            assert_eq!(c[i] + d[i], a[i] * b);
        }
    }

    /// An Alice that uses another factor in row `j`, and says what Bob would compute if β_j were `guess`.
    fn guesses(j: usize, guess: bool) -> (bool, bool) {
        let mut first = Vec::new();
        let bob = bob(&mut first);
        let bit = bob.beta[j / 8] >> (j % 8) & 1 == 1;
        let (client, _) = signing_pair().unwrap();
        let AliceSeeds { delta, seeds } = &client.secp256k1.setup.alice;
        let first: &[u8; BOB_BYTES] = first.as_slice().try_into().unwrap();
        let w = ot_extension::send(**delta, seeds, &SESSION, first).unwrap();
        let session = answered(&spoken(&SESSION, first), FRESH);
        let mut pads = pads(&session);
        let [a1, a2] = factors();
        let alpha = [a1, a2, *random_scalar::<Secp256k1>(&mut seeded("hat"))];
        let shift = Scalar::from(5_u64);
        let mut message = Vec::new();
        let mut rows = Vec::new();
        for (row, w) in (0..).zip(w.iter()) {
            let (mut zero, mut one) = (Row::default(), Row::default());
            pad(&mut pads, row, *w, &mut zero);
            pad(&mut pads, row, *w ^ **delta, &mut one);
            for column in 0..COLUMNS {
                let is_lie = usize::from(row) == j && column == 0;
                let alpha = alpha[column] + if is_lie { shift } else { Scalar::ZERO };
                message.extend_from_slice(&(one[column] - zero[column] + alpha).to_bytes());
            }
            rows.push(zero);
        }
        let mut weights = Weights::after(&session, &message);
        let theta = weights.theta[0];
        let mut claimed = Vec::new();
        for (row, z) in rows.iter().enumerate() {
            let guessed = row == j && guess;
            let off = if guessed { theta * shift } else { Scalar::ZERO };
            claimed.extend_from_slice(&(weights.of(z) - off).to_bytes());
        }
        message.extend_from_slice(&weights.of(&alpha).to_bytes());
        message.extend_from_slice(&digest(&session, &claimed));
        let message = AliceMessage::read(&mut Reader::new(&message)).unwrap();
        (bit, bob.finish(FRESH, &message).is_ok())
    }

    /// She is taken where the guess is right: one bit of β, at the price of a strike where it is wrong.
    #[test]
    fn a_cheat_that_knows_better_still_has_to_guess() {
        for j in (0..OTS).step_by(13) {
            for guess in [false, true] {
                let (bit, taken) = guesses(j, guess);
                assert_eq!(taken, bit == guess, "row {j}");
            }
        }
    }
}
