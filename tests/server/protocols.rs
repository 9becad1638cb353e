//! Versions and protocols of TLS and HTTP, and the port for probes.

use std::time::Duration;

use axum::http::{Request, StatusCode};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use raygate::server::Limits;
use rustls::ProtocolVersion;
use tokio::net::TcpStream;

use crate::client::{BOTH, Connection, config, connect, get, handshake, head, plain};
use crate::harness::{Counting, limits, start};

#[tokio::test(flavor = "multi_thread")]
async fn http1_keeps_the_connection() {
    let server = start(Counting, limits()).await;
    let mut connection = connect(&server).await;
    for (target, body) in [("/mutate?timeout=10s", "12345"), ("/validate", ""), ("/mutate", "1")] {
        let answer = connection.post(target, body.as_bytes()).await;
        assert_eq!((answer.status, answer.body_text()), (200, body.len().to_string()));
        assert!(!answer.closes());
    }
    server.until_metric("raygate_connections 1").await;
    server.until_metric("raygate_in_flight 0").await;
    let metrics = server.metrics().await;
    for (endpoint, count) in [("mutate", 2), ("validate", 1)] {
        let line = format!(
            r#"raygate_requests_total{{endpoint="{endpoint}",kind="",operation="unknown",verdict="allowed",code=""}} {count}"#
        );
        assert!(metrics.contains(&line), "{metrics}");
        let line = format!(r#"raygate_request_duration_seconds_count{{endpoint="{endpoint}"}} {count}"#);
        assert!(metrics.contains(&line), "{metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn http2_carries_requests_side_by_side() {
    let server = start(Counting, limits()).await;
    let tls = handshake(server.webhook, config(server.roots(), BOTH, &["h2", "http/1.1"]))
        .await
        .unwrap();
    assert_eq!(tls.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(tls)).await.unwrap();
    tokio::spawn(connection);
    let post = async |path: &str, body: &'static str| {
        let request = Request::post(format!("https://localhost{path}"))
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from_static(body.as_bytes())))
            .unwrap();
        let answer = sender.clone().send_request(request).await.unwrap();
        (answer.status(), answer.into_body().collect().await.unwrap().to_bytes())
    };
    let answers = tokio::join!(post("/mutate", "123"), post("/validate", "1234"), post("/nowhere", ""));
    assert_eq!(answers.0, (StatusCode::OK, Bytes::from_static(b"3")));
    assert_eq!(answers.1, (StatusCode::OK, Bytes::from_static(b"4")));
    assert_eq!(answers.2.0, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn both_tls_versions_and_a_client_without_alpn() {
    let server = start(Counting, limits()).await;
    for (version, expected) in [
        (&rustls::version::TLS12, ProtocolVersion::TLSv1_2),
        (&rustls::version::TLS13, ProtocolVersion::TLSv1_3),
    ] {
        let tls = handshake(server.webhook, config(server.roots(), &[version], &[]))
            .await
            .unwrap();
        assert_eq!(tls.get_ref().1.protocol_version(), Some(expected));
        assert_eq!(Connection::new(tls).post("/mutate", b"12").await.body_text(), "2");
    }
}

/// A `ClientHello` of TLS 1.0: two cipher suites of its time, no extensions.
fn tls10_hello() -> Vec<u8> {
    let mut hello = vec![3, 1];
    hello.extend([7; 32]);
    hello.extend([0, 0, 4, 0x00, 0x2f, 0x00, 0x35, 1, 0]);
    let mut handshake = vec![1, 0, 0, u8::try_from(hello.len()).unwrap()];
    handshake.extend(hello);
    let mut record = vec![22, 3, 1, 0, u8::try_from(handshake.len()).unwrap()];
    record.extend(handshake);
    record
}

#[tokio::test(flavor = "multi_thread")]
async fn older_tls_is_refused_with_an_alert_and_counted() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let server = start(Counting, limits()).await;
    let mut stream = TcpStream::connect(server.webhook).await.unwrap();
    stream.write_all(&tls10_hello()).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    // An alert record: fatal, 70 (protocol_version) or 40 (handshake_failure). Never a ServerHello.
    assert_eq!(answer.first(), Some(&21), "{answer:?}");
    assert!(matches!(answer.get(5..7), Some([2, 70 | 40])), "{answer:?}");
    server
        .until_metric(r#"raygate_tls_handshake_failures_total{cause="incompatible"} 1"#)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_handshakes_are_counted_by_cause_and_harm_nobody() {
    let server = start(Counting, limits()).await;
    let stranger = config(rustls::RootCertStore::empty(), BOTH, &[]);
    assert!(handshake(server.webhook, stranger).await.is_err());
    server
        .until_metric(r#"raygate_tls_handshake_failures_total{cause="untrusted"} 1"#)
        .await;

    let speaks_nothing_of_ours = config(server.roots(), BOTH, &["spdy/3"]);
    assert!(handshake(server.webhook, speaks_nothing_of_ours).await.is_err());
    server
        .until_metric(r#"raygate_tls_handshake_failures_total{cause="incompatible"} 1"#)
        .await;

    let mut plain = Connection::new(TcpStream::connect(server.webhook).await.unwrap());
    plain
        .send(head("POST", "/mutate", "content-length: 0\r\n").as_bytes())
        .await;
    assert!(plain.receive().await.is_none(), "no verdict without TLS");
    server
        .until_metric(r#"raygate_tls_handshake_failures_total{cause="malformed"} 1"#)
        .await;

    drop(TcpStream::connect(server.webhook).await.unwrap());
    server
        .until_metric(r#"raygate_tls_handshake_failures_total{cause="disconnected"} 1"#)
        .await;

    assert_eq!(connect(&server).await.post("/mutate", b"").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_review_gets_no_verdict() {
    let server = start(Counting, limits()).await;
    let mut connection = connect(&server).await;
    for (request, expected) in [
        (head("GET", "/mutate", ""), 405),
        (head("POST", "/", "content-length: 0\r\n"), 404),
        (head("GET", "/metrics", ""), 404),
        (
            "POST /validate HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n".to_owned(),
            415,
        ),
    ] {
        connection.send(request.as_bytes()).await;
        assert_eq!(connection.receive().await.unwrap().status, expected, "{request}");
    }
    connection
        .send(head("POST", "/mutate", "content-encoding: gzip\r\ncontent-length: 3\r\n").as_bytes())
        .await;
    let answer = connection.receive().await.unwrap();
    assert!(answer.status == 415 && answer.closes());
    let metrics = server.metrics().await;
    assert!(
        metrics.contains(r#"raygate_rejected_requests_total{status="415"} 2"#),
        "{metrics}"
    );
    assert!(!metrics.contains("raygate_requests_total{"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_and_metrics_have_a_port_of_their_own() {
    let server = start(Counting, limits()).await;
    assert_eq!(get(server.admin, "/healthz").await.status, 200);
    assert_eq!(get(server.admin, "/readyz").await.body_text(), "ready\n");
    let details = get(server.admin, "/readyz?verbose").await.body_text();
    assert!(
        details.contains("[+] certificate: ends at 20") && details.contains("[+] policies: counting"),
        "{details}"
    );
    let metrics = get(server.admin, "/metrics").await;
    assert_eq!(
        metrics.header("content-type").unwrap(),
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    assert!(metrics.body_text().contains("raygate_build_info{"));
    assert_eq!(get(server.admin, "/mutate").await.status, 404);
    assert_eq!(plain(server.admin, "POST", "/readyz").await.status, 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_asks_before_it_sends_is_told_to_go_on() {
    let server = start(Counting, limits()).await;
    let mut connection = connect(&server).await;
    connection
        .send(head("POST", "/mutate", "expect: 100-continue\r\ncontent-length: 3\r\n").as_bytes())
        .await;
    assert_eq!(connection.receive().await.unwrap().status, 100);
    connection.send(b"123").await;
    assert_eq!(connection.receive().await.unwrap().body_text(), "3");
    let too_large = format!("expect: 100-continue\r\ncontent-length: {}\r\n", 9 << 20);
    connection.send(head("POST", "/mutate", &too_large).as_bytes()).await;
    assert_eq!(connection.receive().await.unwrap().status, 413);
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_find_a_place_however_many_connections_lie_idle() {
    let limits = Limits {
        admin_connections: 2,
        header: Duration::from_millis(100),
        ..limits()
    };
    let server = start(Counting, limits).await;
    let _first = TcpStream::connect(server.admin).await.unwrap();
    let _second = TcpStream::connect(server.admin).await.unwrap();
    assert_eq!(get(server.admin, "/healthz").await.status, 200);
}
