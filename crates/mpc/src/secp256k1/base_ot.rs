//! Base oblivious transfers: 128 random 1-of-2 OTs at once, in two messages.
//!
//! McQuoid, Rosulek and Roy, "Batching Base Oblivious Transfers" (ePrint 2021/682): the OT of
//! Masny and Rindal, batched under one sender key as that paper mends it. Over ristretto255
//! (RFC 9496), a group of prime order ℓ with generator G.
//!
//! ```text
//! sender                                     receiver, with choice bits c_1 … c_128
//! a ← Z_ℓ
//! A = a·G            ──────────────────▶
//!                                            for each i:  b ← Z_ℓ, T ← group
//!                                              r_c = b·G − H(i, c, T),  r_{1−c} = T
//!                    ◀──────────────────     all (r_0, r_1)
//! k_m = K(i, m, a·(r_m + H(i, m, r_{1−m})))  k_c = K(i, c, b·A)
//! ```
//!
//! The receiver can know the discrete logarithm of `r_m + H(i, m, r_{1−m})` for one `m` at
//! most, since each depends on the other through H; to the sender both look the same.
//!
//! Then the two compare what they have, before a wallet comes to stand on it. With F a function of a
//! key, and e, D, D' over all i:
//!
//! ```text
//! e_i = F(i, k_0) ⊕ F(i, k_1)
//! D = RO(e, F(1, k_0) ‖ …)   ── e, D ──▶     D ≟ RO(e, F(1, k_c) ⊕ c·e_1 ‖ …)
//!                            ◀── D' ───      D' = RO'(the same)
//! ```
//!
//! Points are compressed in batches, 8 times as fast as one by one. The batch doubles on
//! its way, so what is computed here is half of each point.
//!
//! # What falls without which part
//!
//! - **The index `i` in H and K.** All 128 OTs share one `A`. Without the index a receiver
//!   that sends the same `(r_0, r_1)` twice gets the same keys twice, and two equal
//!   columns cancel in the OT extension: the fault that 2021/682 found in paper after paper, and
//!   that was found again in deployed threshold-ECDSA libraries. K also takes in
//!   the session, the direction, `A`, `r_0` and `r_1`, so that no key stands for two transcripts.
//! - **Refusing the identity.** With `A = O` every key would be known to everybody.
//! - **Canonical decoding** (RFC 9496 §4.3.1) leaves one encoding for each point, and prime order
//!   leaves no small subgroup to ask questions in.
//! - **The comparison.** Without it a party could let a pair become active whose first signature
//!   must fail. A sender that lies about one `e_i` learns that c_i if it guessed it, and ends the set-up
//!   if not. Such guesses are free, and as many as it likes, since an ended set-up is dropped and is no strike;
//!   but D is one hash, so k bits are guessed right with probability 2^−k, and T attempts buy some log2 T bits of
//!   one Δ. What is left of it is 2^(128 − log2 T) hashes away (2022/192 reckons with such guesses).
//! - No proof of knowledge of `a` is needed: whoever simulates the receiver programs H and
//!   knows both logarithms.

use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoBasepointTable, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::IsIdentity as _;
use rand_core::CryptoRng;
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};
use zeroize::Zeroizing;

use crate::ct::declassify;
use crate::hash::{SessionOracle, TaggedHash};

/// κ: how many OTs there are, one for each bit of the OT extension's Δ.
pub(super) const OTS: usize = 128;
/// Length of a point.
const POINT_BYTES: usize = 32;
/// Length of the sender's message: A.
pub(super) const OFFER_BYTES: usize = POINT_BYTES;
/// Length of the receiver's message: (r_0, r_1) for each OT.
pub(crate) const ANSWER_BYTES: usize = OTS * 2 * POINT_BYTES;

/// Length of the sender's challenge: e, D.
pub(crate) const CHALLENGE_BYTES: usize = OTS * size_of::<Seed>() + 32;
/// Length of the receiver's reply: D'.
pub(crate) const REPLY_BYTES: usize = 32;

/// A key of κ bits.
pub(super) type Seed = [u8; 16];
/// Both keys of each OT, as the sender has them.
pub(super) type BothSeeds = Box<Zeroizing<[[Seed; 2]; OTS]>>;
/// The chosen key of each OT, as the receiver has it.
pub(super) type ChosenSeeds = Box<Zeroizing<[Seed; OTS]>>;

/// A message holds something that is not the encoding of a point other than the identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotAPoint;

/// The two parties do not have the same keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unequal;

