//! What a Service does: gives each new connection to one of the backends that are ready.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::gate::http_get;

/// Where a backend takes connections, and where it says whether it is ready.
#[derive(Clone, Debug)]
pub(crate) struct Backend {
    pub(crate) webhook: String,
    pub(crate) metrics: String,
}

struct Shared {
    backends: Mutex<Vec<Backend>>,
    next: AtomicUsize,
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
            next: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
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
        *self.shared.backends.lock().unwrap_or_else(PoisonError::into_inner) = backends;
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

    /// The next backend in turn that is ready. Without any, the client is hung up on.
    fn connect(&self) -> Option<TcpStream> {
        let backends = self.backends.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let turn = self.next.fetch_add(1, Ordering::SeqCst);
        let in_turn = backends
            .iter()
            .cycle()
            .skip(turn % backends.len().max(1))
            .take(backends.len());
        in_turn
            .filter(|backend| is_ready(&backend.metrics))
            .find_map(|backend| TcpStream::connect(&backend.webhook).ok())
    }
}

pub(crate) fn is_ready(metrics: &str) -> bool {
    http_get(metrics, "/readyz").is_ok_and(|answer| answer.starts_with("HTTP/1.1 200 "))
}

/// Both directions, until both have ended.
fn forward(client: &TcpStream, server: &TcpStream) -> io::Result<()> {
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
