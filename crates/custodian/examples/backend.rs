//! A company's own axum app, with Portal's receiver in it.

use std::{env, error::Error, sync::Arc};

use axum::{Router, routing::get};
use portal_custodian::{ApproveSignature, Approver, Decision, serve};
use portal_custodian::{Receiver, Sealing, Secrets, SqlCustodianStore};
use tokio::{net::TcpListener, signal::ctrl_c};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let secrets = Secrets::read("custodian")?;
    let store = Arc::new(SqlCustodianStore::sqlite("custodian.db", secrets.sealing_key).await?);
    let sealing = Sealing::new(secrets.sealing_keys, store.clone(), secrets.backend_secret);
    let receiver = Receiver::builder(store, secrets.webhook_auth).sealing(sealing);
    let receiver = receiver.app_auth(Arc::new(secrets.app_tokens));
    let portal = receiver.approver(Arc::new(Rules)).build();
    let app = Router::new().route("/", get("hi")).nest("/portal", portal);
    let listener = TcpListener::bind(env::args().nth(1).unwrap_or_default()).await?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(serve(listener, app, async { ctrl_c().await.unwrap_or(()) }).await?)
}

/// This company's wallets sign messages, and move nothing.
struct Rules;

#[async_trait::async_trait]
impl Approver for Rules {
    async fn approve(&self, asked: &ApproveSignature) -> Decision {
        let request = asked.request.as_ref();
        match request.map(|request| request.method.as_str()) {
            Some("personal_sign" | "sol_signMessage") => Decision::Allow,
            _ => Decision::Deny {
                reason: "messages only".to_owned(),
            },
        }
    }
}
