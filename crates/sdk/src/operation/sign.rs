//! Sign: `sign` and `raw_sign`.

use std::time::Duration;

use portal_api::rest::ClientState;
use portal_api::session::{Operation, Wanted};
use portal_chains::{ChainId, Payload, Request, Signature, Signed};
use portal_lifecycle::{Curve, ErrorId, Generation};
use portal_mpc::{self as mpc, KeyContext, ed25519, secp256k1};
use tracing::Instrument as _;

use crate::device::{Device, Mark, PairRecord};
use crate::error::Run;
use crate::meter::{Meter, traced};
use crate::session::{Session, compute};
use crate::state::exists;
use crate::{Error, Portal, Report, ambient};

/// A signed request.
#[derive(Debug, Clone, PartialEq)]
pub struct SignedRequest {
    /// What was signed, in a line for people.
    pub summary: String,
    /// The finished transaction or message signature.
    pub signed: Signed,
    /// Where time and bytes went.
    pub report: Report,
}

/// A signature of raw bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct SignedRaw {
    /// The signature.
    pub signature: Signature,
    /// Where time and bytes went.
    pub report: Report,
}

impl Portal {
    /// Signs a request of a chain, such as `eth_signTransaction` or `sol_signMessage`.
    ///
    /// What is signed is computed on this device from `method` and `params`; the finished
    /// signature is verified before it is returned.
    ///
    /// # Errors
    ///
    /// `CHAIN_UNSUPPORTED`, `METHOD_UNSUPPORTED`, `TX_BUILD_FAILED`, `MSG_BUILD_FAILED`;
    /// `FORBIDDEN`, `ADDRESS_BLOCKED` or `WEBHOOK_FAILED` where the custodian's signing policy or
    /// its backend does not allow it;
    /// and those of [`raw_sign`](Self::raw_sign).
    pub async fn sign(
        &self,
        chain: &ChainId,
        method: &str,
        params: &serde_json::Value,
    ) -> Result<SignedRequest, Error> {
        let meter = Meter::start();
        traced(meter.trace_id(), self.signed(chain, method, params, meter)).await
    }

    async fn signed(
        &self,
        chain: &ChainId,
        method: &str,
        params: &serde_json::Value,
        mut meter: Meter,
    ) -> Result<SignedRequest, Error> {
        let mut pair = self.pair_to_sign(&mut meter).await?;
        let mut signed = self
            .sign_request(&mut meter, &pair, chain, method, params)
            .await;
        if signed.as_ref().is_err_and(server_knows_otherwise) {
            pair = self.pair_after_asking(&mut meter, pair).await?;
            signed = self
                .sign_request(&mut meter, &pair, chain, method, params)
                .await;
        }
        let (summary, signed) = signed?;
        Ok(SignedRequest {
            summary,
            signed,
            report: meter.finish(),
        })
    }

    async fn sign_request(
        &self,
        meter: &mut Meter,
        pair: &PairRecord,
        chain: &ChainId,
        method: &str,
        params: &serde_json::Value,
    ) -> Result<(String, Signed), Error> {
        let (secp256k1, ed25519) = (pair.secp256k1()?, pair.ed25519()?);
        let key = match chain.curve() {
            portal_chains::Curve::Secp256k1 => secp256k1.key().points().key(),
            portal_chains::Curve::Ed25519 => ed25519.points().key(),
        };
        let request = Request::parse(chain, method, params, &key)?;
        let mut signatures = Vec::new();
        for (payload_index, payload) in (0..).zip(request.payloads()) {
            // The server computes the payload for itself, and signs nothing else.
            let wanted = Wanted::Request {
                chain: chain.to_string(),
                method: method.to_owned(),
                params: params.clone(),
                payload_index,
            };
            let signature = match payload {
                Payload::Digest(digest) => self.ecdsa(meter, pair, digest, wanted).await?,
                Payload::Message(message) => self.eddsa(meter, pair, message, wanted).await?,
            };
            signatures.push(signature);
        }
        let signed = request.finish(&signatures)?;
        Ok((request.summary(), signed))
    }

    /// Signs raw bytes: a 32-byte digest on secp256k1, a message on Ed25519.
    ///
    /// Nobody can read what raw bytes commit to; prefer [`sign`](Self::sign). The server refuses
    /// unless the custodian's signing policy allows `rawSigning`.
    ///
    /// # Errors
    ///
    /// `BAD_REQUEST` for a digest that is not 32 bytes long, `FORBIDDEN`, `WALLET_NOT_FOUND`,
    /// `SIGNING_SHARE_NOT_ON_DEVICE`, `SIGNING_SHARE_SUPERSEDED`, `SIGNING_SHARE_FROZEN`,
    /// `SIGN_SHARE_MISMATCH`, the `KEYCHAIN_…` and `MPC_…` ids, `SIGN_FAILED`, `UNAVAILABLE`.
    pub async fn raw_sign(&self, curve: Curve, payload: &[u8]) -> Result<SignedRaw, Error> {
        let meter = Meter::start();
        traced(meter.trace_id(), self.signed_raw(curve, payload, meter)).await
    }

