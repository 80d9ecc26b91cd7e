//! AWS KMS as moto plays it: a server of Python's, started on a free port of this machine.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak, mpsc};
use std::time::Duration;

/// Says its port when it listens. It ends with its input: also where the test is killed and
/// nothing is dropped.
const SERVER: &str = "
import os, sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address='127.0.0.1', port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
os._exit(0)
";

/// Long enough for Python to import all of it on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(120);

/// A server that runs until the last test that uses it ends.
pub(super) struct Moto {
    process: Child,
    pub(super) url: String,
}

impl Moto {
    /// The one that other tests use at this moment, or a new one.
    pub(super) fn shared() -> Arc<Self> {
        static RUNNING: Mutex<Weak<Moto>> = Mutex::new(Weak::new());
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        running.upgrade().unwrap_or_else(|| {
            let moto = Arc::new(Self::start());
            *running = Arc::downgrade(&moto);
            moto
        })
    }

    fn start() -> Self {
        let python = python();
        let started = Command::new(&python)
            .args(["-c", SERVER])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut moto = Self {
            process: started.unwrap_or_else(|error| panic!("{}: {error}", missing(&python))),
            url: String::new(),
        };
        let output = moto.process.stdout.take().unwrap();
        let (said, port) = mpsc::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            let _ = BufReader::new(output).read_line(&mut line);
            let _ = said.send(line);
        });
        let port = port.recv_timeout(START_LIMIT).unwrap_or_default();
        match port.trim().parse::<u16>() {
            Ok(port) => moto.url = format!("http://127.0.0.1:{port}"),
            Err(_) => panic!("expected a port, saw {port:?}: {}", missing(&python)),
        }
        moto
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn python() -> PathBuf {
    let given = std::env::var_os("PORTAL_TEST_MOTO_PYTHON").map(PathBuf::from);
    given.unwrap_or_else(|| {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/moto/bin/python")
    })
}

fn missing(python: &Path) -> String {
    format!(
        "no moto server could be started with {}; `cargo xtask test` installs it, or name a \
         Python that has it in PORTAL_TEST_MOTO_PYTHON",
        python.display()
    )
}
