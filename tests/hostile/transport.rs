//! Items 1 to 11: what reaches the socket before any review does.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use serde_json::json;

use crate::binary::{Raygate, create, head, plain, shared};
use crate::jobs::{GROUP, at, seed};

const MIB: usize = 1 << 20;

#[test]
fn item_01_a_body_above_the_cap() {
    let raygate = Raygate::start();
    raygate.assert_serving();
    let before = raygate.resident();
    for _ in 0..20 {
        let mut declared = raygate.connect();
        let length = format!("content-length: {}\r\n", 9 * MIB);
        declared
            .send(head("POST", "/mutate", &length).as_bytes())
            .expect("send a header");
        let answer = declared.receive().expect("an answer without the body");
        assert_eq!(answer.status, 413, "{}", answer.text());
        assert!(
            answer.text().contains("8388608"),
            "the limit is named: {}",
            answer.text()
        );
        assert!(declared.is_closed());
    }
    let mut chunked = raygate.connect();
    let chunk = [format!("{MIB:x}\r\n").into_bytes(), vec![b' '; MIB], b"\r\n".to_vec()].concat();
    chunked
        .send(head("POST", "/mutate", "transfer-encoding: chunked\r\n").as_bytes())
        .expect("send a header");
    let sent = (0..20).take_while(|_| chunked.send(&chunk).is_ok()).count();
    assert_eq!(
        chunked.receive().map(|answer| answer.status),
        Some(413),
        "after {sent} MiB"
    );
    assert!(chunked.is_closed());
    let grown = raygate.resident().saturating_sub(before);
    assert!(grown < 32 << 20, "memory grew by {grown} bytes");
    raygate.assert_serving();
}

#[test]
fn item_02_headers_and_bodies_one_byte_at_a_time() {
    let raygate = Raygate::start();
    let trickle = |prefix: Vec<u8>| {
        let mut client = raygate.connect();
        move || {
            let start = Instant::now();
            let mut status = None;
            for byte in prefix.iter().chain(std::iter::repeat(&b'x')) {
                if client.send(&[*byte]).is_err() {
                    status = client.receive().map(|answer| answer.status);
                    break;
                }
                std::thread::sleep(Duration::from_millis(20));
                if start.elapsed() > Duration::from_secs(60) {
                    panic!("a client that sends a byte at a time is never cut");
                }
            }
            status
        }
    };
    let body = head("POST", "/validate", "content-length: 1000000\r\n");
    let header = trickle(Vec::new());
    let mut slow_body = raygate.connect();
    slow_body.send(body.as_bytes()).expect("send a header");
    slow_body.send(b"{").expect("send a byte");
    std::thread::scope(|scope| {
        let header = scope.spawn(header);
        let body = scope.spawn(|| slow_body.receive().map(|answer| answer.status));
        raygate.assert_serving();
        assert!(matches!(header.join().expect("no panic"), None | Some(408)));
        assert_eq!(body.join().expect("no panic"), Some(408));
    });
    assert!(
        raygate.metric("raygate_slow_clients_total") >= 2.0,
        "{}",
        raygate.metrics()
    );
    raygate.assert_serving();
}

#[test]
fn item_03_more_idle_connections_than_there_are_slots() {
    let raygate = Raygate::start();
    let (mut silent, mut asked) = (Vec::new(), Vec::new());
    for _ in 0..500 {
        // One says nothing at all. The other asks for something that is not there, and then says nothing.
        silent.push(plain(raygate.webhook));
        let mut client = raygate.connect();
        client.send(head("GET", "/", "").as_bytes()).expect("send a header");
        assert_eq!(client.receive().expect("an answer").status, 404);
        asked.push(client);
    }
    for _ in 0..10 {
        raygate.assert_serving();
        assert_eq!(raygate.probe("/readyz").status, 200);
    }
    let open = raygate.metric("raygate_connections");
    assert!(open <= 320.0, "{open} connections are served");
    assert!(raygate.metric("raygate_evicted_connections_total") > 100.0);
    assert!(raygate.server.log().contains("no room for a new connection"));
    drop((silent, asked));
}

#[test]
fn item_03_idle_connections_to_the_port_for_probes() {
    let raygate = Raygate::start();
    let mut idle = Vec::new();
    for _ in 0..4_200 {
        let mut stream = plain(raygate.admin);
        // The server may have closed it by now.
        let _ = stream.write_all(b"GET /met");
        idle.push(stream);
    }
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(raygate.probe(path).status, 200);
    }
    assert!(raygate.metric("raygate_evicted_connections_total") >= 1.0);
    drop(idle);
}

#[test]
fn item_05_what_is_no_post_of_json() {
    let raygate = shared();
    let mut client = raygate.connect();
    for (request, status) in [
        (head("GET", "/mutate", ""), 405),
        (head("PUT", "/validate", "content-length: 0\r\n"), 405),
        (head("POST", "/", "content-length: 0\r\n"), 404),
        (head("POST", "/mutate/", "content-length: 0\r\n"), 404),
        (head("POST", "/Mutate", "content-length: 0\r\n"), 404),
    ] {
        client.send(request.as_bytes()).expect("send");
        let answer = client.receive().expect("an answer");
        assert_eq!(answer.status, status, "{request}");
        assert!(
            !answer.text().contains("AdmissionReview\","),
            "no verdict: {}",
            answer.text()
        );
    }
    for headers in [
        "content-type: text/plain\r\n",
        "content-type: application/yaml\r\n",
        "content-type: application/json\r\ncontent-type: text/html\r\n",
        "content-type: application/json\r\ncontent-encoding: gzip\r\n",
    ] {
        let mut client = raygate.connect();
        let request = format!("POST /mutate HTTP/1.1\r\nhost: x\r\n{headers}content-length: 2\r\n\r\n{{}}");
        client.send(request.as_bytes()).expect("send");
        assert_eq!(client.receive().expect("an answer").status, 415, "{headers}");
    }
}

