//! One connection to the webhook port, from its handshake to its end.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::http::header::{CONNECTION, HeaderValue};
use axum::http::{Request, Version};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tower::Service as _;

use super::door::{Guest, Left, Seated};
use super::fair::Origin;
use super::limits::Limits;
use super::linger::Lingering;
use super::peer::Peer;
use super::shutdown::{Phase, reached};
use super::slots::Slot;
use super::spare::first_byte;
use super::{Shared, tls};

/// What the parts of one connection tell each other.
#[derive(Debug)]
pub(super) struct Marks {
    phase: watch::Receiver<Phase>,
    served: AtomicBool,
    aged: AtomicBool,
}

impl Marks {
    fn new(phase: watch::Receiver<Phase>) -> Self {
        Self {
            phase,
            served: AtomicBool::new(false),
            aged: AtomicBool::new(false),
        }
    }

    /// Whether the next answer should be the last. Asks for the server's phase itself: a drain may begin while an
    /// answer is being made.
    fn winding_up(&self) -> bool {
        self.aged.load(Ordering::Relaxed) || *self.phase.borrow() > Phase::Serving
    }
}

/// How a connection is to be served.
#[derive(Clone)]
pub(super) struct Connections {
    pub(super) shared: Arc<Shared>,
    pub(super) router: Router,
    pub(super) acceptor: TlsAcceptor,
    pub(super) phase: watch::Receiver<Phase>,
}

impl Connections {
    /// Waits until a connection sends something and has a slot; `None` if it does not come to that.
    pub(super) async fn seat(&self, guest: Guest) -> Option<Seated> {
        match guest.seat(&self.phase).await {
            Ok(seated) => Some(seated),
            Err(Left::Silent) => {
                self.no_handshake();
                None
            }
            Err(Left::Lost) => None,
        }
    }

    /// Serves one connection to its end, or until it loses its slot.
    pub(super) async fn serve(self, seated: Seated) {
        let shared = Arc::clone(&self.shared);
        let _open = shared.metrics.connection();
        let Seated { stream, origin, slot } = seated;
        // It belongs to the runtime that has accepted it.
        let Ok(stream) = stream.into_std().and_then(TcpStream::from_std) else {
            return;
        };
        tokio::select! {
            () = slot.lost() => {}
            () = self.serve_to_its_end(stream, origin, &slot) => {}
        }
    }

    async fn serve_to_its_end(self, stream: TcpStream, origin: Origin, slot: &Slot) {
        // Small answers must not wait for the acknowledgement of what was sent before.
        let _ = stream.set_nodelay(true);
        let mut phase = self.phase.clone();
        let stream = tokio::select! {
            stream = self.handshake(stream) => stream,
            () = reached(&mut phase, Phase::Stopped) => return,
        };
        let Some(mut stream) = stream else { return };
        let opened = Instant::now();
        if !first_byte(&mut stream, slot, &self.shared, &mut phase).await {
            let _ = timeout(self.shared.limits.linger, stream.shutdown()).await;
            return;
        }
        let age = self.shared.limits.age(slot.nth());
        let marks = Arc::new(Marks::new(phase.clone()));
        let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        let io = Lingering::new(TokioIo::new(stream), self.shared.limits.linger);
        let router = self.router;
        let peer = Peer::new(slot.holder(), origin);
        let service = {
            let (marks, peer) = (Arc::clone(&marks), Arc::clone(&peer));
            service_fn(move |request| answer(router.clone(), Arc::clone(&marks), Arc::clone(&peer), request))
        };
        let life = Life {
            shared: &self.shared,
            marks: &marks,
            peer: &peer,
            phase: &mut phase,
            opened,
            age,
        };
        if http2 {
            life.run(h2(&self.shared.limits).serve_connection(io, service), GoAway::AtOnce)
                .await;
        } else {
            life.run(
                h1(&self.shared.limits).serve_connection(io, service),
                GoAway::WithTheNextAnswer,
            )
            .await;
        }
    }

    async fn handshake(&self, stream: TcpStream) -> Option<TlsStream<TcpStream>> {
        let metrics = &self.shared.metrics;
        let peer = stream
            .peer_addr()
            .map_or_else(|_| "unknown".to_owned(), |peer| peer.to_string());
        match timeout(self.shared.limits.handshake, self.acceptor.accept(stream)).await {
            Ok(Ok(stream)) => return Some(stream),
            Ok(Err(error)) => {
                let cause = tls::cause(&error);
                metrics.handshake_failed(cause);
                tracing::debug!(peer, cause, %error, "TLS handshake failed");
                if cause == tls::UNIDENTIFIED && self.shared.unidentified_log.pass() {
                    tracing::warn!(
                        peer,
                        %error,
                        "a client has no certificate of --client-ca with a name of --client-name: it is refused"
                    );
                }
                if cause == tls::UNTRUSTED && self.shared.untrusted_log.pass() {
                    tracing::warn!(
                        peer,
                        %error,
                        "a client does not trust this certificate: compare the webhook configuration's caBundle with its CA"
                    );
                }
            }
            Err(_) => self.no_handshake(),
        }
        None
    }

