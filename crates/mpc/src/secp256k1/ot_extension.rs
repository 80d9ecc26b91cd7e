//! OT extension: ξ = 416 random OTs of a session from the 128 base OTs of a pair.
//!
//! Roy, "SoftSpokenOT" (ePrint 2022/192), with k = 1: IKNP's extension under that paper's
//! consistency check. k = 2 would halve `u` (two of 8.7 KB in a signature's 98) for the price of
//! punctured PRF trees; at k = 1 the pair keeps plain seeds.
//!
//! The roles turn round: the extension's **receiver** was the base OTs' sender and has both seeds
//! `(k_0^i, k_1^i)` for each `i < κ = 128`; the **sender** was the base OTs' receiver and has
//! Δ ∈ {0,1}^κ and `k_{Δ_i}^i`.
//!
//! ```text
//! receiver, with x ∈ {0,1}^ξ and a pad of κ random bits behind it      sender
//! v^i = PRG(k_0^i)
//! u^i = v^i ⊕ PRG(k_1^i) ⊕ x                   ── u ──▶    w^i = PRG(k_{Δ_i}^i) ⊕ Δ_i·u^i
//! R = RO(u): a universal hash, linear
//! x̃ = R(x),  h = RO(R(v^1) ‖ … ‖ R(v^κ))       ── x̃, h ──▶  h ≟ RO(… ‖ R(w^i) ⊕ Δ_i·x̃ ‖ …)
//! ```
//!
//! Then `w^i = v^i ⊕ Δ_i·x`; read by rows, `w_j = v_j ⊕ x_j·Δ`.
//!
//! # What falls without which part
//!
//! - **The check.** A receiver that puts another `x` into one `u^i` makes that column's
//!   `w^i` depend on Δ_i alone; whether the signature then works out tells it Δ_i. 128 such
//!   sessions, and it has Δ, and with it every multiplication of the pair.
//! - **A strike at its failure.** Even with the check, each failed attempt tells one bit of Δ (did it
//!   fail?), and Δ lives as long as the pair. This is the "selective abort" of the audit of a
//!   `DKLs23` library by Trail of Bits (2023–2024) and the key recovery of GHSA-7f6p-phw2-8253. So
//!   [`Inconsistent`] becomes a strike, and a struck pair never computes again.
//! - **Field multiplication in R.** The second half of that advisory: a XOR in its place
//!   (a misprint of an early paper) leaves the check without a proof. R is POLYVAL (RFC 8452 §3):
//!   `Σ X_j·H^{n+1−j}` in GF(2^128), universal to `5·2^−128`.
//! - **R drawn after `u`.** Were it known before, two columns' deviations could be
//!   chosen to cancel. It is hashed from the session and all of `u` (Fiat–Shamir).
//! - **The pad.** x̃ is sent in clear; κ random bits at the end of `x`, under R a bijection, hide `x` in it.
//! - **The session in PRG.** Seeds are used in every signature; the same stream twice would give
//!   away `x ⊕ x'`. So `session` hangs on something that the receiver drew for this message.
//!
//! `h` is sent in the place of the κ values that it hashes: the sender can compute
//! them, so comparing hashes accepts and refuses the same (as the author's own code does), and 2 KB are saved.

use polyval::Polyval;
use polyval::universal_hash::UniversalHash as _;
use rand_core::CryptoRng;
use subtle::{ConditionallySelectable as _, ConstantTimeEq as _};
use zeroize::Zeroizing;

use super::base_ot::{BothSeeds, ChosenSeeds, OTS as KAPPA, Seed};
use crate::ct::declassify;
use crate::hash::{ORACLE_BYTES, SessionOracle, TaggedHash};

/// ξ: how many OTs there are.
pub(super) const OTS: usize = 416;
/// x, as bits: bit `j % 8` of byte `j / 8` is for OT `j`.
pub(super) type Choices = [u8; CHOICE_BYTES];
/// One row of κ bits for each OT.
pub(super) type Rows = Zeroizing<Vec<u128>>;

const CHOICE_BYTES: usize = OTS / 8;
const PAD_BYTES: usize = KAPPA / 8;
const COLUMN_BYTES: usize = CHOICE_BYTES + PAD_BYTES;
const TAG_BYTES: usize = 16;
const U_BYTES: usize = KAPPA * COLUMN_BYTES;
/// Length of the receiver's message: u, x̃, h.
pub(super) const MESSAGE_BYTES: usize = U_BYTES + TAG_BYTES + 32;

// A column that outgrew what the oracle says would go out unmasked.
const _: () = assert!(COLUMN_BYTES <= ORACLE_BYTES);

type Column = [u8; COLUMN_BYTES];
type Columns = Zeroizing<Vec<Column>>;

/// The receiver's columns do not hang together: it cheated, and may have learned a bit of Δ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Inconsistent;

