//! Calls to a custodian's backend: where they may go, how they are signed, what became of them.

mod address;
mod calls;
mod client;
mod policy;
mod resolver;
pub(crate) mod settings;
mod transport;

pub(crate) use client::{Webhook, WebhookClient};
pub use policy::{WebhookPolicy, WebhookUrlError};
pub use resolver::{Resolver, SystemResolver};
pub use settings::{SecretChange, WebhookChange, WebhookSettingsError};
pub use transport::{
    HttpWebhooks, WebhookAnswer, WebhookCall, WebhookTransport, WebhookUnreachable,
};
