//! The customer's backend: webhook receiver and share store.
//!
//! An app's company runs this, alone or inside its own axum app. It takes in the custodian
//! backup shares that Portal sends (rule E15 of the lifecycle), gives them back for Recover, and
//! keeps the cipher texts that users' apps hand in (E17).
//!
//! ```no_run
//! use std::sync::Arc;
//! use portal_custodian::{Receiver, Sealing, Secrets, SqlCustodianStore};
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let secrets = Secrets::read("custodian")?;
//! let given = secrets.given();
//! let store = Arc::new(SqlCustodianStore::sqlite("custodian.db", secrets.sealing_key).await?);
//! store.check_secrets(&given, &[]).await?;
//! let sealing = Sealing::new(secrets.sealing_keys, store.clone(), secrets.backend_secret);
//! let receiver = Receiver::builder(store.clone(), secrets.webhook_auth)
//!     .sealing(sealing)
//!     .app_auth(Arc::new(secrets.app_tokens))
//!     .build();
//! let app = axum::Router::new()
//!     .route("/", axum::routing::get(async || "our own app"))
//!     .nest("/portal", receiver);
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
//! portal_custodian::serve(listener, app, async { tokio::signal::ctrl_c().await.unwrap_or(()) }).await?;
//! store.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! Portal's webhook is then set to `https://…/portal`, and the secret is the one that Portal showed.
//! Calls by a `whsec_` secret must be signed; [`WebhookAuth`] says what else may be. Plain backups,
//! whose shares the server has seen, are taken only by a receiver that was told so
//! ([`plain_backups`](ReceiverBuilder::plain_backups)).
//!
//! # Architecture invariants
//!
//! A share is an opaque string: nothing here computes with one, but to prove that it is here
//! (`/backup/prove`), and in sealed mode to form it and to blind it, in one module (`blinded`). It
//! lies sealed, bound to its place and to all that is said of it in clear.
//!
//! A share that was formed here never leaves: not to Portal, which is given a receipt, nor in a
//! recovery, which is given it blinded by what the client sealed, while the app's own backend
//! lets the client recover.
//!
//! No share, cipher text or recovery is ever replaced or deleted, by this code or by another that
//! opens the database. What forgets is the table of calls that are answered once.
//!
//! Every error leaves as a problem document made in one place, and no body, token or secret
//! reaches a log or an error.

#![deny(clippy::indexing_slicing)]

mod ambient;
mod app_auth;
mod app_tokens;
mod approver;
mod blinded;
#[cfg(feature = "conformance")]
pub mod conformance;
mod framing;
mod json_body;
mod kept;
mod receiver;
mod recovery;
mod refusal;
mod router;
mod routes;
mod sealing;
mod secrets;
mod sql;
mod store;
mod store_error;
mod text;
mod trace;
mod webhook_auth;
mod webhook_secret;

pub use app_auth::{AppAuth, AppAuthError};
pub use app_tokens::{AppToken, AppTokens};
pub use approver::{Approver, Decision};
pub use kept::{GivenSecret, KeptSecret};
pub use portal_api::webhook::{ApproveSignature, RequestToApprove};
pub use portal_lifecycle::ids::ClientId;
pub use receiver::{Receiver, ReceiverBuilder};
pub use recovery::{RecoveryError, RecoveryPolicy, RecoveryRequest, RecoveryStore, RecoveryWindow};
pub use router::{serve, serve_through};
pub use sealing::{BackendSecret, BackendSecretTooShort, Sealing, SealingKeys, SealingKeysError};
pub use secrets::{Secrets, SecretsError};
pub use sql::{ExportedShares, SqlCustodianStore};
pub use store::{CustodianStore, NewCipherText, NewShare, StoredCipher, StoredShare};
pub use store_error::{DriverError, InsertError, KeptSecretsError, OpenStoreError, StoreError};
pub use text::{CipherText, Digest, NotACipherText, SHARE_BYTES, ShareText, ShareTextLength};
pub use webhook_auth::WebhookAuth;
pub use webhook_secret::{WEBHOOK_SECRET_BYTES, WebhookSecret, WebhookSecretError};
