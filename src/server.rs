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
use tokio::task::JoinSet;
use tokio_util::task::TaskTracker;

use crate::admission::{Answer, Endpoint, Gate};
use crate::metrics::Metrics;
use crate::reload::{self, Follower};

mod admin;
mod body;
mod clients;
mod connection;
mod door;
mod evaluate;
mod fair;
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

pub use clients::{ClientCa, ClientCaError};
pub use limits::Limits;
pub use listener::BindError;
pub use pair::{Pair, PairBytes, PairError, PairFiles, unix_now};
pub use shutdown::Signals;
pub use tls::CertificateStore;
pub use trust::{Refusal, Trust};

use clients::Clients;
use door::Door;
pub use shared::Reviewer;
use shared::Shared;
use shutdown::{Phase, reached};
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

    fn facts_fault(&self) -> Option<String> {
        Gate::facts_fault(self)
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
    /// Who may connect to `bind`; everybody where there is none.
    pub clients: Option<ClientCa>,
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
    /// The CA of the clients.
    #[error(transparent)]
    ClientCa(#[from] ClientCaError),
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
    following: Option<Follower<clients::Following>>,
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
        let (following, clients) = options.clients.map(Clients::start).transpose()?.unzip();
        let tls = tls::config(Arc::clone(&certificates), clients)?;
        let shared = Arc::new(Shared::new(reviewer, metrics, certificates, options.limits));
        Ok(Self {
            webhook,
            admin,
            addresses,
            tls,
            rotation,
            following,
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
        let admin = serve_admin(self.admin, Arc::clone(&self.shared), heard.clone());
        let poll = self.shared.limits.poll;
        let mut followers = JoinSet::new();
        if let Some(rotation) = self.rotation {
            followers.spawn(reload::follow(rotation, poll));
        }
        if let Some(following) = self.following {
            followers.spawn(reload::follow(following, poll));
        }
        let tracker = TaskTracker::new();
        let connections = connection::Connections {
            router: routes::router(Arc::clone(&self.shared)),
            acceptor: self.tls.into(),
            phase: heard,
            shared: Arc::clone(&self.shared),
        };
        let accepted = accept_reviews(self.webhook, connections, tracker.clone());
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
        followers.abort_all();
        let _ = accepted.await;
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
        let _ = admin.await;
        tracing::info!("stopped");
    }
}

/// Accepts connections on a thread of their own, where no handshake is in their way. Once a connection has a slot, it is
/// served where this is called. The receiver hears when all are accepted.
fn accept_reviews(
    listener: TcpListener,
    connections: connection::Connections,
    tracker: TaskTracker,
) -> oneshot::Receiver<()> {
    let (accepted, all_accepted) = oneshot::channel();
    let workers = tokio::runtime::Handle::current();
    on_a_thread("raygate-accept", listener, async move |listener| {
        let shared = Arc::clone(&connections.shared);
        let mut phase = connections.phase.clone();
        let door = Door::new(&shared.limits, &shared.metrics);
        let end = (&mut phase, Phase::Closing);
        listener::accept(
            listener,
            &shared.metrics,
            end,
            || door.make_room(),
            |stream, peer| {
                let Ok(guest) = door.enter(stream, peer) else { return };
                let (connections, workers, among) = (connections.clone(), workers.clone(), tracker.clone());
                tokio::spawn(tracker.track_future(async move {
                    if let Some(seated) = connections.seat(guest).await {
                        among.spawn_on(connections.serve(seated), &workers);
                    }
                }));
            },
        )
        .await;
        let _ = accepted.send(());
        // Some may still wait for a slot.
        reached(&mut phase, Phase::Stopped).await;
    });
    all_accepted
}

/// Answers probes and scrapers on a thread of their own, where no review can be in their way, to the very end, so that a
/// drain can be watched. The receiver hears of the end.
fn serve_admin(listener: TcpListener, shared: Arc<Shared>, mut phase: watch::Receiver<Phase>) -> oneshot::Receiver<()> {
    let (ended, end) = oneshot::channel();
    on_a_thread("raygate-probes", listener, async move |listener| {
        let probes = admin::Probes::new(&shared);
        let stopped = phase.clone();
        let end = (&mut phase, Phase::Stopped);
        listener::accept(
            listener,
            &shared.metrics,
            end,
            || probes.make_room(),
            |stream, peer| {
                tokio::spawn(probes.serve(stream, peer, &shared, &stopped));
            },
        )
        .await;
        let _ = ended.send(());
    });
    end
}

/// Runs `serve` on a thread with this name.
fn on_a_thread<F>(name: &'static str, listener: TcpListener, serve: F)
where
    F: AsyncFnOnce(TcpListener) + Send + 'static,
{
    let start = || {
        let listener = listener.into_std()?;
        std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let served = runtime.and_then(|runtime| {
                runtime.block_on(async {
                    serve(TcpListener::from_std(listener)?).await;
                    Ok(())
                })
            });
            if let Err(error) = served {
                tracing::error!(%error, thread = name, "a port cannot be served");
            }
        })
    };
    if let Err(error) = start() {
        tracing::error!(%error, thread = name, "a thread cannot be started");
    }
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
