//! The shipped binary, serving on loopback, and a client that shows what is on the wire.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, LazyLock};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{Daemon, Group, PATIENCE, wait_for};

/// What the command is called with.
pub(crate) fn raygate() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_raygate"));
    // Every flag has a variable, and this process may have some of them set.
    command.env_clear().env("RAYGATE_LOG_FORMAT", "json");
    command
}

/// A running raygate.
pub(crate) struct Raygate {
    pub(crate) server: Daemon,
    pub(crate) webhook: SocketAddr,
    pub(crate) admin: SocketAddr,
    folder: TempDir,
    tls: Arc<ClientConfig>,
    _group: Group,
}

static SHARED: LazyLock<Raygate> = LazyLock::new(Raygate::start);

/// The one that all tests share that leave it as it is.
pub(crate) fn shared() -> &'static Raygate {
    &SHARED
}

impl Raygate {
    /// With the shipped policies.
    pub(crate) fn start() -> Self {
        Self::start_with(|_, _| {})
    }

    /// With what `prepare` adds to the command; its folder holds `tls.crt`, `tls.key` and `ca.crt`.
    pub(crate) fn start_with(prepare: impl FnOnce(&mut Command, &Path)) -> Self {
        Self::start_under("exec", prepare)
    }

    /// The same, started by a shell in its folder with these words before the command, the last of which is `exec`.
    pub(crate) fn start_under(words: &str, prepare: impl FnOnce(&mut Command, &Path)) -> Self {
        let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
        Self::start_at([any_port; 2], words, prepare)
    }

    /// The same on given ports, so that no line of the log need say which they are.
    pub(crate) fn start_at(binds: [SocketAddr; 2], words: &str, prepare: impl FnOnce(&mut Command, &Path)) -> Self {
        let folder = TempDir::with_prefix("raygate-hostile-").expect("create a folder");
        let made = raygate()
            .args(["certs", "--name", "127.0.0.1", "--out"])
            .arg(folder.path())
            .output()
            .expect("run raygate certs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let program = raygate();
        let mut command = Command::new("/bin/sh");
        command.env_clear().env("RAYGATE_LOG_FORMAT", "json");
        command
            .current_dir(folder.path())
            .args(["-c", &format!("{words} \"$0\" \"$@\"")])
            .arg(program.get_program());
        let [bind, metrics_bind] = binds.map(|address| address.to_string());
        command.args(["serve", "--bind", &bind, "--metrics-bind", &metrics_bind]);
        command.arg("--tls-cert").arg(folder.path().join("tls.crt"));
        command.arg("--tls-key").arg(folder.path().join("tls.key"));
        prepare(&mut command, folder.path());
        let group = Group::new().expect("start a process group");
        let mut server = Daemon::start(&group, "raygate", &mut command, folder.path());
        let (webhook, admin) = wait_for("raygate to serve", || {
            server.assert_running();
            if binds.iter().all(|address| address.port() != 0) {
                TcpStream::connect(binds[1]).map_err(|error| error.to_string())?;
                return Ok((binds[0], binds[1]));
            }
            addresses(&server.log()).ok_or("no line says `serving` yet".to_owned())
        });
        let mut roots = RootCertStore::empty();
        let ca = CertificateDer::from_pem_file(folder.path().join("ca.crt")).expect("read the CA");
        roots.add(ca).expect("trust the CA");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("TLS versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self {
            server,
            webhook,
            admin,
            folder,
            tls: Arc::new(tls),
            _group: group,
        }
    }

    /// A file of its folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A new connection to the webhook port.
    pub(crate) fn connect(&self) -> Client {
        let name = ServerName::try_from("127.0.0.1").expect("a name");
        self.connect_as(name).expect("a TLS connection")
    }

    /// What its clients trust.
    pub(crate) fn tls(&self) -> ClientConfig {
        ClientConfig::clone(&self.tls)
    }

    /// A new connection that asks for a server of this name; an error where the handshake fails.
    pub(crate) fn connect_as(&self, name: ServerName<'static>) -> std::io::Result<Client> {
        let tls = ClientConnection::new(Arc::clone(&self.tls), name).expect("a TLS client");
        let mut stream = StreamOwned::new(tls, plain(self.webhook));
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Client {
            stream,
            read: Vec::new(),
        })
    }

    /// Posts one review over a connection of its own.
    pub(crate) fn post(&self, path: &str, body: &[u8]) -> Received {
        self.connect().post(path, body)
    }

    /// The metrics as they are scraped.
    pub(crate) fn metrics(&self) -> String {
        String::from_utf8(self.probe("/metrics").body).expect("metrics are text")
    }

    /// The value of a metric, all its series together.
    pub(crate) fn metric(&self, family: &str) -> f64 {
        let metrics = self.metrics();
        let lines = metrics.lines().filter_map(|line| {
            let rest = line.strip_prefix(family)?;
            let value = match rest.strip_prefix('{') {
                Some(labels) => labels.rsplit_once("} ")?.1,
                None => rest.strip_prefix(' ')?,
            };
            value.split(' ').next()?.parse::<f64>().ok()
        });
        lines.sum()
    }

