//! The walk, as a person would see it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use portal_chains::Signed;
use portal_sdk::{
    Addresses, Backup, BackupMethod, ChainId, Curve, ErrorId, Password, Portal, Report,
};
use serde_json::json;

use super::services::Services;
use super::state::DemoState;
use super::table::Row;
use super::verify;
use crate::command::client::{Custodian, mint};
use crate::command::custodian_app;
use crate::command::sealing;
use crate::command::wallet::backup_in_force;
use crate::device::{Device, Profile};
use crate::output::Output;

const PASSWORD: &str = "correct horse battery staple";
const SOLANA_MESSAGE: &str = "Portal demo";

/// The walk and what it has measured so far.
pub(super) struct Walk<'a> {
    data: &'a Path,
    services: &'a Services,
    state: DemoState,
    output: Output,
    rows: Vec<Row>,
}

impl<'a> Walk<'a> {
    pub(super) const fn new(
        data: &'a Path,
        services: &'a Services,
        state: DemoState,
        output: Output,
    ) -> Self {
        Self {
            data,
            services,
            state,
            output,
            rows: Vec::new(),
        }
    }

    pub(super) async fn run(mut self) -> anyhow::Result<Vec<Row>> {
        let device = self.device(self.state.device).await?;
        let portal = self.portal(&device).await?;
        let addresses = self.wallet(&portal).await?;
        self.sign_everything(&portal, &addresses, "on the first device")
            .await?;
        self.back_up(&device, &portal).await?;
        drop(portal);

        self.heading("The device is lost");
        let kept = self.lose(self.state.device)?;
        let blank = self.device(self.state.device).await?;
        let refused = self
            .portal(&blank)
            .await?
            .raw_sign(Curve::Secp256k1, &[1; 32])
            .await;
        self.expect(
            refused,
            ErrorId::SigningShareNotOnDevice,
            "without its keychain it",
        )?;

        self.heading("Recovery on a new device");
        self.state.device += 1;
        self.state.save()?;
        let new_device = self.device(self.state.device).await?;
        let portal = self.portal(&new_device).await?;
        self.recover(&new_device, &portal, &addresses).await?;
        self.sign_everything(&portal, &addresses, "on the new device")
            .await?;

        self.heading("The old device turns up again");
        let found = self.found(self.state.device - 1, &kept)?;
        let refused = self
            .portal(&found)
            .await?
            .raw_sign(Curve::Ed25519, b"old")
            .await;
        self.expect(
            refused,
            ErrorId::SigningShareSuperseded,
            "its share is of the past: it",
        )?;
        Ok(self.rows)
    }

    /// Creates the wallet, or finds the one of the run before.
    async fn wallet(&mut self, portal: &Portal) -> anyhow::Result<Addresses> {
        if portal.is_wallet_on_device().await? {
            self.heading("The wallet of the run before");
            let known = portal.state().await?.metadata.namespaces;
            let address = |known: Option<portal_api::rest::NamespaceAddress>| {
                known
                    .map(|known| known.address)
                    .context("a wallet has addresses")
            };
            let signed = portal.addresses().await?;
            ensure!(
                address(known.eip155)? == signed.eip155,
                "the server tells another address"
            );
            self.show(&signed);
            return Ok(signed);
        }
        self.heading("A wallet is made: neither side ever holds the key");
        let created = portal.create_wallet().await?;
        self.show(&created.addresses);
        self.row("create wallet", created.report);
        Ok(created.addresses)
    }

    async fn sign_everything(
        &mut self,
        portal: &Portal,
        addresses: &Addresses,
        on: &str,
    ) -> anyhow::Result<()> {
        self.heading(&format!(
            "Signatures {on}, verified by others than the signers"
        ));
        self.sign_transaction(portal, addresses).await?;
        self.sign_typed_data(portal, addresses).await?;
        self.sign_solana(portal, addresses).await
    }

