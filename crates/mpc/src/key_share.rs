//! One party's additive share of one key, with the public side of the sharing.

use core::fmt;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::ct::mark_secret;
use crate::group::Group;
use crate::session::{Id, KeyContext, Operation, Session};
use crate::wire::{Malformed, Reader, Writer};
use crate::{Abort, Role, possession};

/// Version of a share's encoding.
const VERSION: u8 = 1;

/// Which kind of pair a share belongs to; a share of one kind does not work as the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PairKind {
    /// Signs; reshared by Backup and Refresh.
    Signing,
    /// Never signs; reshared by Recover.
    Backup,
}

impl PairKind {
    const fn code(self) -> u8 {
        match self {
            Self::Signing => 1,
            Self::Backup => 2,
        }
    }

    const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Signing),
            2 => Some(Self::Backup),
            _ => None,
        }
    }
}

/// The public points of a sharing: `key = client + server`.
#[derive(Clone, Copy, PartialEq)]
pub struct Points<G: Group> {
    pub(crate) key: G::Point,
    pub(crate) client: G::Point,
    pub(crate) server: G::Point,
}

impl<G: Group> Points<G> {
    /// Joins the parties' points; none if they cancel out.
    pub(crate) fn join(client: G::Point, server: G::Point) -> Option<Self> {
        let key = client + server;
        let trivial = [&key, &client, &server].into_iter().any(G::is_identity);
        (!trivial).then_some(Self {
            key,
            client,
            server,
        })
    }

    /// Reads the parties' compressed points; none where one is no point, or they cancel out.
    #[must_use]
    pub fn decode(client: &[u8], server: &[u8]) -> Option<Self> {
        Self::join(G::decode_point(client)?, G::decode_point(server)?)
    }

    pub(crate) const fn of(&self, role: Role) -> &G::Point {
        match role {
            Role::Client => &self.client,
            Role::Server => &self.server,
        }
    }

    /// Q, the compressed public key.
    #[must_use]
    pub fn key(&self) -> Vec<u8> {
        G::encode_point(&self.key)
    }

    /// The compressed point of one party's share.
    #[must_use]
    pub fn share(&self, role: Role) -> Vec<u8> {
        G::encode_point(self.of(role))
    }
}

impl<G: Group> fmt::Debug for Points<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Points(")?;
        self.key()
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// A share that was read back is not what was written, or not the one that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ShareError {
    /// Of a version, kind or engine that this code does not read.
    #[error("{what} is of version {given}, expected {expected}")]
    Unsupported {
        /// What it is.
        what: &'static str,
        /// What this code reads.
        expected: u8,
        /// What it was given.
        given: u8,
    },
    /// Not the bytes of a share of this curve.
    #[error("expected the bytes of a key share on this curve; it was cut short or changed")]
    Malformed,
    /// The parts do not fit one another.
    #[error(
        "expected parts that fit one another, the secret its point and the set-up its hash; one was changed"
    )]
    Inconsistent,
}

impl From<Malformed> for ShareError {
    fn from(Malformed: Malformed) -> Self {
        Self::Malformed
    }
}

/// One party's additive share x_i of a key `x = x_C + x_S`. Erased when dropped.
#[cfg_attr(any(test, feature = "attack"), derive(Clone))]
pub struct KeyShare<G: Group> {
    pub(crate) role: Role,
    pub(crate) kind: PairKind,
    pub(crate) pair: Id,
    pub(crate) generation: u64,
    pub(crate) secret: Zeroizing<G::Scalar>,
    pub(crate) points: Points<G>,
    pub(crate) chain_code: [u8; 32],
}

impl<G: Group> KeyShare<G> {
    /// Whose share it is.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Which kind of pair it belongs to.
    #[must_use]
    pub const fn kind(&self) -> PairKind {
        self.kind
    }

    /// The pair that it belongs to.
    #[must_use]
    pub const fn pair(&self) -> Id {
        self.pair
    }

    /// The pair's generation.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// The public side of the sharing.
    #[must_use]
    pub const fn points(&self) -> &Points<G> {
        &self.points
    }

    /// The key's BIP-32 chain code.
    #[must_use]
    pub const fn chain_code(&self) -> &[u8; 32] {
        &self.chain_code
    }

    /// Proves that this party holds its share, for one purpose that `context` names.
    pub fn prove_possession(&self, context: &[u8], rng: &mut impl CryptoRng) -> Vec<u8> {
        possession::prove::<G>(
            context,
            self.role,
            &self.secret,
            self.points.of(self.role),
            rng,
        )
    }

