//! TLS by rustls, with certificates that may change while connections are open.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest as _, Sha256};
use tokio_rustls::TlsAcceptor;
use zeroize::Zeroizing;

/// The one protocol that is spoken inside (RFC 7301).
const HTTP_1: &[u8] = b"http/1.1";

/// Where certificate and key lie, both as PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The server's certificate, and after it those that lead to its authority.
    pub certificates: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Why certificate and key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{}: expected {expected} as PEM", path.display())]
    Malformed {
        /// Which.
        path: PathBuf,
        /// What it should hold.
        expected: &'static str,
    },
    /// Certificate and key do not belong together, or are of a kind that is not supported.
    #[error("this certificate and this key cannot be used together")]
    Unusable {
        /// What rustls says.
        source: rustls::Error,
    },
}

/// TLS 1.2 and 1.3 for a [`Door`](crate::Door), cheap to clone.
#[derive(Clone)]
pub struct Tls {
    files: Arc<TlsFiles>,
    present: Arc<RwLock<Present>>,
}

struct Present {
    config: Arc<ServerConfig>,
    /// Of the files as they were looked at last, good or bad.
    seen: Option<[u8; 32]>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads certificate and key.
    ///
    /// # Errors
    ///
    /// [`TlsError`].
    pub fn open(files: TlsFiles) -> Result<Self, TlsError> {
        let read = Read::from(&files)?;
        let present = Present {
            config: read.config(&files)?,
            seen: Some(read.digest()),
        };
        Ok(Self {
            files: Arc::new(files),
            present: Arc::new(RwLock::new(present)),
        })
    }

    /// Looks at the files again and, if they have changed, uses them for connections that come
    /// from now on; those that are open stay. Whether they had changed.
    ///
    /// # Errors
    ///
    /// [`TlsError`], once for each change; what was used before is used on.
    pub fn reload(&self) -> Result<bool, TlsError> {
        let read = match Read::from(&self.files) {
            Ok(read) => read,
            Err(error) => {
                let told = self.lock_write().seen.take().is_some();
                return if told { Err(error) } else { Ok(false) };
            }
        };
        let digest = read.digest();
        if self.lock_read().seen == Some(digest) {
            return Ok(false);
        }
        let config = read.config(&self.files);
        let mut present = self.lock_write();
        present.seen = Some(digest);
        present.config = config?;
        Ok(true)
    }

    /// Looks at the files now and then, and whenever `now` says so, and logs what came of it.
    pub async fn keep_fresh(self, every: Duration, mut now: impl AsyncFnMut()) {
        loop {
            let _ = tokio::time::timeout(every, now()).await;
            let tls = self.clone();
            let reloaded = tokio::task::spawn_blocking(move || tls.reload()).await;
            match reloaded {
                Ok(Ok(true)) => tracing::info!("another TLS certificate is used from now on"),
                Ok(Ok(false)) | Err(_) => {}
                Ok(Err(error)) => tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the new TLS certificate or key is not used; the former one still is"
                ),
            }
        }
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.lock_read().config))
    }

    fn lock_read(&self) -> std::sync::RwLockReadGuard<'_, Present> {
        self.present.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_write(&self) -> std::sync::RwLockWriteGuard<'_, Present> {
        self.present.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Both files.
struct Read {
    certificates: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
}

impl Read {
    fn from(files: &TlsFiles) -> Result<Self, TlsError> {
        Ok(Self {
            certificates: read(&files.certificates)?,
            key: Zeroizing::new(read(&files.key)?),
        })
    }

    fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        let length = u64::try_from(self.certificates.len()).unwrap_or(u64::MAX);
        digest.update(length.to_be_bytes());
        digest.update(&self.certificates);
        digest.update(&*self.key);
        digest.finalize().into()
    }

    fn config(&self, files: &TlsFiles) -> Result<Arc<ServerConfig>, TlsError> {
        let malformed = |path: &Path, expected| TlsError::Malformed {
            path: path.to_owned(),
            expected,
        };
        let certificates: Result<Vec<_>, _> =
            CertificateDer::pem_slice_iter(&self.certificates).collect();
        let certificates = certificates.ok().filter(|chain| !chain.is_empty());
        let certificates =
            certificates.ok_or_else(|| malformed(&files.certificates, "certificates"))?;
        // The library's error may quote the file.
        let key = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|_| malformed(&files.key, "a private key"))?;
        let unusable = |source| TlsError::Unusable { source };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_no_client_auth()
            .with_single_cert(certificates, key)
            .map_err(unusable)?;
        config.alpn_protocols = vec![HTTP_1.to_vec()];
        Ok(Arc::new(config))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|source| TlsError::Unreadable {
        path: path.to_owned(),
        source,
    })
}
