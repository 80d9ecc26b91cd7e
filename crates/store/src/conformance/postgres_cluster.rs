//! A throw-away Postgres cluster, for tests: its own directory, a Unix socket, no port.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use tempfile::TempDir;

/// Waits until its standard input ends, with whoever started it, and stops the server then: a
/// test that is killed leaves no server behind.
///
/// What is thrown away need not outlive a power cut, and takes little of the disk: a log of what is
/// to be written again is cut short at 64 MB rather than at 1 GB.
const WATCH: &str = r#"
trap '' INT TERM
"$1" -D "$2" -k "$3" -c listen_addresses= -c max_connections=200 -c fsync=off \
    -c min_wal_size=32MB -c max_wal_size=64MB >"$3/log" 2>&1 &
server=$!
echo started
cat >/dev/null
kill -INT "$server"
wait "$server"
rm -rf "$3"
"#;

/// A running cluster.
#[derive(Debug)]
pub struct Cluster {
    socket: PathBuf,
    watcher: Option<(Child, ChildStdin)>,
    _directory: Option<TempDir>,
}

impl Cluster {
    /// The cluster of this process, started when it is first asked for.
    pub fn shared() -> &'static Self {
        static CLUSTER: OnceLock<Cluster> = OnceLock::new();
        CLUSTER.get_or_init(Self::start)
    }

    /// Makes a cluster and starts it.
    ///
    /// # Panics
    ///
    /// Where there is no Postgres server on this machine, or it does not start.
    #[must_use]
    pub fn start() -> Self {
        let binaries = binaries().unwrap_or_else(|| {
            panic!(
                "expected the Postgres server's programs (initdb, postgres) in a directory of \
                 PATH, in PORTAL_TEST_POSTGRES_BIN or below /usr/lib/postgresql; install them, or \
                 run `cargo xtask test`, which does"
            )
        });
        let directory = tempfile::Builder::new().prefix("portal-pg-").tempdir();
        let directory = directory.expect("a temporary directory");
        let root = directory.path().to_owned();
        let data = root.join("data");
        let mut initdb = unprivileged(&binaries.join("initdb"), &root);
        initdb.args(["--username=portal", "--auth=trust", "--encoding=UTF8"]);
        initdb.args(["--no-instructions", "--pgdata"]).arg(&data);
        let made = initdb.output().expect("initdb runs");
        let said = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "initdb failed: {said}");

        let mut watcher = unprivileged(OsStr::new("/bin/sh").as_ref(), &root);
        watcher.args(["-c", WATCH, "watch"]);
        watcher.arg(binaries.join("postgres")).arg(&data).arg(&root);
        watcher.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = watcher.spawn().expect("a shell");
        let stdin = child.stdin.take().expect("piped");
        let mut line = String::new();
        let output = child.stdout.take().expect("piped");
        BufReader::new(output).read_line(&mut line).expect("a line");
        let cluster = Self {
            socket: root,
            watcher: Some((child, stdin)),
            _directory: Some(directory),
        };
        cluster.wait_until_ready(&binaries);
        cluster
    }

    /// Makes an empty database; gives its URL.
    ///
    /// # Panics
    ///
    /// Where that fails.
    #[must_use]
    pub fn database(&self) -> String {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{number}", std::process::id());
        self.copy("template1", &name)
    }

    /// Makes a database that is a copy of another, to which nobody is connected; gives its URL.
    ///
    /// # Panics
    ///
    /// Where that fails.
    #[must_use]
    pub fn copy(&self, template: &str, name: &str) -> String {
        let binaries = binaries().expect("found before");
        let made = Command::new(binaries.join("createdb"))
            .args(["--username=portal", "--host"])
            .arg(&self.socket)
            .args(["--template", template, name])
            .output()
            .expect("createdb runs");
        let said = String::from_utf8_lossy(&made.stderr);
        assert!(
            made.status.success(),
            "createdb failed: {said}\nThe server's log ends with:\n{}",
            self.end_of_log()
        );
        self.url(name)
    }

    /// Drops a database, whoever is connected to it: a hundred of them fill a gigabyte. One that is
    /// not there any more is none.
    pub fn forget(&self, url: &str) {
        let name = url.split_once("@localhost/").map(|(_, path)| path);
        let name = name.and_then(|path| path.split('?').next());
        let (Some(binaries), Some(name)) = (binaries(), name) else {
            return;
        };
        let _ = Command::new(binaries.join("dropdb"))
            .args(["--username=portal", "--force", "--if-exists", "--host"])
            .arg(&self.socket)
            .arg(name)
            .output();
    }

    /// The URL of a database of this cluster.
    #[must_use]
    pub fn url(&self, name: &str) -> String {
        self.url_of("portal", name)
    }

    /// The URL of a database, for a role.
    #[must_use]
    pub fn url_of(&self, role: &str, name: &str) -> String {
        // In a URL's authority a path would need escapes; as a parameter it does not.
        format!(
            "postgres://{role}@localhost/{name}?host={}",
            self.socket.display()
        )
    }

    /// Runs statements as a role, up to the first that fails; gives what they print.
    ///
    /// # Errors
    ///
    /// What Postgres says of it.
    ///
    /// # Panics
    ///
    /// Where `psql` does not run.
    pub fn run(&self, role: &str, database: &str, statements: &str) -> Result<String, String> {
        let binaries = binaries().expect("found before");
        let mut psql = Command::new(binaries.join("psql"))
            .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"])
            .args(["--set", "ON_ERROR_STOP=1"])
            .arg(self.url_of(role, database))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("psql runs");
        // Each by itself, as a person would type them; all are taken before anything is printed.
        let mut input = psql.stdin.take().expect("piped");
        let _ = input.write_all(statements.as_bytes());
        drop(input);
        let ran = psql.wait_with_output().expect("psql ends");
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        if ran.status.success() {
            Ok(text(&ran.stdout))
        } else {
            Err(text(&ran.stderr))
        }
    }

    /// Why a server that was there is there no more, such as a full disk, stands in its log alone.
    fn end_of_log(&self) -> String {
        let log = fs::read_to_string(self.socket.join("log")).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        let from = lines.len().saturating_sub(40);
        lines.get(from..).unwrap_or_default().join("\n")
    }

    fn wait_until_ready(&self, binaries: &Path) {
        // `pg_isready` waits for one answer; a server that dies is told apart by its log.
        for _ in 0..600 {
            let ready = Command::new(binaries.join("pg_isready"))
                .args(["--quiet", "--username=portal", "--timeout=1", "--host"])
                .arg(&self.socket)
                .status();
            if ready.expect("pg_isready runs").success() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("Postgres did not start: {}", self.end_of_log());
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some((mut child, stdin)) = self.watcher.take() {
            drop(stdin);
            let _ = child.wait();
        }
    }
}

