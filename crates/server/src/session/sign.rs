//! Signing: E11 before every answer, and a strike made durable before any (E12).

use std::sync::Arc;

use portal_api::limits::SIGN_PAYLOAD_BYTES;
use portal_api::session::{Outcome, Wanted};
use portal_lifecycle::ids::SigningSharePairId;
use portal_lifecycle::{Curve, ErrorId, SigningPair, Wallet};
use portal_mpc::{
    self as mpc, Ed25519, HeldMessage, KeyContext, KeyShare, Machine, Step, ed25519, secp256k1,
};
use portal_seal::SecretBytes;
use portal_store::ClientAuth;

use super::guard::{Signing, guarded_step};
use super::socket::Socket;
use super::{Nonces, RunError, held};
use crate::approval::{Asked, judge, release};
use crate::error::Operation;
use crate::{ApiError, App};

/// What the client wants signed, with which pair.
pub(super) struct Asking {
    pub(super) client: ClientAuth,
    pub(super) curve: Curve,
    pub(super) pair: SigningSharePairId,
    pub(super) wanted: Wanted,
}

pub(super) async fn run(
    app: &App,
    socket: &mut Socket,
    nonces: Nonces,
    asking: Asking,
) -> Result<Outcome, ApiError> {
    let client = asking.client.client_id;
    let signing = Signing {
        client,
        curve: asking.curve,
        pair: asking.pair,
    };
    let wallet = app.wallets.check(client, signing.event()).await?;
    let pair = wallet
        .signing_pair(signing.curve, signing.pair)
        .ok_or_else(ApiError::not_found)?;
    let (session, key) = context(&wallet, pair, signing, nonces);
    let asked = Arc::new(Asked {
        caller: asking.client,
        signing,
        public_key: pair.points.of(signing.curve).key.0.clone(),
        wallet_id: *wallet.ids.of(signing.curve),
        wanted: asking.wanted,
    });
    let judged = judge(app, &asked).await?;
    let payload = &judged.payload;
    let share = app
        .store
        .signing_share(client, signing.curve, signing.pair)
        .await?;
    let Some(share) = share else {
        // It may have been erased since: the wallet was ejected, or the pair purged.
        app.wallets.check(client, signing.event()).await?;
        return Err(ApiError::internal("the server's share is gone"));
    };
    let held = match signing.curve {
        Curve::Secp256k1 => {
            let machine = ecdsa(&session, &key, &share, payload)?;
            drive_guarded(app, socket, signing, machine).await
        }
        Curve::Ed25519 => {
            let machine = eddsa(&session, &key, &share, payload)?;
            drive_guarded(app, socket, signing, machine).await
        }
    };
    let held = held.map_err(|error| error.public(Operation::Sign))?;
    // The client has shown that it holds its share; what it waits for makes the signature.
    release(app, &asked, judged).await?;
    socket.send_binary(held.release().into_bytes()).await?;
    Ok(Outcome::Signature)
}

/// Drives a signing machine to its last message; the client alone needs the signature.
async fn drive_guarded<M>(
    app: &App,
    socket: &mut Socket,
    signing: Signing,
    mut machine: M,
) -> Result<HeldMessage, RunError>
where
    M: Machine + Send + 'static,
    M::Output: Send,
{
    loop {
        let message = socket.receive_binary().await?;
        match guarded_step(app, signing, machine, message).await? {
            Step::Continue { next, message } => {
                socket.send_binary(message.into_bytes()).await?;
                machine = next;
            }
            Step::Finish { last, .. } => return Ok(held(last)?),
        }
    }
}

fn context(
    wallet: &Wallet,
    pair: &SigningPair,
    signing: Signing,
    nonces: Nonces,
) -> (mpc::Session, KeyContext) {
    let session = mpc::Session {
        operation: mpc::Operation::Sign,
        generation: pair.generation.0,
        client_nonce: nonces.client,
        server_nonce: nonces.server,
    };
    let key = KeyContext {
        wallet_id: wallet.ids.of(signing.curve).to_bytes(),
        new_pair: None,
        source_pair: Some(signing.pair.to_bytes()),
    };
    (session, key)
}

fn ecdsa(
    session: &mpc::Session,
    key: &KeyContext,
    share: &SecretBytes,
    payload: &[u8],
) -> Result<impl Machine<Output = secp256k1::Signature> + Send + use<>, ApiError> {
    let digest = payload.try_into().map_err(|_| {
        let detail = format!(
            "expected a digest of 32 bytes to sign, got {}",
            payload.len()
        );
        ApiError::new(ErrorId::BadRequest, detail)
    })?;
    let share =
        secp256k1::SigningShare::decode(share.expose()).map_err(ApiError::from_own_share)?;
    secp256k1::ServerSign::new(session, key, share, digest)
        .map_err(|abort| ApiError::from_abort(Operation::Sign, &abort))
}

fn eddsa(
    session: &mpc::Session,
    key: &KeyContext,
    share: &SecretBytes,
    payload: &[u8],
) -> Result<impl Machine<Output = ()> + Send + use<>, ApiError> {
    if payload.len() > SIGN_PAYLOAD_BYTES {
        let detail = format!(
            "expected a message of at most {SIGN_PAYLOAD_BYTES} bytes, got {}",
            payload.len()
        );
        return Err(ApiError::new(ErrorId::PayloadTooLarge, detail));
    }
    let share = KeyShare::<Ed25519>::decode(share.expose()).map_err(ApiError::from_own_share)?;
    ed25519::ServerSign::new(session, key, share, payload)
        .map_err(|abort| ApiError::from_abort(Operation::Sign, &abort))
}
