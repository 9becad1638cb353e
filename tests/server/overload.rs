//! More than there is room for, and evaluations that fail.

use raygate::server::Limits;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::client::{Connection, connect, get, head};
use crate::harness::{Counting, PATIENCE, eventually, held, limits, start};

const REVIEW: &[u8] = br#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u-1"}}"#;

/// A review of this many bytes.
fn sized(bytes: usize) -> Vec<u8> {
    let mut review = REVIEW.to_vec();
    review.resize(bytes, b' ');
    review
}

/// A review larger than what a test lets be evaluated on an async worker, where a reviewer that is held would hold
/// other connections too.
fn ordinary() -> Vec<u8> {
    sized(300)
}

/// A review that may wait behind others of its kind.
fn large() -> Vec<u8> {
    sized(500)
}

fn holding(in_flight: usize) -> Limits {
    Limits {
        in_flight,
        inline_bytes: 200,
        ordinary_bytes: 400,
        ..limits()
    }
}

async fn begin<S: AsyncRead + AsyncWrite + Unpin>(connection: &mut Connection<S>, body: &[u8]) {
    connection
        .send(head("POST", "/mutate", &format!("content-length: {}\r\n", body.len())).as_bytes())
        .await;
    connection.send(body).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn past_the_bound_the_answer_is_immediate() {
    for body in [ordinary(), large()] {
        let (reviewer, mut holder) = held();
        let server = start(reviewer, holding(1)).await;
        let mut first = connect(&server).await;
        begin(&mut first, &body).await;
        holder.begun().await;

        let mut second = connect(&server).await;
        let answer = second.post("/mutate", &body).await;
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
        assert!(!answer.closes(), "a new handshake would cost more than the evaluation");
        let answer = second.post("/validate", &body).await;
        let review: serde_json::Value = serde_json::from_str(&answer.body_text()).unwrap();
        let response = &review["response"];
        assert_eq!(
            (answer.status, &response["uid"], &response["allowed"]),
            (200, &json!("u-1"), &json!(false))
        );
        assert_eq!(response["status"]["code"], 429);
        assert_eq!(response["status"]["details"]["retryAfterSeconds"], 1);
        server
            .until_metric(r#"raygate_overloads_total{cause="in_flight"} 2"#)
            .await;
        assert_eq!(get(server.admin, "/readyz").await.status, 200);

        holder.go_on();
        assert_eq!(first.receive().await.unwrap().status, 200);
        holder.go_on();
        assert_eq!(second.post("/mutate", &body).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ordinary_reviews_do_not_wait_behind_large_ones() {
    let (reviewer, mut holder) = held();
    let server = start(reviewer, holding(3)).await;
    let (mut running, mut waiting) = (connect(&server).await, connect(&server).await);
    begin(&mut running, &large()).await;
    holder.begun().await;
    begin(&mut waiting, &large()).await;
    let mut other = connect(&server).await;
    begin(&mut other, &ordinary()).await;
    holder.begun().await;
    // One for each of the three, no matter which hears it.
    for _ in 0..3 {
        holder.go_on();
    }
    assert_eq!(other.receive().await.unwrap().body_text(), "300");
    assert_eq!(running.receive().await.unwrap().body_text(), "500");
    assert_eq!(waiting.receive().await.unwrap().body_text(), "500");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_body_with_many_values_is_not_evaluated_on_a_worker() {
    let (reviewer, mut holder) = held();
    let limits = Limits {
        inline_values: 100,
        in_flight: 1,
        ..limits()
    };
    let server = start(reviewer, limits).await;
    let mut first = connect(&server).await;
    begin(&mut first, &[b'{'; 101]).await;
    holder.begun().await;
    assert_eq!(
        connect(&server).await.post("/mutate", &[b'{'; 101]).await.status,
        503,
        "its lane is full"
    );
    holder.go_on();
    assert_eq!(first.receive().await.unwrap().status, 200);
}

/// The one worker of this runtime is held by a review; nothing else in it turns.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn probes_are_answered_while_every_worker_is_busy() {
    use std::io::{Read as _, Write as _};
    let (reviewer, mut holder) = held();
    let server = start(reviewer, limits()).await;
    let mut busy = connect(&server).await;
    begin(&mut busy, REVIEW).await;
    holder.begun().await;
    for path in ["/healthz", "/readyz", "/metrics"] {
        let mut probe = std::net::TcpStream::connect(server.admin).unwrap();
        probe.set_read_timeout(Some(PATIENCE)).unwrap();
        probe.write_all(head("GET", path, "").as_bytes()).unwrap();
        let mut answer = String::new();
        probe.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
    }
    holder.go_on();
    assert_eq!(busy.receive().await.unwrap().status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_evaluation_past_the_callers_deadline_is_answered_without_it() {
    let (reviewer, mut holder) = held();
    let server = start(
        reviewer,
        Limits {
            in_flight: 1,
            inline_bytes: 0,
            ..limits()
        },
    )
    .await;
    let mut late = connect(&server).await;
    let answer = late.post("/mutate?timeout=1s", &large()).await;
    assert_eq!(answer.status, 503);
    holder.begun().await;
    server
        .until_metric(r#"raygate_overloads_total{cause="deadline"} 1"#)
        .await;
    // It still runs, so its place is still taken.
    assert_eq!(late.post("/mutate", REVIEW).await.status, 503);
    server
        .until_metric(r#"raygate_overloads_total{cause="in_flight"} 1"#)
        .await;
    holder.go_on();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_costs_one_review() {
    let review = String::from_utf8(REVIEW.to_vec()).unwrap().replace("u-1", "panic");
    for inline_bytes in [usize::MAX, 0] {
        let limits = Limits {
            inline_bytes,
            ..limits()
        };
        let server = start(Counting, limits).await;
        let mut connection = connect(&server).await;
        let answer = connection.post("/validate", review.as_bytes()).await;
        assert_eq!(answer.status, 200);
        assert!(answer.body_text().contains(r#""uid":"panic""#), "{answer:?}");
        server.until_metric("raygate_panics_total 1").await;
        assert_eq!(connection.post("/mutate", b"fine").await.body_text(), "4");

        // What is no review cannot be answered with one.
        assert_eq!(connection.post("/mutate", b"panic").await.status, 500);
        server.until_metric("raygate_panics_total 2").await;
        assert_eq!(connection.post("/mutate", b"fine").await.body_text(), "4");
        let metrics = server.metrics().await;
        assert!(
            metrics.contains(r#"endpoint="validate",kind="",operation="unknown",verdict="panicked",code=""} 1"#),
            "{metrics}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn large_bodies_share_one_budget() {
    let limits = Limits {
        small_body_bytes: 1000,
        bodies_bytes: 140_000,
        ..limits()
    };
    let server = start(Counting, limits).await;
    let mut hoarder = connect(&server).await;
    hoarder
        .send(head("POST", "/mutate", "content-length: 90000\r\n").as_bytes())
        .await;
    hoarder.send(&vec![b'x'; 80_000]).await;
    server.until_metric("raygate_in_flight 1").await;
    let mut second = connect(&server).await;
    // How much the first has handed over by now is a matter of scheduling: ask until its share is taken.
    let refused = async || {
        let mut second = connect(&server).await;
        let answer = second.post("/mutate", &vec![b'x'; 60_000]).await;
        answer.status == 503 && answer.header("retry-after") == Some("1")
    };
    eventually("a refusal for want of memory", refused).await;
    assert!(
        server
            .metrics()
            .await
            .contains(r#"raygate_overloads_total{cause="memory"}"#)
    );
    assert_eq!(second.post("/mutate", b"small").await.status, 200);
    hoarder.send(&vec![b'x'; 10_000]).await;
    assert_eq!(hoarder.receive().await.unwrap().body_text(), "90000");
    // And then there is room again.
    let answered = async || connect(&server).await.post("/mutate", &vec![b'x'; 60_000]).await.status == 200;
    eventually("room for a large body", answered).await;
}
