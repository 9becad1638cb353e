//! Accepts connections: no more than there are places, and without spinning when the system has none to give.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

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

/// Opens the socket that `flag` and `variable` name.
pub(super) async fn bind(
    address: SocketAddr,
    flag: &'static str,
    variable: &'static str,
) -> Result<TcpListener, BindError> {
    TcpListener::bind(address).await.map_err(|source| BindError {
        address,
        flag,
        variable,
        source,
    })
}

/// Hands each connection, with its place and its number, to `serve`, until the server has come to `end`. The last ones are
/// those that wait in the kernel's queue by then: as far as their clients know they are connected, and closing the socket
/// would reset them. No more come after them, so they need no free place.
pub(super) async fn accept(
    listener: TcpListener,
    places: usize,
    metrics: &Metrics,
    phase: &mut watch::Receiver<Phase>,
    end: Phase,
    mut serve: impl FnMut(TcpStream, OwnedSemaphorePermit, u64),
) {
    let places = Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS)));
    let log = RateLimit::new(Duration::from_secs(10));
    let mut pause = FIRST_PAUSE;
    let mut nth = 0;
    loop {
        let accepted = tokio::select! {
            biased;
            () = reached(phase, end) => break,
            accepted = next(&listener, &places) => accepted,
        };
        match accepted {
            Ok((stream, place)) => {
                pause = FIRST_PAUSE;
                serve(stream, place, nth);
                nth += 1;
            }
            // The client hung up while it waited: its own affair.
            Err(error) if is_of_the_client(&error) => {}
            Err(error) => {
                metrics.accept_failed();
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
        let place = Arc::new(Semaphore::new(1)).try_acquire_owned();
        if let (Ok(()), Ok(place)) = (stream.set_nonblocking(true), place)
            && let Ok(stream) = TcpStream::from_std(stream)
        {
            serve(stream, place, nth);
            nth += 1;
        }
    }
}

/// Takes the place first: the connection that has none stays in the kernel's queue.
async fn next(listener: &TcpListener, places: &Arc<Semaphore>) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _peer) = listener.accept().await?;
    Ok((stream, place))
}

fn is_of_the_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted
    )
}