/// A `ClientHello` of TLS 1.0 with two cipher suites of its time.
fn tls10_hello() -> Vec<u8> {
    let hello = [vec![3, 1], vec![7; 32], vec![0, 0, 4, 0x00, 0x2f, 0x00, 0x35, 1, 0]].concat();
    let handshake = [vec![1, 0, 0, u8::try_from(hello.len()).expect("short")], hello].concat();
    [
        vec![22, 3, 1, 0, u8::try_from(handshake.len()).expect("short")],
        handshake,
    ]
    .concat()
}

#[test]
fn item_06_old_tls_and_strange_server_names() {
    let raygate = shared();
    let mut old = plain(raygate.webhook);
    old.write_all(&tls10_hello()).expect("send a hello");
    let mut answer = Vec::new();
    let _ = old.read_to_end(&mut answer);
    assert_eq!(answer.first(), Some(&21), "an alert, no ServerHello: {answer:?}");
    // The client refuses the name; the server shows its one certificate whatever the client asks for.
    for name in ["elsewhere.example", "localhost.localdomain"] {
        let name = ServerName::try_from(name).expect("a name");
        let error = raygate.connect_as(name).err().expect("the client does not trust it");
        assert!(error.to_string().contains("certificate"), "{error}");
    }
    // An address is sent as no name at all.
    let mut unnamed = raygate.connect();
    assert_eq!(unnamed.post("/mutate", &create(&seed(1))).status, 200);
}

#[test]
fn item_08_a_timeout_in_the_query() {
    let raygate = shared();
    // A caller's millisecond is over before an answer can be on its way. Nobody waits for a verdict then, so none is
    // given: the body did not arrive in time, or there is a wish to be asked again.
    for path in ["/mutate", "/validate"] {
        let late = raygate.post(&format!("{path}?timeout=1ms"), &create(&seed(1)));
        let again = late.json()["response"]["status"]["code"] == json!(429);
        assert!(
            matches!(late.status, 408 | 503) || again,
            "{} {}",
            late.status,
            late.text()
        );
    }
    let cut = raygate.metric("raygate_overloads_total") + raygate.metric("raygate_rejected_requests_total");
    assert!(cut >= 2.0, "{}", raygate.metrics());
    for query in [
        "timeout=10s",
        "timeout=nonsense",
        "timeout=",
        "timeout=-1s",
        "timeout=1e9h",
        "a=b",
    ] {
        let answer = raygate.post(&format!("/mutate?{query}"), &create(&seed(1)));
        assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    }
}

#[test]
fn item_09_clients_that_leave() {
    let raygate = Raygate::start();
    let review = create(&seed(2));
    for part in [0, 1, review.len() / 2, review.len()] {
        let mut client = raygate.connect();
        let length = format!("content-length: {}\r\n", review.len());
        client
            .send(head("POST", "/mutate", &length).as_bytes())
            .expect("send a header");
        client.send(&review[..part]).expect("send a part");
        drop(client);
    }
    crate::process::wait_for("nothing to be left of them", || {
        match (
            raygate.metric("raygate_connections"),
            raygate.metric("raygate_in_flight"),
        ) {
            (0.0, 0.0) => Ok(()),
            left => Err(format!("{left:?} connections and requests")),
        }
    });
    raygate.assert_serving();
}

#[test]
fn item_10_the_paths_of_operators_on_the_webhook_port() {
    let raygate = shared();
    let mut client = raygate.connect();
    for path in ["/metrics", "/healthz", "/readyz", "/debug/pprof/", "/version"] {
        client.send(head("GET", path, "").as_bytes()).expect("send");
        assert_eq!(client.receive().expect("an answer").status, 404, "{path}");
    }
    assert_eq!(raygate.probe("/mutate").status, 404);
}

#[test]
fn item_11_answers_redirect_nobody_and_stay_small() {
    let raygate = shared();
    let mut job = seed(1);
    let group = at(&mut job, GROUP).clone();
    let groups = at(&mut job, "/spec/rayClusterSpec/workerGroupSpecs");
    // Every group breaks several rules.
    let broken = crate::jobs::with(group, "/groupName", json!("Not A Name\n\u{202e}"));
    *groups = vec![broken; 500].into();
    let mut statuses = BTreeSet::new();
    for path in ["/mutate", "/validate", "/nowhere"] {
        let answer = raygate.post(path, &create(&job));
        statuses.insert(answer.status);
        assert!(!answer.head.to_lowercase().contains("\r\nlocation:"), "{}", answer.head);
        assert!(answer.body.len() < 3 * MIB, "{} bytes from {path}", answer.body.len());
    }
    assert!(
        statuses.iter().all(|status| !(300..400).contains(status)),
        "{statuses:?}"
    );
}