    async fn sign_transaction(
        &mut self,
        portal: &Portal,
        addresses: &Addresses,
    ) -> anyhow::Result<()> {
        let chain: ChainId = "eip155:11155111".parse()?;
        let params = json!([{
            "from": addresses.eip155,
            "to": "0x000000000000000000000000000000000000dEaD",
            "value": "0x2386f26fc10000",
            "gas": "0x5208",
            "nonce": "0x0",
            "maxFeePerGas": "0x77359400",
            "maxPriorityFeePerGas": "0x3b9aca00",
        }]);
        let signed = portal.sign(&chain, "eth_signTransaction", &params).await?;
        let sender = verify::eip1559_sender(&signed.signed.encoded())?;
        ensure!(
            sender == addresses.eip155,
            "expected sender {}, got {sender}",
            addresses.eip155
        );
        self.done(&format!(
            "EIP-1559 transaction: libsecp256k1 recovers {sender}"
        ));
        self.row("sign EIP-1559", signed.report);
        Ok(())
    }

    async fn sign_typed_data(
        &mut self,
        portal: &Portal,
        addresses: &Addresses,
    ) -> anyhow::Result<()> {
        let chain: ChainId = "eip155:11155111".parse()?;
        let data = json!({
            "types": {
                "EIP712Domain": [
                    { "name": "name", "type": "string" },
                    { "name": "chainId", "type": "uint256" },
                ],
                "Greeting": [{ "name": "text", "type": "string" }],
            },
            "primaryType": "Greeting",
            "domain": { "name": "Portal demo", "chainId": 11_155_111 },
            "message": { "text": "hello" },
        });
        let params = json!([addresses.eip155, data]);
        let signed = portal.sign(&chain, "eth_signTypedData_v4", &params).await?;
        let typed: alloy_dyn_abi::TypedData = serde_json::from_value(data)?;
        let digest = typed.eip712_signing_hash()?.0;
        let signer = verify::message_signer(digest, &signed.signed.encoded())?;
        ensure!(
            signer == addresses.eip155,
            "expected signer {}, got {signer}",
            addresses.eip155
        );
        self.done(&format!(
            "EIP-712 typed data: libsecp256k1 recovers {signer}"
        ));
        self.row("sign EIP-712", signed.report);
        Ok(())
    }

    async fn sign_solana(&mut self, portal: &Portal, addresses: &Addresses) -> anyhow::Result<()> {
        let chain: ChainId = "solana".parse()?;
        let signed = portal
            .sign(&chain, "sol_signMessage", &json!([SOLANA_MESSAGE]))
            .await?;
        let Signed::SolanaMessage { signature } = &signed.signed else {
            bail!("expected the signature of a Solana message");
        };
        let key = portal
            .state()
            .await?
            .wallets
            .into_iter()
            .find_map(|wallet| wallet.public_key.filter(|_| wallet.curve == Curve::Ed25519));
        let key = hex::decode(key.context("a wallet has a key")?)?;
        let key = key.try_into().ok().context("a key has 32 bytes")?;
        verify::ed25519(key, SOLANA_MESSAGE.as_bytes(), signature)?;
        self.done(&format!(
            "Solana message: ed25519-dalek accepts it for {}",
            addresses.solana
        ));
        self.row("sign Solana message", signed.report);
        Ok(())
    }

    async fn back_up(&mut self, device: &Device, portal: &Portal) -> anyhow::Result<()> {
        self.heading("Backup with a password");
        let made = portal
            .backup_wallet(Backup::Password(Password::new(PASSWORD)?))
            .await?;
        self.done("the customer's backend formed its share; the server never held it");
        let ids = made.backup_share_pair_ids;
        let profile = &device.profile;
        let stored = custodian_app::store(profile, BackupMethod::Password, ids, &made).await?;
        ensure!(
            stored.cipher_text == made.cipher_text,
            "expected the cipher text as it was sent"
        );
        self.done(&format!(
            "cipher text of {} bytes stored there",
            made.cipher_text.len()
        ));
        let confirmed = made.confirm().await?;
        ensure!(
            portal.is_wallet_backed_up().await?,
            "expected the wallet to be backed up"
        );
        self.done("the backup is complete");
        self.row("backup", made.report);
        self.row("confirm backup", confirmed);
        Ok(())
    }

