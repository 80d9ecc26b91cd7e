//! Running other programs: each is printed before it runs, and no shell stands between.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};

/// Why a task did not succeed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TaskError {
    /// No task of that name.
    #[error("there is no task {given:?}; `cargo xtask` lists them")]
    UnknownTask {
        /// What was given.
        given: String,
    },
    /// The task takes no such argument.
    #[error("unknown argument {given:?}")]
    UnknownArgument {
        /// What was given.
        given: String,
    },
    /// The task takes other arguments.
    #[error("expected {expected}, got {given:?}")]
    Expected {
        /// What it takes.
        expected: &'static str,
        /// What was given.
        given: String,
    },
    /// A program could not be started, or its output could not be read.
    #[error("cannot run `{command}`: {source}")]
    NotStarted {
        /// The program and its arguments.
        command: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// A program ended with a failure.
    #[error("`{command}` failed: {status}")]
    Failed {
        /// The program and its arguments.
        command: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// A program is needed that only the user can install.
    #[error("{program} is missing; {how}")]
    Missing {
        /// What is missing.
        program: &'static str,
        /// How to install it.
        how: &'static str,
    },
    /// A check did not find what was put there for it to find.
    #[error("`{command}` found nothing, and should have: the check itself does not work")]
    FoundNothing {
        /// The program and its arguments.
        command: String,
    },
    /// Some tests failed; the last line of the task says how many.
    #[error("tests failed")]
    TestsFailed,
    /// A file cannot be read or written.
    #[error("cannot use {}: {source}", .path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A file that is made from the code is not what the code makes.
    #[error("{} is out of date; `{remedy}` writes it anew", .path.display())]
    OutOfDate {
        /// Which file.
        path: PathBuf,
        /// The command that writes it.
        remedy: &'static str,
    },
}

/// A program with its arguments, run in the root of the workspace.
pub(crate) struct Command {
    program: String,
    arguments: Vec<String>,
    environment: Vec<(&'static str, String)>,
}

impl Command {
    pub(crate) fn new(program: &str, arguments: &[&str]) -> Self {
        Self {
            program: program.to_owned(),
            arguments: arguments.iter().map(|&part| part.to_owned()).collect(),
            environment: Vec::new(),
        }
    }

    pub(crate) fn cargo(arguments: &[&str]) -> Self {
        Self::new("cargo", arguments)
    }

    /// Sets an environment variable.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.environment.push((name, value.to_owned()));
        self
    }

    /// Prints the command and runs it to its end.
    ///
    /// # Errors
    ///
    /// [`TaskError::NotStarted`], and [`TaskError::Failed`] where it ends with a failure.
    pub(crate) fn run(&self) -> Result<(), TaskError> {
        let mut child = self.spawn(Stdio::inherit())?;
        let status = child.wait().map_err(|source| self.not_started(source))?;
        if status.success() {
            Ok(())
        } else {
            Err(TaskError::Failed {
                command: self.to_string(),
                status,
            })
        }
    }

    /// Prints the command and starts it, its output going to `stdout`.
    ///
    /// # Errors
    ///
    /// [`TaskError::NotStarted`]
    pub(crate) fn spawn(&self, stdout: Stdio) -> Result<Child, TaskError> {
        println!("$ {self}");
        self.prepared()
            .stdout(stdout)
            .spawn()
            .map_err(|source| self.not_started(source))
    }

    /// What the program prints, or none where it is not there or fails; nothing is shown.
    pub(crate) fn output(&self) -> Option<String> {
        let output = self.prepared().stderr(Stdio::null()).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then_some(text)
    }

    pub(crate) fn not_started(&self, source: io::Error) -> TaskError {
        TaskError::NotStarted {
            command: self.to_string(),
            source,
        }
    }

    fn prepared(&self) -> std::process::Command {
        let mut command = std::process::Command::new(&self.program);
        command
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(workspace_root());
        command
    }
}

impl std::fmt::Display for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (name, value) in &self.environment {
            // Quoted where a shell would split it, so that the line can be pasted.
            if value.contains(' ') {
                write!(f, "{name}='{value}' ")?;
            } else {
                write!(f, "{name}={value} ")?;
            }
        }
        f.write_str(&self.program)?;
        self.arguments
            .iter()
            .try_for_each(|argument| write!(f, " {argument}"))
    }
}

/// The directory above this package.
pub(crate) fn workspace_root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package)
}