    fn no_handshake(&self) {
        self.shared.metrics.handshake_failed("timeout");
        self.shared.metrics.slow_client("handshake");
    }
}

async fn answer(
    mut router: Router,
    marks: Arc<Marks>,
    peer: Arc<Peer>,
    mut request: Request<Incoming>,
) -> Result<axum::response::Response, std::convert::Infallible> {
    marks.served.store(true, Ordering::Relaxed);
    let http2 = request.version() == Version::HTTP_2;
    request.extensions_mut().insert(Arc::clone(&peer));
    let mut response = router.call(request).await?.map(|body| peer.unread(body));
    if response.status().is_client_error() {
        peer.slot().refused();
    }
    if http2 {
        // Has no meaning there: hyper resets the one stream whose body was left unread.
        response.headers_mut().remove(CONNECTION);
    } else if marks.winding_up() {
        response
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

/// hyper's own deadline for a header also runs while a kept-alive connection is idle, so it is set to the
/// longest idle time. The deadline for the first header is [`Life`]'s; a later header that trickles in costs
/// no more than an idle connection does.
fn h1(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle)
        .max_buf_size(limits.read_buffer_bytes)
        .max_header_size(limits.header_bytes)
        .max_headers(limits.header_fields);
    builder
}

fn h2(limits: &Limits) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.h2_streams)
        .initial_stream_window_size(limits.h2_stream_window)
        .initial_connection_window_size(limits.h2_connection_window)
        .max_send_buf_size(limits.h2_send_buffer)
        .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(limits.h2_pending_resets)
        .max_local_error_reset_streams(limits.h2_local_resets)
        .keep_alive_interval(limits.h2_ping)
        .keep_alive_timeout(limits.h2_ping_timeout);
    builder
}

/// How a client learns that its connection is being wound up.
#[derive(Clone, Copy, PartialEq, Eq)]
enum GoAway {
    /// HTTP/2 has a frame for it, and requests that cross it are safe to send again.
    AtOnce,
    /// HTTP/1.1 can only say so in an answer.
    WithTheNextAnswer,
}

/// How far a connection's own life has come.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    FirstHeader,
    Open,
    WindingUp,
    Closing,
}

struct Life<'a> {
    shared: &'a Shared,
    marks: &'a Marks,
    peer: &'a Peer,
    phase: &'a mut watch::Receiver<Phase>,
    opened: Instant,
    age: std::time::Duration,
}

impl Life<'_> {
    /// Drives the connection until the client ends it, its time is over, or the server closes.
    async fn run(self, connection: impl GracefulConnection, go_away: GoAway) {
        let limits = &self.shared.limits;
        let mut connection = pin!(connection);
        let mut stage = Stage::FirstHeader;
        let begun = Instant::now();
        let mut timer = pin!(sleep_until(begun + limits.header.min(self.age)));
        let mut heard = Phase::Serving;
        let mut stops_reading = pin!(self.peer.stops_reading(limits.answer));
        loop {
            let wound_up = tokio::select! {
                biased;
                _ = connection.as_mut() => return,
                () = stops_reading.as_mut() => {
                    self.shared.metrics.slow_client("answer");
                    return;
                }
                phase = next_phase(self.phase, heard) => {
                    heard = phase;
                    match phase {
                        Phase::Stopped => return,
                        Phase::Closing => Stage::Closing,
                        _ => Stage::WindingUp,
                    }
                }
                () = timer.as_mut() => match stage {
                    Stage::FirstHeader if self.marks.served.load(Ordering::Relaxed) => {
                        stage = Stage::Open;
                        timer.as_mut().reset(self.opened + self.age);
                        continue;
                    }
                    Stage::FirstHeader if begun.elapsed() < limits.header => {
                        timer.as_mut().reset(begun + limits.header);
                        continue;
                    }
                    Stage::FirstHeader => {
                        self.shared.metrics.slow_client("header");
                        return;
                    }
                    Stage::Open => Stage::WindingUp,
                    Stage::WindingUp => Stage::Closing,
                    Stage::Closing => return,
                },
            };
            if wound_up <= stage {
                continue;
            }
            let at_once = go_away == GoAway::AtOnce && self.marks.served.load(Ordering::Relaxed);
            stage = if at_once { Stage::Closing } else { wound_up };
            self.marks.aged.store(true, Ordering::Relaxed);
            let patience = match (stage, go_away) {
                (Stage::Closing, _) => {
                    connection.as_mut().graceful_shutdown();
                    limits.drain
                }
                (_, GoAway::WithTheNextAnswer) => limits.announce,
                // Opened while the server drains: its first request is still welcome.
                (_, GoAway::AtOnce) => limits.header,
            };
            timer.as_mut().reset(Instant::now() + patience);
        }
    }
}

/// Waits for the server to come further than `heard`.
async fn next_phase(phase: &mut watch::Receiver<Phase>, heard: Phase) -> Phase {
    phase
        .wait_for(|now| *now > heard)
        .await
        .map_or(Phase::Stopped, |now| *now)
}