/// The sender between its two messages.
#[cfg_attr(any(test, feature = "attack"), derive(Clone))]
pub(super) struct Sender {
    label: [u8; 32],
    a: Zeroizing<Scalar>,
    offer: [u8; OFFER_BYTES],
}

impl Sender {
    /// Draws a; `label` names the session and the direction.
    pub(super) fn new(label: [u8; 32], rng: &mut impl CryptoRng) -> Self {
        let a = Zeroizing::new(Scalar::random(rng));
        let offer = RistrettoPoint::mul_base(&a).compress().to_bytes();
        Self { label, a, offer }
    }

    /// The message to the receiver.
    pub(super) const fn offer(&self) -> &[u8; OFFER_BYTES] {
        &self.offer
    }

    /// Takes the receiver's message; gives both keys of each OT.
    pub(super) fn finish(&self, answer: &[u8; ANSWER_BYTES]) -> Result<BothSeeds, NotAPoint> {
        let oracle = Oracle::new(self.label, self.offer);
        let mut seeds = Box::new(Zeroizing::new([[Seed::default(); 2]; OTS]));
        let (encoded, _) = answer.as_chunks::<POINT_BYTES>();
        let (encoded, _) = encoded.as_chunks::<2>();
        let half_a = Zeroizing::new(*self.a * Scalar::from(2_u8).invert());
        let mut halves = Zeroizing::new(Vec::with_capacity(2 * OTS));
        for (i, [r0, r1]) in (0..).zip(encoded) {
            let (point0, point1) = (decode(r0)?, decode(r1)?);
            halves.push((point0 + double(&oracle.half_mask(i, 0, r1))) * *half_a);
            halves.push((point1 + double(&oracle.half_mask(i, 1, r0))) * *half_a);
        }
        let points = Zeroizing::new(RistrettoPoint::double_and_compress_batch(halves.iter()));
        let points = encoded.iter().zip(points.as_chunks::<2>().0);
        for (i, ((r, [known0, known1]), keys)) in (0..).zip(points.zip(seeds.iter_mut())) {
            *keys = [oracle.key(i, 0, r, known0), oracle.key(i, 1, r, known1)];
        }
        Ok(seeds)
    }
}

/// The receiver's whole part: takes the sender's message and the choice bits (bit `i` of
/// `choices` for OT `i`); gives the answer and the chosen keys.
pub(super) fn receive(
    label: [u8; 32],
    offer: &[u8; OFFER_BYTES],
    choices: u128,
    rng: &mut impl CryptoRng,
) -> Result<(Vec<u8>, ChosenSeeds), NotAPoint> {
    // 128 products with one A: its table pays.
    let a = RistrettoBasepointTable::create(&decode(offer)?);
    let oracle = Oracle::new(label, *offer);
    let others: Vec<_> = (0..OTS).map(|_| RistrettoPoint::random(rng)).collect();
    let others = RistrettoPoint::double_and_compress_batch(&others);
    let mut halves = Zeroizing::new(Vec::with_capacity(2 * OTS));
    for (i, other) in (0..).zip(&others) {
        let half_b = Zeroizing::new(Scalar::random(rng));
        let half_mask = oracle.half_mask(i, bit(choices, i), other.as_bytes());
        halves.push(RistrettoPoint::mul_base(&half_b) - half_mask);
        halves.push(&a * &*half_b);
    }
    let points = Zeroizing::new(RistrettoPoint::double_and_compress_batch(halves.iter()));
    let points = others.iter().zip(points.as_chunks::<2>().0);

    let mut answer = Vec::with_capacity(ANSWER_BYTES);
    let mut seeds = Box::new(Zeroizing::new([Seed::default(); OTS]));
    for (i, ((other, [chosen, known]), key)) in (0..).zip(points.zip(seeds.iter_mut())) {
        let choice = Choice::from(bit(choices, i));
        let (other, chosen) = (other.as_bytes(), chosen.as_bytes());
        let r = [
            <[u8; POINT_BYTES]>::conditional_select(chosen, other, choice),
            <[u8; POINT_BYTES]>::conditional_select(other, chosen, choice),
        ];
        *key = oracle.key(i, choice.unwrap_u8(), &r, known);
        answer.extend_from_slice(r.as_flattened());
    }
    Ok((answer, seeds))
}

