//! Peers that hold as many connections as they can, while an honest client with another address asks.
//!
//! In CI there are a few more of them than there are places. `cargo test --test hostile -- --ignored hogs` has 11,000
//! and 6,000.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rustls::pki_types::ServerName;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsConnector;

use crate::binary::{Raygate, create, head};
use crate::process::wait_for;

const MIB: u64 = 1 << 20;

/// What a hog does with its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// It sends nothing.
    Silent,
    /// It makes a handshake, and sends nothing more.
    Handshake,
    /// It sends what is no review.
    NoReview,
    /// It sends a review, and keeps the connection.
    Review,
    /// It sends the beginning of a request to the port for probes.
    HalfProbe,
}

/// Hogs at work, until this is dropped.
struct Hogs {
    at_work: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    runtime: Option<Runtime>,
}

impl Hogs {
    /// So many, from these addresses in turn.
    fn start(raygate: &Raygate, count: usize, addresses: &[Ipv4Addr], way: Way) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let (at_work, stop) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let connector = TlsConnector::from(Arc::new(raygate.tls()));
        let to = match way {
            Way::HalfProbe => raygate.admin,
            _ => raygate.webhook,
        };
        for nth in 0..count {
            let address = addresses[nth % addresses.len()];
            let (at_work, stop, connector) = (Arc::clone(&at_work), Arc::clone(&stop), connector.clone());
            runtime.spawn(async move {
                let mut is_first = true;
                while !stop.load(Ordering::Relaxed) {
                    let held = hold(address.into(), to, way, &connector, || {
                        if std::mem::take(&mut is_first) {
                            at_work.fetch_add(1, Ordering::Relaxed);
                        }
                    });
                    // It comes again as soon as it is cut.
                    if held.await.is_err() {
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                }
            });
        }
        Self {
            at_work,
            stop,
            runtime: Some(runtime),
        }
    }

    /// Waits until so many have had a connection.
    fn wait_for(&self, count: usize) {
        wait_for("the hogs to be at work", || {
            match self.at_work.load(Ordering::Relaxed) {
                at_work if at_work >= count => Ok(()),
                at_work => Err(at_work),
            }
        });
    }
}

impl Drop for Hogs {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Holds one connection until the server cuts it.
async fn hold(
    from: IpAddr,
    to: SocketAddr,
    way: Way,
    connector: &TlsConnector,
    mut is_at_work: impl FnMut(),
) -> std::io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(from, 0))?;
    let mut stream = socket.connect(to).await?;
    match way {
        Way::Silent => {}
        Way::HalfProbe => stream.write_all(b"GET /met").await?,
        Way::Handshake | Way::NoReview | Way::Review => {
            let mut stream = tls(stream, connector).await?;
            let review = create(&json!({"kind": "RayJob", "metadata": {"name": "a"}, "spec": {}}));
            let request = match way {
                Way::NoReview => b"GET / HTTP/1.1\r\nhost: a\r\n\r\n".to_vec(),
                Way::Review => {
                    let head = head("POST", "/validate", &format!("content-length: {}\r\n", review.len()));
                    [head.into_bytes(), review].concat()
                }
                _ => Vec::new(),
            };
            stream.write_all(&request).await?;
            stream.flush().await?;
            is_at_work();
            while stream.read(&mut [0; 4096]).await? > 0 {}
            return Ok(());
        }
    }
    is_at_work();
    while stream.read(&mut [0; 4096]).await? > 0 {}
    Ok(())
}

async fn tls(
    stream: TcpStream,
    connector: &TlsConnector,
) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let name = ServerName::try_from("127.0.0.1").expect("a name");
    connector.connect(name, stream).await
}

/// Each review of an honest client over a connection of its own, and each probe, is answered.
fn honest_peers_are_answered(count: usize, at_work: usize, addresses: u8, ways: &[Way]) {
    for way in ways {
        let raygate = Raygate::start();
        // No test uses these addresses of this machine.
        let addresses: Vec<Ipv4Addr> = (1..=addresses).map(|nth| Ipv4Addr::new(127, 0, 1, nth)).collect();
        let hogs = Hogs::start(&raygate, count, &addresses, *way);
        hogs.wait_for(at_work);
        let port = if *way == Way::HalfProbe { "metrics" } else { "webhook" };
        let evicted = wait_for("the port to be full", || {
            match raygate.metric(&format!(r#"raygate_evicted_connections_total{{port="{port}"}}"#)) {
                0.0 => Err("it is not"),
                evicted => Ok(evicted),
            }
        });
        for _ in 0..10 {
            raygate.assert_serving();
            assert_eq!(raygate.probe("/readyz").status, 200);
        }
        let peak = raygate.peak();
        println!("{way:?}: {evicted} evicted, the peak is {} MiB", peak / MIB);
        assert!(raygate.server.log().contains("no room for a new connection"), "{way:?}");
        assert!(peak < 200 * MIB, "{way:?}: the peak is {} MiB", peak / MIB);
        drop(hogs);
    }
}

/// A connection over which reviews came keeps its slot beside hogs that share its address, such as pods with `hostNetwork` on
/// the node of an API server.
fn a_used_connection_is_kept(count: usize, at_work: usize) {
    let review = create(&crate::jobs::seed(1));
    for way in [Way::Silent, Way::Handshake, Way::NoReview] {
        let raygate = Raygate::start();
        let mut used = raygate.connect();
        assert_eq!(used.post("/mutate", &review).status, 200);
        let hogs = Hogs::start(&raygate, count, &[Ipv4Addr::LOCALHOST], way);
        hogs.wait_for(at_work);
        let evicted = || raygate.metric("raygate_evicted_connections_total");
        for _ in 0..5 {
            // As many as there are slots, so that each stranger has been replaced.
            let before = evicted();
            wait_for("the port to change hands", || match evicted() {
                evicted if way == Way::Silent || evicted >= before + 320.0 => Ok(()),
                evicted => Err(evicted),
            });
            assert_eq!(used.post("/mutate", &review).status, 200, "{way:?}");
        }
        drop(hogs);
    }
}

#[test]
fn a_used_connection_outlives_hogs_of_its_own_address() {
    a_used_connection_is_kept(450, 320);
}

#[test]
fn more_hogs_than_places() {
    let ways = [Way::Handshake, Way::NoReview, Way::Review];
    honest_peers_are_answered(450, 320, 3, &ways);
}

#[test]
fn more_silent_hogs_than_places() {
    honest_peers_are_answered(2_600, 2_048, 3, &[Way::Silent]);
}

#[test]
fn more_hogs_of_the_port_for_probes_than_places() {
    honest_peers_are_answered(4_500, 4_096, 3, &[Way::HalfProbe]);
}

#[test]
#[ignore = "takes minutes and 11,000 file descriptors"]
fn hogs_at_full_size() {
    let ways = [Way::Silent, Way::Handshake, Way::NoReview, Way::Review];
    for addresses in [1, 8] {
        honest_peers_are_answered(11_000, 600, addresses, &ways);
        honest_peers_are_answered(6_000, 4_096, addresses, &[Way::HalfProbe]);
    }
    a_used_connection_is_kept(11_000, 600);
}
