//! The end of connections and of the server.

use std::time::Duration;

use axum::http::{Request, StatusCode};
use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use raygate::server::{CertificateSource, Limits};
use tokio::net::TcpStream;

use crate::client::{BOTH, Connection, config, connect, get, handshake, handshake_over, head};
use crate::harness::{Counting, Running, eventually, held, limits, start, start_with, within};

type Body = Full<Bytes>;

/// An HTTP/2 connection, and the task that ends when the server has ended it.
async fn h2(server: &Running) -> (http2::SendRequest<Body>, tokio::task::JoinHandle<hyper::Result<()>>) {
    let tls = handshake(server.webhook, config(server.roots(), BOTH, &["h2"]))
        .await
        .unwrap();
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(tls)).await.unwrap();
    (sender, tokio::spawn(connection))
}

async fn post(sender: &mut http2::SendRequest<Body>) -> hyper::Result<StatusCode> {
    let request = Request::post("https://localhost/mutate").header("content-type", "application/json");
    let answer = within(sender.send_request(request.body(Full::new(Bytes::from_static(b"{}"))).unwrap())).await?;
    Ok(answer.status())
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_in_flight_are_finished_and_nothing_new_begins() {
    let (reviewer, mut holder) = held();
    let mut server = start(
        reviewer,
        Limits {
            inline_bytes: 0,
            ..limits()
        },
    )
    .await;
    let mut idle = connect(&server).await;
    let mut busy = connect(&server).await;
    busy.send(head("POST", "/mutate", "content-length: 2\r\n").as_bytes())
        .await;
    busy.send(b"{}").await;
    holder.begun().await;

    server.stop();
    eventually("a closed port", async || {
        TcpStream::connect(server.webhook).await.is_err()
    })
    .await;
    assert!(idle.is_closed().await, "an idle connection has nothing to wait for");
    assert_eq!(get(server.admin, "/readyz").await.status, 503);
    assert_eq!(get(server.admin, "/healthz").await.status, 200, "it is still alive");
    assert!(!server.is_stopped(), "a request is still in flight");

    holder.go_on();
    let answer = busy.receive().await.unwrap();
    assert!(answer.status == 200 && answer.closes(), "{answer:?}");
    server.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_a_place_when_the_port_closes_is_answered() {
    let (reviewer, mut holder) = held();
    let limits = Limits {
        connections: 1,
        inline_bytes: 0,
        ..limits()
    };
    let mut server = start(reviewer, limits).await;
    let mut busy = connect(&server).await;
    busy.send(head("POST", "/mutate", "content-length: 2\r\n").as_bytes())
        .await;
    busy.send(b"{}").await;
    holder.begun().await;
    let stream = TcpStream::connect(server.webhook).await.unwrap();

    server.stop();
    let tls = handshake_over(stream, config(server.roots(), BOTH, &["http/1.1"]));
    let mut queued = Connection::new(tls.await.unwrap());
    // Both are held, and each is let go.
    holder.go_on();
    holder.go_on();
    let answer = queued.post("/mutate", b"1").await;
    assert!(answer.status == 200 && answer.closes(), "{answer:?}");
    assert_eq!(busy.receive().await.unwrap().status, 200);
    server.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_without_a_request_does_not_hold_up_the_end() {
    let an_hour = Duration::from_secs(3600);
    let limits = Limits {
        drain: an_hour,
        ..limits()
    };
    let mut server = start(Counting, limits).await;
    let mut spare = connect(&server).await;
    server.stop();
    assert!(spare.is_closed().await);
    server.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn until_the_cluster_has_heard_it_goes_on_serving() {
    let an_hour = Duration::from_secs(3600);
    let mut server = start_with(Counting, limits(), CertificateSource::InMemory, an_hour).await;
    let mut kept = connect(&server).await;
    assert!(!kept.post("/mutate", b"1").await.closes());
    let (mut sender, ended) = h2(&server).await;
    assert_eq!(post(&mut sender).await.unwrap(), StatusCode::OK);

    server.stop();
    eventually("not ready", async || get(server.admin, "/readyz").await.status == 503).await;
    assert!(
        get(server.admin, "/readyz")
            .await
            .body_text()
            .contains("[-] server: shutting down")
    );
    let last = kept.post("/mutate", b"1").await;
    assert!(last.status == 200 && last.closes(), "{last:?}");
    assert!(kept.is_closed().await);
    within(ended).await.unwrap().unwrap();

    // A client that has not heard yet still gets its answer, over either protocol.
    let late = connect(&server).await.post("/mutate", b"1").await;
    assert!(late.status == 200 && late.closes(), "{late:?}");
    let (mut sender, _) = h2(&server).await;
    assert_eq!(post(&mut sender).await.unwrap(), StatusCode::OK);
    assert!(!server.is_stopped());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_end_in_time_is_cut() {
    let (reviewer, mut holder) = held();
    let limits = Limits {
        drain: Duration::from_millis(50),
        inline_bytes: 0,
        ..limits()
    };
    let mut server = start(reviewer, limits).await;
    let mut busy = connect(&server).await;
    busy.send(head("POST", "/mutate", "content-length: 2\r\n").as_bytes())
        .await;
    busy.send(b"{}").await;
    holder.begun().await;
    server.stop();
    server.stopped().await;
    assert!(busy.receive().await.is_none());
    holder.go_on();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_connection_is_wound_up_with_its_next_answer() {
    let limits = Limits {
        header: Duration::from_secs(1),
        connection_age: Duration::from_millis(1),
        ..limits()
    };
    let server = start(Counting, limits).await;
    let mut connection = connect(&server).await;
    let (mut sender, ended) = h2(&server).await;
    assert_eq!(post(&mut sender).await.unwrap(), StatusCode::OK);
    let mut answers = 0_u32;
    while !connection.post("/mutate", b"1").await.closes() {
        answers += 1;
        assert!(answers < 1_000_000, "never wound up");
    }
    assert!(connection.is_closed().await);
    // The HTTP/2 connection gets its GOAWAY and ends cleanly by itself.
    within(ended).await.unwrap().unwrap();
    assert_eq!(connect(&server).await.post("/mutate", b"1").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_connection_that_never_asks_again_is_closed() {
    let moment = Duration::from_millis(1);
    let limits = Limits {
        header: Duration::from_secs(1),
        connection_age: moment,
        announce: moment,
        ..limits()
    };
    let server = start(Counting, limits).await;
    let mut connection = connect(&server).await;
    assert_eq!(connection.post("/mutate", b"1").await.status, 200);
    assert!(connection.is_closed().await);
    server.until_metric("raygate_connections 0").await;
}
