//! Signing: FROST(Ed25519, SHA-512), RFC 9591 §5 and §6.1, in one round trip.
//!
//! | flight | | carries |
//! |---|---|---|
//! | 1 | C → S | proof of possession, C's nonce commitments |
//! | 2 | S → C | S's nonce commitments, S's signature share |
//!
//! C aggregates and verifies. Nonces are made for one session and never leave memory.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use curve25519_dalek::scalar::Scalar;
use frost_ed25519::keys::{
    KeyPackage, PublicKeyPackage, SigningShare as FrostShare, VerifyingShare,
};
use frost_ed25519::round1::{self, SigningCommitments, SigningNonces};
use frost_ed25519::round2::{self, SignatureShare};
use frost_ed25519::{CheaterDetection, Identifier, SigningPackage, VerifyingKey};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::Ed25519;
use crate::envelope::Channel;
use crate::group::Group as _;
use crate::hedged::Hedged;
use crate::key_share::KeyShare;
use crate::possession::{self, proof_bytes};
use crate::wire::{Malformed, Writer, fields};
use crate::{
    Abort, Check, HeldMessage, KeyContext, Machine, Message, Operation, Points, Role, Session, Step,
};

/// An Ed25519 signature: R, then s (RFC 8032 §5.1.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature(pub [u8; 64]);

impl Signature {
    /// Whether this is a signature of `message` under the key of `points`: strictly, without cofactor
    /// (RFC 8032 §5.1.7), so that all verifiers agree.
    #[must_use]
    pub fn verifies(&self, points: &Points<Ed25519>, message: &[u8]) -> bool {
        let check = || {
            let key = points.key().try_into().ok()?;
            let key = ed25519_dalek::VerifyingKey::from_bytes(&key).ok()?;
            let signature = ed25519_dalek::Signature::from_bytes(&self.0);
            key.verify_strict(message, &signature).ok()
        };
        check().is_some()
    }
}

/// The client's side of a signature.
#[cfg_attr(any(test, feature = "attack"), derive(Clone))]
pub struct ClientSign {
    signer: Signer,
    nonces: SigningNonces,
    commitments: SigningCommitments,
}

/// The server's side of a signature.
#[cfg_attr(any(test, feature = "attack"), derive(Clone))]
pub struct ServerSign {
    signer: Signer,
}

impl ClientSign {
    /// Begins a signature of a message.
    ///
    /// # Errors
    ///
    /// [`Abort::Engine`] if the share is not the client's.
    pub fn start(
        session: &Session,
        key: &KeyContext,
        share: KeyShare<Ed25519>,
        payload: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<(Self, Message), Abort> {
        let mut signer = Signer::new(session, key, share, Role::Client, payload)?;
        let rng = &mut signer.hedged(rng);
        let proof = signer.key.prove_possession(&signer.context, rng);
        let (nonces, commitments) =
            round1::commit(signer.package.signing_share(), &mut FrostRng(rng));
        let body = Writer::new()
            .fixed(&proof)
            .sized(&encode(&commitments)?)
            .finish();
        let message = signer.channel.seal(&body);
        Ok((
            Self {
                signer,
                nonces,
                commitments,
            },
            message,
        ))
    }
}

impl Machine for ClientSign {
    type Output = Signature;

    fn step(self, message: &[u8], _: &mut impl CryptoRng) -> Result<Step<Self>, Abort> {
        let Self {
            mut signer,
            nonces,
            commitments,
        } = self;
        let body = signer.channel.open(message)?;
        let (theirs, share) = fields(Role::Server, body, |body| {
            let theirs = decode(body.sized()?).ok_or(Malformed)?;
            let share = SignatureShare::deserialize(body.sized()?).map_err(|_| Malformed)?;
            Ok((theirs, share))
        })?;

        let package = signer.signing_package(commitments, theirs)?;
        let own = round2::sign(&package, &nonces, &signer.package)
            .map_err(|_| Abort::blame(Role::Server, Check::Point))?;
        let shares = BTreeMap::from([
            (identifier(Role::Client)?, own),
            (identifier(Role::Server)?, share),
        ]);
        let signature = frost_ed25519::aggregate_custom(
            &package,
            &shares,
            &signer.public_package(),
            CheaterDetection::Disabled,
        )
        .map_err(|_| Abort::blame(Role::Server, Check::SignatureShare))?;
        let output = signer.verified(&signature)?;
        Ok(Step::Finish { output, last: None })
    }
}

impl ServerSign {
    /// Awaits a signature of a message.
    ///
    /// # Errors
    ///
    /// [`Abort::Engine`] if the share is not the server's.
    pub fn new(
        session: &Session,
        key: &KeyContext,
        share: KeyShare<Ed25519>,
        payload: &[u8],
    ) -> Result<Self, Abort> {
        Ok(Self {
            signer: Signer::new(session, key, share, Role::Server, payload)?,
        })
    }
}

impl Machine for ServerSign {
    type Output = ();

