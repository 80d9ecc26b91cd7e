//! Python packages that tests run, each set in an environment of its own.

use crate::command::{Command, TaskError, workspace_root};
use crate::debian;

/// Packages in an environment of their own. A version stands once.
pub(crate) struct Environment {
    /// Below the workspace's root.
    pub(crate) directory: &'static str,
    /// As pip takes them.
    pub(crate) packages: &'static [&'static str],
    /// Python that works only where all of them are there.
    pub(crate) probe: &'static str,
}

/// moto, which plays AWS in the tests of AWS KMS: what it accepts and refuses is part of what they
/// say.
pub(crate) const MOTO: Environment = Environment {
    directory: "target/tools/moto",
    packages: &["moto[server]==5.2.5"],
    probe: "import moto.server",
};

/// The Standard Webhooks library, which judges the signatures of webhooks.
pub(crate) const STANDARD_WEBHOOKS: Environment = Environment {
    directory: "target/tools/standardwebhooks",
    packages: &["standardwebhooks==1.1.0"],
    probe: "import standardwebhooks",
};

/// What the recipe of `docs/offline-recovery.md` needs beside Python itself.
pub(crate) const RECIPE: Environment = Environment {
    directory: "target/tools/recipe",
    packages: &["argon2-cffi==25.1.0", "pycryptodome==3.23.0"],
    probe: "import argon2.low_level, Crypto.Cipher.ChaCha20_Poly1305",
};

/// schemathesis, which calls a server in every way that its description allows.
pub(crate) const SCHEMATHESIS: Environment = Environment {
    directory: "target/tools/schemathesis",
    packages: &["schemathesis==4.32.5"],
    probe: "import schemathesis",
};

impl Environment {
    /// Makes the environment that the tests look for, unless it is there and works.
    ///
    /// # Errors
    ///
    /// [`TaskError::Missing`] where there is no Python, and none can be installed from here;
    /// [`TaskError::Failed`] where the environment cannot be made.
    pub(crate) fn install(&self) -> Result<(), TaskError> {
        if self.works() {
            return Ok(());
        }
        // Debian ships Python without what a new environment needs.
        if !can_make_environments() {
            debian::install(
                "Python 3 with its module venv",
                "install it (Debian and Ubuntu: `apt-get install python3 python3-venv`), \
                 then run this again",
                &["python3", "python3-venv"],
            )?;
        }
        // An environment that does not work is of another Python, or was not finished.
        Command::new("python3", &["-m", "venv", "--clear", self.directory]).run()?;
        let pip = ["-m", "pip", "install", "--quiet"];
        let pip = [&pip[..], &["--disable-pip-version-check"], self.packages].concat();
        Command::new(&self.python(), &pip).run()
    }

    /// The environment's own Python, whatever directory this was started in.
    fn python(&self) -> String {
        let path = workspace_root().join(self.directory).join("bin/python");
        path.to_string_lossy().into_owned()
    }

    fn works(&self) -> bool {
        Command::new(&self.python(), &["-c", self.probe])
            .output()
            .is_some()
    }
}

fn can_make_environments() -> bool {
    Command::new("python3", &["-c", "import ensurepip, venv"])
        .output()
        .is_some()
}
