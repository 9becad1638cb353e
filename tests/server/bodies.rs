//! Clients that send too much, too slowly, too often, or half.

use std::time::Duration;

use axum::http::{Request, StatusCode};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use raygate::server::Limits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::client::{BOTH, Connection, config, connect, get, handshake, head};
use crate::harness::{Counting, Running, limits, start, within};

const CAP: usize = 300_000;

fn capped() -> Limits {
    Limits {
        body_bytes: CAP,
        ..limits()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_exactly_the_cap_is_evaluated() {
    let server = start(Counting, capped()).await;
    let mut connection = connect(&server).await;
    assert_eq!(
        connection.post("/mutate", &vec![b'x'; CAP]).await.body_text(),
        CAP.to_string()
    );
    let mut chunked = head("POST", "/mutate", "transfer-encoding: chunked\r\n").into_bytes();
    chunked.extend(
        format!("{CAP:x}\r\n")
            .bytes()
            .chain(vec![b'x'; CAP])
            .chain(*b"\r\n0\r\n\r\n"),
    );
    connection.send(&chunked).await;
    assert_eq!(connection.receive().await.unwrap().body_text(), CAP.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declared_length_over_the_cap_is_refused_unread() {
    let server = start(Counting, capped()).await;
    let mut connection = connect(&server).await;
    connection
        .send(head("POST", "/mutate", &format!("content-length: {}\r\n", CAP + 1)).as_bytes())
        .await;
    let answer = connection.receive().await.unwrap();
    assert!(answer.status == 413 && answer.closes(), "{answer:?}");
    assert!(answer.body_text().contains(&CAP.to_string()));
    assert!(connection.is_closed().await);
    server
        .until_metric(r#"raygate_rejected_requests_total{status="413"} 1"#)
        .await;
    server.until_metric("raygate_connections 0").await;
}

/// A client that writes all before it reads, as many do, must still find the answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_writes_on_still_reads_the_refusal() {
    let server = start(
        Counting,
        Limits {
            linger: Duration::from_secs(20),
            ..capped()
        },
    )
    .await;
    for chunked in [false, true] {
        let mut connection = connect(&server).await;
        let body = vec![b'x'; 8 * CAP];
        if chunked {
            connection
                .send(head("POST", "/mutate", "transfer-encoding: chunked\r\n").as_bytes())
                .await;
            for piece in body.chunks(10_000) {
                connection.send(format!("{:x}\r\n", piece.len()).as_bytes()).await;
                connection.send(piece).await;
                connection.send(b"\r\n").await;
            }
            connection.send(b"0\r\n\r\n").await;
        } else {
            connection
                .send(head("POST", "/mutate", &format!("content-length: {}\r\n", body.len())).as_bytes())
                .await;
            connection.send(&body).await;
        }
        let answer = connection.receive().await.unwrap();
        assert!(answer.status == 413 && answer.closes(), "chunked {chunked}: {answer:?}");
        assert!(connection.is_closed().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn over_http2_only_the_stream_ends() {
    let server = start(Counting, capped()).await;
    let tls = handshake(server.webhook, config(server.roots(), BOTH, &["h2"]))
        .await
        .unwrap();
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(tls)).await.unwrap();
    tokio::spawn(connection);
    for (size, expected) in [(CAP + 1, StatusCode::PAYLOAD_TOO_LARGE), (10, StatusCode::OK)] {
        let request = Request::post("https://localhost/mutate")
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(vec![b'x'; size])))
            .unwrap();
        assert_eq!(within(sender.send_request(request)).await.unwrap().status(), expected);
    }
}

/// A refusal that does not wait for the body is read all the same: the stream is not reset under it.
#[tokio::test(flavor = "multi_thread")]
async fn over_http2_a_refusal_reaches_a_client_that_is_still_sending() {
    let server = start(Counting, capped()).await;
    let tls = handshake(server.webhook, config(server.roots(), BOTH, &["h2"]))
        .await
        .unwrap();
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(tls)).await.unwrap();
    tokio::spawn(connection);
    for (path, kind, expected) in [
        ("/nope", "application/json", StatusCode::NOT_FOUND),
        ("/mutate", "text/plain", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("/mutate", "application/json", StatusCode::PAYLOAD_TOO_LARGE),
    ]
    .repeat(10)
    {
        let request = Request::post(format!("https://localhost{path}"))
            .header("content-type", kind)
            .body(Full::new(Bytes::from(vec![b'x'; CAP + 1])))
            .unwrap();
        let response = within(sender.send_request(request)).await.unwrap();
        assert_eq!(response.status(), expected);
        let text = within(response.into_body().collect()).await.unwrap().to_bytes();
        assert!(!text.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_that_trickles_in_is_cut() {
    let server = start(
        Counting,
        Limits {
            header: Duration::from_millis(50),
            ..limits()
        },
    )
    .await;
    assert!(begin_header(&server).await.is_closed().await);
    server
        .until_metric(r#"raygate_slow_clients_total{stage="header"} 1"#)
        .await;
}

/// A connection with half a header.
async fn begin_header(server: &Running) -> Connection<TlsStream<TcpStream>> {
    let mut half = connect(server).await;
    // The server may have cut already; what counts is that it does.
    let _ = half.stream.write_all(b"POST /mutate HTTP/1.1\r\nhost: loc").await;
    let _ = half.stream.flush().await;
    half
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_may_wait_for_its_first_request() {
    let server = start(
        Counting,
        Limits {
            header: Duration::from_millis(50),
            ..limits()
        },
    )
    .await;
    let mut spare = connect(&server).await;
    // Opened later and cut: by then the spare one is older than any header may become.
    assert!(begin_header(&server).await.is_closed().await);
    let answer = spare.post("/mutate", b"1").await;
    assert!(answer.status == 200 && !answer.closes(), "{answer:?}");
    server
        .until_metric(r#"raygate_slow_clients_total{stage="header"} 1"#)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_crowd_a_connection_may_not_wait_for_its_first_request() {
    let server = start(
        Counting,
        Limits {
            connections: 4,
            header: Duration::from_millis(200),
            ..limits()
        },
    )
    .await;
    let _used = [
        answered_in_time(&server).await,
        answered_in_time(&server).await,
        answered_in_time(&server).await,
    ];
    assert!(connect(&server).await.is_closed().await);
    server
        .until_metric(r#"raygate_slow_clients_total{stage="header"} 1"#)
        .await;
}

/// A connection on which a request was answered before a short deadline for its header or its idleness struck.
async fn answered_in_time(server: &Running) -> Connection<TlsStream<TcpStream>> {
    for _ in 0..1000 {
        let mut connection = connect(server).await;
        if connection.try_post().await {
            return connection;
        }
    }
    panic!("no request was in time");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_was_used_may_rest() {
    let server = start(
        Counting,
        Limits {
            header: Duration::from_millis(200),
            ..limits()
        },
    )
    .await;
    let mut used = answered_in_time(&server).await;
    // Opened later and cut: by then the deadline of the first has passed too.
    assert!(begin_header(&server).await.is_closed().await);
    assert!(used.try_post().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_ends() {
    let server = start(
        Counting,
        Limits {
            idle: Duration::from_millis(200),
            ..limits()
        },
    )
    .await;
    let mut used = answered_in_time(&server).await;
    assert!(used.is_closed().await);
    let mut spare = connect(&server).await;
    assert!(spare.is_closed().await);
    server
        .until_metric(r#"raygate_slow_clients_total{stage="header"} 0"#)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_trickles_in_is_answered_408() {
    let server = start(
        Counting,
        Limits {
            body: Duration::from_millis(50),
            ..limits()
        },
    )
    .await;
    let mut connection = connect(&server).await;
    connection
        .send(head("POST", "/mutate", "content-length: 100\r\n").as_bytes())
        .await;
    connection.send(b"{").await;
    let answer = connection.receive().await.unwrap();
    assert!(answer.status == 408 && answer.closes(), "{answer:?}");
    assert!(connection.is_closed().await);
    server
        .until_metric(r#"raygate_slow_clients_total{stage="body"} 1"#)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_callers_timeout_bounds_the_body_too() {
    let server = start(Counting, limits()).await;
    let mut connection = connect(&server).await;
    connection
        .send(head("POST", "/mutate?timeout=100ms", "content-length: 100\r\n").as_bytes())
        .await;
    assert_eq!(connection.receive().await.unwrap().status, 408);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_stalls_is_cut() {
    let server = start(
        Counting,
        Limits {
            handshake: Duration::from_millis(50),
            ..limits()
        },
    )
    .await;
    let mut stalled = Connection::new(TcpStream::connect(server.webhook).await.unwrap());
    assert!(stalled.is_closed().await);
    server
        .until_metric(r#"raygate_slow_clients_total{stage="handshake"} 1"#)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_are_bounded() {
    let server = start(Counting, limits()).await;
    let mut long = connect(&server).await;
    long.send(head("POST", "/mutate", &format!("x-long: {}\r\n", "x".repeat(20_000))).as_bytes())
        .await;
    assert_eq!(long.receive().await.unwrap().status, 431);
    let mut many = connect(&server).await;
    many.send(head("POST", "/mutate", &"x-many: 1\r\n".repeat(100)).as_bytes())
        .await;
    assert_eq!(many.receive().await.unwrap().status, 431);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_half_way_leaves_nothing_behind() {
    let server = start(Counting, limits()).await;
    let mut leaving = connect(&server).await;
    leaving
        .send(head("POST", "/mutate", "content-length: 100\r\n").as_bytes())
        .await;
    server.until_metric("raygate_in_flight 1").await;
    drop(leaving);
    server.until_metric("raygate_in_flight 0").await;
    server.until_metric("raygate_connections 0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_beyond_the_limit_wait_and_probes_do_not() {
    let server = start(
        Counting,
        Limits {
            connections: 2,
            // Neither is idle long enough to lose its slot.
            rest: Duration::from_secs(3600),
            ..limits()
        },
    )
    .await;
    let (mut first, mut second) = (connect(&server).await, connect(&server).await);
    assert_eq!(first.post("/mutate", b"").await.status, 200);
    assert_eq!(second.post("/mutate", b"").await.status, 200);
    let address = server.webhook;
    let tls = config(server.roots(), BOTH, &[]);
    let third = tokio::spawn(async move { Connection::new(handshake(address, tls).await.unwrap()) });
    for _ in 0..20 {
        assert_eq!(get(server.admin, "/healthz").await.status, 200);
        assert!(server.metrics().await.contains("raygate_connections 2\n"));
    }
    assert!(!third.is_finished(), "a third connection was accepted");
    drop(first);
    assert_eq!(within(third).await.unwrap().post("/mutate", b"").await.status, 200);
}

/// One HTTP/2 frame.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// Streams opened and reset as fast as they can be written (CVE-2023-44487).
#[tokio::test(flavor = "multi_thread")]
async fn rapid_resets_end_the_connection() {
    const HEADERS: u8 = 1;
    const RST_STREAM: u8 = 3;
    const SETTINGS: u8 = 4;
    let server = start(Counting, limits()).await;
    let tls = handshake(server.webhook, config(server.roots(), BOTH, &["h2"]))
        .await
        .unwrap();
    let mut attacker = Connection::new(tls);
    // `:method: POST`, `:scheme: https`, `:path: /mutate`, `:authority: x`
    let header = b"\x83\x87\x04\x07/mutate\x01\x01x";
    let mut burst = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    burst.extend(frame(SETTINGS, 0, 0, &[]));
    for stream in (1..20_000).step_by(2) {
        burst.extend(frame(HEADERS, 4, stream, header));
        burst.extend(frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
    }
    // The server may hang up in the middle.
    let _ = within(attacker.stream.write_all(&burst)).await;
    let _ = within(attacker.stream.flush()).await;
    let mut answer = Vec::new();
    let _ = within(attacker.stream.read_to_end(&mut answer)).await;
    assert!(goes_away(&answer), "{answer:?}");
    server.until_metric("raygate_connections 0").await;
    assert_eq!(connect(&server).await.post("/mutate", b"").await.status, 200);
}

/// Whether these frames end with `ENHANCE_YOUR_CALM`.
fn goes_away(mut frames: &[u8]) -> bool {
    const GOAWAY: u8 = 7;
    const ENHANCE_YOUR_CALM: [u8; 4] = [0, 0, 0, 11];
    while frames.len() >= 9 {
        let length = usize::from(frames[0]) << 16 | usize::from(frames[1]) << 8 | usize::from(frames[2]);
        let (kind, payload) = (frames[3], &frames[9..9 + length]);
        if kind == GOAWAY {
            return payload[4..8] == ENHANCE_YOUR_CALM;
        }
        frames = &frames[9 + length..];
    }
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn header_lists_over_http2_are_bounded() {
    let server = start(Counting, limits()).await;
    let tls = handshake(server.webhook, config(server.roots(), BOTH, &["h2"]))
        .await
        .unwrap();
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(tls)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::post("https://localhost/mutate").header("x-long", "x".repeat(20_000));
    let answer = within(sender.send_request(request.body(Full::new(Bytes::new())).unwrap())).await;
    assert_eq!(answer.unwrap().status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
}
