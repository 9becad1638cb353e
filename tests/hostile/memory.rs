//! Peak memory under clients that want much of it.
//!
//! The chart gives a pod 256 MiB, and no attack alone may take 200 of them. Each test has a server of its own and asks Linux
//! for its peak, so that none needs a control group, and none depends on when it looks. `cargo test --test hostile --
//! --ignored memory` has the attacks at full size that CI makes smaller.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::Request;
use hyper::body::{Body, Frame};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use crate::binary::{Raygate, create, head, review};
use crate::jobs::{at, container, seed, with};
use crate::process::wait_for;

const MIB: u64 = 1 << 20;

/// What one attack may take, in bytes.
const MOST: u64 = 200 * MIB;

#[track_caller]
fn assert_fits(raygate: &Raygate) {
    let peak = raygate.peak();
    println!("the peak is {} MiB", peak / MIB);
    assert!(peak < MOST, "the peak is {} MiB", peak / MIB);
}

fn with_tolerations(count: usize) -> Value {
    let mut job = seed(1);
    let spec = at(&mut job, "/spec/rayClusterSpec/workerGroupSpecs/0/template/spec");
    spec["tolerations"] = vec![json!({"key": "a"}); count].into();
    job
}

/// A RayJob with so many of the worker groups that cost the most memory for each value that they are sent as.
fn with_bare_groups(count: usize) -> Value {
    let mut job = seed(1);
    let group = json!({"template": {"spec": {"containers": [{}]}}});
    *at(&mut job, "/spec/rayClusterSpec/workerGroupSpecs") = vec![group; count].into();
    job
}

#[test]
fn an_object_with_too_many_values_is_denied_and_costs_little() {
    let raygate = Raygate::start();
    // 1.3 MB, which the API server stores.
    let old = with_tolerations(105_000);
    let new = with(old.clone(), "/spec/entrypoint", json!("python other.py"));
    for body in [
        create(&new),
        review("UPDATE", &new, &old),
        review("UPDATE", &seed(1), &old),
    ] {
        let mutated = raygate.post("/mutate", &body).json();
        assert_eq!(mutated["response"]["allowed"], true, "{mutated}");
        assert!(mutated["response"]["patch"].is_null(), "{mutated}");
        let warning = mutated["response"]["warnings"][0].as_str().expect("a warning");
        assert!(warning.contains("more than 20,000 JSON values"), "{warning}");
        let validated = raygate.post("/validate", &body).json();
        assert_eq!(validated["response"]["allowed"], false, "{validated}");
        let status = &validated["response"]["status"];
        assert_eq!((&status["code"], &status["reason"]), (&json!(403), &json!("Forbidden")));
        assert_eq!(status["details"]["causes"][0]["reason"], "RG001");
        let message = status["message"].as_str().expect("a message");
        assert!(
            message.starts_with("RayJob has more than 20,000 JSON values"),
            "{message}"
        );
    }
    let peak = raygate.peak();
    assert!(peak < 128 * MIB, "the peak is {} MiB", peak / MIB);
    raygate.assert_serving();
}

#[test]
fn many_reviews_with_as_many_values_as_allowed() {
    let raygate = Raygate::start();
    let groups = with_bare_groups(3_900);
    let other = with(groups.clone(), "/spec/entrypoint", json!("python other.py"));
    let tolerations = with_tolerations(9_000);
    let bodies = [
        ("/mutate", create(&groups)),
        ("/validate", create(&groups)),
        ("/validate", review("UPDATE", &other, &groups)),
        ("/mutate", create(&tolerations)),
        ("/mutate", create(&with_bare_groups(500))),
        ("/validate", create(&with_bare_groups(200))),
    ];
    std::thread::scope(|scope| {
        for (path, body) in bodies.iter().chain(&bodies) {
            scope.spawn(|| {
                let answer = raygate.post(path, body);
                // The larger ones wait for each other, and may be told to come again.
                assert!(matches!(answer.status, 200 | 503), "{}", answer.text());
                assert_ne!(answer.json()["response"]["status"]["code"], 500);
            });
        }
    });
    assert_fits(&raygate);
    raygate.assert_serving();
}

/// A review of 7.4 MB. Its answer has 10 MB, because the patch carries the text in base64.
fn long_text() -> Vec<u8> {
    create(&with(seed(1), "/spec/entrypoint", json!("x".repeat(7_400_000))))
}

#[test]
fn answers_that_nobody_reads() {
    let raygate = Raygate::start();
    let body = long_text();
    let mut clients = Vec::new();
    for _ in 0..12 {
        let mut client = raygate.connect();
        let length = format!("content-length: {}\r\n", body.len());
        // The server may refuse the body for want of memory.
        let _ = client
            .send(head("POST", "/mutate", &length).as_bytes())
            .and_then(|()| client.send(&body));
        clients.push(client);
    }
    raygate.assert_serving();
    wait_for("a client to be cut", || {
        match raygate.metric(r#"raygate_slow_clients_total{stage="answer"}"#) {
            0.0 => Err("none is"),
            _ => Ok(()),
        }
    });
    assert_fits(&raygate);
    raygate.assert_serving();
    drop(clients);
}

