//! TLS: who is believed, who is waited for, and certificates that change.

use std::path::Path;
use std::sync::Arc;

use portal_serving::{ConnectionLimits, Door, Tls, TlsError, TlsFiles};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::service::{GET, SOON, Served, ask, connect, serve, until_closed};

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    /// Certificate and key of a server named localhost.
    fn vouch(&self) -> (String, String) {
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    /// Connects, believing this authority.
    async fn connect(
        &self,
        served: &Served,
        versions: &[&'static SupportedProtocolVersion],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        connector.connect(name, connect(served).await).await
    }
}

/// A server, its files, and the authority that vouched for them.
struct Secure {
    directory: TempDir,
    authority: Authority,
    tls: Tls,
    served: Served,
}

impl Secure {
    async fn start(limits: ConnectionLimits) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let authority = Authority::new();
        put(directory.path(), &authority.vouch());
        let tls = Tls::open(files(directory.path())).unwrap();
        let door = Door {
            limits,
            tls: Some(tls.clone()),
            ..Door::default()
        };
        let served = serve(door).await;
        Self {
            directory,
            authority,
            tls,
            served,
        }
    }

    async fn is_believed_by(&self, authority: &Authority) -> bool {
        authority
            .connect(&self.served, rustls::ALL_VERSIONS)
            .await
            .is_ok()
    }
}

fn files(directory: &Path) -> TlsFiles {
    TlsFiles {
        certificates: directory.join("cert.pem"),
        key: directory.join("key.pem"),
    }
}

fn put(directory: &Path, (certificate, key): &(String, String)) {
    let files = files(directory);
    std::fs::write(files.certificates, certificate).unwrap();
    std::fs::write(files.key, key).unwrap();
}

#[tokio::test]
async fn both_versions_are_spoken_to_who_believes_the_authority() {
    let secure = Secure::start(ConnectionLimits::default()).await;
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let io = secure.authority.connect(&secure.served, &[version]).await;
        let told = ask(&mut io.unwrap(), GET).await;
        assert!(told.starts_with("HTTP/1.1 200"), "{told}");
        assert!(
            told.contains("strict-transport-security: max-age="),
            "{told}"
        );
    }
    assert!(!secure.is_believed_by(&Authority::new()).await);
    // Who speaks no TLS is not answered in clear.
    let mut io = connect(&secure.served).await;
    io.write_all(GET.as_bytes()).await.unwrap();
    let told = until_closed(&mut io).await;
    assert!(!told.contains("HTTP/"), "{told}");
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_not_waited_for() {
    let secure = Secure::start(ConnectionLimits {
        handshake_timeout: SOON,
        ..ConnectionLimits::default()
    });
    let secure = secure.await;
    // Nothing at all, and the beginning of a ClientHello.
    for said in [&[][..], &[22, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]] {
        let mut io = connect(&secure.served).await;
        io.write_all(said).await.unwrap();
        until_closed(&mut io).await;
    }
}

#[tokio::test]
async fn a_new_certificate_is_used_and_open_connections_stay() {
    let secure = Secure::start(ConnectionLimits::default()).await;
    let versions = rustls::ALL_VERSIONS;
    let mut before = secure
        .authority
        .connect(&secure.served, versions)
        .await
        .unwrap();
    assert!(!secure.tls.reload().unwrap(), "nothing has changed");

    let successor = Authority::new();
    put(secure.directory.path(), &successor.vouch());
    assert!(secure.tls.reload().unwrap());
    assert!(secure.is_believed_by(&successor).await);
    assert!(!secure.is_believed_by(&secure.authority).await);
    assert!(ask(&mut before, GET).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_bad_certificate_is_told_once_and_the_former_one_used_on() {
    let secure = Secure::start(ConnectionLimits::default()).await;
    let directory = secure.directory.path();
    let (certificate, key) = secure.authority.vouch();
    let (_, other_key) = secure.authority.vouch();
    let cases = [
        (certificate.clone(), other_key, "another's key"),
        ("no certificate".to_owned(), key.clone(), "no certificate"),
        (certificate.clone(), String::new(), "no key"),
        (key.clone(), certificate.clone(), "changed about"),
    ];
    for (certificate, key, what) in cases {
        put(directory, &(certificate, key));
        let told = secure.tls.reload();
        assert!(
            matches!(
                told,
                Err(TlsError::Unusable { .. } | TlsError::Malformed { .. })
            ),
            "{what}: {told:?}"
        );
        assert!(!secure.tls.reload().unwrap(), "{what}: told already");
        assert!(secure.is_believed_by(&secure.authority).await, "{what}");
    }
    std::fs::remove_file(files(directory).key).unwrap();
    let told = secure.tls.reload();
    assert!(matches!(told, Err(TlsError::Unreadable { .. })), "{told:?}");
    assert!(!secure.tls.reload().unwrap(), "told already");
    // And once they are good, they are used.
    put(directory, &(certificate, key));
    assert!(secure.tls.reload().unwrap());
    assert!(secure.is_believed_by(&secure.authority).await);
}
