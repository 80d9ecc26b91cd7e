//! Servers and a customer's backend as processes of their own, with devices beside them.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::service::Service;

const PORTAL: &str = env!("CARGO_BIN_EXE_portal");

/// What an installation is made of.
pub(crate) struct Setup {
    /// A Postgres database; SQLite without.
    pub(crate) database: Option<String>,
    /// How many servers; one on SQLite.
    pub(crate) servers: usize,
    /// What every process logs.
    pub(crate) log: &'static str,
    /// How it is logged.
    pub(crate) log_format: &'static str,
    /// Where both services send their spans.
    pub(crate) otlp: Option<String>,
    /// Further arguments of `portal serve`.
    pub(crate) serve: Vec<String>,
    /// Whether backups are sealed, as they are where nothing else is asked for; plain without.
    pub(crate) is_sealed: bool,
    /// The Postgres database of the customer's backend; SQLite without.
    pub(crate) custodian_database: Option<String>,
    /// Further variables of its environment.
    pub(crate) environment: Vec<(&'static str, &'static str)>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            database: None,
            servers: 1,
            log: "trace",
            log_format: "text",
            otlp: None,
            serve: Vec::new(),
            is_sealed: false,
            custodian_database: None,
            environment: Vec::new(),
        }
    }
}

/// All services with their data, and the devices of end users.
pub(crate) struct Installation {
    directory: TempDir,
    setup: Setup,
    servers: Vec<Service>,
    custodian: Service,
}

impl Installation {
    /// One server on SQLite.
    pub(crate) fn start() -> Self {
        Self::start_with(Setup::default())
    }

    /// The same, of a customer whose backups are sealed, and whose backend takes no others.
    pub(crate) fn start_sealed() -> Self {
        Self::start_with(Setup {
            is_sealed: true,
            ..Setup::default()
        })
    }

    /// Starts the customer's backend, makes the customer, starts the servers.
    pub(crate) fn start_with(setup: Setup) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        let custodian = start_custodian(root, &setup, "127.0.0.1:0").unwrap();
        let mut create = operator(root, &setup, &["custodian", "create", "--name", "Acme"]);
        create.args(["--allow-http-webhooks", "--allow-raw-signing"]);
        create.args(["--webhook-url", &custodian.url]);
        create.arg("--webhook-secret-file");
        create.arg(root.join("custodian/webhook-secret"));
        let made = expect_success(create);
        fs::write(root.join("api-key"), made["apiKey"].as_str().unwrap()).unwrap();
        let environment = made["environmentId"].as_str().unwrap();
        fs::write(root.join("environment"), environment).unwrap();