    fn step(self, message: &[u8], rng: &mut impl CryptoRng) -> Result<Step<Self>, Abort> {
        let Self { mut signer } = self;
        let body = signer.channel.open(message)?;
        let (proof, theirs) = fields(Role::Client, body, |body| {
            let proof = body.take(proof_bytes::<Ed25519>())?;
            Ok((proof, decode(body.sized()?).ok_or(Malformed)?))
        })?;
        possession::verify::<Ed25519>(
            &signer.context,
            Role::Client,
            &signer.key.points.client,
            proof,
        )?;
        let rng = &mut signer.hedged(rng);
        let (nonces, own) = round1::commit(signer.package.signing_share(), &mut FrostRng(rng));
        let package = signer.signing_package(theirs, own)?;
        let share = round2::sign(&package, &nonces, &signer.package)
            .map_err(|_| Abort::blame(Role::Client, Check::Point))?;
        let body = Writer::new()
            .sized(&encode(&own)?)
            .sized(&share.serialize())
            .finish();
        let last = Some(HeldMessage::new(signer.channel.seal(&body)));
        Ok(Step::Finish { output: (), last })
    }
}

/// What both sides' states have in common.
#[cfg_attr(any(test, feature = "attack"), derive(Clone))]
struct Signer {
    channel: Channel,
    key: KeyShare<Ed25519>,
    package: KeyPackage,
    /// The session's id; proofs of possession are bound to it.
    context: [u8; 32],
    payload: Vec<u8>,
}

impl Signer {
    fn new(
        session: &Session,
        key: &KeyContext,
        share: KeyShare<Ed25519>,
        role: Role,
        payload: &[u8],
    ) -> Result<Self, Abort> {
        share.fits(session, key, role)?;
        let sid = session.sid::<Ed25519>(key, payload);
        Ok(Self {
            channel: Channel::new(role, Operation::Sign, &[sid], share.common_secret()),
            package: key_package(&share)?,
            key: share,
            context: sid.0,
            payload: payload.to_vec(),
        })
    }

    fn hedged(&self, rng: &mut impl CryptoRng) -> Hedged {
        let secret = Ed25519::encode_scalar(&self.key.secret);
        Hedged::new(
            "FROST nonces",
            self.channel.transcript(),
            secret.as_slice(),
            rng,
        )
    }

    fn signing_package(
        &self,
        client: SigningCommitments,
        server: SigningCommitments,
    ) -> Result<SigningPackage, Abort> {
        let commitments = BTreeMap::from([
            (identifier(Role::Client)?, client),
            (identifier(Role::Server)?, server),
        ]);
        Ok(SigningPackage::new(commitments, &self.payload))
    }

    /// No verifying shares: of two parties, a bad share is the other's.
    fn public_package(&self) -> PublicKeyPackage {
        PublicKeyPackage::new(BTreeMap::new(), *self.package.verifying_key(), Some(2))
    }

    /// Verifies the signature before it leaves.
    fn verified(&self, signature: &frost_ed25519::Signature) -> Result<Signature, Abort> {
        let invalid = Abort::blame(Role::Server, Check::Signature);
        let bytes = signature.serialize().map_err(|_| invalid)?;
        let signature = Signature(bytes.try_into().map_err(|_| invalid)?);
        if signature.verifies(&self.key.points, &self.payload) {
            Ok(signature)
        } else {
            Err(invalid)
        }
    }
}

/// 1/2 modulo q.
static HALF: LazyLock<Scalar> = LazyLock::new(|| Scalar::from(2_u8).invert());

/// FROST's view of the share: a Shamir share `f(i) = x_i / λ_i`, where λ_1 = 2 and λ_2 = −1 are the Lagrange
/// coefficients at 0.
fn key_package(share: &KeyShare<Ed25519>) -> Result<KeyPackage, Abort> {
    let shamir = Zeroizing::new(match share.role {
        Role::Client => *share.secret * *HALF,
        Role::Server => -*share.secret,
    });
    let signing = FrostShare::deserialize(Ed25519::encode_scalar(&shamir).as_slice())
        .map_err(|_| KEY_PACKAGE)?;
    let verifying_key = VerifyingKey::deserialize(&share.points.key()).map_err(|_| KEY_PACKAGE)?;
    Ok(KeyPackage::new(
        identifier(share.role)?,
        signing,
        VerifyingShare::from(signing),
        verifying_key,
        2,
    ))
}

const KEY_PACKAGE: Abort = Abort::Engine {
    stage: "making the key package",
};

fn identifier(role: Role) -> Result<Identifier, Abort> {
    Identifier::try_from(u16::from(role.index())).map_err(|_| KEY_PACKAGE)
}

fn encode(commitments: &SigningCommitments) -> Result<Vec<u8>, Abort> {
    commitments.serialize().map_err(|_| Abort::Engine {
        stage: "encoding a message",
    })
}

/// Only the encoding that [`encode`] makes: the crate's own decoder ignores what follows it.
fn decode(bytes: &[u8]) -> Option<SigningCommitments> {
    let commitments = SigningCommitments::deserialize(bytes).ok()?;
    (commitments.serialize().ok()?.as_slice() == bytes).then_some(commitments)
}

/// Our source of randomness as the `rand_core` version that FROST's crate asks for.
struct FrostRng<'a, R>(&'a mut R);

impl<R: CryptoRng> frost_ed25519::rand_core::RngCore for FrostRng<'_, R> {
    fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), frost_ed25519::rand_core::Error> {
        self.0.fill_bytes(bytes);
        Ok(())
    }
}

impl<R: CryptoRng> frost_ed25519::rand_core::CryptoRng for FrostRng<'_, R> {}
