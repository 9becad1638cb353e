//! Accepts connections at once, so that nobody waits in the kernel's queue behind others, and without spinning when the
//! system has none to give.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;

use super::shutdown::{Phase, reached};
use crate::metrics::Metrics;
use crate::telemetry::RateLimit;

const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Which socket could not be opened, and which flag moves it.
#[derive(Debug, thiserror::Error)]
#[error("listening on {address}, which {flag} or {variable} changes (port 0 takes any that is free)")]
pub struct BindError {
    address: SocketAddr,
    flag: &'static str,
    variable: &'static str,
    source: io::Error,
}

/// Connections that wait to be accepted, at most. Linux allows 4096 (`net.core.somaxconn`).
const BACKLOG: u32 = 4096;

/// Opens the socket that `flag` and `variable` name.
pub(super) fn bind(address: SocketAddr, flag: &'static str, variable: &'static str) -> Result<TcpListener, BindError> {
    let open = || {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()
        } else {
            TcpSocket::new_v6()
        }?;
        // A restart need not wait until the connections of the former process are forgotten.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    open().map_err(|source| BindError {
        address,
        flag,
        variable,
        source,
    })
}

/// Hands each connection to `serve`, until the server has come to `end`. The last ones are those that wait in the kernel's
/// queue by then: as far as their clients know they are connected, and closing the socket would reset them. `make_room`
/// closes one where the system has no more to give.
pub(super) async fn accept(
    listener: TcpListener,
    metrics: &Metrics,
    (phase, end): (&mut watch::Receiver<Phase>, Phase),
    make_room: impl Fn(),
    mut serve: impl FnMut(TcpStream, SocketAddr),
) {
    let log = RateLimit::new(Duration::from_secs(10));
    let mut pause = FIRST_PAUSE;
    loop {
        let accepted = tokio::select! {
            biased;
            () = reached(phase, end) => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                pause = FIRST_PAUSE;
                serve(stream, peer);
            }
            // The client hung up while it waited: its own affair.
            Err(error) if is_of_the_client(&error) => {}
            Err(error) => {
                metrics.accept_failed();
                // There may be too few file descriptors.
                make_room();
                if log.pass() {
                    tracing::error!(%error, "accepting a connection failed, trying again");
                }
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = reached(phase, end) => break,
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
    let Ok(listener) = listener.into_std() else { return };
    while let Ok((stream, peer)) = listener.accept() {
        if let Ok(()) = stream.set_nonblocking(true)
            && let Ok(stream) = TcpStream::from_std(stream)
        {
            serve(stream, peer);
        }
    }
}

fn is_of_the_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted
    )
}
