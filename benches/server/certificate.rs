//! One certificate for all servers, and a client that trusts it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

/// Writes `tls.crt` and `tls.key` into the folder, and returns what a client is configured with: TLS 1.3 and HTTP/1.1, as
/// the API server's.
pub(crate) fn make(folder: &Path) -> Arc<ClientConfig> {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let pair = rcgen::generate_simple_self_signed(names).expect("make a certificate");
    fs::write(folder.join("tls.crt"), pair.cert.pem()).expect("write the certificate");
    fs::write(folder.join("tls.key"), pair.signing_key.serialize_pem()).expect("write the key");
    client(pair.cert.der().clone())
}

fn client(certificate: CertificateDer<'static>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate).expect("a certificate to trust");
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("TLS 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}
