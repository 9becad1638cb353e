//! The webhook's server: TLS for reviews on one port, plain HTTP for probes and metrics on another.
//!
//! [`Server::bind`] opens both sockets, [`Server::run`] serves until it is told to stop and then drains. What a review
//! means is the [`Reviewer`]'s; this module knows only its bytes.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio_util::task::TaskTracker;

use crate::admission::{Answer, Endpoint, Gate};
use crate::metrics::{Metrics, Port};
use crate::reload::{self, Follower};

mod admin;
mod body;
mod connection;
mod evaluate;
mod lanes;
mod limits;
mod linger;
mod listener;
mod pair;
mod peer;
mod rotate;
mod routes;
mod shared;
mod shutdown;
mod slots;
mod spare;
mod tls;
mod trust;
mod words;

pub mod duration;

pub use limits::Limits;
pub use listener::BindError;
pub use pair::{Pair, PairBytes, PairError, PairFiles, unix_now};
pub use shutdown::Signals;
pub use tls::CertificateStore;
pub use trust::{Refusal, Trust};

pub use shared::Reviewer;
use shared::Shared;
use shutdown::Phase;
use slots::Slots;
use words::duration_words;

impl Reviewer for Gate {
    fn answer(&self, endpoint: Endpoint, body: &[u8]) -> Answer {
        Gate::answer(self, endpoint, body, jiff::Timestamp::now())
    }

    fn summary(&self) -> String {
        Gate::summary(self)
    }

    fn known(&self) -> Option<String> {
        Gate::known(self, jiff::Timestamp::now())
    }

    fn notices(&self) -> Arc<Vec<String>> {
        Gate::notices(self)
    }
}

/// Where the server's certificate comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateSource {
    /// Made at the start, for this machine alone.
    InMemory,
    /// Files that someone else keeps; followed when they change.
    Files {
        /// Both files.
        files: PairFiles,
        /// Where they cannot be served at the start: wait until they can, not ready, instead of refusing to start.
        wait: bool,
    },
    /// Someone in this process, who swaps it into [`Server::certificates`]; until then the server is not ready.
    Handed,
}

/// What a server is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where reviews are taken.
    pub bind: SocketAddr,
    /// Where probes and scrapers are answered.
    pub metrics_bind: SocketAddr,
    /// The certificate.
    pub certificate: CertificateSource,
    /// Between "not ready" and the last accepted connection: the time in which a cluster's load balancers hear of it.
    pub drain_delay: Duration,
    /// All other bounds.
    pub limits: Limits,
}

