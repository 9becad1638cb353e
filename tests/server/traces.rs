//! Traces, against a collector on this machine. Only in a build with the feature `otel`.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tempfile::TempDir;

use crate::client::{BOTH, Connection, config, get, handshake, head};
use crate::command::Raygate;
use crate::harness::eventually;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";
const REVIEW: &str = r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u-1","operation":"CREATE","namespace":"team-a","kind":{"group":"","version":"v1","kind":"Pod"},"object":{}}}"#;

/// A message of protocol buffers, by field: varints and fixed numbers as eight bytes, the rest as they are.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = bytes[0];
            *bytes = &bytes[1..];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        value
    }
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let value = match key & 7 {
            0 => varint(&mut bytes).to_le_bytes().to_vec(),
            kind => {
                let length = match kind {
                    1 => 8,
                    2 => usize::try_from(varint(&mut bytes)).unwrap(),
                    5 => 4,
                    kind => panic!("wire type {kind}"),
                };
                let (value, rest) = bytes.split_at(length);
                bytes = rest;
                value.to_vec()
            }
        };
        fields.push((key >> 3, value));
    }
    fields
}

/// The messages or texts in one field of a message.
fn each(bytes: &[u8], field: u64) -> Vec<Vec<u8>> {
    let found = fields(bytes).into_iter().filter(|(number, _)| *number == field);
    found.map(|(_, value)| value).collect()
}

fn one(bytes: &[u8], field: u64) -> Vec<u8> {
    each(bytes, field).into_iter().next().unwrap_or_default()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

/// The attributes of a span or resource that are text.
fn attributes(message: &[u8], field: u64) -> BTreeMap<String, String> {
    let pairs = each(message, field).into_iter();
    pairs
        .map(|pair| (text(one(&pair, 1)), text(one(&one(&pair, 2), 1))))
        .collect()
}

#[derive(Clone, Debug)]
struct Span {
    trace: String,
    id: String,
    parent: String,
    name: String,
    from: u64,
    to: u64,
    attributes: BTreeMap<String, String>,
    service: String,
}

/// The spans of a request to a collector (opentelemetry-proto, `trace.proto`).
fn spans(body: &[u8]) -> Vec<Span> {
    let mut spans = Vec::new();
    for of_resource in each(body, 1) {
        let service = attributes(&one(&of_resource, 1), 1)["service.name"].clone();
        for of_scope in each(&of_resource, 2) {
            for span in each(&of_scope, 2) {
                let nanos = |field| u64::from_le_bytes(one(&span, field).try_into().unwrap());
                spans.push(Span {
                    trace: hex(&one(&span, 1)),
                    id: hex(&one(&span, 2)),
                    parent: hex(&one(&span, 4)),
                    name: text(one(&span, 5)),
                    from: nanos(7),
                    to: nanos(8),
                    attributes: attributes(&span, 9),
                    service: service.clone(),
                });
            }
        }
    }
    spans
}

/// Reads one request from a connection; its path and body.
fn request(stream: &mut TcpStream) -> (String, Vec<u8>) {
    let mut read = Vec::new();
    let mut byte = [0];
    while !read.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        read.push(byte[0]);
    }
    let head = text(read);
    let length = head.lines().find_map(|line| {
        line.to_ascii_lowercase()
            .strip_prefix("content-length: ")
            .map(str::to_owned)
    });
    let mut body = vec![0; length.unwrap().parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
    (head.split(' ').nth(1).unwrap().to_owned(), body)
}

/// A collector that keeps what it gets.
fn collector() -> (SocketAddr, Arc<Mutex<Vec<Span>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let got = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&got);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (path, body) = request(&mut stream);
            assert_eq!(path, "/v1/traces");
            kept.lock().unwrap().extend(spans(&body));
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n")
                .unwrap();
        }
    });
    (address, got)
}

/// A server with a certificate that this test knows.
struct Served {
    raygate: Raygate,
    webhook: SocketAddr,
    admin: SocketAddr,
    roots: RootCertStore,
    _dir: TempDir,
}

