//! A blind: a scalar that moves a part of one party's share to the other's.
//!
//! With ρ drawn by the client, `x_C + ρ` and `x_S − ρ` share the same key, and who knows a party's
//! share of before, and not ρ, knows nothing of its share after. `ρ·G` is public: whoever knows the
//! points of before knows those after.
//!
//! A sealed backup moves the share that the server helped to make out of the server's sight (ρ); a
//! recovery from it moves the custodian's share once more (σ), so that the server, which runs the
//! session, sees it only blinded.

use core::fmt;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::Role;
use crate::ct::mark_secret;
use crate::group::{Group, is_zero, random_scalar};
use crate::hedged::Hedged;
use crate::key_share::{KeyShare, Points, ShareError};

/// A secret scalar, not zero. Erased when dropped.
pub struct Blind<G: Group>(Zeroizing<G::Scalar>);

impl<G: Group> Blind<G> {
    /// Draws one for `share`, for the purpose that `context` names.
    pub fn draw(share: &KeyShare<G>, context: &[u8], rng: &mut impl CryptoRng) -> Self {
        let secret = G::encode_scalar(&share.secret);
        let rng = &mut Hedged::new("blind", context, secret.as_slice(), rng);
        Self(random_scalar::<G>(rng))
    }

    /// The compressed point ρ·G, which is public.
    #[must_use]
    pub fn point(&self) -> Vec<u8> {
        G::encode_point(&G::base_mul(&self.0))
    }

    /// The scalar as a share encodes its own, to be sealed to the custodian. Secret.
    #[must_use]
    pub fn encode(&self) -> Zeroizing<[u8; 32]> {
        G::encode_scalar(&self.0)
    }

    /// Reads back what was sealed; none if it is no scalar below the order, or zero.
    #[must_use]
    pub fn decode(bytes: &[u8; 32]) -> Option<Self> {
        let mut scalar = Zeroizing::new(G::decode_scalar(bytes)?);
        if is_zero::<G>(&scalar) {
            return None;
        }
        mark_secret(&mut *scalar);
        Some(Self(scalar))
    }
}

impl<G: Group> fmt::Debug for Blind<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Blind(…)")
    }
}

impl<G: Group> Points<G> {
    /// The points after the client has added, and the server subtracted, the blind behind
    /// `point` (compressed); none if that is no point, or would leave a party without a share.
    #[must_use]
    pub fn blinded(&self, point: &[u8]) -> Option<Self> {
        let point = G::decode_point(point)?;
        Self::join(self.client + point, self.server - point)
    }
}

impl<G: Group> KeyShare<G> {
    /// This party's share after the client has added `blind` to its own, and the server
    /// subtracted it.
    ///
    /// # Errors
    ///
    /// [`ShareError::Inconsistent`] if the blind is the very share that it hides, which no honest
    /// draw is.
    pub fn blinded(self, blind: &Blind<G>) -> Result<Self, ShareError> {
        let secret = Zeroizing::new(match self.role {
            Role::Client => *self.secret + *blind.0,
            Role::Server => *self.secret - *blind.0,
        });
        let point = G::base_mul(&blind.0);
        let points = Points::join(self.points.client + point, self.points.server - point);
        let points = points.ok_or(ShareError::Inconsistent)?;
        Ok(Self {
            secret,
            points,
            ..self
        })
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests draw their own randomness")]
mod tests {
    use super::*;
    use crate::{Ed25519, PairKind, Secp256k1};

    /// Both parties' shares of one backup pair.
    fn pair<G: Group + Copy>() -> [KeyShare<G>; 2] {
        let rng = &mut rand::rng();
        let secrets = [random_scalar::<G>(rng), random_scalar::<G>(rng)];
        let [client, server] = [0, 1].map(|party| G::base_mul(&secrets[party]));
        let points = Points::join(client, server).unwrap();
        let mut roles = [Role::Client, Role::Server].into_iter();
        secrets.map(|secret| KeyShare {
            role: roles.next().unwrap(),
            kind: PairKind::Backup,
            pair: [7; 16],
            generation: 3,
            secret,
            points,
            chain_code: [9; 32],
        })
    }

    fn a_blind_moves_a_part_of_the_share<G: Group + Copy>() {
        let [client, server] = pair::<G>();
        let (before, key) = (*client.points(), client.points().key());
        let whole = *client.secret + *server.secret;
        let blind = Blind::draw(&client, b"context", &mut rand::rng());
        let blind = Blind::<G>::decode(&blind.encode()).unwrap();
        let after = before.blinded(&blind.point()).unwrap();
        let [client, server] = [client, server].map(|share| share.blinded(&blind).unwrap());
        for share in [&client, &server] {
            assert_eq!(share.points().key(), key);
            assert_eq!(
                share.points().share(Role::Client),
                after.share(Role::Client)
            );
            assert_eq!(
                share.points().share(Role::Server),
                after.share(Role::Server)
            );
            // Reading it back checks the secret against its point.
            let read = KeyShare::<G>::decode(&share.encode()).unwrap();
            assert_eq!(
                (read.role, read.pair, read.generation),
                (share.role, [7; 16], 3)
            );
        }
        assert!(before.share(Role::Server) != after.share(Role::Server));
        let sum = *client.secret + *server.secret;
        assert!(bool::from(subtle::ConstantTimeEq::ct_eq(&sum, &whole)));
    }

    #[test]
    fn a_blind_moves_a_part_of_the_share_on_both_curves() {
        a_blind_moves_a_part_of_the_share::<Secp256k1>();
        a_blind_moves_a_part_of_the_share::<Ed25519>();
    }

    fn what_is_no_blind_is_refused<G: Group + Copy>() {
        assert!(Blind::<G>::decode(&[0; 32]).is_none(), "zero");
        assert!(Blind::<G>::decode(&[0xff; 32]).is_none(), "over the order");
        let [client, server] = pair::<G>();
        let points = *client.points();
        // Subtracting the server's whole share would leave it none.
        let whole = Blind::<G>(Zeroizing::new(*server.secret));
        assert!(points.blinded(&whole.point()).is_none());
        assert_eq!(
            server.blinded(&whole).map(drop),
            Err(ShareError::Inconsistent)
        );
        for point in [&[][..], &[0; 32], &[0; 33], &[0xff; 32], &[0xff; 33]] {
            assert!(points.blinded(point).is_none(), "{point:?}");
        }
    }

    #[test]
    fn what_is_no_blind_is_refused_on_both_curves() {
        what_is_no_blind_is_refused::<Secp256k1>();
        what_is_no_blind_is_refused::<Ed25519>();
    }

    #[test]
    fn two_draws_differ_and_nothing_is_printed() {
        let [client, _] = pair::<Ed25519>();
        let draw = || Blind::draw(&client, b"context", &mut rand::rng());
        assert_ne!(*draw().encode(), *draw().encode());
        assert_eq!(format!("{:?}", draw()), "Blind(…)");
    }
}
