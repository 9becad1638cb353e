//! A server in this process, and the reviewers that it is given.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use raygate::admission::{Answer, Endpoint, Record};
use raygate::metrics::Metrics;
use raygate::server::{CertificateSource, CertificateStore, Limits, Options, Reviewer, Server};
use rustls::RootCertStore;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::client::get;

/// Long enough for the slowest machine, short enough for a test that hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A server that runs until it is told to stop.
pub(crate) struct Running {
    pub(crate) webhook: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) certificates: Arc<CertificateStore>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

/// Limits for a test: the real ones, but for a short end.
pub(crate) fn limits() -> Limits {
    Limits {
        linger: Duration::from_millis(500),
        ..Limits::default()
    }
}

/// Starts a server on two free ports.
pub(crate) async fn start(reviewer: impl Reviewer, limits: Limits) -> Running {
    start_with(reviewer, limits, CertificateSource::InMemory, Duration::ZERO).await
}

/// Starts a server on two free ports, with its certificate and drain delay.
pub(crate) async fn start_with(
    reviewer: impl Reviewer,
    limits: Limits,
    certificate: CertificateSource,
    drain_delay: Duration,
) -> Running {
    start_shared(
        Arc::new(reviewer),
        Arc::new(Metrics::new()),
        limits,
        certificate,
        drain_delay,
    )
    .await
}

/// Starts a server whose reviewer and metrics the test holds too.
pub(crate) async fn start_shared(
    reviewer: Arc<dyn Reviewer>,
    metrics: Arc<Metrics>,
    limits: Limits,
    certificate: CertificateSource,
    drain_delay: Duration,
) -> Running {
    let options = Options {
        certificate,
        drain_delay,
        ..options(limits)
    };
    start_from(options, reviewer, metrics).await
}

/// Options for two free ports, with a certificate made in memory.
pub(crate) fn options(limits: Limits) -> Options {
    let any = "127.0.0.1:0".parse().unwrap();
    Options {
        bind: any,
        metrics_bind: any,
        certificate: CertificateSource::InMemory,
        clients: None,
        drain_delay: Duration::ZERO,
        limits,
    }
}

/// Starts a server.
pub(crate) async fn start_from(options: Options, reviewer: Arc<dyn Reviewer>, metrics: Arc<Metrics>) -> Running {
    let server = Server::bind(options, reviewer, metrics).await.unwrap();
    let (webhook, admin) = (server.webhook_address(), server.metrics_address());
    let certificates = server.certificates();
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(server.run(async {
        let _ = stopped.await;
    }));
    Running {
        webhook,
        admin,
        certificates,
        stop: Some(stop),
        task,
    }
}

impl Running {
    /// What the clients of this server trust.
    pub(crate) fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots
            .add(self.certificates.current().unwrap().chain()[0].clone())
            .unwrap();
        roots
    }

    /// The metrics as they are scraped.
    pub(crate) async fn metrics(&self) -> String {
        get(self.admin, "/metrics").await.body_text()
    }

    /// Waits until the metrics hold this line.
    pub(crate) async fn until_metric(&self, line: &str) {
        eventually(line, async || self.metrics().await.lines().any(|held| held == line)).await;
    }

    /// Begins the end, as a signal would.
    pub(crate) fn stop(&mut self) {
        let _ = self.stop.take().unwrap().send(());
    }

    /// Waits for the end.
    pub(crate) async fn stopped(self) {
        within(self.task).await.unwrap();
    }

    /// Whether the end has come.
    pub(crate) fn is_stopped(&self) -> bool {
        self.task.is_finished()
    }
}

/// Waits for a condition, and fails with its name.
pub(crate) async fn eventually(name: &str, condition: impl AsyncFn() -> bool) {
    let give_up = tokio::time::Instant::now() + PATIENCE;
    while !condition().await {
        assert!(tokio::time::Instant::now() < give_up, "never came: {name}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Fails instead of hanging.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("hangs")
}

fn allowed(body: Vec<u8>) -> Answer {
    Answer {
        status: 200,
        body,
        record: Record {
            verdict: "allowed",
            ..Record::default()
        },
    }
}

/// Answers with the number of bytes it was given; panics on a body that holds the word `panic`.
pub(crate) struct Counting;

impl Reviewer for Counting {
    fn answer(&self, _endpoint: Endpoint, body: &[u8]) -> Answer {
        assert!(!body.windows(5).any(|word| word == b"panic"), "as asked");
        allowed(body.len().to_string().into_bytes())
    }

    fn summary(&self) -> String {
        "counting".to_owned()
    }
}

/// Says that it has begun, and ends when it is told to.
pub(crate) struct Held {
    begun: Mutex<Sender<()>>,
    go_on: Mutex<Receiver<()>>,
}

/// The other side of [`Held`].
pub(crate) struct Holder {
    begun: Option<Receiver<()>>,
    go_on: Sender<()>,
}

/// A reviewer that is held, and who holds it.
pub(crate) fn held() -> (Held, Holder) {
    let (begun, has_begun) = channel();
    let (go_on, may_go_on) = channel();
    (
        Held {
            begun: Mutex::new(begun),
            go_on: Mutex::new(may_go_on),
        },
        Holder {
            begun: Some(has_begun),
            go_on,
        },
    )
}

impl Reviewer for Held {
    fn answer(&self, _endpoint: Endpoint, body: &[u8]) -> Answer {
        let _ = self.begun.lock().unwrap_or_else(PoisonError::into_inner).send(());
        let _ = self
            .go_on
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv_timeout(PATIENCE);
        allowed(body.len().to_string().into_bytes())
    }

    fn summary(&self) -> String {
        "held".to_owned()
    }
}

impl Holder {
    /// Waits until an evaluation has begun.
    pub(crate) async fn begun(&mut self) {
        let begun = self.begun.take().unwrap();
        let waited = tokio::task::spawn_blocking(move || {
            begun.recv_timeout(PATIENCE).expect("no evaluation began");
            begun
        });
        self.begun = Some(waited.await.unwrap());
    }

    /// Lets one evaluation end.
    pub(crate) fn go_on(&self) {
        let _ = self.go_on.send(());
    }
}
