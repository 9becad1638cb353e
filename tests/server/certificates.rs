//! A certificate that changes under live connections.

use std::fs;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use raygate::server::{CertificateSource, Limits, Pair, PairFiles};
use tempfile::TempDir;

use crate::client::{connect, get};
use crate::command::Raygate;
use crate::harness::{Counting, Running, eventually, limits, start, start_with};

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
    write_pair_until(dir, Timestamp::now() + Duration::from_secs(3600));
}

fn write_pair_until(dir: &Path, end: Timestamp) {
    let mut parameters = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    parameters.not_after = time::OffsetDateTime::from_unix_timestamp(end.as_second()).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    fs::write(dir.join("tls.crt"), parameters.self_signed(&key).unwrap().pem()).unwrap();
    fs::write(dir.join("tls.key"), key.serialize_pem()).unwrap();
}

/// A server that follows the pair in this folder.
async fn follow(dir: &Path, wait: bool) -> Running {
    let files = PairFiles {
        certificate: dir.join("tls.crt"),
        key: dir.join("tls.key"),
    };
    let limits = Limits {
        poll: Duration::from_millis(10),
        ..limits()
    };
    start_with(
        Counting,
        limits,
        CertificateSource::Files { files, wait },
        Duration::ZERO,
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_followed_and_broken_ones_change_nothing() {
    let dir = TempDir::new().unwrap();
    write_pair(dir.path());
    let server = follow(dir.path(), false).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn what_started_without_a_certificate_waits_for_one() {
    let dir = TempDir::new().unwrap();
    let server = follow(dir.path(), true).await;
    let broken = async |seen: &str| {
        eventually(seen, async || {
            let failures = "raygate_certificate_reload_failures_total 0\n";
            !server.metrics().await.contains(failures)
        })
        .await;
        let ready = get(server.admin, "/readyz").await;
        assert_eq!(ready.status, 503, "{seen}");
        assert!(
            ready.body_text().contains("[-] certificate: there is none yet"),
            "{seen}: {ready:?}"
        );
        assert_eq!(
            get(server.admin, "/healthz").await.status,
            200,
            "nobody need restart it"
        );
    };
    broken("no files").await;
    fs::write(dir.path().join("tls.crt"), "garbage").unwrap();
    fs::write(dir.path().join("tls.key"), "garbage").unwrap();
    broken("garbage").await;

    write_pair(dir.path());
    eventually("readiness", async || get(server.admin, "/readyz").await.status == 200).await;
    assert_eq!(connect(&server).await.post("/mutate", b"").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_says_why_it_has_no_certificate_and_when_its_certificate_ends() {
    let dir = TempDir::new().unwrap();
    let raygate = |fallback: &str| {
        Raygate::serve(|command| {
            let pair = ["tls.crt", "tls.key"].map(|name| dir.path().join(name));
            command.args(["--poll", "10ms", "--tls-cert"]).arg(&pair[0]);
            command.arg("--tls-key").arg(&pair[1]).env("RAYGATE_FALLBACK", fallback);
        })
    };
    assert_eq!(raygate("false").ended().await.code(), Some(2));
    let waiting = raygate("true");
    let line = waiting
        .until_logged("certificate files cannot be served: not ready, and nobody can connect, until they can")
        .await;
    assert!(line["error"].as_str().unwrap().contains("tls.crt"), "{line}");

    write_pair_until(dir.path(), Timestamp::now() + Duration::from_secs(8));
    waiting.until_logged("certificate replaced").await;
    let line = waiting
        .until_logged(
            "the certificate in use has ended: not ready, and the API server refuses it, until its files hold a new one",
        )
        .await;
    assert_eq!(line["level"], "ERROR");
    write_pair(dir.path());
    waiting.until_logged("certificate replaced").await;
}
