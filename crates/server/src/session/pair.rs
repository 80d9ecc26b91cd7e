//! Generate, Backup, Recover and Refresh: a session that makes a pair.

mod sealed;
mod source;

use portal_api::sealed::BlindedRecovery;
use portal_api::session::{Outcome, PairIds, ServerFrame, Start, Started};
use portal_lifecycle::ids::{BackupSharePairId, ClientId, SigningSharePairId};
use portal_lifecycle::{
    self as lifecycle, AlreadyMade, BackupCommit, BackupMethod, BackupMode, Curve, Effect, ErrorId,
    Event, Fence, LeaseTaken, OperationKind, PerCurve, Plan, SigningCommit, Wallet,
};
use portal_mpc::{
    self as mpc, BothCurves, Generate, KeyContext, KeyShares, ReshareToBackup, ReshareToSigning,
    SigningShares,
};
use portal_seal::SecretBytes;
use portal_store::audit::Actor;
use portal_store::{ClientAuth, Secrets};

use super::socket::Socket;
use super::{Nonces, RunError, custodian_proof, drive};
use crate::custodian_share::public_points;
use crate::error::Operation;
use crate::wallets::Applied;
use crate::{ApiError, App, auth, entropy, outbox, trace};

/// The pair that a plan starts from, as the client is told of it.
const fn source_of(plan: &Plan) -> Option<PairIds> {
    match plan {
        Plan::Generate => None,
        Plan::Backup { source, .. } | Plan::Refresh { source } => Some(PairIds::Signing(*source)),
        Plan::Recover { source } => Some(PairIds::Backup(*source)),
    }
}

/// What a client asks for, besides the operation's ids.
pub(super) struct Asked {
    pub(super) plan: Plan,
    /// Of a backup.
    pub(super) mode: BackupMode,
    /// Of a recovery from a sealed backup.
    pub(super) blinded: Option<Box<BlindedRecovery>>,
}

impl From<Plan> for Asked {
    fn from(plan: Plan) -> Self {
        Self {
            plan,
            mode: BackupMode::Plain,
            blinded: None,
        }
    }
}

/// Takes the lease, runs the session, commits, and gives the lease back whatever happens.
pub(super) async fn run(
    app: &App,
    socket: &mut Socket,
    caller: ClientAuth,
    nonces: Nonces,
    start: &Start,
    asked: Asked,
) -> Result<Outcome, ApiError> {
    let client = caller.client_id;
    let Asked {
        plan,
        mode,
        blinded,
    } = asked;
    if matches!(plan, Plan::Backup { .. }) {
        // Better now than after the pair was made.
        if sealed::mode(app, client, mode).await? != BackupMode::Managed {
            outbox::webhook(app, client).await?;
        }
    }
    let event = Event::Start(lifecycle::Start {
        operation_id: start.operation_id,
        device_id: start.device_id,
        plan,
        lease_ms: u64::try_from(app.limits.session_timeout.as_millis()).unwrap_or(u64::MAX),
    });
    let actor = Actor::Client(client);
    let begun = app.wallets.apply(actor, client, event, Secrets::Unchanged);
    let begun = begun.await?;
    let lease = match begun.effect {
        Effect::LeaseTaken(lease) => lease,
        Effect::AlreadyMade(made) => {
            return already_made(app, socket, client, nonces, &begun.wallet, made).await;
        }
        _ => return Err(ApiError::internal("a start led to something else")),
    };
    // A commit ends the lease with the rest; whatever else happens, the guard does.
    let _lease = Lease {
        app: app.clone(),
        client,
        fence: lease.fence,
    };
    let session = Session {
        app,
        caller,
        client,
        wallet: begun.wallet,
        lease,
        nonces,
        plan,
        mode,
        blinded,
    };
    session.run(socket).await
}

/// Gives the lease back when the session is over, also when it is cut off: the next run on
/// another device need not wait for it to expire.
struct Lease {
    app: App,
    client: ClientId,
    fence: Fence,
}

impl Drop for Lease {
    fn drop(&mut self) {
        let (app, client) = (self.app.clone(), self.client);
        let end = Event::End { fence: self.fence };
        let tasks = self.app.tasks.clone();
        tasks.spawn(trace::carried(async move {
            let actor = Actor::Client(client);
            let ended = app.wallets.apply(actor, client, end, Secrets::Unchanged);
            if let Err(error) = ended.await {
                tracing::warn!(id = %error.id(), "the lease stays until it expires");
            }
        }));
    }
}

