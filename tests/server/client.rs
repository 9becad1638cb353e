//! A small HTTP/1.1 client that shows what is on the wire, and a TLS one under it.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::harness::{Running, within};

pub(crate) const BOTH: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12, &rustls::version::TLS13];

/// What a client trusts and offers.
pub(crate) fn config(
    roots: RootCertStore,
    versions: &[&'static SupportedProtocolVersion],
    alpn: &[&str],
) -> ClientConfig {
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    config
}

/// A TLS connection, or why there is none.
pub(crate) async fn handshake(address: SocketAddr, config: ClientConfig) -> std::io::Result<TlsStream<TcpStream>> {
    handshake_over(TcpStream::connect(address).await?, config).await
}

/// TLS over a connection that is open already.
pub(crate) async fn handshake_over(stream: TcpStream, config: ClientConfig) -> std::io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from("localhost").unwrap();
    within(TlsConnector::from(Arc::new(config)).connect(name, stream)).await
}

/// A connection that can be written to byte by byte.
pub(crate) struct Connection<S> {
    pub(crate) stream: S,
    read: Vec<u8>,
}

/// Opens an HTTP/1.1 connection to the webhook port.
pub(crate) async fn connect(server: &Running) -> Connection<TlsStream<TcpStream>> {
    let config = config(server.roots(), BOTH, &["http/1.1"]);
    Connection::new(handshake(server.webhook, config).await.unwrap())
}

/// One answer.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) status: u16,
    head: String,
    body: Vec<u8>,
}

impl Received {
    /// The value of a header, by its lower-case name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(held, _)| held.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// Whether the server said that it closes.
    pub(crate) fn closes(&self) -> bool {
        self.header("connection") == Some("close")
    }

    /// The body as text.
    pub(crate) fn body_text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self {
            stream,
            read: Vec::new(),
        }
    }

    /// Writes as it stands.
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        within(self.stream.write_all(bytes)).await.unwrap();
        within(self.stream.flush()).await.unwrap();
    }

    /// Writes what the server may not want to read.
    pub(crate) async fn try_send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        within(self.stream.write_all(bytes)).await?;
        within(self.stream.flush()).await
    }

    /// Posts a whole review and reads the answer.
    pub(crate) async fn post(&mut self, target: &str, body: &[u8]) -> Received {
        self.send(head("POST", target, &format!("content-length: {}\r\n", body.len())).as_bytes())
            .await;
        self.send(body).await;
        self.receive().await.expect("an answer")
    }

    /// Posts an empty review, where the server may close at any moment. Whether it was answered.
    pub(crate) async fn try_post(&mut self) -> bool {
        let request = head("POST", "/mutate", "content-length: 0\r\n");
        let sent = within(async {
            self.stream.write_all(request.as_bytes()).await?;
            self.stream.flush().await
        });
        sent.await.is_ok() && self.receive().await.is_some_and(|answer| answer.status == 200)
    }

    /// Reads one answer; `None` where the connection ends instead.
    pub(crate) async fn receive(&mut self) -> Option<Received> {
        let end = loop {
            if let Some(end) = self.read.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            if self.read_more().await == 0 {
                return None;
            }
        };
        let head = String::from_utf8(self.read.drain(..end).collect()).unwrap();
        let mut received = Received {
            status: head[9..12].parse().unwrap(),
            head,
            body: Vec::new(),
        };
        let length = received
            .header("content-length")
            .map_or(0, |length| length.parse().unwrap());
        while self.read.len() < length {
            assert!(self.read_more().await > 0, "the answer broke off: {received:?}");
        }
        received.body = self.read.drain(..length).collect();
        Some(received)
    }

    /// Whether the server has closed its side, with nothing more to read.
    pub(crate) async fn is_closed(&mut self) -> bool {
        self.read.is_empty() && self.read_more().await == 0
    }

    /// An abrupt end reads as an end.
    async fn read_more(&mut self) -> usize {
        within(self.stream.read_buf(&mut self.read)).await.unwrap_or(0)
    }
}

/// A request header with a JSON content type.
pub(crate) fn head(method: &str, target: &str, more: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{more}\r\n")
}

/// Asks the port for probes.
pub(crate) async fn get(address: SocketAddr, target: &str) -> Received {
    plain(address, "GET", target).await
}

/// Asks the port for probes, with any method.
pub(crate) async fn plain(address: SocketAddr, method: &str, target: &str) -> Received {
    let mut connection = Connection::new(within(TcpStream::connect(address)).await.unwrap());
    connection
        .send(head(method, target, "connection: close\r\n").as_bytes())
        .await;
    connection.receive().await.expect("an answer")
}