    async fn signed_raw(
        &self,
        curve: Curve,
        payload: &[u8],
        mut meter: Meter,
    ) -> Result<SignedRaw, Error> {
        let mut pair = self.pair_to_sign(&mut meter).await?;
        let mut signed = self.raw(&mut meter, &pair, curve, payload).await;
        if signed.as_ref().is_err_and(server_knows_otherwise) {
            pair = self.pair_after_asking(&mut meter, pair).await?;
            signed = self.raw(&mut meter, &pair, curve, payload).await;
        }
        Ok(SignedRaw {
            signature: signed?,
            report: meter.finish(),
        })
    }

    async fn raw(
        &self,
        meter: &mut Meter,
        pair: &PairRecord,
        curve: Curve,
        payload: &[u8],
    ) -> Result<Signature, Error> {
        let raw = Wanted::raw(payload);
        match curve {
            Curve::Secp256k1 => {
                let digest = payload.try_into().map_err(|_| {
                    let detail = format!("expected a digest of 32 bytes, got {}", payload.len());
                    Error::new(ErrorId::BadRequest, detail)
                })?;
                self.ecdsa(meter, pair, digest, raw).await
            }
            Curve::Ed25519 => self.eddsa(meter, pair, payload.to_vec(), raw).await,
        }
    }

    /// E20: the server knows less of this device's pair, or asks for a proof: its database was
    /// put back. The pair to go on with, or what there is to do.
    async fn pair_after_asking(
        &self,
        meter: &mut Meter,
        refused: PairRecord,
    ) -> Result<PairRecord, Error> {
        let state = self.rest.state(meter).await?;
        self.reconcile(meter, &state).await?;
        let pair = self.pair_in_use(&state).await?;
        match self.device.mark_of(pair.generation).await? {
            Mark::Frozen => Err(frozen()),
            Mark::Superseded if pair.ids == refused.ids => Err(Error::new(
                ErrorId::SigningShareSuperseded,
                "another pair is in force at the server than those on this device; recover the \
                 wallet on this device",
            )),
            _ => Ok(pair),
        }
    }

    /// The pair this device uses, when the server's state is at hand.
    pub(crate) async fn pair_in_use(&self, state: &ClientState) -> Result<PairRecord, Error> {
        let usable = self.newest_usable().await?.pair;
        usable.ok_or_else(|| absent(state))
    }

    /// The pair this device uses. The server is asked only where there is none, or where a run
    /// was interrupted before this device heard whether its new pair is in force.
    async fn pair_to_sign(&self, meter: &mut Meter) -> Result<PairRecord, Error> {
        let pair = match self.newest_usable().await? {
            Usable {
                pair: Some(pair),
                is_certain: true,
            } => pair,
            _ => {
                let state = self.rest.state(meter).await?;
                self.reconcile(meter, &state).await?;
                self.pair_in_use(&state).await?
            }
        };
        match self.device.mark_of(pair.generation).await? {
            Mark::Frozen => Err(frozen()),
            _ => Ok(pair),
        }
    }

    /// The newest pair in use; where none is, the newest that there is: the server will say
    /// what has become of it.
    async fn newest_usable(&self) -> Result<Usable, Error> {
        let mut pairs = self.device.pairs().await?;
        let mut newest = None;
        let mut is_certain = true;
        for pair in std::mem::take(&mut pairs.readable).into_iter().rev() {
            match self.device.mark_of(pair.generation).await? {
                Mark::Active | Mark::Frozen => {
                    return Ok(Usable {
                        pair: Some(pair),
                        is_certain,
                    });
                }
                Mark::New => is_certain = false,
                Mark::Superseded | Mark::Refused => {}
            }
            newest.get_or_insert(pair);
        }
        // The one that cannot be read may be the one in use.
        pairs.none()?;
        Ok(Usable {
            pair: newest,
            is_certain,
        })
    }

