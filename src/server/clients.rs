//! Which clients may connect to the webhook port: those with a certificate of one CA and one of some names, if the operator
//! wants that. An API server has such a certificate for its webhooks in the kubeconfig that its `AdmissionConfiguration`
//! names.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, RootCertStore, SignatureScheme};
use sha2::{Digest as _, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;

use super::pair;
use crate::files::{Bounded, bounded};
use crate::reload::{Digest, Follower, Found, Source, read_settled};
use crate::telemetry::error_chain;

/// No CA file is larger, in bytes.
const FILE_BYTES: u64 = 1 << 20;

/// Who may connect to the webhook port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCa {
    /// The CA certificates in PEM, each of which may have signed a client's certificate. Followed when the file changes.
    pub file: PathBuf,
    /// A client's certificate must have one of these names: the common name of its subject, or a DNS name of it.
    pub names: Vec<String>,
}

/// Why the CA file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ClientCaError {
    /// The file could not be read.
    #[error("reading {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file is larger than any CA file.
    #[error("reading {}: more than 1 MiB, so not a CA file", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The file does not hold CA certificates alone.
    #[error("reading {}: {reason}; expected PEM blocks `-----BEGIN CERTIFICATE-----`", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A certificate cannot be used as a CA.
    #[error("using {} as CA of the clients: {reason}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

impl ClientCa {
    fn read(&self) -> Result<Vec<u8>, ClientCaError> {
        let path = || self.file.clone();
        let read = |source| ClientCaError::Read { path: path(), source };
        let Bounded { bytes, is_cut } = File::open(&self.file)
            .and_then(|file| bounded(file, FILE_BYTES))
            .map_err(read)?;
        if is_cut {
            return Err(ClientCaError::TooLarge { path: path() });
        }
        Ok(bytes)
    }

    fn verifier(&self, pem: &[u8]) -> Result<Arc<dyn ClientCertVerifier>, ClientCaError> {
        let path = || self.file.clone();
        let no_pem = |reason: String| ClientCaError::Pem { path: path(), reason };
        let unusable = |reason: String| ClientCaError::Unusable { path: path(), reason };
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| no_pem(error.to_string()))?;
            roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
        }
        if roots.is_empty() {
            return Err(no_pem("no certificate in it".to_owned()));
        }
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::new(pair::provider()));
        verifier.build().map_err(|error| unusable(error.to_string()))
    }
}

/// Asks each client for a certificate, and ends the handshake of one that has none that is accepted.
pub(super) struct Clients {
    names: Vec<String>,
    verifier: ArcSwap<Arc<dyn ClientCertVerifier>>,
}

impl fmt::Debug for Clients {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Clients")
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

impl Clients {
    /// Reads the CA file, and follows it.
    ///
    /// # Errors
    /// Where the file cannot be used.
    pub(super) fn start(ca: ClientCa) -> Result<(Follower<Following>, Arc<Self>), ClientCaError> {
        let (pem, digest) = read_settled(|| ca.read(), |pem| digest(pem))?;
        let clients = Arc::new(Self {
            names: ca.names.clone(),
            verifier: ArcSwap::from_pointee(ca.verifier(&pem)?),
        });
        let following = Following {
            ca,
            clients: Arc::clone(&clients),
        };
        Ok((Follower::using(following, digest), clients))
    }

    fn is_named(&self, certificate: &CertificateDer<'_>) -> bool {
        let Ok((_, certificate)) = x509_parser::parse_x509_certificate(certificate) else {
            return false;
        };
        names(&certificate).iter().any(|name| self.names.contains(name))
    }
}

/// The common names of the subject, and the DNS names.
fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let common = certificate.subject().iter_common_name();
    let mut names: Vec<String> = common.filter_map(|name| Some(name.as_str().ok()?.to_owned())).collect();
    if let Ok(Some(alternatives)) = certificate.subject_alternative_name() {
        names.extend(alternatives.value.general_names.iter().filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            _ => None,
        }));
    }
    names
}

fn digest(pem: &[u8]) -> Digest {
    Sha256::digest(pem).into()
}

impl ClientCertVerifier for Clients {
    /// None: a client with one certificate sends it all the same, and the CA may change.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let verified = self
            .verifier
            .load()
            .verify_client_cert(certificate, intermediates, now)?;
        if self.is_named(certificate) {
            Ok(verified)
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier
            .load()
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier
            .load()
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.load().supported_verify_schemes()
    }
}

/// The CA file under a running server.
#[derive(Debug)]
pub(super) struct Following {
    ca: ClientCa,
    clients: Arc<Clients>,
}

impl Source for Following {
    type Content = Vec<u8>;
    type Taken = ();
    type Error = ClientCaError;

    fn read(&self) -> Result<Vec<u8>, ClientCaError> {
        self.ca.read()
    }

    fn digest(pem: &Vec<u8>) -> Digest {
        digest(pem)
    }

    fn take(&mut self, pem: Vec<u8>) -> Result<(), ClientCaError> {
        self.clients.verifier.store(Arc::new(self.ca.verifier(&pem)?));
        Ok(())
    }

    fn report(&mut self, found: &Found<(), ClientCaError>, asked: bool) {
        match found {
            Found::Same if asked => tracing::info!("SIGHUP: the CA file of the clients is as it was"),
            Found::Same | Found::Unsettled => {}
            Found::New(()) => tracing::info!("CA of the clients replaced"),
            Found::Mended => tracing::info!("the CA file of the clients holds again the CA in use"),
            Found::Broken { error, known } => {
                if !known || asked {
                    let error = error_chain(error);
                    tracing::error!(
                        error,
                        "the CA file of the clients cannot be used, the former CA stays in use"
                    );
                }
            }
        }
    }
}