async fn serve(collector: SocketAddr, with: impl FnOnce(&mut Command)) -> Served {
    let dir = TempDir::new().unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let parameters = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    let pem = parameters.self_signed(&key).unwrap().pem();
    let file = |name: &str, text: &str| -> PathBuf {
        std::fs::write(dir.path().join(name), text).unwrap();
        dir.path().join(name)
    };
    let (certificate, key) = (file("tls.crt", &pem), file("tls.key", &key.serialize_pem()));
    let raygate = Raygate::serve(|command| {
        command.arg("--tls-cert").arg(certificate).arg("--tls-key").arg(key);
        command
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{collector}"))
            .env("OTEL_BSP_SCHEDULE_DELAY", "20");
        with(command);
    });
    let (webhook, admin) = raygate.serving().await;
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap())
        .unwrap();
    Served {
        raygate,
        webhook,
        admin,
        roots,
        _dir: dir,
    }
}

/// Posts a review in the trace of a caller, and reads the answer.
async fn post(served: &Served, times: usize, trace: &str, flags: &str) {
    let tls = handshake(served.webhook, config(served.roots.clone(), BOTH, &["http/1.1"]));
    let mut connection = Connection::new(tls.await.unwrap());
    for _ in 0..times {
        let headers = format!(
            "traceparent: 00-{trace}-{CALLER}-{flags}\r\ncontent-length: {}\r\n",
            REVIEW.len()
        );
        connection.send(head("POST", "/validate", &headers).as_bytes()).await;
        connection.send(REVIEW.as_bytes()).await;
        assert_eq!(connection.receive().await.unwrap().status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_is_a_trace_under_that_of_its_caller() {
    let (address, got) = collector();
    let served = serve(address, |_| {}).await;
    // One that its caller does not sample, which shows nowhere, and one that it does.
    post(&served, 1, "11111111111111111111111111111111", "00").await;
    assert!(served.raygate.until_logged("answered").await["trace_id"].is_null());
    post(&served, 1, TRACE, "01").await;
    eventually("the spans of a review", async || got.lock().unwrap().len() >= 5).await;

    let spans = got.lock().unwrap().clone();
    let by_name: BTreeMap<&str, &Span> = spans.iter().map(|span| (span.name.as_str(), span)).collect();
    let names: Vec<&str> = by_name.keys().copied().collect();
    assert_eq!(names, ["POST /validate", "body", "parse", "queue", "validate"]);
    let whole = by_name["POST /validate"];
    assert_eq!((whole.parent.as_str(), whole.service.as_str()), (CALLER, "raygate"));
    for (key, value) in [
        ("raygate.uid", "u-1"),
        ("raygate.verdict", "not-ours"),
        ("k8s.namespace.name", "team-a"),
    ] {
        assert_eq!(whole.attributes[key], value, "{:?}", whole.attributes);
    }
    let mut end = whole.from;
    for stage in ["body", "queue", "parse", "validate"] {
        let span = by_name[stage];
        assert_eq!((&span.parent, span.trace.as_str()), (&whole.id, TRACE), "{stage}");
        assert_eq!(span.from, end, "{stage} begins where the stage before it ended");
        assert!(span.to >= span.from && span.to <= whole.to, "{stage}");
        end = span.to;
    }

    assert_eq!(served.raygate.until_logged("answered").await["trace_id"], TRACE);
    let metrics = get(served.admin, "/metrics").await.body_text();
    assert!(metrics.contains(&format!("# {{trace_id=\"{TRACE}\"}} ")), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_never_answers_costs_no_review() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut served = serve(address, |command| {
        command
            .env("OTEL_BSP_MAX_QUEUE_SIZE", "8")
            .env("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4");
    })
    .await;
    post(&served, 1, TRACE, "01").await;
    // It has connected and sent, and waits for an answer that never comes; meanwhile far more spans are made than wait.
    let (mut stuck, _listener) =
        tokio::task::spawn_blocking(move || listener.accept().map(|(stream, _)| (stream, listener)))
            .await
            .unwrap()
            .unwrap();
    assert_eq!(request(&mut stuck).0, "/v1/traces");
    post(&served, 200, TRACE, "01").await;
    served.raygate.signal("TERM");
    let status = served.raygate.ended().await;
    assert!(status.success(), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_behind_tls_is_refused_with_a_way_out() {
    let output = Command::new(env!("CARGO_BIN_EXE_raygate"))
        .args(["serve", "--bind", "127.0.0.1:0", "--metrics-bind", "127.0.0.1:0"])
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector:4318")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        text.contains("https://collector:4318") && text.contains("`http://`"),
        "{text}"
    );
}