/// The receiver's part: writes its message to `message`; gives the rows `v_j`.
pub(super) fn receive(
    seeds: &BothSeeds,
    session: &[u8; 32],
    choices: &Choices,
    rng: &mut impl CryptoRng,
    message: &mut Vec<u8>,
) -> Rows {
    let mut x = Zeroizing::new([0; COLUMN_BYTES]);
    let (head, pad) = x.split_at_mut(CHOICE_BYTES);
    head.copy_from_slice(choices);
    rng.fill_bytes(pad);

    let mut prg = prg(session);
    let mut v = columns();
    let start = message.len();
    let mut other = Zeroizing::new([0; COLUMN_BYTES]);
    for (i, ([seed0, seed1], v)) in (0..).zip(seeds.iter().zip(v.iter_mut())) {
        expand(&mut prg, i, seed0, v);
        expand(&mut prg, i, seed1, &mut other);
        let u = v.iter().zip(other.iter()).zip(x.iter());
        message.extend(u.map(|((v, other), x)| v ^ other ^ x));
    }
    let u = message.get(start..).unwrap_or_default();
    let hash = UniversalHash::after(session, u);
    message.extend_from_slice(&hash.of(&x).to_le_bytes());
    message.extend_from_slice(&tags_digest(session, v.iter().map(|v| hash.of(v))));
    transpose(&v)
}

/// The sender's part: takes the receiver's message, checks it, and gives the rows `w_j`.
pub(super) fn send(
    delta: u128,
    seeds: &ChosenSeeds,
    session: &[u8; 32],
    message: &[u8; MESSAGE_BYTES],
) -> Result<Rows, Inconsistent> {
    let (u, check) = message.split_at(U_BYTES);
    let (x_tag, digest) = check.split_at(TAG_BYTES);
    let mut prg = prg(session);
    let mut w = columns();
    let (u_columns, _) = u.as_chunks::<COLUMN_BYTES>();
    for (i, ((seed, u), w)) in (0..).zip(seeds.iter().zip(u_columns).zip(w.iter_mut())) {
        expand(&mut prg, i, seed, w);
        let mask = bit_mask(delta, i);
        for (w, u) in w.iter_mut().zip(u) {
            *w ^= u & mask;
        }
    }
    let hash = UniversalHash::after(session, u);
    let x_tag = x_tag.first_chunk().copied().map_or(0, u128::from_le_bytes);
    let tags = (0..).zip(w.iter()).map(|(i, w)| {
        let mask = u128::from_ne_bytes([bit_mask(delta, i); 16]);
        hash.of(w) ^ (x_tag & mask)
    });
    let consistent = tags_digest(session, tags).ct_eq(digest);
    if declassify(consistent) {
        Ok(transpose(&w))
    } else {
        Err(Inconsistent)
    }
}

/// All ones where bit `i` of Δ is set.
fn bit_mask(delta: u128, i: u16) -> u8 {
    let bit = (delta >> i & 1) as u8;
    u8::conditional_select(&0, &0xff, bit.into())
}

fn columns() -> Columns {
    Zeroizing::new(vec![[0; COLUMN_BYTES]; KAPPA])
}

fn prg(session: &[u8; 32]) -> SessionOracle {
    SessionOracle::new(TaggedHash::new("OT extension PRG").field(session))
}

fn expand(prg: &mut SessionOracle, i: u16, seed: &Seed, column: &mut Column) {
    if let Some(stream) = prg.ask(i, seed).first_chunk() {
        *column = *stream;
    }
}

/// R: POLYVAL under a key that hangs on everything before the check.
struct UniversalHash(Polyval);

impl UniversalHash {
    fn after(session: &[u8; 32], u: &[u8]) -> Self {
        let mut key = polyval::Key::default();
        TaggedHash::new("OT extension check")
            .field(session)
            .long_field(u)
            .stream()
            .fill(&mut key);
        Self(Polyval::new(&key))
    }

    /// The choice bits, padded with zeros to whole blocks; then the pad as the last block, so that
    /// under H ≠ 0 it is a bijection's input.
    fn of(&self, column: &Column) -> u128 {
        let mut hash = self.0.clone();
        let (choices, pad) = column.split_at(CHOICE_BYTES);
        hash.update_padded(choices);
        hash.update_padded(pad);
        u128::from_le_bytes(hash.finalize().into())
    }
}

fn tags_digest(session: &[u8; 32], tags: impl Iterator<Item = u128>) -> [u8; 32] {
    let mut all = Zeroizing::new(Vec::with_capacity(KAPPA * TAG_BYTES));
    tags.for_each(|tag| all.extend_from_slice(&tag.to_le_bytes()));
    TaggedHash::new("OT extension tags")
        .field(session)
        .long_field(&all)
        .short()
}

