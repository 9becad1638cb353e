//! Connections that are opened before they are needed.
//!
//! Go's HTTP client, and so the API server, dials while all its connections are busy, and takes whichever is free first: the
//! new one may then wait for its first request as long as a used one waits for its next. A server that cuts it meanwhile for
//! its silence may cut a request that is on its way, and the API server does not send a review twice.

use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_rustls::server::TlsStream;

use super::Shared;
use super::shutdown::{Phase, reached};
use super::slots::Slot;

/// Waits for the first byte after the handshake; `false` where the connection's time is over without one. It has as long
/// as an idle connection, but while more than half of all slots are taken only as long as a header.
pub(super) async fn first_byte(
    stream: &mut TlsStream<TcpStream>,
    slot: &Slot,
    shared: &Shared,
    phase: &mut watch::Receiver<Phase>,
) -> bool {
    let opened = Instant::now();
    let limits = &shared.limits;
    let (socket, tls) = stream.get_mut();
    // It may have come together with the end of the handshake.
    if tls
        .process_new_packets()
        .is_ok_and(|state| state.plaintext_bytes_to_read() > 0)
    {
        return true;
    }
    let over = async {
        loop {
            sleep(limits.header.min(limits.idle)).await;
            if slot.crowded() {
                shared.metrics.slow_client("header");
                return;
            }
            if opened.elapsed() >= limits.idle {
                return;
            }
        }
    };
    // One that was opened just now is likely to be used at once.
    let closing = async {
        reached(phase, Phase::Closing).await;
        sleep_until(opened + limits.linger).await;
    };
    let mut byte = [0];
    tokio::select! {
        biased;
        // Errors and the client's end are for whoever reads on.
        _ = socket.peek(&mut byte) => true,
        () = closing => false,
        () = over => false,
    }
}
