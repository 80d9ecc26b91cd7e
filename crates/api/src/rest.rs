//! Bodies of the REST API.

mod client;
mod eject;
mod page;
mod share_pairs;
mod state;
mod webhook;

pub use client::{
    CreateClient, CreateClientApiKey, CreateSession, CreatedClient, CreatedClientApiKey,
    CreatedSession, RedeemWebOtp, WebOtp,
};
pub use eject::{
    BackupShareText, BlindedEject, Eject, EjectableBackupShares, EjectableUntil, EnableEject,
    PrepareEject, eject_context,
};
pub use page::{Page, PageMetadata, PageQuery};
pub use share_pairs::{
    KeepCipherText, KeptCipherText, UpdateBackupSharePairs, UpdateSigningSharePairs,
    confirmation_context,
};
pub use state::{
    BackupSharePair, ClientState, Environment, Metadata, Named, NamespaceAddress, Namespaces,
    SigningSharePair, WalletState,
};
pub use webhook::{
    PutWebhook, WebhookDelivery, WebhookSecretSummary, WebhookSettings, WebhookTest,
};