/// Rows from columns: bit `i` of row `j` is bit `j` of column `i`. The pad's rows are dropped.
fn transpose(columns: &Columns) -> Rows {
    let mut rows = Zeroizing::new(Vec::with_capacity(OTS));
    for byte in 0..CHOICE_BYTES {
        let mut eight_rows = Zeroizing::new([0_u128; 8]);
        for (group, shift) in columns.as_chunks::<8>().0.iter().zip((0..).step_by(8)) {
            let square = group
                .each_ref()
                .map(|column| column.get(byte).copied().unwrap_or_default());
            let square = transpose_square(u64::from_le_bytes(square)).to_le_bytes();
            for (row, bits) in eight_rows.iter_mut().zip(square) {
                *row |= u128::from(bits) << shift;
            }
        }
        rows.extend_from_slice(eight_rows.as_slice());
    }
    rows
}

/// Transposes 8 × 8 bits, row by row in the bytes, by swapping ever larger blocks.
const fn transpose_square(mut square: u64) -> u64 {
    let mut swap = (square ^ (square >> 7)) & 0x00aa_00aa_00aa_00aa;
    square ^= swap ^ (swap << 7);
    swap = (square ^ (square >> 14)) & 0x0000_cccc_0000_cccc;
    square ^= swap ^ (swap << 14);
    swap = (square ^ (square >> 28)) & 0x0000_0000_f0f0_f0f0;
    square ^ swap ^ (swap << 28)
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "tests")]
mod tests {
    use rand_core::Rng as _;

    use super::*;
    use crate::attack::scenes::seeded;
    use crate::secp256k1::base_ot;

    const SESSION: [u8; 32] = [7; 32];
    const DELTA: u128 = 0x0123_4567_89ab_cdef_0f1e_2d3c_4b5a_6978;

    fn seeds() -> (BothSeeds, ChosenSeeds) {
        let rng = &mut seeded("base OTs");
        let sender = base_ot::Sender::new([1; 32], rng);
        let (answer, chosen) = base_ot::receive([1; 32], sender.offer(), DELTA, rng).unwrap();
        let both = sender.finish(answer.as_slice().try_into().unwrap());
        (both.unwrap(), chosen)
    }

    #[test]
    fn rows_differ_by_delta_where_the_choice_is_one() {
        let (both, chosen) = seeds();
        let mut choices = [0; CHOICE_BYTES];
        seeded("choices").fill_bytes(&mut choices);
        let mut message = Vec::new();
        let v = receive(&both, &SESSION, &choices, &mut seeded("pad"), &mut message);
        let message = message.as_slice().try_into().unwrap();
        let w = send(DELTA, &chosen, &SESSION, message).unwrap();
        assert_eq!((v.len(), w.len()), (OTS, OTS));
        for (j, (v, w)) in v.iter().zip(w.iter()).enumerate() {
            let chosen = u128::from(choices[j / 8] >> (j % 8) & 1);
            assert_eq!(*w, *v ^ (chosen * DELTA), "row {j}");
        }
    }

    /// What the check is for: a receiver that puts another `x` into column `i`, draws R anew, and says what the sender
    /// would compute if Δ_i were `guess`.
    fn guesses(i: usize, guess: bool) -> bool {
        let (both, chosen) = seeds();
        let rng = &mut seeded("cheat");
        let mut x = [0; COLUMN_BYTES];
        rng.fill_bytes(&mut x);
        let mut lie = x;
        lie[5] ^= 0x10;
        let mut prg = prg(&SESSION);
        let mut v = columns();
        let mut u = Vec::new();
        for (column, ([seed0, seed1], v)) in (0..).zip(both.iter().zip(v.iter_mut())) {
            expand(&mut prg, column, seed0, v);
            let mut other = [0; COLUMN_BYTES];
            expand(&mut prg, column, seed1, &mut other);
            let x = if usize::from(column) == i { &lie } else { &x };
            u.extend(
                v.iter()
                    .zip(other)
                    .zip(x)
                    .map(|((v, other), x)| v ^ other ^ x),
            );
        }
        let hash = UniversalHash::after(&SESSION, &u);
        let shift = hash.of(&x) ^ hash.of(&lie);
        let tags = v.iter().enumerate().map(|(column, v)| {
            let guessed = column == i && guess;
            hash.of(v) ^ if guessed { shift } else { 0 }
        });
        let digest = tags_digest(&SESSION, tags);
        let message = [u.as_slice(), &hash.of(&x).to_le_bytes(), &digest].concat();
        send(
            DELTA,
            &chosen,
            &SESSION,
            message.as_slice().try_into().unwrap(),
        )
        .is_ok()
    }

    /// It is taken where the guess is right: one bit, at the price of a strike where it is wrong.
    #[test]
    fn a_cheat_that_knows_better_still_has_to_guess() {
        for i in 0..KAPPA {
            let bit = DELTA >> i & 1 == 1;
            assert!(guesses(i, bit), "bit {i}");
            assert!(!guesses(i, !bit), "bit {i}");
        }
    }
}
