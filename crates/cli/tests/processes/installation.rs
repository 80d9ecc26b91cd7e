//! A server and a customer's backend as processes of their own, with devices beside them.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const PORTAL: &str = env!("CARGO_BIN_EXE_portal");

/// A running service; killed when dropped.
struct Service {
    child: Child,
    url: String,
}

impl Service {
    /// Starts `portal …` and waits for the address that it prints.
    fn start(mut command: Command, log: &Path) -> Self {
        let log = File::options().create(true).append(true).open(log).unwrap();
        let mut child = command
            .arg("--json")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let told: Value = serde_json::from_str(&line).unwrap_or_else(|_| {
            let status = child.wait().unwrap();
            panic!("expected the service to tell its address, got {line:?} ({status})")
        });
        let url = told["listening"].as_str().unwrap().to_owned();
        Self { child, url }
    }

    /// SIGKILL: no chance to finish anything.
    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Both services with their data, and the devices of one end user.
pub(crate) struct Installation {
    directory: TempDir,
    server: Service,
    custodian: Service,
}

impl Installation {
    /// Starts the customer's backend, makes the customer, starts the server.
    pub(crate) fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        let mut serve = portal(root);
        serve.args(["custodian", "serve", "--listen", "127.0.0.1:0", "--data"]);
        serve.arg(root.join("custodian"));
        let custodian = Service::start(serve, &root.join("custodian.log"));

        let mut create = portal(root);
        create.args([
            "custodian",
            "create",
            "--name",
            "Acme",
            "--allow-http-webhooks",
            "--data",
        ]);
        create.arg(root.join("server"));
        create.args(["--webhook-url", &custodian.url, "--webhook-secret-file"]);
        create.arg(root.join("custodian/webhook-secret"));
        let made = expect_success(create);
        fs::write(root.join("api-key"), made["apiKey"].as_str().unwrap()).unwrap();

        let server = Self::start_server(root);
        Self {
            directory,
            server,
            custodian,
        }
    }

    fn start_server(root: &Path) -> Service {
        let mut serve = portal(root);
        serve.args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--allow-http-webhooks",
            "--data",
        ]);
        serve.arg(root.join("server"));
        Service::start(serve, &root.join("server.log"))
    }

    /// SIGKILL, and a new process on the same data. Its port is another one.
    pub(crate) fn kill_and_restart_server(&mut self) {
        self.server.kill();
        self.server = Self::start_server(self.directory.path());
    }

    /// Stops both services; their data stays.
    pub(crate) fn stop(&mut self) {
        self.server.kill();
        self.custodian.kill();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn root(&self) -> &Path {
        self.directory.path()
    }

    /// `portal client create` or `login`, for the device of that name.
    pub(crate) fn client(&self, device: &str, arguments: &[&str]) -> Value {
        let mut command = portal(self.root());
        command.arg("client").args(arguments);
        command.args([
            "--server",
            &self.server.url,
            "--custodian",
            &self.custodian.url,
        ]);
        command.arg("--api-key-file").arg(self.path("api-key"));
        command.arg("--custodian-data").arg(self.path("custodian"));
        command.arg("--device").arg(self.path(device));
        expect_success(command)
    }

    /// `portal wallet …` on the device of that name.
    pub(crate) fn wallet(&self, device: &str, arguments: &[&str]) -> Value {
        expect_success(self.wallet_command(device, arguments))
    }

    /// The same, expected to fail; gives the error's id.
    pub(crate) fn wallet_refusal(&self, device: &str, arguments: &[&str]) -> String {
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
        let told = stderr
            .lines()
            .rev()
            .find_map(|line| serde_json::from_str::<Value>(line).ok());
        let told = told.unwrap_or_else(|| panic!("expected an error in JSON, got {stderr}"));
        told["error"]["id"]
            .as_str()
            .unwrap_or_else(|| panic!("expected an id in {told}"))
            .to_owned()
    }

    fn device_log(&self) -> File {
        File::options()
            .create(true)
            .append(true)
            .open(self.path("device.log"))
            .unwrap()
    }

    pub(crate) fn wallet_command(&self, device: &str, arguments: &[&str]) -> Command {
        let mut command = portal(self.root());
        command.arg("wallet").args(arguments);
        command.args(["--server", &self.server.url]);
        command.arg("--device").arg(self.path(device));
        command.stderr(self.device_log());
        command
    }
}

/// The program, with no settings but those given, logging everything.
pub(crate) fn portal(directory: &Path) -> Command {
    let mut command = Command::new(PORTAL);
    command
        .env_clear()
        .env("PORTAL_LOG", "trace")
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