        let servers = (0..setup.servers).map(|_| start_server(root, &setup));
        let servers = servers.collect();
        Self {
            directory,
            setup,
            servers,
            custodian,
        }
    }

    /// SIGKILL, and a new process on the same data. Its port is another one.
    pub(crate) fn kill_and_restart_server(&mut self) {
        self.kill_server(0);
        self.start_server(0);
    }

    /// SIGKILL: no chance to finish anything.
    pub(crate) fn kill_server(&mut self, number: usize) {
        self.servers[number].kill();
    }

    /// SIGTERM, while nothing is under way.
    pub(crate) fn stop_server(&mut self, number: usize) {
        self.servers[number].terminate();
        let status = self.servers[number].wait();
        assert!(
            status.success(),
            "expected that the server stops, seen {status}"
        );
    }

    /// Starts a server that is down on the same data. Its port is another one.
    pub(crate) fn start_server(&mut self, number: usize) {
        self.servers[number] = start_server(self.root(), &self.setup);
    }

    pub(crate) fn server(&self, number: usize) -> &Service {
        &self.servers[number]
    }

    pub(crate) fn server_mut(&mut self, number: usize) -> &mut Service {
        &mut self.servers[number]
    }

    #[cfg(target_os = "linux")]
    pub(crate) fn custodian(&self) -> &Service {
        &self.custodian
    }

    pub(crate) fn custodian_url(&self) -> &str {
        &self.custodian.url
    }

    /// SIGTERM, while nothing is under way.
    pub(crate) fn stop_custodian(&mut self) {
        self.custodian.terminate();
        let status = self.custodian.wait();
        assert!(
            status.success(),
            "expected that the customer's backend stops, seen {status}"
        );
    }

    pub(crate) fn kill_custodian(&mut self) {
        self.custodian.kill();
    }

    /// Starts the killed backend on the same data and, since the webhook names it, the same port.
    pub(crate) fn start_custodian(&mut self) {
        let address = self.custodian.url.trim_start_matches("http://").to_owned();
        // A connection of another process may have been given the port meanwhile; it will end.
        self.custodian = (0..100)
            .find_map(|_| start_custodian(self.root(), &self.setup, &address).ok())
            .expect("the customer's backend has its port again");
    }

    /// Stops all services; their data stays.
    pub(crate) fn stop(&mut self) {
        self.servers.iter_mut().for_each(Service::kill);
        self.custodian.kill();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn root(&self) -> &Path {
        self.directory.path()
    }

    /// The Postgres database, if that is what the servers run on.
    pub(crate) fn database(&self) -> Option<&str> {
        self.setup.database.as_deref()
    }

    /// Goes on with another database.
    pub(crate) fn use_database(&mut self, url: String) {
        self.setup.database = Some(url);
    }

    /// The program, as its operator runs it beside the servers.
    pub(crate) fn operator(&self, arguments: &[&str]) -> Command {
        operator(self.root(), &self.setup, arguments)
    }

    /// `portal client create` or `login`, for the device of that name.
    pub(crate) fn client(&self, device: &str, arguments: &[&str]) -> Value {
        expect_success(self.client_command(device, arguments))
    }

    pub(crate) fn client_command(&self, device: &str, arguments: &[&str]) -> Command {
        let mut command = self.session_command(device, arguments);
        command.args(["--custodian", &self.custodian.url]);
        command.arg("--custodian-data").arg(self.path("custodian"));
        command
    }

    /// The same, without a word of the customer's backend.
    pub(crate) fn session_command(&self, device: &str, arguments: &[&str]) -> Command {
        let mut command = self.portal();
        command.arg("client").args(arguments);
        command.args(["--server", &self.servers[0].url]);
        command.env("PORTAL_API_KEY_FILE", self.path("api-key"));
        command.arg("--device").arg(self.path(device));
        command
    }

    /// `portal custodian open-recovery` or `close-recovery`, as the app's backend says it.
    pub(crate) fn recovery(&self, what: &str, client: &str) -> Value {
        expect_success(self.recovery_command(what, client, "custodian"))
    }

    /// The same, with the secret in a data directory.
    pub(crate) fn recovery_command(&self, what: &str, client: &str, data: &str) -> Command {
        let mut command = self.portal();
        command.args(["custodian", what, "--client", client]);
        command.args(["--custodian", &self.custodian.url]);
        command.arg("--data").arg(self.path(data));
        command
    }

    /// `portal wallet …` on the device of that name.
    pub(crate) fn wallet(&self, device: &str, arguments: &[&str]) -> Value {
        expect_success(self.wallet_command(device, arguments))
    }

    /// The same, expected to fail; gives the error's id.
    pub(crate) fn wallet_refusal(&self, device: &str, arguments: &[&str]) -> String {
        let told = self.wallet_error(device, arguments);
        told["id"]
            .as_str()
            .unwrap_or_else(|| panic!("expected an id in {told}"))
            .to_owned()
    }

    /// The same; gives the whole error.
    pub(crate) fn wallet_error(&self, device: &str, arguments: &[&str]) -> Value {
        let output = self
            .wallet_command(device, arguments)
            .arg("--json")
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        self.device_log().write_all(stderr.as_bytes()).unwrap();
        assert!(
            !output.status.success(),
            "expected a failure of {arguments:?}"
        );
        error_in(&stderr)
    }

    fn device_log(&self) -> File {
        File::options()
            .create(true)
            .append(true)
            .open(self.path("device.log"))
            .unwrap()
    }

    pub(crate) fn wallet_command(&self, device: &str, arguments: &[&str]) -> Command {
        let mut command = self.portal();
        command.arg("wallet").args(arguments);
        command.args(["--server", &self.servers[0].url]);
        command.arg("--device").arg(self.path(device));
        command.stderr(self.device_log());
        command
    }

    fn portal(&self) -> Command {
        logging(self.root(), &self.setup)
    }
}