/// The same operation id again: what it made stands, and a delivery that failed is tried again.
async fn already_made(
    app: &App,
    socket: &mut Socket,
    client: ClientId,
    nonces: Nonces,
    wallet: &Wallet,
    made: AlreadyMade,
) -> Result<Outcome, ApiError> {
    let gone = || ApiError::internal("a pair is gone");
    match made {
        AlreadyMade::Signing(ids) => {
            let pair = wallet.signing_pair_of(ids).ok_or_else(gone)?;
            Ok(Outcome::SigningPair {
                ids,
                status: pair.status,
            })
        }
        AlreadyMade::Backup(ids) => {
            socket
                .while_working(Box::pin(outbox::deliver(
                    app,
                    Actor::Client(client),
                    client,
                    ids,
                )))
                .await??;
            backed_up(app, socket, client, nonces, ids).await
        }
    }
}

/// What is told of a backup that the custodian holds. Of a sealed one its own word is passed on: a
/// device does not take the server's for it.
async fn backed_up(
    app: &App,
    socket: &mut Socket,
    client: ClientId,
    nonces: Nonces,
    ids: PerCurve<BackupSharePairId>,
) -> Result<Outcome, ApiError> {
    let gone = || ApiError::internal("a pair is gone");
    let stored = app.wallets.stored(client).await?.ok_or_else(gone)?;
    let pair = stored.wallet.backup_pair_of(ids).ok_or_else(gone)?;
    let proofs = match pair.mode {
        BackupMode::Sealed => {
            Some(custodian_proof::fetch(app, socket, client, nonces, pair).await?)
        }
        BackupMode::Plain | BackupMode::Managed => None,
    };
    Ok(Outcome::BackupPair {
        ids,
        status: pair.status,
        proofs,
    })
}

struct Session<'a> {
    app: &'a App,
    caller: ClientAuth,
    client: ClientId,
    wallet: Wallet,
    lease: LeaseTaken,
    nonces: Nonces,
    plan: Plan,
    /// Of a backup that is made now.
    mode: BackupMode,
    blinded: Option<Box<BlindedRecovery>>,
}

