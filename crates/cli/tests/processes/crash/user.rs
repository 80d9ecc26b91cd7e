//! An end user with a wallet: what they do, and what must hold for them at any time.

use std::panic::catch_unwind;

use rand::RngExt as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::attempt::{Refused, insist};
use super::finding::Finding;
use crate::installation::{Installation, by_default, expect_success};
use crate::signing::{MESSAGE, SIGN_EVM, SIGN_SOLANA};
use crate::verify;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Operation {
    Create,
    Backup,
    Refresh,
    Recover,
    Sign,
}

/// The API key of the customer whose backups are sealed.
const SEALED_API_KEY: &str = "api-key-sealed";

/// Makes a second customer with the same backend, whose backups are sealed.
pub(super) fn make_sealed_customer(installation: &Installation) {
    let create = ["custodian", "create", "--name", "Sealed"];
    let mut create = installation.operator(&create);
    create.args(["--backup-mode", "sealed", "--allow-http-webhooks"]);
    create.args(["--webhook-url", installation.custodian_url()]);
    create.arg("--webhook-secret-file");
    create.arg(installation.path("custodian/webhook-secret"));
    let made = expect_success(create);
    let key = made["apiKey"].as_str().unwrap();
    std::fs::write(installation.path(SEALED_API_KEY), key).unwrap();
}

pub(super) struct User {
    name: String,
    /// Whether backups are sealed; plain otherwise.
    pub(super) is_sealed: bool,
    /// The client's id.
    pub(super) client: String,
    /// Devices that were in force before the present one.
    former: usize,
    /// As they were first handed out; none before there is a wallet.
    pub(super) addresses: Option<Value>,
    pub(super) is_backed_up: bool,
    /// Operations that ended well.
    pub(super) completed: usize,
    /// What the last status said of each curve.
    pairs: [Pairs; 2],
}

/// The signing pairs of one curve, oldest first.
#[derive(Default)]
struct Pairs {
    ids: Vec<String>,
    /// Where the one in force stands.
    active: Option<usize>,
}

impl User {
    /// A new end user with a first device; every other one is of the customer whose backups are
    /// sealed.
    pub(super) fn join(installation: &Installation, number: usize) -> Self {
        let mut user = Self {
            name: format!("user-{number}"),
            is_sealed: number.is_multiple_of(2),
            client: String::new(),
            former: 0,
            addresses: None,
            is_backed_up: false,
            completed: 0,
            pairs: [Pairs::default(), Pairs::default()],
        };
        let made = user.client(installation, &user.device(), &["create"]);
        made["clientId"]
            .as_str()
            .unwrap()
            .clone_into(&mut user.client);
        user
    }

    fn device_of(&self, number: usize) -> String {
        format!("{}/device-{number}", self.name)
    }

    /// The device in force.
    pub(super) fn device(&self) -> String {
        self.device_of(self.former)
    }

    /// The device that it took the place of.
    pub(super) fn former_device(&self) -> String {
        self.device_of(self.former - 1)
    }

    /// The device that is to come after it.
    pub(super) fn next_device(&self) -> String {
        self.device_of(self.former + 1)
    }

    /// `portal client …` with the API key of the user's customer.
    fn client(&self, installation: &Installation, device: &str, arguments: &[&str]) -> Value {
        let mut command = installation.client_command(device, arguments);
        if self.is_sealed {
            by_default(&mut command);
            command.env("PORTAL_API_KEY_FILE", installation.path(SEALED_API_KEY));
        }
        expect_success(command)
    }

    /// Makes the next device, where the wallet can be recovered.
    pub(super) fn log_in(&self, installation: &Installation) {
        let login = ["login", "--client", &self.client];
        self.client(installation, &self.next_device(), &login);
        self.let_recover(installation);
    }

    /// The app's backend lets the user recover; of a plain backup nobody asks it.
    pub(super) fn let_recover(&self, installation: &Installation) {
        if self.is_sealed {
            installation.recovery("open-recovery", &self.client);
        }
    }

    pub(super) fn choose(&self, rng: &mut StdRng) -> Operation {
        if self.addresses.is_none() {
            return Operation::Create;
        }
        match rng.random_range(0..9) {
            0..2 => Operation::Refresh,
            2..5 if self.is_backed_up => Operation::Recover,
            2..6 => Operation::Backup,
            _ => Operation::Sign,
        }
    }

    /// On which device, and with which arguments.
    pub(super) fn command(&self, operation: Operation) -> (String, Vec<String>) {
        let drive = format!("{}/drive", self.name);
        let (device, arguments): (_, &[&str]) = match operation {
            Operation::Create => (self.device(), &["create"]),
            Operation::Backup => (self.device(), &["backup", "--folder", &drive]),
            Operation::Refresh => (self.device(), &["refresh"]),
            Operation::Recover => (self.next_device(), &["recover", "--folder", &drive]),
            Operation::Sign => (self.device(), &SIGN_EVM),
        };
        let arguments = arguments.iter().map(|&argument| argument.to_owned());
        (device, arguments.collect())
    }