/// Why a server could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A socket.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The certificate.
    #[error(transparent)]
    Pair(#[from] PairError),
    /// The TLS library.
    #[error("configuring TLS")]
    Tls(#[from] rustls::Error),
    /// The operating system would not tell the address of a socket.
    #[error("reading the address of a socket")]
    Address(#[source] std::io::Error),
}

/// A server with both sockets open, so that no client is refused between [`Server::bind`] and [`Server::run`].
pub struct Server {
    webhook: TcpListener,
    admin: TcpListener,
    addresses: [SocketAddr; 2],
    tls: Arc<rustls::ServerConfig>,
    rotation: Option<Follower<rotate::Rotation>>,
    shared: Arc<Shared>,
    drain_delay: Duration,
}

impl fmt::Debug for Server {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Server")
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// Loads the certificate and opens both sockets.
    pub async fn bind(
        options: Options,
        reviewer: Arc<dyn Reviewer>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, StartError> {
        let (rotation, certificates) = match options.certificate {
            CertificateSource::InMemory => (None, Arc::new(CertificateStore::new(Pair::in_memory()?))),
            CertificateSource::Handed => (None, Arc::new(CertificateStore::empty())),
            CertificateSource::Files { files, wait } => {
                let (rotation, store) = rotate::Rotation::start(files, wait, Arc::clone(&metrics))?;
                (Some(rotation), store)
            }
        };
        if let Some(pair) = certificates.current() {
            metrics.certificate(pair.not_before, pair.not_after);
        }
        let webhook = listener::bind(options.bind, "--bind", "RAYGATE_BIND")?;
        let admin = listener::bind(options.metrics_bind, "--metrics-bind", "RAYGATE_METRICS_BIND")?;
        let address = |socket: &TcpListener| socket.local_addr().map_err(StartError::Address);
        let addresses = [address(&webhook)?, address(&admin)?];
        let tls = tls::config(Arc::clone(&certificates))?;
        let shared = Arc::new(Shared::new(reviewer, metrics, certificates, options.limits));
        Ok(Self {
            webhook,
            admin,
            addresses,
            tls,
            rotation,
            shared,
            drain_delay: options.drain_delay,
        })
    }

    /// Where reviews are taken; the real port where 0 was asked for.
    pub fn webhook_address(&self) -> SocketAddr {
        let [webhook, _] = self.addresses;
        webhook
    }

    /// Where probes and scrapers are answered.
    pub fn metrics_address(&self) -> SocketAddr {
        let [_, metrics] = self.addresses;
        metrics
    }

    /// The certificate in use, to look at or to replace.
    pub fn certificates(&self) -> Arc<CertificateStore> {
        Arc::clone(&self.shared.certificates)
    }

    /// Serves until `stop` is done, then drains: not ready at once, no new connection after the drain delay, requests
    /// in flight finished within [`Limits::drain`].
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let (phase, heard) = watch::channel(Phase::Serving);
        let admin = run_admin(self.admin, Arc::clone(&self.shared), heard.clone());
        if let Err(error) = &admin {
            tracing::error!(%error, "the thread for probes cannot be started");
        }
        let rotation = self
            .rotation
            .map(|rotation| tokio::spawn(reload::follow(rotation, self.shared.limits.poll)));
        let tracker = TaskTracker::new();
        let connections = connection::Connections {
            router: routes::router(Arc::clone(&self.shared)),
            acceptor: self.tls.into(),
            phase: heard,
            shared: Arc::clone(&self.shared),
        };
        let webhook = tokio::spawn(run_webhook(self.webhook, connections, tracker.clone()));
        let [webhook_address, metrics_address] = self.addresses;
        tracing::info!(webhook = %webhook_address, metrics = %metrics_address, "serving");

        stop.await;
        tracing::info!(
            seconds = self.drain_delay.as_secs_f64(),
            "draining: not ready, still serving"
        );
        phase.send_replace(Phase::Draining);
        tokio::time::sleep(self.drain_delay).await;
        phase.send_replace(Phase::Closing);
        if let Some(rotation) = rotation {
            rotation.abort();
        }
        let _ = webhook.await;
        tracker.close();
        let drained = tokio::time::timeout(self.shared.limits.drain, tracker.wait())
            .await
            .is_ok();
        if !drained {
            tracing::warn!(
                connections = tracker.len(),
                "connections did not end in time and are cut"
            );
        }
        phase.send_replace(Phase::Stopped);
        if let Ok(end) = admin {
            let _ = end.await;
        }
        tracing::info!("stopped");
    }
}

async fn run_webhook(listener: TcpListener, connections: connection::Connections, tracker: TaskTracker) {
    let mut phase = connections.phase.clone();
    let shared = Arc::clone(&connections.shared);
    let limits = &shared.limits;
    let slots = Slots::new(
        Port::Webhook,
        limits.connections,
        limits.grace,
        limits.rest,
        Arc::clone(&shared.metrics),
    );
    listener::accept(
        listener,
        slots,
        &shared.metrics,
        &mut phase,
        Phase::Closing,
        |stream, slot| {
            let connections = connections.clone();
            tracker.spawn(async move {
                connections.serve(stream, &slot).await;
            });
        },
    )
    .await;
}

/// Answers probes and scrapers on a thread of their own, where no review can be in their way, to the very end, so that a
/// drain can be watched. The receiver hears of the end.
fn run_admin(
    listener: TcpListener,
    shared: Arc<Shared>,
    phase: watch::Receiver<Phase>,
) -> std::io::Result<oneshot::Receiver<()>> {
    let listener = listener.into_std()?;
    let (ended, end) = oneshot::channel();
    std::thread::Builder::new()
        .name("raygate-probes".to_owned())
        .spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let served = runtime.and_then(|runtime| {
                runtime.block_on(async {
                    accept_probes(TcpListener::from_std(listener)?, shared, phase).await;
                    Ok(())
                })
            });
            if let Err(error) = served {
                tracing::error!(%error, "the port for probes cannot be served");
            }
            let _ = ended.send(());
        })?;
    Ok(end)
}

async fn accept_probes(listener: TcpListener, shared: Arc<Shared>, mut phase: watch::Receiver<Phase>) {
    let limits = &shared.limits;
    let slots = Slots::new(
        Port::Metrics,
        limits.admin_connections,
        limits.grace,
        limits.grace,
        Arc::clone(&shared.metrics),
    );
    let stopped = phase.clone();
    listener::accept(
        listener,
        slots,
        &shared.metrics,
        &mut phase,
        Phase::Stopped,
        |stream, slot| {
            let (shared, stopped) = (Arc::clone(&shared), stopped.clone());
            tokio::spawn(async move {
                admin::serve(stream, &slot, shared, stopped).await;
            });
        },
    )
    .await;
}

/// A server's inside without its sockets.
#[cfg(test)]
fn test_shared(reviewer: Arc<dyn Reviewer>) -> Arc<Shared> {
    let limits = Limits::default();
    Arc::new(Shared::new(
        reviewer,
        Arc::new(Metrics::new()),
        Arc::new(CertificateStore::new(Pair::in_memory().unwrap())),
        limits,
    ))
}
