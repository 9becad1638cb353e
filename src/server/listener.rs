//! Accepts connections: no more than there are slots, and without spinning when the system has none to give.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;

use super::shutdown::{Phase, reached};
use super::slots::{Slot, Slots};
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

/// Hands each connection, with its slot, to `serve`, until the server has come to `end`. The last ones are those that wait
/// in the kernel's queue by then: as far as their clients know they are connected, and closing the socket would reset
/// them. No more come after them, so they need no free slot.
pub(super) async fn accept(
    listener: TcpListener,
    slots: Arc<Slots>,
    metrics: &Metrics,
    phase: &mut watch::Receiver<Phase>,
    end: Phase,
    mut serve: impl FnMut(TcpStream, Slot),
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
            Ok((stream, _peer)) => {
                pause = FIRST_PAUSE;
                let slot = tokio::select! {
                    biased;
                    slot = slots.take() => slot,
                    () = reached(phase, end) => slots.take_beyond(),
                };
                serve(stream, slot);
            }
            // The client hung up while it waited: its own affair.
            Err(error) if is_of_the_client(&error) => {}
            Err(error) => {
                metrics.accept_failed();
                // There may be too few file descriptors for all slots.
                slots.make_room();
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
    while let Ok((stream, _peer)) = listener.accept() {
        if let Ok(()) = stream.set_nonblocking(true)
            && let Ok(stream) = TcpStream::from_std(stream)
        {
            serve(stream, slots.take_beyond());
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
