//! The TLS side of the webhook port: versions, protocols, and the certificate that new handshakes get.

use std::io;
use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{AlertDescription, ServerConfig};

use super::clients::Clients;
use super::pair::{self, Pair};
use super::trust::Trust;

/// The certificate in use, and what is known of who trusts it. A swap is atomic and touches no open connection.
#[derive(Debug)]
pub struct CertificateStore {
    current: ArcSwapOption<Pair>,
    trust: ArcSwap<Trust>,
}

impl CertificateStore {
    /// Starts with this pair.
    pub fn new(pair: Pair) -> Self {
        Self {
            current: ArcSwapOption::from_pointee(pair),
            trust: ArcSwap::from_pointee(Trust::Unchecked),
        }
    }

    /// Starts without a certificate: until one is swapped in, every handshake fails and the server is not ready.
    pub fn empty() -> Self {
        Self {
            current: ArcSwapOption::empty(),
            trust: ArcSwap::from_pointee(Trust::Misfit("nobody has looked yet".to_owned())),
        }
    }

    /// Gives every handshake from now on this pair.
    pub fn swap(&self, pair: impl Into<Arc<Pair>>) {
        self.current.store(Some(pair.into()));
    }

    /// The pair that a handshake gets now.
    pub fn current(&self) -> Option<Arc<Pair>> {
        self.current.load_full()
    }

    /// What is known of who trusts it.
    pub fn trust(&self) -> Arc<Trust> {
        self.trust.load_full()
    }

    /// Says what is known of who trusts it. A misfit makes the server not ready.
    pub fn set_trust(&self, trust: Trust) {
        self.trust.store(Arc::new(trust));
    }
}

impl ResolvesServerCert for CertificateStore {
    /// The same certificate whatever name the client asks for, or none: the API server may call by the name of the
    /// service, an address, or through a tunnel.
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.current.load().as_ref().map(|pair| Arc::clone(&pair.key))
    }
}

/// TLS 1.2 and 1.3, h2 and HTTP/1.1, for these clients or for all.
pub(super) fn config(
    certificates: Arc<CertificateStore>,
    clients: Option<Arc<Clients>>,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let builder = ServerConfig::builder_with_provider(Arc::new(pair::provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?;
    let mut config = match clients {
        None => builder.with_no_client_auth().with_cert_resolver(certificates),
        Some(clients) => {
            let mut config = builder
                .with_client_cert_verifier(clients)
                .with_cert_resolver(certificates);
            // A resumed session would not be verified again, so a client would outlive its CA.
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
            config
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Why a handshake failed, in one of a few words for the metric.
pub(super) fn cause(error: &io::Error) -> &'static str {
    let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) else {
        return match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => "disconnected",
            _ => "other",
        };
    };
    match tls {
        rustls::Error::AlertReceived(alert) => match alert {
            AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateRevoked
            | AlertDescription::UnsupportedCertificate => UNTRUSTED,
            _ => "alert",
        },
        rustls::Error::NoCertificatesPresented | rustls::Error::InvalidCertificate(_) => UNIDENTIFIED,
        rustls::Error::PeerIncompatible(_) | rustls::Error::NoApplicationProtocol => "incompatible",
        rustls::Error::InvalidMessage(_)
        | rustls::Error::InappropriateMessage { .. }
        | rustls::Error::InappropriateHandshakeMessage { .. }
        | rustls::Error::PeerMisbehaved(_)
        | rustls::Error::DecryptError
        | rustls::Error::PeerSentOversizedRecord => "malformed",
        _ => "other",
    }
}

/// The client has no certificate that is accepted, where one is asked for.
pub(super) const UNIDENTIFIED: &str = "unidentified";

/// The client refused our certificate: the one cause that an operator must hear of.
pub(super) const UNTRUSTED: &str = "untrusted";