/// Where the server's programs are: the newest version that is found.
fn binaries() -> Option<PathBuf> {
    let told = std::env::var_os("PORTAL_TEST_POSTGRES_BIN").map(PathBuf::from);
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut versions: Vec<_> = debian
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .collect();
    versions.sort_by_key(|path| {
        let version = path.parent().and_then(Path::file_name);
        version
            .and_then(OsStr::to_str)
            .and_then(|name| name.parse::<u32>().ok())
    });
    told.into_iter()
        .chain(std::env::split_paths(&on_path))
        .chain(versions.into_iter().rev())
        .find(|path| {
            ["initdb", "postgres", "createdb", "psql"]
                .iter()
                .all(|name| path.join(name).exists())
        })
}

/// A command that runs as somebody who is not root: Postgres refuses to. The directory is made
/// theirs.
fn unprivileged(program: &Path, root: &Path) -> Command {
    use std::os::unix::fs::MetadataExt as _;
    use std::os::unix::process::CommandExt as _;
    let mut command = Command::new(program);
    command.current_dir(root);
    let owner = fs::metadata(root).map(|data| data.uid());
    // The directory was made by this process, or given away before.
    let is_root = fs::metadata("/proc/self").is_ok_and(|data| data.uid() == 0);
    if is_root {
        let nobody = 65_534;
        if owner.is_ok_and(|owner| owner == 0) {
            std::os::unix::fs::chown(root, Some(nobody), Some(nobody)).expect("root may");
        }
        command.uid(nobody).gid(nobody);
    }
    command
}
