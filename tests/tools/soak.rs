//! Sends reviews to the shipped binary over kept TLS connections for as long as it takes, and watches its resident memory.
//!
//! The reviews are those of the RayJobs of `tests/rayjobs`: to `/mutate` as Flyte sends them, to `/validate` completed.
//! Each has a uid and a name of its own, so that nothing that is kept for each name goes unseen.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The load that raygate is built for, in reviews a second: fifty RayJobs created a second, each asked about twice.
pub const BUILT_FOR: f64 = 100.0;

/// The most resident memory without load, in bytes.
const IDLE: u64 = 32 << 20;

/// The most resident memory under ten times the load of [`BUILT_FOR`], in bytes.
const LOADED: u64 = 64 << 20;

/// What memory that is no file's may grow by, from the second tenth of the reviews to the last, in bytes: the allocator's
/// blocks come and go.
pub const GROWTH: u64 = 2 << 20;

/// So many requests go over one connection: fewer than an API server sends, so that handshakes are part of the soak.
const PER_CONNECTION: u64 = 1000;

/// Stands in a review where its own number is written: as long as every number.
const NUMBER: &str = "424242424242";

const PARTS: u64 = 10;

/// How much to send.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Reviews in all.
    pub reviews: u64,
    /// Connections at a time.
    pub connections: u64,
}

/// One tenth of the reviews.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// Reviews answered until its end.
    pub reviews: u64,
    /// Reviews answered a second, within it.
    pub rate: f64,
    /// The most resident memory within it, in bytes.
    pub peak: u64,
    /// The least memory within it that is no file's, in bytes. What is kept of reviews is in it, and what those of one
    /// moment take is not.
    pub floor: u64,
}

/// Memory of a process, in bytes.
struct Memory {
    /// All that is resident.
    resident: u64,
    /// What of it is no file's: the pages of the binary come as they are first needed, and can be dropped.
    anonymous: u64,
}

impl Memory {
    fn of(process: u32) -> Self {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            let kilobytes = line.trim().strip_suffix(" kB").unwrap();
            kilobytes.parse::<u64>().unwrap() << 10
        };
        Self {
            resident: field("VmRSS:"),
            anonymous: field("RssAnon:"),
        }
    }
}

/// What there was to see.
#[derive(Debug)]
pub struct Soaked {
    /// Resident memory before the first review, in bytes.
    pub idle: u64,
    /// Resident memory after the last, in bytes.
    pub after: u64,
    /// The tenths.
    pub parts: Vec<Part>,
    /// Reviews answered a second, over all.
    pub rate: f64,
}

impl Soaked {
    /// The peak of resident memory under load, in bytes.
    fn peak(&self) -> u64 {
        self.parts.iter().map(|part| part.peak).max().unwrap_or_default()
    }

    /// By how much the floor of the last tenth exceeds that of the second, in bytes.
    pub fn growth(&self) -> u64 {
        let of = |part: Option<&Part>| part.map_or(0, |part| part.floor);
        of(self.parts.last()).saturating_sub(of(self.parts.get(1)))
    }

    /// Each bound: what is bounded, what there was, and the most that may be, in bytes.
    pub fn bounds(&self) -> [(&'static str, u64, u64); 4] {
        [
            ("idle", self.idle, IDLE),
            ("peak", self.peak(), LOADED),
            ("after", self.after, IDLE),
            ("growth", self.growth(), GROWTH),
        ]
    }

    /// Whether all are kept.
    pub fn is_bounded(&self) -> bool {
        self.bounds().iter().all(|(_, bytes, most)| bytes <= most)
    }
}

/// Bytes as MiB with one digit.
pub fn mebibytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / f64::from(1 << 20))
}

/// Whether resident memory can be read here.
pub fn can_measure() -> bool {
    Path::new("/proc/self/status").exists()
}

