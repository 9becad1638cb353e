//! What a Service does: gives each new connection to one of the backends that were ready when it last heard of them.
//!
//! One thing is kinder than kube-proxy: where a backend refuses a connection, the next one is tried.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::http;
use crate::process::wait_for;

/// How often it hears of the backends: as in a cluster, it goes on sending to one that has just begun to drain.
const NEWS: Duration = Duration::from_millis(200);

/// Where a backend takes connections, and where it says whether it is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Backend {
    pub(crate) webhook: String,
    pub(crate) metrics: String,
}

struct Shared {
    backends: Mutex<Vec<Backend>>,
    ready: Mutex<Vec<Backend>>,
    next: AtomicUsize,
    late: AtomicUsize,
    stopped: AtomicBool,
}

/// A balancer on a loopback port, gone when dropped.
pub(crate) struct Balancer {
    shared: Arc<Shared>,
    address: SocketAddr,
}

impl Balancer {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind a loopback port");
        let address = listener.local_addr().expect("a bound port");
        let shared = Arc::new(Shared {
            backends: Mutex::default(),
            ready: Mutex::default(),
            next: AtomicUsize::new(0),
            late: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
        });
        let hearing = Arc::clone(&shared);
        thread::spawn(move || {
            while !hearing.stopped.load(Ordering::SeqCst) {
                hearing.hear();
                thread::sleep(NEWS);
            }
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if accepting.stopped.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&accepting);
                thread::spawn(move || shared.serve(client));
            }
        });
        Self { shared, address }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn set_backends(&self, backends: Vec<Backend>) {
        *lock(&self.shared.backends) = backends;
    }

    /// Waits until it has heard that this backend is ready.
    pub(crate) fn wait_heard(&self, backend: &Backend) {
        wait_for("the balancer to hear of a backend", || {
            let ready = lock(&self.shared.ready);
            if ready.contains(backend) {
                Ok(())
            } else {
                Err(format!("{ready:?}"))
            }
        });
    }

    /// How many connections went to a backend that was no longer ready.
    pub(crate) fn late_connections(&self) -> usize {
        self.shared.late.load(Ordering::SeqCst)
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for a client.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn serve(&self, client: TcpStream) {
        if let Some(server) = self.connect() {
            let _ = forward(&client, &server);
        }
    }

    fn hear(&self) {
        let mut backends = lock(&self.backends).clone();
        backends.retain(|backend| is_ready(&backend.metrics));
        *lock(&self.ready) = backends;
    }

    /// The next backend in turn. Without any, the client is hung up on.
    fn connect(&self) -> Option<TcpStream> {
        let ready = lock(&self.ready).clone();
        let turn = self.next.fetch_add(1, Ordering::SeqCst);
        let mut in_turn = ready.iter().cycle().skip(turn % ready.len().max(1)).take(ready.len());
        let (backend, stream) =
            in_turn.find_map(|backend| Some((backend, TcpStream::connect(&backend.webhook).ok()?)))?;
        if !is_ready(&backend.metrics) {
            self.late.fetch_add(1, Ordering::SeqCst);
        }
        Some(stream)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn is_ready(metrics: &str) -> bool {
    http::get(metrics, "/readyz").is_ok_and(|answer| answer.starts_with("HTTP/1.1 200 "))
}

/// Both directions, until both have ended.
fn forward(client: &TcpStream, server: &TcpStream) -> io::Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    let upstream = thread::spawn(move || {
        let _ = io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Write);
    });
    let (mut from_server, mut to_client) = (server.try_clone()?, client.try_clone()?);
    let _ = io::copy(&mut from_server, &mut to_client);
    let _ = to_client.shutdown(Shutdown::Both);
    let _ = upstream.join();
    Ok(())
}