/// The program, logging as this installation does.
fn logging(root: &Path, setup: &Setup) -> Command {
    let mut command = portal(root);
    command.env("PORTAL_LOG", setup.log);
    command.env("PORTAL_LOG_FORMAT", setup.log_format);
    if setup.is_sealed {
        by_default(&mut command);
    }
    command
}

fn operator(root: &Path, setup: &Setup, arguments: &[&str]) -> Command {
    let mut command = logging(root, setup);
    command.args(arguments);
    command.arg("--data").arg(root.join("server"));
    if let Some(url) = &setup.database {
        command.args(["--database", url]);
    }
    command
}

fn start_server(root: &Path, setup: &Setup) -> Service {
    let serve = ["serve", "--listen", "127.0.0.1:0", "--allow-http-webhooks"];
    let mut serve = operator(root, setup, &serve);
    serve.args(without_limits());
    serve.args(&setup.serve);
    serve.envs(setup.environment.iter().copied());
    if let Some(otlp) = &setup.otlp {
        serve.args(["--otlp-endpoint", otlp]);
    }
    // Nobody listens there: a webhook must not take a way that the environment names.
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        serve.env(name, "http://127.0.0.1:9");
    }
    Service::start(serve, &root.join("server.log")).unwrap()
}

/// Many users at work are one address, and one user at work is many times what a person is.
fn without_limits() -> Vec<String> {
    [
        "--client-requests-per-minute",
        "--custodian-requests-per-minute",
        "--client-operations-per-minute",
        "--failed-authentications-per-minute",
    ]
    .into_iter()
    .flat_map(|flag| [flag.to_owned(), u32::MAX.to_string()])
    .collect()
}

fn start_custodian(root: &Path, setup: &Setup, address: &str) -> Result<Service, String> {
    let mut serve = logging(root, setup);
    serve.args(["custodian", "serve", "--listen", address, "--data"]);
    serve.arg(root.join("custodian"));
    if let Some(url) = &setup.custodian_database {
        serve.env("PORTAL_CUSTODIAN_DATABASE", url);
    }
    // The other way to say it.
    if let Some(otlp) = &setup.otlp {
        serve.env("OTEL_EXPORTER_OTLP_ENDPOINT", otlp);
    }
    Service::start(serve, &root.join("custodian.log"))
}

/// Takes back that backups are plain.
pub(crate) fn by_default(command: &mut Command) {
    command.env_remove("PORTAL_BACKUP_MODE");
    command.env_remove("PORTAL_PLAIN_BACKUPS");
}

/// The program, with no settings but those given and plain backups, logging everything.
pub(crate) fn portal(directory: &Path) -> Command {
    let mut command = Command::new(PORTAL);
    command
        .env_clear()
        .env("PORTAL_LOG", "trace")
        .env("PORTAL_BACKUP_MODE", "plain")
        .env("PORTAL_PLAIN_BACKUPS", "true")
        .current_dir(directory);
    command
}

/// Runs a command that must succeed; gives the JSON that it prints.
pub(crate) fn expect_success(mut command: Command) -> Value {
    let shown = format!("{command:?}");
    let output = command.arg("--json").output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{shown}\n{stdout}\n{stderr}");
    serde_json::from_str(&stdout).unwrap_or_else(|_| panic!("{shown}: expected JSON, got {stdout}"))
}

/// The error that a failed command told in JSON, after what it logged.
pub(crate) fn error_in(stderr: &str) -> Value {
    let told = stderr
        .lines()
        .rev()
        .find_map(|line| serde_json::from_str::<Value>(line).ok());
    let told = told.unwrap_or_else(|| panic!("expected an error in JSON, got {stderr:?}"));
    told["error"].clone()
}