    async fn ecdsa(
        &self,
        meter: &mut Meter,
        pair: &PairRecord,
        digest: [u8; 32],
        wanted: Wanted,
    ) -> Result<Signature, Error> {
        let share = pair.secp256k1()?;
        // One at a time: what one session shows of a cheating server must stop the next.
        let mut cheated = self.signing.lock().await;
        if cheated.contains(&pair.generation) {
            return Err(frozen());
        }
        let (mut session, about, key) = self.begin(meter, pair, Curve::Secp256k1, wanted).await?;
        let (machine, first) = compute(move || {
            secp256k1::ClientSign::start(&about, &key, share, digest, &mut ambient::rng())
        })
        .await?
        .map_err(|abort| Error::from_abort(Run::Sign, &abort))?;
        let signed = session.run(Run::Sign, machine, first).await;
        if signed.as_ref().is_err_and(Error::is_strike) {
            cheated.push(pair.generation);
        }
        let signature = self.heard(pair, signed).await?;
        session.done_if_told().await;
        let secp256k1::Signature { r, s, recovery_id } = signature;
        Ok(Signature::Secp256k1 { r, s, recovery_id })
    }

    async fn eddsa(
        &self,
        meter: &mut Meter,
        pair: &PairRecord,
        message: Vec<u8>,
        wanted: Wanted,
    ) -> Result<Signature, Error> {
        let share = pair.ed25519()?;
        let (mut session, about, key) = self.begin(meter, pair, Curve::Ed25519, wanted).await?;
        let (machine, first) = compute(move || {
            ed25519::ClientSign::start(&about, &key, share, &message, &mut ambient::rng())
        })
        .await?
        .map_err(|abort| Error::from_abort(Run::Sign, &abort))?;
        let signed = session.run(Run::Sign, machine, first).await;
        let signature = self.heard(pair, signed).await?;
        session.done_if_told().await;
        Ok(Signature::Ed25519(signature.0))
    }

    async fn begin<'a>(
        &self,
        meter: &'a mut Meter,
        pair: &PairRecord,
        curve: Curve,
        wanted: Wanted,
    ) -> Result<(Session<'a>, mpc::Session, KeyContext), Error> {
        let device_id = self.device.id().await?;
        let mut session = Session::open(&self.rest, meter).await?;
        let operation = Operation::Sign {
            curve,
            signing_share_pair_id: *pair.ids.of(curve),
            wanted,
        };
        session.start(device_id, operation).await?;
        let about = session
            .nonces
            .session(mpc::Operation::Sign, pair.generation.0);
        let key = KeyContext {
            wallet_id: pair.wallet_ids.of(curve).to_bytes(),
            new_pair: None,
            source_pair: Some(pair.ids.of(curve).to_bytes()),
        };
        Ok((session, about, key))
    }

    /// E8, E12: a pair that was refused, or that the server cheated with, is not used any more;
    /// neither is deleted.
    async fn heard<T>(&self, pair: &PairRecord, signed: Result<T, Error>) -> Result<T, Error> {
        match &signed {
            Err(error) if error.id() == ErrorId::SigningShareSuperseded => {
                self.device.mark(pair.generation, Mark::Superseded).await?;
            }
            Err(error) if error.is_strike() => {
                let frozen =
                    tokio::spawn(freeze(self.device.clone(), pair.generation).in_current_span());
                // While it is not durable, this process knows; the caller hears of the cheat meanwhile.
                let _ = tokio::time::timeout(FREEZE_WAIT, frozen).await;
            }
            _ => {}
        }
        signed
    }
}

/// Whether a refusal means that the server's database was put back, or that this device missed
/// something: the state tells.
fn server_knows_otherwise(error: &Error) -> bool {
    matches!(error.id(), ErrorId::StateInvalid | ErrorId::NotFound)
}

/// How long a caller waits for the freeze to be durable.
const FREEZE_WAIT: Duration = Duration::from_secs(5);
const FREEZE_RETRY: Duration = Duration::from_millis(200);

/// Tries until the freeze is durable, in a task of its own: an app that gives up the call does not stop it.
async fn freeze(device: Device, generation: Generation) {
    while let Err(error) = device.mark(generation, Mark::Frozen).await {
        tracing::error!(id = %error.id(), "the freeze is not durable yet");
        tokio::time::sleep(FREEZE_RETRY).await;
    }
}

/// What this device would sign with.
struct Usable {
    pair: Option<PairRecord>,
    /// Whether there is no newer pair that only waits for its confirmation to be heard.
    is_certain: bool,
}

/// Why a device holds no pair to use.
pub(crate) fn absent(state: &ClientState) -> Error {
    if exists(state) {
        not_on_device()
    } else {
        no_wallet()
    }
}

fn frozen() -> Error {
    Error::new(
        ErrorId::SigningShareFrozen,
        "the server cheated while signing with this share; refresh or recover the wallet",
    )
}

fn no_wallet() -> Error {
    Error::new(
        ErrorId::WalletNotFound,
        "this client has no wallet; create one first",
    )
}

fn not_on_device() -> Error {
    Error::new(
        ErrorId::SigningShareNotOnDevice,
        "this device holds no share of the wallet; recover the wallet on this device",
    )
}
