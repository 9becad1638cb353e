//! A certificate that changes under live connections.

use std::fs;
use std::path::Path;
use std::time::Duration;

use raygate::server::{CertificateSource, Limits, Pair, PairFiles};
use tempfile::TempDir;

use crate::client::connect;
use crate::harness::{Counting, eventually, limits, start, start_with};

#[tokio::test(flavor = "multi_thread")]
async fn a_swap_touches_no_open_connection() {
    let server = start(Counting, limits()).await;
    let mut old = connect(&server).await;
    let seen_by = |stream: &tokio_rustls::client::TlsStream<_>| {
        stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
    };
    let before = seen_by(&old.stream);
    assert_eq!(old.post("/mutate", b"1").await.status, 200);

    server.certificates.swap(Pair::in_memory().unwrap());
    let mut new = connect(&server).await;
    assert_ne!(seen_by(&new.stream), before);
    assert_eq!(new.post("/mutate", b"1").await.status, 200);
    assert_eq!(old.post("/mutate", b"1").await.status, 200);
}

fn write_pair(dir: &Path) {
    let parameters = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    fs::write(dir.join("tls.crt"), parameters.self_signed(&key).unwrap().pem()).unwrap();
    fs::write(dir.join("tls.key"), key.serialize_pem()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_followed_and_broken_ones_change_nothing() {
    let dir = TempDir::new().unwrap();
    write_pair(dir.path());
    let files = PairFiles {
        certificate: dir.path().join("tls.crt"),
        key: dir.path().join("tls.key"),
    };
    let limits = Limits {
        poll: Duration::from_millis(10),
        ..limits()
    };
    let server = start_with(Counting, limits, CertificateSource::Files(files), Duration::ZERO).await;
    let mut old = connect(&server).await;
    let first = server.certificates.current().unwrap().chain().to_vec();

    fs::write(dir.path().join("tls.key"), "half a k").unwrap();
    eventually("a counted failure", async || {
        !server
            .metrics()
            .await
            .contains("raygate_certificate_reload_failures_total 0\n")
    })
    .await;
    assert_eq!(
        server.certificates.current().unwrap().chain(),
        first,
        "a broken key replaced a good pair"
    );
    assert_eq!(connect(&server).await.post("/mutate", b"").await.status, 200);

    write_pair(dir.path());
    server.until_metric("raygate_certificate_reloads_total 1").await;
    assert_ne!(server.certificates.current().unwrap().chain(), first);
    assert_eq!(connect(&server).await.post("/mutate", b"").await.status, 200);
    assert_eq!(old.post("/mutate", b"").await.status, 200);
}