/// A body that begins and never ends.
struct Endless(Option<Bytes>);

impl Body for Endless {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::convert::Infallible>>> {
        match self.0.take() {
            Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            None => Poll::Pending,
        }
    }
}

/// Posts the body over as many streams of as many HTTP/2 connections, none of which reads an answer's body, and does what
/// is to be done once all are under way.
fn flood(raygate: &Raygate, connections: usize, streams: usize, body: &Bytes, ends: bool, then: impl FnOnce()) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut tls = raygate.tls();
    tls.alpn_protocols = vec![b"h2".to_vec()];
    let connector = TlsConnector::from(Arc::new(tls));
    let open = async || {
        let stream = TcpStream::connect(raygate.webhook).await?;
        let name = ServerName::try_from("127.0.0.1").expect("a name");
        let tls = connector.connect(name, stream).await?;
        let handshake = http2::Builder::new(TokioExecutor::new())
            .initial_stream_window_size(0)
            .handshake(TokioIo::new(tls));
        handshake.await.map_err(std::io::Error::other)
    };
    let mut answers = JoinSet::new();
    runtime.block_on(async {
        for _ in 0..connections {
            // The server may have enough of them.
            let Ok((mut sender, connection)) = open().await else {
                continue;
            };
            tokio::spawn(connection);
            for _ in 0..streams {
                let body = if ends {
                    Either::Left(Full::new(body.clone()))
                } else {
                    Either::Right(Endless(Some(body.clone())))
                };
                let request = Request::post("https://127.0.0.1/mutate")
                    .header("content-type", "application/json")
                    .body(body)
                    .expect("a request");
                if sender.ready().await.is_err() {
                    break;
                }
                let answer = sender.send_request(request);
                answers.spawn(async move {
                    // An answer is held without reading its body, until the server ends the connection.
                    let answer = answer.await;
                    tokio::time::sleep(Duration::from_secs(600)).await;
                    drop(answer);
                });
            }
        }
    });
    then();
    drop(answers);
}

#[test]
fn answers_that_no_http2_stream_has_room_for() {
    let raygate = Raygate::start();
    let body = create(&with(seed(1), "/spec/entrypoint", json!("x".repeat(40_000))));
    flood(&raygate, 30, 90, &body.into(), true, || {
        raygate.assert_serving();
        wait_for("a client to be cut", || {
            match raygate.metric(r#"raygate_slow_clients_total{stage="answer"}"#) {
                0.0 => Err("none is"),
                _ => Ok(()),
            }
        });
    });
    assert_fits(&raygate);
    raygate.assert_serving();
}

#[test]
fn bodies_that_never_end_over_http2() {
    let raygate = Raygate::start();
    let part = Bytes::from(vec![b' '; 15_000]);
    flood(&raygate, 150, 90, &part, false, || {
        raygate.assert_serving();
        wait_for("bodies to be refused", || {
            match raygate.metric("raygate_rejected_requests_total") {
                0.0 => Err("none is"),
                _ => Ok(()),
            }
        });
    });
    assert_fits(&raygate);
    raygate.assert_serving();
}

/// Each connection sends a review of 3 MiB, in one long text or in 250,000 values, and reads nothing.
fn many_large_bodies(connections: usize) {
    for job in [
        with(seed(1), "/spec/entrypoint", json!("x".repeat(3 << 20))),
        with_tolerations(250_000),
    ] {
        let raygate = Raygate::start();
        flood(&raygate, connections, 1, &create(&job).into(), true, || {
            for _ in 0..5 {
                raygate.assert_serving();
            }
        });
        assert_fits(&raygate);
        raygate.assert_serving();
    }
}

#[test]
fn many_connections_with_a_large_body_each() {
    many_large_bodies(150);
}

#[test]
#[ignore = "takes minutes"]
fn a_thousand_connections_with_a_large_body_each() {
    many_large_bodies(1_000);
}

#[test]
fn an_ordinary_job_of_64_groups_is_within_the_bound() {
    let raygate = Raygate::start();
    let mut job = seed(1);
    let group = at(&mut job, crate::jobs::GROUP).clone();
    let groups = (0..64).map(|nth| with(group.clone(), "/groupName", json!(format!("workers-{nth}"))));
    *at(&mut job, "/spec/rayClusterSpec/workerGroupSpecs") = groups.collect();
    let answer = raygate.post("/mutate", &create(&job)).json();
    assert!(answer["response"]["patch"].is_string(), "{answer}");
    let image = container("/spec/rayClusterSpec/workerGroupSpecs/0") + "/image";
    let update = review("UPDATE", &with(job.clone(), &image, json!("other")), &job);
    let answer = raygate.post("/validate", &update).json();
    let status = answer["response"]["status"].to_string();
    assert!(!status.contains("RG001"), "{status}");
}
