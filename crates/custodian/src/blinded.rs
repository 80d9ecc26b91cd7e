//! The arithmetic of sealed backups: `b_S = t − ρ`, and `b_S − σ`. Nothing here stores or sends.

use portal_api::sealed::{SealContext, SealPurpose, SealedBlind};
use portal_api::webhook::{SealedPart, StoreBackupShare};
use portal_api::{Base64Bytes, SecretText};
use portal_lifecycle::ids::{BackupSharePairId, ClientId};
use portal_lifecycle::{Curve, PerCurve};
use portal_mpc::{Blind, Ed25519, Group, KeyShare, PairKind, Role, Secp256k1, verify_possession};
use zeroize::Zeroizing;

use crate::sealing::{SealingKeys, Unopened};
use crate::{ShareText, StoredShare};

/// Why a sealed backup was not taken, or a blinded share not given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SealRefusal {
    /// Something is not of its form; the text names the field.
    Malformed(&'static str),
    /// Sealed to a key that is not here.
    UnknownKey,
    /// Sealed for something else than the request says, or changed.
    NotOpened,
    /// The scalar, the points and the server's part do not fit one another.
    Mismatch,
    /// Whoever asks does not hold the client's share.
    Proof,
    /// A share that was not formed from a sealed backup, or none.
    NoShare,
}

impl From<Unopened> for SealRefusal {
    fn from(unopened: Unopened) -> Self {
        match unopened {
            Unopened::UnknownKey => Self::UnknownKey,
            Unopened::NotAuthentic => Self::NotOpened,
        }
    }
}

/// Forms the custodian's share from the server's part and the client's blind.
pub(crate) fn form(
    keys: &SealingKeys,
    body: &StoreBackupShare,
    sealed: &SealedPart,
) -> Result<ShareText, SealRefusal> {
    match body.curve {
        Curve::Secp256k1 => form_on::<Secp256k1>(keys, body, sealed),
        Curve::Ed25519 => form_on::<Ed25519>(keys, body, sealed),
    }
}

fn form_on<G: Group>(
    keys: &SealingKeys,
    body: &StoreBackupShare,
    sealed: &SealedPart,
) -> Result<ShareText, SealRefusal> {
    if *sealed.backup_share_pair_ids.of(body.curve) != body.backup_share_pair_id {
        return Err(SealRefusal::Malformed("sealed.backupSharePairIds"));
    }
    let part = read::<G>(body.share.expose()).ok_or(SealRefusal::Malformed("share"))?;
    let is_ours = part.role() == Role::Server
        && part.kind() == PairKind::Backup
        && part.pair() == body.backup_share_pair_id.to_bytes()
        && part.generation() == body.generation;
    if !is_ours {
        return Err(SealRefusal::Malformed("share"));
    }
    let key = part.points().key();
    let context = SealContext {
        purpose: SealPurpose::Backup,
        client_id: body.client_id,
        backup_share_pair_ids: sealed.backup_share_pair_ids,
        wallet_id: body.wallet_id,
        curve: body.curve,
        generation: body.generation,
        key: &key,
        point: &sealed.blind.point.0,
    };
    let blind = open::<G>(keys, &context, &sealed.blind)?;
    let share = part.blinded(&blind).map_err(|_| SealRefusal::Mismatch)?;
    // What the server put on record: with another, the client's own share would not fit.
    if share.points().share(Role::Server) != sealed.point.0 {
        return Err(SealRefusal::Mismatch);
    }
    text(&share)
}

/// What a client asks for, past the server.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) client_id: ClientId,
    pub(crate) pair_ids: PerCurve<BackupSharePairId>,
    /// What the proofs are made for.
    pub(crate) proof_context: &'a [u8],
    pub(crate) blinds: &'a PerCurve<SealedBlind>,
    pub(crate) proofs: &'a PerCurve<Base64Bytes>,
}

/// The custodian's shares of one pair, each blinded by what the client sealed, for a client that
/// proves that it holds its own.
pub(crate) fn blinded_shares(
    keys: &SealingKeys,
    shares: &[StoredShare],
    asked: &Asked<'_>,
) -> Result<PerCurve<ShareText>, SealRefusal> {
    Ok(PerCurve::new(
        blinded_on::<Secp256k1>(keys, shares, asked, Curve::Secp256k1)?,
        blinded_on::<Ed25519>(keys, shares, asked, Curve::Ed25519)?,
    ))
}

fn blinded_on<G: Group>(
    keys: &SealingKeys,
    shares: &[StoredShare],
    asked: &Asked<'_>,
    curve: Curve,
) -> Result<ShareText, SealRefusal> {
    let id = *asked.pair_ids.of(curve);
    let stored = shares
        .iter()
        .find(|share| share.backup_share_pair_id == id && share.curve == curve)
        .filter(|share| share.delivery.is_some())
        .ok_or(SealRefusal::NoShare)?;
    // Exposed to be blinded.
    let share = read::<G>(stored.share.expose()).ok_or(SealRefusal::NoShare)?;
    let (key, client) = (share.points().key(), share.points().share(Role::Client));
    let proof = &asked.proofs.of(curve).0;
    verify_possession::<G>(asked.proof_context, Role::Client, &client, proof)
        .map_err(|_| SealRefusal::Proof)?;
    let blind = asked.blinds.of(curve);
    let context = SealContext {
        purpose: SealPurpose::Recover,
        client_id: asked.client_id,
        backup_share_pair_ids: asked.pair_ids,
        wallet_id: stored.wallet_id,
        curve,
        generation: stored.generation.0,
        key: &key,
        point: &blind.point.0,
    };
    let blind = open::<G>(keys, &context, blind)?;
    text(&share.blinded(&blind).map_err(|_| SealRefusal::Mismatch)?)
}

/// The compressed point of a stored share, for its receipt.
pub(crate) fn point_of(stored: &StoredShare) -> Option<Vec<u8>> {
    // Exposed to be read; only its point goes on.
    let share = stored.share.expose();
    match stored.curve {
        Curve::Secp256k1 => Some(read::<Secp256k1>(share)?.points().share(Role::Server)),
        Curve::Ed25519 => Some(read::<Ed25519>(share)?.points().share(Role::Server)),
    }
}

fn open<G: Group>(
    keys: &SealingKeys,
    context: &SealContext<'_>,
    blind: &SealedBlind,
) -> Result<Blind<G>, SealRefusal> {
    blind
        .check(context.curve)
        .map_err(|_| SealRefusal::Malformed("blind"))?;
    let scalar = keys.open(context, blind)?;
    let scalar: &[u8; 32] = scalar
        .expose() // to be added or subtracted
        .try_into()
        .map_err(|_| SealRefusal::Mismatch)?;
    let opened = Blind::<G>::decode(scalar).ok_or(SealRefusal::Mismatch)?;
    if opened.point() == context.point {
        Ok(opened)
    } else {
        Err(SealRefusal::Mismatch)
    }
}

fn read<G: Group>(share: &str) -> Option<KeyShare<G>> {
    let bytes = Zeroizing::new(Base64Bytes::parse(share).ok()?.0);
    KeyShare::decode(&bytes).ok()
}

fn text<G: Group>(share: &KeyShare<G>) -> Result<ShareText, SealRefusal> {
    let text = SecretText::of_bytes(&share.encode());
    ShareText::new(text).map_err(|_| SealRefusal::Malformed("share"))
}
