//! The load: connections that send one review after the other, as the API server does, and read every answer.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::LocalSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How long the connections are used before the clock starts.
const WARM_UP: Duration = Duration::from_millis(60);

/// What came back.
#[derive(Default)]
pub(crate) struct Answers {
    /// From the first byte sent to the last received, of each review that was answered.
    pub(crate) times: Vec<Duration>,
    /// Those that the server had no place for.
    pub(crate) shed: usize,
    /// From the first to the last.
    pub(crate) took: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    WarmUp,
    Measured,
    Over,
}

struct Shared {
    phase: Phase,
    answers: Answers,
}

/// The request for `/mutate` or `/validate` with this body, as the bytes that are sent.
pub(crate) fn request(endpoint: &str, body: &[u8]) -> Vec<u8> {
    let mut request = format!(
        "POST /{endpoint}?timeout=10s HTTP/1.1\r\nhost: localhost\r\nuser-agent: kube-apiserver-admission\r\n\
         content-length: {}\r\naccept: application/json, */*\r\ncontent-type: application/json\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    request
}

/// Sends the requests in turn over so many connections for so long. `look` is called when the clock starts and stops.
pub(crate) fn run(
    address: SocketAddr,
    config: &Arc<ClientConfig>,
    requests: &Arc<Vec<Vec<u8>>>,
    connections: usize,
    time: Duration,
    mut look: impl FnMut(),
) -> Answers {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("start a runtime for the load");
    let shared = Rc::new(RefCell::new(Shared {
        phase: Phase::WarmUp,
        answers: Answers::default(),
    }));
    let local = LocalSet::new();
    local.block_on(&runtime, async {
        let mut tasks = Vec::new();
        for nth in 0..connections {
            let stream = connect(address, Arc::clone(config)).await;
            let (requests, shared) = (Arc::clone(requests), Rc::clone(&shared));
            tasks.push(tokio::task::spawn_local(send(stream, requests, nth, shared)));
        }
        tokio::time::sleep(WARM_UP).await;
        look();
        let start = Instant::now();
        shared.borrow_mut().phase = Phase::Measured;
        tokio::time::sleep(time).await;
        {
            let mut shared = shared.borrow_mut();
            shared.phase = Phase::Over;
            shared.answers.took = start.elapsed();
        }
        look();
        for task in tasks {
            task.await.expect("a connection that is answered");
        }
    });
    std::mem::take(&mut shared.borrow_mut().answers)
}

async fn connect(address: SocketAddr, config: Arc<ClientConfig>) -> TlsStream<TcpStream> {
    let stream = TcpStream::connect(address).await.expect("connect to the server");
    stream.set_nodelay(true).expect("send small requests at once");
    let name = ServerName::try_from("localhost").expect("a name");
    TlsConnector::from(config)
        .connect(name, stream)
        .await
        .expect("a TLS handshake")
}

async fn send(
    mut stream: TlsStream<TcpStream>,
    requests: Arc<Vec<Vec<u8>>>,
    first: usize,
    shared: Rc<RefCell<Shared>>,
) {
    let mut buffer = Vec::with_capacity(1 << 20);
    for request in requests.iter().cycle().skip(first % requests.len()) {
        let start = Instant::now();
        stream.write_all(request).await.expect("send a review");
        stream.flush().await.expect("send a review");
        let is_answer = receive(&mut stream, &mut buffer).await;
        let took = start.elapsed();
        let mut shared = shared.borrow_mut();
        match (shared.phase, is_answer) {
            (Phase::WarmUp, _) => {}
            (Phase::Measured, true) => shared.answers.times.push(took),
            (Phase::Measured, false) => shared.answers.shed += 1,
            (Phase::Over, _) => return,
        }
    }
}

/// Reads one answer to its end. Whether the review was answered and allowed; otherwise it must have been shed.
async fn receive(stream: &mut TlsStream<TcpStream>, buffer: &mut Vec<u8>) -> bool {
    buffer.clear();
    let mut body = None;
    let (body, end) = loop {
        let read = stream.read_buf(buffer).await.expect("an answer");
        assert!(read > 0, "the server has closed the connection");
        if body.is_none() {
            body = find(buffer, b"\r\n\r\n").map(|at| at + 4);
        }
        if let Some(body) = body
            && is_whole(&buffer[..body], &buffer[body..])
        {
            break (body, buffer.len());
        }
    };
    // What says so stands first in the answers of all servers, long before a patch.
    if buffer.starts_with(b"HTTP/1.1 200") && find(&buffer[body..end.min(body + 256)], br#""allowed":true"#).is_some() {
        return true;
    }
    let text = String::from_utf8_lossy(&buffer[..end]);
    let is_shed = text.starts_with("HTTP/1.1 503") || text.contains("\"code\":429");
    assert!(is_shed, "the server refuses what it should allow: {text}");
    false
}

/// Whether nothing of the body is missing. Go's server sends a long one in chunks, ours always say the length.
fn is_whole(head: &[u8], body: &[u8]) -> bool {
    let head = std::str::from_utf8(head).expect("a head in ASCII");
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim())
    });
    match length {
        Some(length) => body.len() >= length.parse().expect("a number of bytes"),
        None => body.ends_with(b"\r\n0\r\n\r\n"),
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
