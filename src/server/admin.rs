//! The port for probes and scrapers: plain HTTP, and no verdicts.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::http::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use axum::http::{Method, Request, Response, StatusCode};
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::sleep;

use super::fair::Origin;
use super::pair::unix_now;
use super::shutdown::{Phase, reached};
use super::slots::{Slot, Slots};
use super::trust::Trust;
use super::{Shared, duration_words};
use crate::metrics::Port;

const TEXT: &str = "text/plain; charset=utf-8";
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The connections to the port: those whose request has not come whole, which cost a socket and little else, and those
/// that are answered. A probe arrives as a whole and is answered at once, so an older connection has no right to its place.
#[derive(Debug)]
pub(super) struct Probes {
    waiting: Arc<Slots>,
    answered: Arc<Slots>,
}

impl Probes {
    pub(super) fn new(shared: &Shared) -> Self {
        let (none, limits) = (Duration::ZERO, &shared.limits);
        let slots = |most| Slots::new(Port::Metrics, most, none, none, Arc::clone(&shared.metrics));
        Self {
            waiting: slots(limits.admin_waiting),
            answered: slots(limits.admin_connections),
        }
    }

    /// Closes a connection, because the system has none to give.
    pub(super) fn make_room(&self) {
        let _ = self.waiting.make_room(None).or_else(|_| self.answered.make_room(None));
    }

    /// Answers the one request of a connection. It is cut where it loses its place, takes too long, or the server has
    /// stopped.
    pub(super) fn serve(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        shared: &Arc<Shared>,
        stopped: &watch::Receiver<Phase>,
    ) -> impl Future<Output = ()> + Send + use<> {
        let origin = Origin::from(peer.ip());
        let place = self.waiting.take_now(origin);
        let (answered, shared, stopped) = (Arc::clone(&self.answered), Arc::clone(shared), stopped.clone());
        async move {
            let mut end = stopped.clone();
            tokio::select! {
                has_header = has_header(&stream) => if !has_header { return },
                () = place.lost() => return,
                () = sleep(shared.limits.header) => return,
                () = reached(&mut end, Phase::Stopped) => return,
            }
            drop(place);
            let slot = answered.take_now(origin);
            // One that waits has no need of the memory that an answer takes.
            Box::pin(answer_one(stream, slot, shared, stopped)).await;
        }
    }
}

/// Waits until a request's header has come whole, or so much that it is none. Nothing is read. `false` where the client has
/// ended the connection before.
async fn has_header(stream: &TcpStream) -> bool {
    poll_fn(|cx| {
        let mut seen = [0; 2048];
        loop {
            let mut peeked = ReadBuf::new(&mut seen);
            match stream.poll_peek(cx, &mut peeked) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(1..)) if peeked.remaining() > 0 && !has_end(peeked.filled()) => {
                    // The runtime of this port has one thread, so nothing has come since it last asked the system.
                    let _ = stream.try_io(Interest::READABLE, || Err::<(), _>(io::ErrorKind::WouldBlock.into()));
                }
                Poll::Ready(peeked) => return Poll::Ready(matches!(peeked, Ok(1..))),
            }
        }
    })
    .await
}

fn has_end(header: &[u8]) -> bool {
    header.windows(4).any(|end| end == b"\r\n\r\n") || header.windows(2).any(|end| end == b"\n\n")
}

async fn answer_one(stream: TcpStream, slot: Slot, shared: Arc<Shared>, mut stopped: watch::Receiver<Phase>) {
    let phase = stopped.clone();
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        // A kept connection would take a slot from a probe.
        .keep_alive(false)
        .header_read_timeout(shared.limits.header)
        .max_buf_size(shared.limits.read_buffer_bytes)
        .max_header_size(shared.limits.header_bytes)
        .max_headers(shared.limits.header_fields);
    let service = service_fn(|request: Request<Incoming>| {
        let response = answer(&request, &shared, *phase.borrow());
        async move { Ok::<_, Infallible>(response) }
    });
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        _ = connection.as_mut() => {}
        () = slot.lost() => {}
        () = sleep(shared.limits.probe) => {}
        () = reached(&mut stopped, Phase::Stopped) => {}
    }
}

fn answer<B>(request: &Request<B>, shared: &Shared, phase: Phase) -> Response<Full<Bytes>> {
    let path = request.uri().path();
    let known = matches!(path, "/healthz" | "/readyz" | "/metrics");
    if known && !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = text(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET\n".to_owned());
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    match path {
        // Alive means that the process can answer; what it serves is a matter of readiness.
        "/healthz" => text(StatusCode::OK, TEXT, "ok\n".to_owned()),
        "/readyz" => ready(shared, phase, wants_details(request.uri().query())),
        "/metrics" => text(StatusCode::OK, OPENMETRICS, shared.metrics.encode()),
        _ => text(
            StatusCode::NOT_FOUND,
            TEXT,
            "no such path: /healthz, /readyz and /metrics\n".to_owned(),
        ),
    }
}

fn wants_details(query: Option<&str>) -> bool {
    query.is_some_and(|query| {
        query
            .split('&')
            .any(|pair| pair == "verbose" || pair.starts_with("verbose="))
    })
}

fn ready(shared: &Shared, phase: Phase, verbose: bool) -> Response<Full<Bytes>> {
    let mut checks = vec![serving(phase), certificate(shared)];
    checks.extend(trust(shared));
    let ready = checks.iter().all(|(_, fine, _)| *fine);
    let mut body = String::new();
    for (name, fine, detail) in &checks {
        if verbose || !fine {
            // Writing to a string cannot fail.
            let _ = writeln!(body, "[{}] {name}: {detail}", if *fine { '+' } else { '-' });
        }
    }
    if verbose {
        let _ = writeln!(body, "[+] policies: {}", shared.reviewer.summary());
        // The policies in use are good ones: a replica that went away for the sake of newer ones would help nobody.
        if let Some(known) = shared.reviewer.known() {
            let _ = writeln!(body, "[+] facts: {known}");
        }
        if let Some(fault) = shared.reviewer.facts_fault() {
            let _ = writeln!(body, "[!] facts: {fault}");
        }
        for notice in shared.reviewer.notices().iter() {
            let _ = writeln!(body, "[!] policy files: {notice}");
        }
    }
    body.push_str(if ready { "ready\n" } else { "not ready\n" });
    text(
        if ready {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        },
        TEXT,
        body,
    )
}

fn serving(phase: Phase) -> (&'static str, bool, String) {
    if phase == Phase::Serving {
        ("server", true, "serving".to_owned())
    } else {
        ("server", false, "shutting down".to_owned())
    }
}

fn certificate(shared: &Shared) -> (&'static str, bool, String) {
    let Some(pair) = shared.certificates.current() else {
        return ("certificate", false, "there is none yet; the log says why".to_owned());
    };
    let left = pair.not_after.saturating_sub(unix_now());
    if left > 0 {
        (
            "certificate",
            true,
            format!("ends at {}, in {}", pair.ends(), duration_words(left)),
        )
    } else {
        ("certificate", false, format!("ended at {}", pair.ends()))
    }
}

/// Whether the API server trusts the certificate, where somebody looks.
fn trust(shared: &Shared) -> Option<(&'static str, bool, String)> {
    match &*shared.certificates.trust() {
        Trust::Unchecked => None,
        Trust::Fits(detail) => Some(("caBundle", true, detail.clone())),
        Trust::Misfit(reason) => Some(("caBundle", false, reason.clone())),
    }
}

fn text(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