    /// What the port for probes answers.
    pub(crate) fn probe(&self, path: &str) -> Received {
        let mut stream = plain(self.admin);
        let request = format!("GET {path} HTTP/1.1\r\nhost: probe\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("ask for a probe");
        receive(&mut stream, &mut Vec::new()).expect("an answer to a probe")
    }

    /// Resident memory, in bytes.
    pub(crate) fn resident(&self) -> u64 {
        self.memory("VmRSS:")
    }

    /// The most resident memory that there was, in bytes.
    pub(crate) fn peak(&self) -> u64 {
        self.memory("VmHWM:")
    }

    fn memory(&self, field: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.server.id())).expect("read its status");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(field))
            .expect("a line of it");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
    }

    /// Fails unless an ordinary RayJob is still completed.
    #[track_caller]
    pub(crate) fn assert_serving(&self) {
        let answer = self.post("/mutate", &create(&crate::jobs::seed(1)));
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(answer.json()["response"]["patch"].is_string(), "{}", answer.text());
        assert_eq!(self.probe("/healthz").status, 200);
    }
}

fn addresses(log: &str) -> Option<(SocketAddr, SocketAddr)> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut fields = lines.map(|line| line.get("fields").cloned().unwrap_or(line));
    let line = fields.find(|fields| fields["message"] == "serving")?;
    let address = |key: &str| line[key].as_str()?.parse().ok();
    Some((address("webhook")?, address("metrics")?))
}

/// A TCP connection on which no read waits for ever.
pub(crate) fn plain(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("connect to loopback");
    stream.set_read_timeout(Some(PATIENCE)).expect("bound reads");
    stream.set_write_timeout(Some(PATIENCE)).expect("bound writes");
    stream
}

/// One HTTP/1.1 connection to the webhook port.
pub(crate) struct Client {
    stream: StreamOwned<ClientConnection, TcpStream>,
    read: Vec<u8>,
}

impl Client {
    /// Writes as it stands. An error is what a server that has enough of it causes.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes)?;
        self.stream.flush()
    }

    /// Posts a whole review and reads the answer.
    pub(crate) fn post(&mut self, path: &str, body: &[u8]) -> Received {
        let head = head("POST", path, &format!("content-length: {}\r\n", body.len()));
        // The server may answer and close before it has read everything.
        let _ = self.send(head.as_bytes()).and_then(|()| self.send(body));
        self.receive().expect("an answer")
    }

    /// Reads one answer; `None` where the connection ends instead.
    pub(crate) fn receive(&mut self) -> Option<Received> {
        receive(&mut self.stream, &mut self.read)
    }

    /// Whether the server has closed its side, with nothing more to read.
    pub(crate) fn is_closed(&mut self) -> bool {
        self.read.is_empty() && self.stream.read(&mut [0]).unwrap_or(0) == 0
    }
}

/// A request header with a JSON content type.
pub(crate) fn head(method: &str, target: &str, more: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n{more}\r\n")
}

/// One answer.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Received {
    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; null where it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

fn receive(stream: &mut impl Read, read: &mut Vec<u8>) -> Option<Received> {
    let mut chunk = [0; 16 << 10];
    let end = loop {
        if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        let count = stream.read(&mut chunk).ok().filter(|count| *count > 0)?;
        read.extend_from_slice(&chunk[..count]);
    };
    let head = String::from_utf8(read.drain(..end).collect()).ok()?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.parse::<usize>().ok())?
    });
    while read.len() < length.unwrap_or(0) {
        let count = stream.read(&mut chunk).ok().filter(|count| *count > 0)?;
        read.extend_from_slice(&chunk[..count]);
    }
    Some(Received {
        status: head.get(9..12)?.parse().ok()?,
        body: read.drain(..length.unwrap_or(0)).collect(),
        head,
    })
}

/// A review that asks to create an object.
pub(crate) fn create(object: &Value) -> Vec<u8> {
    review("CREATE", object, &Value::Null)
}

/// A review of Flyte's, as the API server sends it.
pub(crate) fn review(operation: &str, object: &Value, old: &Value) -> Vec<u8> {
    let review = json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": UID,
            "kind": {"group": "ray.io", "version": "v1", "kind": "RayJob"},
            "resource": {"group": "ray.io", "version": "v1", "resource": "rayjobs"},
            "name": object["metadata"]["name"],
            "namespace": "mlplatform-production",
            "operation": operation,
            "userInfo": {"username": "system:serviceaccount:flyte:flytepropeller"},
            "object": object,
            "oldObject": old,
        },
    });
    review.to_string().into_bytes()
}

/// The uid of every review here.
pub(crate) const UID: &str = "5d1f0c7e-6b0a-4f7e-9a39-1c1c7f5b0001";