    async fn recover(
        &mut self,
        device: &Device,
        portal: &Portal,
        addresses: &Addresses,
    ) -> anyhow::Result<()> {
        let (method, pair) = backup_in_force(portal).await?;
        let stored = custodian_app::fetch(&device.profile, method, pair).await?;
        let password = || Password::new(PASSWORD);
        let closed = portal
            .recover_wallet(Backup::Password(password()?), &stored.cipher_text)
            .await;
        self.expect(
            closed,
            ErrorId::RecoveryNotOpen,
            "before the app agrees, it",
        )?;
        let services = self.services;
        let (custodian, data) = (&services.custodian, &services.custodian_data);
        let opened = sealing::open_recovery(custodian, None, data, self.state.client_id).await?;
        let ticket = opened
            .ticket
            .context("expected the ticket of the recovery")?;
        portal.take_recovery_ticket(ticket.expose().parse()?); // past the server
        self.done("the app's backend opened a recovery of this client");
        let recovered = portal
            .recover_wallet(Backup::Password(password()?), &stored.cipher_text)
            .await?;
        ensure!(
            recovered.addresses == *addresses,
            "expected the same addresses as before"
        );
        self.done("the same addresses as before");
        self.row("recover", recovered.report);
        Ok(())
    }

    /// A device of the end user, with a session of its own.
    async fn device(&self, number: u32) -> anyhow::Result<Device> {
        let directory = self.directory(number);
        if directory.join("profile.toml").exists() {
            let mut device = Device::open(&directory)?;
            // Ports change from run to run.
            device.profile.server.clone_from(&self.services.server);
            device.profile.custodian = Some(self.services.custodian.clone());
            return Ok(device);
        }
        let custodian = Custodian {
            server: &self.services.server,
            api_key: &self.state.api_key,
            ca_file: None,
        };
        let session = custodian.create_session(self.state.client_id).await?;
        let profile = Profile {
            server: self.services.server.clone(),
            client_id: self.state.client_id,
            client_token: session.client_session_token.expose().to_owned(),
            custodian: Some(self.services.custodian.clone()),
            custodian_token: Some(mint(&self.services.custodian_data, self.state.client_id)?),
            sealing_key: Some(sealing::pin(&self.services.custodian, None, None).await?),
            plain_backups: false,
            ca_file: None,
        };
        Device::create(&directory, profile)
    }

    async fn portal(&self, device: &Device) -> anyhow::Result<Portal> {
        let output = self.output;
        device
            .portal(None, move |progress| {
                output.say(format!("    {}", progress.status))
            })
            .await
    }

    /// Throws a device's keychain away; keeps a copy for when the device turns up again.
    fn lose(&self, number: u32) -> anyhow::Result<PathBuf> {
        let directory = self.directory(number);
        let kept = self.data.join(format!("device-{number}-found"));
        if kept.exists() {
            std::fs::remove_dir_all(&kept)?;
        }
        std::fs::rename(directory.join("keychain"), &kept)?;
        Ok(kept)
    }

    /// The device as it was before it was lost.
    fn found(&self, number: u32, kept: &Path) -> anyhow::Result<Device> {
        let keychain = self.directory(number).join("keychain");
        std::fs::remove_dir_all(&keychain)?;
        std::fs::rename(kept, keychain)?;
        let mut device = Device::open(&self.directory(number))?;
        device.profile.server.clone_from(&self.services.server);
        Ok(device)
    }

    fn directory(&self, number: u32) -> PathBuf {
        self.data.join(format!("device-{number}"))
    }

    fn expect<T>(
        &self,
        outcome: Result<T, portal_sdk::Error>,
        id: ErrorId,
        what: &str,
    ) -> anyhow::Result<()> {
        match outcome {
            Err(error) if error.id() == id => {
                self.done(&format!("{what} is refused: {id}"));
                Ok(())
            }
            Err(error) => Err(error).with_context(|| format!("expected {id}")),
            Ok(_) => bail!("expected {id}, but it signed"),
        }
    }

    fn row(&mut self, operation: &'static str, report: Report) {
        self.rows.push(Row { operation, report });
    }

    fn heading(&self, text: &str) {
        self.output.say(text);
    }

    fn done(&self, text: &str) {
        self.output.say(format!("  ✓ {text}"));
    }

    fn show(&self, addresses: &Addresses) {
        self.done(&format!("EVM      {}", addresses.eip155));
        self.done(&format!("Solana   {}", addresses.solana));
        self.done(&format!("Bitcoin  {}", addresses.bip122_mainnet));
    }
}
