//! A service as a process.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use serde_json::{Value, json};

/// A running service; killed when dropped.
pub(crate) struct Service {
    child: Child,
    /// Where it listens.
    pub(crate) url: String,
    /// Where its metrics are, if it was told to count.
    pub(crate) metrics: Option<String>,
}

impl Service {
    /// Starts `portal …` and waits for the address that it prints.
    ///
    /// # Errors
    ///
    /// What came instead.
    pub(crate) fn start(mut command: Command, log: &Path) -> Result<Self, String> {
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
        // A program of somebody else's says it in words.
        let said = line.trim().strip_prefix("listening on ");
        let told = said.map(|url| json!({ "listening": url }));
        let Some(told) = told.or_else(|| serde_json::from_str::<Value>(&line).ok()) else {
            let status = child.wait().unwrap();
            return Err(format!(
                "expected the service to tell its address, got {line:?} ({status})"
            ));
        };
        let url = told["listening"].as_str().unwrap().to_owned();
        let metrics = told["metrics"].as_str().map(str::to_owned);
        Ok(Self {
            child,
            url,
            metrics,
        })
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL: no chance to finish anything.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM: it is asked to finish what is under way.
    pub(crate) fn terminate(&self) {
        self.signal("TERM");
    }

    /// SIGHUP: it is asked to look at its certificate again.
    pub(crate) fn hang_up(&self) {
        self.signal("HUP");
    }

    fn signal(&self, name: &str) {
        let asked = Command::new("/bin/sh")
            .args(["-c", "kill -\"$1\" \"$2\"", "kill", name])
            .arg(self.child.id().to_string())
            .status();
        assert!(asked.unwrap().success());
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