/// Starts `binary`, sends the reviews, and calls `seen` after each tenth. Panics where an answer is not as it should be.
pub fn run(binary: &str, plan: Plan, mut seen: impl FnMut(&Part)) -> Soaked {
    let raygate = Raygate::start(binary);
    let idle = raygate.memory().resident;
    let reviews = reviews(&raygate);
    let (next, answered) = (AtomicU64::new(0), AtomicU64::new(0));
    let start = Instant::now();
    let mut parts = Vec::new();
    thread::scope(|scope| {
        let client = || client(&raygate, &reviews, plan.reviews, &next, &answered);
        let clients: Vec<_> = (0..plan.connections).map(|_| scope.spawn(client)).collect();
        let mut since = (0, start);
        for tenth in 1..=PARTS {
            let (mut peak, mut floor) = (0, u64::MAX);
            loop {
                // One that has panicked says why, and sends no more.
                let ended = clients.iter().all(|client| client.is_finished());
                let memory = raygate.memory();
                peak = peak.max(memory.resident);
                floor = floor.min(memory.anonymous);
                if answered.load(Ordering::Relaxed) >= plan.reviews * tenth / PARTS {
                    break;
                }
                assert!(!ended, "nobody sends any more");
                thread::sleep(Duration::from_millis(10));
            }
            let now = (answered.load(Ordering::Relaxed), Instant::now());
            let part = Part {
                reviews: now.0,
                rate: (now.0 - since.0) as f64 / (now.1 - since.1).as_secs_f64(),
                peak,
                floor,
            };
            seen(&part);
            parts.push(part);
            since = now;
        }
    });
    Soaked {
        idle,
        after: raygate.memory().resident,
        parts,
        rate: plan.reviews as f64 / start.elapsed().as_secs_f64(),
    }
}

/// A running server, killed when it is dropped.
struct Raygate {
    child: Child,
    webhook: String,
    tls: Arc<ClientConfig>,
    _folder: TempDir,
}

impl Raygate {
    fn start(binary: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let file = |name: &str| folder.path().join(name);
        let made = Command::new(binary)
            .args(["certs", "--name", "127.0.0.1", "--out"])
            .arg(folder.path())
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let mut child = Command::new(binary)
            .args(["serve", "--bind", "127.0.0.1:0", "--metrics-bind", "127.0.0.1:0"])
            .arg("--tls-cert")
            .arg(file("tls.crt"))
            .arg("--tls-key")
            .arg(file("tls.key"))
            .env_clear()
            .env("RAYGATE_LOG_FORMAT", "json")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let webhook = loop {
            let mut line = String::new();
            assert!(log.read_line(&mut line).unwrap() > 0, "raygate ended before it served");
            let line: Value = serde_json::from_str(&line).unwrap();
            if line["message"] == "serving" {
                break line["webhook"].as_str().unwrap().to_owned();
            }
        };
        // Read as in a cluster, where nobody keeps it here.
        thread::spawn(move || io::copy(&mut log, &mut io::sink()));

        let mut roots = RootCertStore::empty();
        let ca = CertificateDer::from_pem_file(file("ca.crt")).unwrap();
        roots.add(ca).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self {
            child,
            webhook,
            tls: Arc::new(tls),
            _folder: folder,
        }
    }

    fn memory(&self) -> Memory {
        Memory::of(self.child.id())
    }

    fn connect(&self) -> StreamOwned<ClientConnection, TcpStream> {
        let stream = TcpStream::connect(&self.webhook).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        StreamOwned::new(ClientConnection::new(Arc::clone(&self.tls), name).unwrap(), stream)
    }
}