    /// Whether this is `role`'s share of the very pair that `session` signs with.
    pub(crate) fn fits(
        &self,
        session: &Session,
        key: &KeyContext,
        role: Role,
    ) -> Result<(), Abort> {
        let fits = session.operation == Operation::Sign
            && self.role == role
            && self.kind == PairKind::Signing
            && key.source_pair == Some(self.pair)
            && key.new_pair.is_none()
            && session.generation == self.generation;
        if fits {
            Ok(())
        } else {
            Err(Abort::Engine {
                stage: "taking the share",
            })
        }
    }

    /// What only the two holders of this sharing can compute: `x_C·X_S = x_S·X_C`.
    pub(crate) fn common_secret(&self) -> Zeroizing<Vec<u8>> {
        let peer = *self.points.of(self.role.peer());
        let common = G::encode_secret_point(&(peer * *self.secret));
        Zeroizing::new(common.to_vec())
    }

    /// The share's bytes. Secret.
    ///
    /// ```text
    /// version ‖ kind ‖ curve ‖ role (1 byte each) ‖ pair (16) ‖ generation (8) ‖
    /// x_i (32) ‖ Q ‖ X_C ‖ X_S (33 or 32 each) ‖ chain code (32)
    /// ```
    #[must_use]
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        Writer::new()
            .fixed(&[VERSION, self.kind.code(), G::CODE, self.role.index()])
            .fixed(&self.pair)
            .fixed(&self.generation.to_be_bytes())
            .fixed(G::encode_scalar(&self.secret).as_slice())
            .fixed(&self.points.key())
            .fixed(&self.points.share(Role::Client))
            .fixed(&self.points.share(Role::Server))
            .fixed(&self.chain_code)
            .finish()
    }

    /// Reads a share back, and checks that it is whole.
    ///
    /// # Errors
    ///
    /// [`ShareError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, ShareError> {
        let mut reader = Reader::new(bytes);
        let share = Self::read(&mut reader)?;
        reader.finish()?;
        Ok(share)
    }

    /// Everything that both parties must agree on.
    pub(crate) fn public(&self) -> Vec<Vec<u8>> {
        vec![
            self.points.key(),
            self.chain_code.to_vec(),
            self.points.share(Role::Client),
            self.points.share(Role::Server),
        ]
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, ShareError> {
        let [version, kind, curve, role] = reader.array()?;
        expect("the share's encoding", VERSION, version)?;
        let kind = PairKind::from_code(kind).ok_or(ShareError::Malformed)?;
        expect("the share's curve", G::CODE, curve)?;
        let role = Role::from_index(role).ok_or(ShareError::Malformed)?;
        let pair = reader.array()?;
        let generation = u64::from_be_bytes(reader.array()?);
        let secret = Zeroizing::new(reader.array()?);
        let key = reader.take(G::POINT_BYTES)?;
        let client = reader.take(G::POINT_BYTES)?;
        let server = reader.take(G::POINT_BYTES)?;
        let chain_code = reader.array()?;

        let mut secret = Zeroizing::new(G::decode_scalar(&secret).ok_or(ShareError::Malformed)?);
        let client = G::decode_point(client).ok_or(ShareError::Malformed)?;
        let server = G::decode_point(server).ok_or(ShareError::Malformed)?;
        let points = Points::join(client, server).ok_or(ShareError::Inconsistent)?;
        // The secret binds this party's point, the key binds the other's.
        let whole = G::base_mul(&secret) == *points.of(role) && points.key() == key;
        if !whole {
            return Err(ShareError::Inconsistent);
        }
        mark_secret(&mut *secret);
        Ok(Self {
            role,
            kind,
            pair,
            generation,
            secret,
            points,
            chain_code,
        })
    }
}

pub(crate) const fn expect(what: &'static str, expected: u8, given: u8) -> Result<(), ShareError> {
    if expected == given {
        Ok(())
    } else {
        Err(ShareError::Unsupported {
            what,
            expected,
            given,
        })
    }
}

impl<G: Group> fmt::Debug for KeyShare<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyShare")
            .field("role", &self.role)
            .field("kind", &self.kind)
            .field("generation", &self.generation)
            .field("points", &self.points)
            .finish_non_exhaustive()
    }
}

/// Checks a proof that the holder of `point` (a compressed point of `role`'s share) made with
/// [`KeyShare::prove_possession`] for the same `context`.
///
/// # Errors
///
/// [`Abort::Blamed`] if `point` is no point, or the proof does not verify.
pub fn verify_possession<G: Group>(
    context: &[u8],
    role: Role,
    point: &[u8],
    proof: &[u8],
) -> Result<(), Abort> {
    let point = G::decode_point(point).ok_or(Abort::blame(role, crate::Check::Point))?;
    possession::verify::<G>(context, role, &point, proof)
}
