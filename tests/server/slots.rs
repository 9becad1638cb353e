//! Ports with more clients than slots.

use std::time::Duration;

use axum::http::Request;
use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use raygate::server::Limits;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::client::{BOTH, config, connect, get, handshake, head};
use crate::harness::{Counting, Running, eventually, limits, start, within};

const SLOTS: usize = 4;

fn few() -> Limits {
    Limits {
        connections: SLOTS,
        admin_waiting: SLOTS,
        admin_connections: SLOTS,
        grace: Duration::from_millis(1),
        waiting: 2 * SLOTS,
        // No other deadline makes room here.
        handshake: HOUR,
        header: HOUR,
        idle: HOUR,
        probe: HOUR,
        ..limits()
    }
}

const HOUR: Duration = Duration::from_secs(3600);

/// One review over a connection of its own.
async fn review(server: &Running) -> u16 {
    connect(server).await.post("/mutate", b"1").await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_without_a_review_make_room_and_those_with_one_stay() {
    let server = start(Counting, few()).await;
    let mut reviewed = connect(&server).await;
    assert_eq!(reviewed.post("/mutate", b"1").await.status, 200);
    // Nothing, a handshake, and a request that is not a review: each more often than there are slots.
    let mut held = Vec::new();
    for _ in 0..2 * SLOTS {
        held.push(TcpStream::connect(server.webhook).await.unwrap());
    }
    assert_eq!(review(&server).await, 200);
    let mut asked = Vec::new();
    for nth in 0..2 * SLOTS {
        let mut connection = connect(&server).await;
        if nth % 2 == 0 {
            connection.send(head("GET", "/", "").as_bytes()).await;
            assert_eq!(connection.receive().await.unwrap().status, 404);
        }
        asked.push(connection);
    }
    assert_eq!(review(&server).await, 200);
    assert!(asked[0].is_closed().await, "the oldest lost its slot");
    assert_eq!(reviewed.post("/mutate", b"1").await.status, 200);
    let metrics = server.metrics().await;
    assert!(!metrics.contains(r#"raygate_evicted_connections_total{port="webhook"} 0"#));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_connections_with_a_review_the_one_idle_longest_makes_room() {
    let limits = Limits {
        rest: Duration::from_millis(1),
        ..few()
    };
    let server = start(Counting, limits).await;
    let mut held = Vec::new();
    for _ in 0..SLOTS {
        let mut connection = connect(&server).await;
        assert_eq!(connection.post("/mutate", b"1").await.status, 200);
        held.push(connection);
    }
    assert_eq!(review(&server).await, 200);
    assert!(held[0].is_closed().await);
    assert_eq!(held[SLOTS - 1].post("/mutate", b"1").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_succeed_while_others_hold_the_port() {
    let server = start(Counting, few()).await;
    let mut held = Vec::new();
    for nth in 0..10 * SLOTS {
        let mut stream = TcpStream::connect(server.admin).await.unwrap();
        if nth % 2 == 0 {
            let _ = stream.write_all(b"GET /met").await;
        }
        held.push(stream);
    }
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(get(server.admin, path).await.status, 200);
    }
    let metrics = server.metrics().await;
    assert!(!metrics.contains(r#"raygate_evicted_connections_total{port="metrics"} 0"#));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_port_for_probes_keeps_no_connection() {
    let server = start(Counting, few()).await;
    let mut stream = crate::client::Connection::new(TcpStream::connect(server.admin).await.unwrap());
    stream.send(head("GET", "/healthz", "").as_bytes()).await;
    assert_eq!(stream.receive().await.unwrap().status, 200);
    assert!(stream.is_closed().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_its_answer_is_cut() {
    let limits = Limits {
        answer: Duration::from_millis(100),
        ..few()
    };
    let server = start(Counting, limits).await;
    let tls = handshake(server.webhook, config(server.roots(), BOTH, &["h2"]))
        .await
        .unwrap();
    let (mut sender, connection) = http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(0)
        .handshake(TokioIo::new(tls))
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    let request = Request::post("https://localhost/mutate")
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from_static(b"1")))
        .unwrap();
    // The header comes, the body does not.
    let answer = within(sender.send_request(request)).await.unwrap();
    assert_eq!(answer.status(), 200);
    let _ = within(connection).await.unwrap();
    let cut = r#"raygate_slow_clients_total{stage="answer"} 1"#;
    eventually(cut, async || server.metrics().await.contains(cut)).await;
    server.until_metric("raygate_connections 0").await;
}

/// Whatever a client does instead of a review, it keeps no slot from one.
#[tokio::test(flavor = "multi_thread")]
async fn no_other_use_of_a_connection_keeps_a_review_out() {
    let post = |more: &str| head("POST", "/mutate", more);
    let ways = [
        ("the first byte of a request", "P".to_owned()),
        ("half a request line", "POST /mut".to_owned()),
        ("half a header", "POST /mutate HTTP/1.1\r\nhost: a\r\n".to_owned()),
        ("no body", post("content-length: 10\r\n")),
        ("half a body", post("content-length: 10\r\n") + "12345"),
        (
            "a body without an end",
            post("transfer-encoding: chunked\r\n") + "1\r\n1\r\n",
        ),
        (
            "a body that waits to be asked for",
            post("expect: 100-continue\r\ncontent-length: 10\r\n"),
        ),
        ("another path", head("GET", "/", "")),
        ("another method", head("OPTIONS", "/mutate", "")),
        (
            "another type",
            "POST /mutate HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\ncontent-length: 1\r\n\r\n1".to_owned(),
        ),
        ("many requests at once", head("GET", "/", "").repeat(20)),
        ("the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()),
        ("no HTTP", "\u{16}\u{3}\u{1}".to_owned()),
        (
            "a header that is too large",
            format!("POST /mutate HTTP/1.1\r\nhost: a\r\nx: {}", "y".repeat(64 << 10)),
        ),
    ];
    for (what, bytes) in ways {
        let server = start(Counting, few()).await;
        let mut held = Vec::new();
        for _ in 0..3 * SLOTS {
            let mut connection = connect(&server).await;
            let _ = connection.try_send(bytes.as_bytes()).await;
            held.push(connection);
        }
        for _ in 0..3 {
            assert_eq!(within(review(&server)).await, 200, "{what}");
        }
    }
}