impl Session<'_> {
    async fn run(&self, socket: &mut Socket) -> Result<Outcome, ApiError> {
        match self.plan {
            Plan::Generate => {
                let ids = self.new_signing_ids();
                let (session, keys) = self.context(PairIds::Signing(ids));
                let machine =
                    Generate::server(&session, &keys).map_err(|abort| self.abort(&abort))?;
                self.started(socket, PairIds::Signing(ids)).await?;
                self.make_signing(socket, machine, ids).await
            }
            Plan::Refresh { source } => {
                let shares = source::signing(self.app, self.client, source).await?;
                self.reshare_to_signing(socket, shares).await
            }
            Plan::Recover { source } => {
                let asked = source::Asked {
                    client: self.client,
                    ids: source,
                    challenge: self.nonces.server,
                    blinded: self.blinded.as_deref(),
                };
                let shares = source::backup(self.app, &self.wallet, &asked);
                let shares = socket.while_working(shares).await??;
                self.reshare_to_signing(socket, shares).await
            }
            Plan::Backup { method, source, .. } => {
                let shares = source::signing(self.app, self.client, source).await?;
                self.make_backup(socket, shares, method, source).await
            }
        }
    }

    async fn reshare_to_signing(
        &self,
        socket: &mut Socket,
        shares: KeyShares,
    ) -> Result<Outcome, ApiError> {
        let ids = self.new_signing_ids();
        let (session, keys) = self.context(PairIds::Signing(ids));
        let machine = ReshareToSigning::server(&session, &keys, shares)
            .map_err(|abort| self.abort(&abort))?;
        self.started(socket, PairIds::Signing(ids)).await?;
        self.make_signing(socket, machine, ids).await
    }

    /// E2: commit, and only then let the last message go.
    async fn make_signing<M>(
        &self,
        socket: &mut Socket,
        machine: M,
        ids: PerCurve<SigningSharePairId>,
    ) -> Result<Outcome, ApiError>
    where
        M: mpc::Machine<Output = SigningShares> + Send + 'static,
    {
        let made = self.drive(socket, machine).await?;
        let shares = &made.output;
        let points = PerCurve::new(
            public_points(shares.secp256k1.key()),
            public_points(&shares.ed25519),
        );
        let commit = Event::CommitSigning(SigningCommit {
            fence: self.lease.fence,
            ids,
            points,
            plan: self.plan,
        });
        let shares = PerCurve::new(
            SecretBytes::new(shares.secp256k1.encode()),
            SecretBytes::new(shares.ed25519.encode()),
        );
        let secrets = Secrets::StoreSigningShare { ids, shares };
        let committed = self.apply(commit, secrets).await?;
        socket.send_binary(made.last.release().into_bytes()).await?;
        let pair = committed.wallet.signing_pair_of(ids);
        let status = pair
            .ok_or_else(|| ApiError::internal("a pair is gone"))?
            .status;
        Ok(Outcome::SigningPair { ids, status })
    }

    /// E14: commit with the share in the outbox, let the last message go, deliver (E15).
    async fn make_backup(
        &self,
        socket: &mut Socket,
        shares: KeyShares,
        method: BackupMethod,
        source: PerCurve<SigningSharePairId>,
    ) -> Result<Outcome, ApiError> {
        let ids = PerCurve::new(self.new_id(), self.new_id()).map(BackupSharePairId);
        let (session, keys) = self.context(PairIds::Backup(ids));
        let machine =
            ReshareToBackup::server(&session, &keys, shares).map_err(|abort| self.abort(&abort))?;
        self.started(socket, PairIds::Backup(ids)).await?;
        let blinds = match self.mode {
            BackupMode::Sealed => Some(sealed::receive(socket).await?),
            BackupMode::Plain | BackupMode::Managed => None,
        };
        let made = self.drive(socket, machine).await?;
        let shares = &made.output;
        let fence = self.lease.fence;
        let points = match &blinds {
            Some(blinds) => sealed::points(shares, blinds)?,
            None => PerCurve::new(
                public_points(&shares.secp256k1),
                public_points(&shares.ed25519),
            ),
        };
        let commit = Event::CommitBackup(BackupCommit {
            fence,
            ids,
            points,
            source,
            method,
            mode: self.mode,
        });
        let shares = PerCurve::new(
            SecretBytes::new(shares.secp256k1.encode()),
            SecretBytes::new(shares.ed25519.encode()),
        );
        let secrets = match self.mode {
            BackupMode::Plain | BackupMode::Sealed => Secrets::Enqueue {
                ids,
                shares,
                blinds: blinds.map(|blinds| blinds.map(|blind| blind.encode())),
                due_at: self.app.clock.now().plus_ms(outbox::SESSION_GRACE_MS),
            },
            BackupMode::Managed => Secrets::StoreCustodianShare { ids, shares },
        };
        self.apply(commit, secrets).await?;
        socket.send_binary(made.last.release().into_bytes()).await?;
        // Nothing is in the outbox of a managed backup.
        let actor = Actor::Client(self.client);
        let delivering = Box::pin(outbox::deliver(self.app, actor, self.client, ids));
        socket.while_working(delivering).await??;
        backed_up(self.app, socket, self.client, self.nonces, ids).await
    }

    /// Commits, if the caller is still allowed in: a session outlives no credential.
    async fn apply(&self, event: Event, secrets: Secrets) -> Result<Applied, ApiError> {
        auth::still(self.app, self.caller).await?;
        let actor = Actor::Client(self.client);
        let applied = self.app.wallets.apply(actor, self.client, event, secrets);
        applied.await
    }

    async fn drive<M>(
        &self,
        socket: &mut Socket,
        machine: M,
    ) -> Result<super::Made<M::Output>, ApiError>
    where
        M: mpc::Machine + Send + 'static,
        M::Output: Send,
    {
        let operation = Operation::Pair(self.plan.kind());
        drive(self.app, socket, machine)
            .await
            .map_err(|error: RunError| error.public(operation))
    }

    async fn started(&self, socket: &mut Socket, new_pair: PairIds) -> Result<(), ApiError> {
        let started = Started {
            wallet_ids: self.wallet.ids,
            generation: self.lease.generation.0,
            new_pair,
            source_pair: source_of(&self.plan),
        };
        socket.send(&ServerFrame::Started(started)).await
    }

    fn context(&self, new_pair: PairIds) -> (mpc::Session, BothCurves<KeyContext>) {
        let session = mpc::Session {
            operation: match self.plan.kind() {
                OperationKind::Generate => mpc::Operation::Generate,
                OperationKind::Backup => mpc::Operation::Backup,
                OperationKind::Recover => mpc::Operation::Recover,
                OperationKind::Refresh => mpc::Operation::Refresh,
            },
            generation: self.lease.generation.0,
            client_nonce: self.nonces.client,
            server_nonce: self.nonces.server,
        };
        let key = |curve: Curve| KeyContext {
            wallet_id: self.wallet.ids.of(curve).to_bytes(),
            new_pair: Some(new_pair.to_bytes(curve)),
            source_pair: source_of(&self.plan).map(|source| source.to_bytes(curve)),
        };
        let keys = BothCurves {
            secp256k1: key(Curve::Secp256k1),
            ed25519: key(Curve::Ed25519),
        };
        (session, keys)
    }

    fn new_signing_ids(&self) -> PerCurve<SigningSharePairId> {
        PerCurve::new(self.new_id(), self.new_id()).map(SigningSharePairId)
    }

    fn new_id(&self) -> uuid::Uuid {
        SigningSharePairId::make(self.app.clock.now(), entropy::bytes()).0
    }

    fn abort(&self, abort: &mpc::Abort) -> ApiError {
        ApiError::from_abort(Operation::Pair(self.plan.kind()), abort)
    }
}

/// A pair id that the caller named and that is not this wallet's.
fn unknown_pair() -> ApiError {
    ApiError::new(
        ErrorId::NotFound,
        "this wallet has no such pair; read its pairs and use one",
    )
}
