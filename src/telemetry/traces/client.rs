//! The HTTP client of the exporter: hyper's, as the server is, and no second TLS.

use std::time::Duration;

use async_trait::async_trait;
use axum::http::header::{HOST, HeaderValue};
use axum::http::{Request, Response, Uri};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use opentelemetry_http::{HttpClient, HttpError};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio_util::task::AbortOnDropHandle;

/// One export, from the connection to the end of the answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// The largest answer, in bytes: a collector says no more than how many spans it refused.
const ANSWER_BYTES: usize = 64 << 10;

/// Sends each batch over a connection of its own: batches are seconds apart.
#[derive(Debug)]
pub(super) struct Client {
    /// Where sockets live: the exporter's thread has no reactor.
    runtime: Handle,
}

impl Client {
    pub(super) fn new(runtime: Handle) -> Self {
        Self { runtime }
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        self.runtime
            .spawn(async { tokio::time::timeout(PATIENCE, send(request)).await? })
            .await?
    }
}

async fn send(mut request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let host = request.uri().host().ok_or("the collector's address has no host")?;
    let port = request.uri().port_u16().unwrap_or(80);
    let authority = format!("{host}:{port}");
    let stream = TcpStream::connect(&authority).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // Ends with this export, however that ends: a collector that never answers must not leave a task behind.
    let _driven = AbortOnDropHandle::new(tokio::spawn(connection));
    request.headers_mut().insert(HOST, HeaderValue::from_str(&authority)?);
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    *request.uri_mut() = target.parse::<Uri>()?;
    let (head, body) = sender.send_request(request.map(Full::new)).await?.into_parts();
    let body = Limited::new(body, ANSWER_BYTES).collect().await?.to_bytes();
    Ok(Response::from_parts(head, body))
}