/// The sender's challenge, and the reply to expect.
pub(super) fn challenge(
    label: &[u8; 32],
    seeds: &BothSeeds,
) -> ([u8; CHALLENGE_BYTES], [u8; REPLY_BYTES]) {
    let mut test = Test::new(label);
    let mut challenge = [0; CHALLENGE_BYTES];
    let (differences, digest) = challenge.split_at_mut(OTS * size_of::<Seed>());
    let (differences, _) = differences.as_chunks_mut();
    let mut zeros = Zeroizing::new([Seed::default(); OTS]);
    let places = differences.iter_mut().zip(zeros.iter_mut());
    for (i, ([seed0, seed1], (difference, zero))) in (0..).zip(seeds.iter().zip(places)) {
        *zero = test.of(i, seed0);
        *difference = xor(*zero, &test.of(i, seed1));
    }
    let [sent, expected] = test.digests(differences, &zeros);
    digest.copy_from_slice(&sent);
    (challenge, expected)
}

/// The receiver's reply, if the challenge fits its keys.
pub(super) fn reply(
    label: &[u8; 32],
    choices: u128,
    seeds: &ChosenSeeds,
    challenge: &[u8; CHALLENGE_BYTES],
) -> Result<[u8; REPLY_BYTES], Unequal> {
    let mut test = Test::new(label);
    let (differences, digest) = challenge.split_at(OTS * size_of::<Seed>());
    let (differences, _) = differences.as_chunks();
    let mut zeros = Zeroizing::new([Seed::default(); OTS]);
    let given = seeds.iter().zip(differences);
    for (i, ((seed, difference), zero)) in (0..).zip(given.zip(zeros.iter_mut())) {
        let choice = Choice::from(bit(choices, i));
        let masked = Seed::conditional_select(&Seed::default(), difference, choice);
        *zero = xor(test.of(i, seed), &masked);
    }
    let [expected, reply] = test.digests(differences, &zeros);
    if declassify(expected.ct_eq(digest)) {
        Ok(reply)
    } else {
        Err(Unequal)
    }
}

/// F, RO and RO' of one batch.
struct Test<'a> {
    label: &'a [u8; 32],
    oracle: SessionOracle,
}

impl<'a> Test<'a> {
    fn new(label: &'a [u8; 32]) -> Self {
        let oracle = SessionOracle::new(TaggedHash::new("base OT test").field(label));
        Self { label, oracle }
    }

    fn of(&mut self, i: u16, seed: &Seed) -> Seed {
        let stream = self.oracle.ask(i, seed).first_chunk();
        stream.copied().unwrap_or_default()
    }

    /// D and D'.
    fn digests(&self, differences: &[Seed], zeros: &[Seed; OTS]) -> [[u8; 32]; 2] {
        ["base OT challenge", "base OT reply"].map(|tag| {
            TaggedHash::new(tag)
                .field(self.label)
                .field(differences.as_flattened())
                .secret_field(zeros.as_flattened())
                .short()
        })
    }
}

fn xor(mut left: Seed, right: &Seed) -> Seed {
    for (left, right) in left.iter_mut().zip(right) {
        *left ^= right;
    }
    left
}

/// Bit `i`.
const fn bit(choices: u128, i: u16) -> u8 {
    (choices >> i & 1) as u8
}

fn double(point: &RistrettoPoint) -> RistrettoPoint {
    point + point
}

/// H and K of one batch.
struct Oracle {
    label: [u8; 32],
    offer: [u8; OFFER_BYTES],
}

impl Oracle {
    const fn new(label: [u8; 32], offer: [u8; OFFER_BYTES]) -> Self {
        Self { label, offer }
    }

    /// Half of H(i, m, r). Twice a uniform point is uniform too, since the order is odd.
    fn half_mask(&self, i: u16, m: u8, r: &[u8; POINT_BYTES]) -> RistrettoPoint {
        let hash = TaggedHash::new("base OT mask")
            .field(&self.label)
            .field(&i.to_be_bytes())
            .secret_field(&[m])
            .field(r);
        RistrettoPoint::from_uniform_bytes(&hash.wide())
    }

    /// K(i, m, …): a key.
    fn key(&self, i: u16, m: u8, r: &[[u8; POINT_BYTES]; 2], known: &CompressedRistretto) -> Seed {
        let hash = TaggedHash::new("base OT key")
            .field(&self.label)
            .field(&i.to_be_bytes())
            .secret_field(&[m])
            .field(&self.offer)
            .field(r.as_flattened())
            .secret_field(known.as_bytes());
        hash.bytes()
    }
}

fn decode(bytes: &[u8; POINT_BYTES]) -> Result<RistrettoPoint, NotAPoint> {
    CompressedRistretto(*bytes)
        .decompress()
        .filter(|point| !point.is_identity())
        .ok_or(NotAPoint)
}