    /// Notes that an operation ended well, and what it told.
    pub(super) fn note(&mut self, operation: Operation, told: &Value) -> Result<(), Finding> {
        match operation {
            Operation::Create | Operation::Recover => {
                self.same_addresses(&told["addresses"])?;
            }
            Operation::Backup => self.is_backed_up = true,
            Operation::Refresh => self.same_addresses(&told["addresses"])?,
            Operation::Sign => self.is_own_evm(told)?,
        }
        if operation == Operation::Recover {
            self.former += 1;
        }
        self.completed += 1;
        Ok(())
    }

    fn same_addresses(&mut self, told: &Value) -> Result<(), Finding> {
        let first = self.addresses.get_or_insert_with(|| told.clone());
        if first == told {
            return Ok(());
        }
        let what = format!("{}: handed out {first}, now {told}", self.name);
        Err(Finding::Mismatched(what))
    }

    /// What the server says of the wallet, on one of its devices.
    pub(super) fn look(
        &mut self,
        installation: &Installation,
        device: &str,
    ) -> Result<usize, Finding> {
        let (told, retries) = insist(installation, device, &["status"]);
        let told = told.map_err(|refused| refused.forbidden(&format!("status on {device}")))?;
        self.examine(&told)?;
        Ok(retries)
    }

    fn examine(&mut self, told: &Value) -> Result<(), Finding> {
        let client = &told["client"];
        let forbidden = |what: &str| Err(Finding::Forbidden(format!("{what}: {client}")));
        if self.is_backed_up && client["isBackedUp"] != true {
            return forbidden("a backup was completed");
        }
        self.is_backed_up = client["isBackedUp"] == true;
        for (wallet, known) in client["wallets"]
            .as_array()
            .unwrap()
            .iter()
            .zip(&mut self.pairs)
        {
            let pairs = wallet["signingSharePairs"].as_array().unwrap();
            let id = |pair: &Value| pair["id"].as_str().unwrap().to_owned();
            let ids: Vec<_> = pairs.iter().map(id).collect();
            let in_force =
                |pair: &Value| pair["status"] == "STORED_CLIENT" || pair["status"] == "FROZEN";
            let active: Vec<_> = (0..pairs.len())
                .filter(|&at| in_force(&pairs[at]))
                .collect();
            if active.len() > 1 {
                return forbidden("two signing pairs in force");
            }
            if pairs.iter().any(|pair| pair["status"] == "FROZEN") {
                return forbidden("a pair is frozen, and nobody cheated");
            }
            let active = active.first().copied();
            if !ids.starts_with(&known.ids) || active < known.active {
                return forbidden("the pairs fell back");
            }
            *known = Pairs { ids, active };
        }
        let namespaces = &client["metadata"]["namespaces"];
        if namespaces["eip155"].is_object() {
            let of = |namespace: &str| namespaces[namespace]["address"].clone();
            self.same_addresses(&json!({
                "eip155": of("eip155"), "solana": of("solana"), "bip122": of("bip122"),
            }))?;
        }
        Ok(())
    }

    /// Signs with both keys on a device, and has others verify it.
    ///
    /// # Errors
    ///
    /// The first error of the device that is none that passes by itself, or a finding.
    pub(super) fn sign(
        &self,
        installation: &Installation,
        device: &str,
    ) -> Result<Result<usize, Refused>, Finding> {
        let (evm, again) = insist(installation, device, &SIGN_EVM);
        let evm = match evm {
            Ok(evm) => evm,
            Err(refused) => return Ok(Err(refused)),
        };
        self.is_own_evm(&evm)?;
        let (solana, once_more) = insist(installation, device, &SIGN_SOLANA);
        let solana = match solana {
            Ok(solana) => solana,
            Err(refused) => return Ok(Err(refused)),
        };
        self.is_own_solana(&solana)?;
        Ok(Ok(again + once_more))
    }

    /// The same, for a device that must be able to.
    pub(super) fn must_sign(
        &self,
        installation: &Installation,
        device: &str,
    ) -> Result<usize, Finding> {
        let lost = |refused| Finding::Lost(format!("{} on {device}: {refused:?}", self.client));
        self.sign(installation, device)?.map_err(lost)
    }

    fn address(&self, namespace: &str) -> &str {
        let addresses = self.addresses.as_ref().expect("a wallet");
        addresses[namespace].as_str().unwrap()
    }

    fn is_own_evm(&self, told: &Value) -> Result<(), Finding> {
        let signature = told["signed"].as_str().unwrap();
        let signer = verify::evm_signer(verify::personal_digest(MESSAGE), signature);
        if signer == self.address("eip155") {
            return Ok(());
        }
        Err(self.mismatched(&signer))
    }

    fn is_own_solana(&self, told: &Value) -> Result<(), Finding> {
        let signature: solana_signature::Signature =
            told["signed"].as_str().unwrap().parse().unwrap();
        let address = self.address("solana");
        catch_unwind(|| verify::ed25519(address, MESSAGE.as_bytes(), signature.as_ref()))
            .map_err(|_| self.mismatched("another key on Ed25519"))
    }

    fn mismatched(&self, signer: &str) -> Finding {
        Finding::Mismatched(format!(
            "{}: {:?}, signed by {signer}",
            self.client, self.addresses
        ))
    }
}
