//! Clients that need a certificate.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use raygate::metrics::Metrics;
use raygate::server::{ClientCa, Limits, Options};
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType};
use rustls::ClientConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;

use crate::client::{BOTH, Connection, config, get, handshake};
use crate::harness::{Counting, Running, eventually, limits, options, start_from};

const NAME: &str = "kube-apiserver";

/// A CA of clients.
struct Ca {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Ca {
    fn new() -> Self {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.distinguished_name.push(DnType::CommonName, "clients");
        let key = KeyPair::generate().unwrap();
        let pem = parameters.self_signed(&key).unwrap().pem();
        Self {
            issuer: Issuer::new(parameters, key),
            pem,
        }
    }

    fn sign(&self, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let mut parameters = CertificateParams::default();
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        change(&mut parameters);
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.signed_by(&key, &self.issuer).unwrap().der().clone();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        (certificate, key)
    }

    /// A certificate of the API server.
    fn api_server(&self) -> Identity {
        self.sign(named(NAME))
    }
}

type Identity = (CertificateDer<'static>, PrivateKeyDer<'static>);

fn named(name: &str) -> impl FnOnce(&mut CertificateParams) {
    move |parameters| parameters.distinguished_name.push(DnType::CommonName, name)
}

/// A server for clients of the CA in this folder.
async fn start(folder: &Path) -> Running {
    let limits = Limits {
        poll: Duration::from_millis(10),
        ..limits()
    };
    let options = Options {
        clients: Some(ClientCa {
            file: folder.join("ca.crt"),
            names: vec!["other".to_owned(), NAME.to_owned()],
        }),
        ..options(limits)
    };
    start_from(options, Arc::new(Counting), Arc::new(Metrics::new())).await
}

fn client(server: &Running, identity: Option<&Identity>) -> ClientConfig {
    let mut config = config(server.roots(), BOTH, &["http/1.1"]);
    if let Some((certificate, key)) = identity {
        let builder = ClientConfig::builder_with_provider(Arc::clone(config.crypto_provider()));
        config = builder
            .with_protocol_versions(BOTH)
            .unwrap()
            .with_root_certificates(server.roots())
            .with_client_auth_cert(vec![certificate.clone()], key.clone_key())
            .unwrap();
    }
    config
}

/// Whether a client gets a review answered.
async fn is_answered(server: &Running, identity: Option<&Identity>) -> bool {
    // With TLS 1.3 a client hears of the refusal after its own handshake.
    match handshake(server.webhook, client(server, identity)).await {
        Ok(stream) => Connection::new(stream).try_post().await,
        Err(_) => false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_certificate_of_the_ca_with_a_name_is_accepted() {
    let folder = TempDir::new().unwrap();
    let (ca, other) = (Ca::new(), Ca::new());
    fs::write(folder.path().join("ca.crt"), &ca.pem).unwrap();
    let server = start(folder.path()).await;
    assert!(is_answered(&server, Some(&ca.api_server())).await);
    let with_dns_name =
        ca.sign(|parameters| parameters.subject_alt_names = vec![SanType::DnsName(NAME.try_into().unwrap())]);
    assert!(is_answered(&server, Some(&with_dns_name)).await);
    let past = |parameters: &mut CertificateParams| {
        named(NAME)(parameters);
        parameters.not_after = time::OffsetDateTime::UNIX_EPOCH + time::Duration::days(20_000);
    };
    let for_servers = |parameters: &mut CertificateParams| {
        named(NAME)(parameters);
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    };
    for refused in [
        None,
        Some(other.api_server()),
        Some(ca.sign(named("kubelet"))),
        Some(ca.sign(named("kube-apiserver.evil"))),
        Some(ca.sign(named("KUBE-APISERVER"))),
        Some(ca.sign(|_| ())),
        Some(ca.sign(past)),
        Some(ca.sign(for_servers)),
    ] {
        assert!(!is_answered(&server, refused.as_ref()).await);
    }
    server
        .until_metric(r#"raygate_tls_handshake_failures_total{cause="unidentified"} 8"#)
        .await;
    // Probes need no certificate.
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(get(server.admin, path).await.status, 200);
    }
}

/// The name in every other place of a certificate, and names that are nearly it.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_elsewhere_or_nearly_the_name_is_refused() {
    let folder = TempDir::new().unwrap();
    let ca = Ca::new();
    fs::write(folder.path().join("ca.crt"), &ca.pem).unwrap();
    let server = start(folder.path()).await;
    let of_type = |kind: DnType, name: &'static str| {
        move |parameters: &mut CertificateParams| parameters.distinguished_name.push(kind, name)
    };
    let alternative =
        |name: SanType| move |parameters: &mut CertificateParams| parameters.subject_alt_names = vec![name];
    let not_yet = |parameters: &mut CertificateParams| {
        named(NAME)(parameters);
        parameters.not_before = time::OffsetDateTime::now_utc() + time::Duration::days(2);
    };
    let for_code = |parameters: &mut CertificateParams| {
        named(NAME)(parameters);
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
    };
    let refused = [
        ca.sign(of_type(DnType::OrganizationName, NAME)),
        ca.sign(of_type(DnType::OrganizationalUnitName, NAME)),
        ca.sign(of_type(DnType::CommonName, "kube-apiserver ")),
        ca.sign(of_type(DnType::CommonName, "kube-apiserver\0")),
        ca.sign(of_type(DnType::CommonName, "*")),
        ca.sign(of_type(DnType::CommonName, "kube-apiserver,other")),
        ca.sign(alternative(SanType::DnsName("*".try_into().unwrap()))),
        ca.sign(alternative(SanType::DnsName("*.kube-apiserver".try_into().unwrap()))),
        ca.sign(alternative(SanType::Rfc822Name(NAME.try_into().unwrap()))),
        ca.sign(alternative(SanType::URI(NAME.try_into().unwrap()))),
        ca.sign(not_yet),
        ca.sign(for_code),
    ];
    for (nth, refused) in refused.iter().enumerate() {
        assert!(!is_answered(&server, Some(refused)).await, "{nth}");
    }
    assert!(is_answered(&server, Some(&ca.api_server())).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ca_is_followed_and_a_broken_file_changes_nothing() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("ca.crt");
    let (first, second) = (Ca::new(), Ca::new());
    fs::write(&file, &first.pem).unwrap();
    let server = start(folder.path()).await;
    let (old, new) = (first.api_server(), second.api_server());
    // A session of this client could be resumed.
    let resuming = client(&server, Some(&old));
    let again = async || match handshake(server.webhook, resuming.clone()).await {
        Ok(stream) => Connection::new(stream).try_post().await,
        Err(_) => false,
    };
    assert!(again().await && again().await);
    assert!(!is_answered(&server, Some(&new)).await);

    fs::write(&file, format!("{}{}", first.pem, second.pem)).unwrap();
    eventually("the second CA", async || is_answered(&server, Some(&new)).await).await;
    assert!(is_answered(&server, Some(&old)).await);

    fs::write(&file, &second.pem).unwrap();
    eventually("the end of the first CA", async || {
        !is_answered(&server, Some(&old)).await
    })
    .await;
    assert!(!again().await, "a resumed session outlives its CA");

    // Nothing tells when a file was looked at and left: the next good one is taken over all the same.
    for broken in ["", "-----BEGIN CERTIFICATE-----\nhalf"] {
        fs::write(&file, broken).unwrap();
        for _ in 0..5 {
            assert!(is_answered(&server, Some(&new)).await, "{broken}");
            assert!(!is_answered(&server, None).await);
        }
    }
    fs::write(&file, &first.pem).unwrap();
    eventually("the first CA again", async || is_answered(&server, Some(&old)).await).await;
}