impl Drop for Raygate {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A whole request, and where its number is written.
#[derive(Clone)]
struct Request {
    bytes: Vec<u8>,
    numbers: Vec<usize>,
}

impl Request {
    fn new(target: &str, object: &Value) -> Self {
        let review = json!({
            "apiVersion": "admission.k8s.io/v1",
            "kind": "AdmissionReview",
            "request": {
                "uid": format!("0a3c6b9e-7d1f-4c52-9f6a-{NUMBER}"),
                "kind": {"group": "ray.io", "version": "v1", "kind": "RayJob"},
                "resource": {"group": "ray.io", "version": "v1", "resource": "rayjobs"},
                "name": object["metadata"]["name"],
                "namespace": object["metadata"]["namespace"],
                "operation": "CREATE",
                "userInfo": {"username": "system:serviceaccount:flyte:flytepropeller"},
                "object": object,
            },
        });
        let body = review.to_string();
        let text = format!(
            "POST {target}?timeout=10s HTTP/1.1\r\nhost: raygate\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        Self {
            numbers: text.match_indices(NUMBER).map(|(at, _)| at).collect(),
            bytes: text.into_bytes(),
        }
    }

    fn number(&mut self, number: u64) {
        let digits = format!("{number:012}");
        for at in &self.numbers {
            self.bytes[*at..*at + NUMBER.len()].copy_from_slice(digits.as_bytes());
        }
    }
}

/// For each RayJob its two requests.
fn reviews(raygate: &Raygate) -> Vec<Request> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rayjobs");
    let mut connection = raygate.connect();
    let mut requests = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let mut object: Value = serde_json::from_slice(&fs::read(entry.unwrap().path()).unwrap()).unwrap();
        object["metadata"]["name"] = json!(format!("soak-{NUMBER}"));
        let mutate = Request::new("/mutate", &object);
        connection.write_all(&mutate.bytes).unwrap();
        let answer = receive(&mut connection);
        let answer: Value = serde_json::from_slice(&answer.body).unwrap();
        let patch = answer["response"]["patch"].as_str().expect("a patch");
        let patch = base64::engine::general_purpose::STANDARD.decode(patch).unwrap();
        let patch: json_patch::Patch = serde_json::from_slice(&patch).unwrap();
        json_patch::patch(&mut object, &patch).unwrap();
        requests.extend([mutate, Request::new("/validate", &object)]);
    }
    assert!(!requests.is_empty(), "no RayJobs");
    requests
}

/// Sends requests until there were enough of all clients together.
fn client(raygate: &Raygate, requests: &[Request], enough: u64, next: &AtomicU64, answered: &AtomicU64) {
    let mut requests = requests.to_vec();
    let count = requests.len() as u64;
    let mut connection = raygate.connect();
    let mut sent = 0;
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= enough {
            return;
        }
        let request = &mut requests[usize::try_from(number % count).unwrap()];
        request.number(number);
        connection.write_all(&request.bytes).unwrap();
        let answer = receive(&mut connection);
        let text = String::from_utf8_lossy(&answer.body);
        let allowed = text.contains(r#""allowed":true"#) && text.contains(&format!("-{number:012}"));
        assert!(answer.status == 200 && allowed, "{} {text}", answer.status);
        answered.fetch_add(1, Ordering::Relaxed);
        sent += 1;
        if answer.closes || sent % PER_CONNECTION == 0 {
            connection = raygate.connect();
        }
    }
}

struct Answer {
    status: u16,
    closes: bool,
    body: Vec<u8>,
}

/// Reads one answer.
fn receive(connection: &mut StreamOwned<ClientConnection, TcpStream>) -> Answer {
    let mut bytes = Vec::new();
    let mut buffer = [0; 16 << 10];
    let end = loop {
        let read = connection.read(&mut buffer).unwrap();
        assert!(read > 0, "the connection ended before an answer");
        bytes.extend_from_slice(&buffer[..read]);
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
    let header = |name: &str| {
        let mut fields = head.lines().filter_map(|line| line.split_once(": "));
        fields.find(|(held, _)| *held == name).map(|(_, value)| value)
    };
    let length: usize = header("content-length").expect("a length").parse().unwrap();
    let (status, closes) = (head[9..12].parse().unwrap(), header("connection") == Some("close"));
    let mut body = bytes.split_off(end);
    let have = body.len();
    body.resize(length, 0);
    connection.read_exact(&mut body[have..]).unwrap();
    Answer { status, closes, body }
}
