//! Every bound of the server in one place, with its unit and its reason.

use std::time::Duration;

/// The bounds that keep one client from harming another, and a crowd from harming the process.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections to the webhook port that are served at a time. An API server needs a few.
    pub connections: usize,
    /// Connections to the metrics port that wait at a time for their request. They cost a socket and 2 KiB.
    pub admin_waiting: usize,
    /// Connections to the metrics port that are answered at a time: a few probes and scrapers. Each carries one request.
    pub admin_connections: usize,
    /// Connections to the webhook port that wait at a time for their first byte or for a slot. They cost a socket and 2 KiB.
    pub waiting: usize,
    /// A connection that has not sent a review keeps its slot at least this long when the webhook port is full, unless its
    /// address has more such connections than that of the new one; see `slots.rs`.
    pub grace: Duration,
    /// A connection that has sent one keeps its slot at least this long after its last review when the port is full, unless
    /// its address has more connections than that of the new one.
    pub rest: Duration,
    /// From a connection to the metrics port to the last byte of its answer.
    pub probe: Duration,
    /// From the accepted connection to its first byte, and from there to the end of its TLS handshake.
    pub handshake: Duration,
    /// From the first byte after the handshake to the end of the first request's header.
    pub header: Duration,
    /// From one answer to the end of the next request's header, over HTTP/1.1, and from the handshake to the first byte
    /// (see `spare.rs`). Longer than the 90 s after which Go's HTTP client, and so the API server, closes an idle
    /// connection itself: a server that closes first can meet a request that is already on its way.
    pub idle: Duration,
    /// From the end of a request's header to the end of its body.
    pub body: Duration,
    /// The largest body, in bytes. An UPDATE carries two objects, and the API server takes up to 3 MiB for one.
    pub body_bytes: usize,
    /// Each connection may hold this much of one body or answer, in bytes, without asking [`Limits::bodies_bytes`]: the
    /// connection limit bounds what these take together.
    pub small_body_bytes: usize,
    /// What all other bodies, and answers that are not yet read, may take together, in bytes.
    pub bodies_bytes: usize,
    /// A review up to this many bytes, and [`Limits::inline_values`], is evaluated where it was read; see `evaluate.rs`.
    pub inline_bytes: usize,
    /// JSON values of such a review at most.
    pub inline_values: usize,
    /// A review up to this many bytes, and [`Limits::ordinary_values`], does not wait behind larger ones.
    pub ordinary_bytes: usize,
    /// JSON values of such a review at most.
    pub ordinary_values: usize,
    /// Evaluations running or waiting at a time in each of the two lanes. Past it the answer is immediate.
    pub in_flight: usize,
    /// From an answer to the moment when its last byte is on its way. A client that does not read is cut.
    pub answer: Duration,
    /// For a request that names no `?timeout=`, and the longest that it may name.
    pub request: Duration,
    /// Request header, in bytes.
    pub header_bytes: usize,
    /// Header fields over HTTP/1.1.
    pub header_fields: usize,
    /// HTTP/1.1 read buffer of a connection, in bytes.
    pub read_buffer_bytes: usize,
    /// Requests at a time over one HTTP/2 connection.
    pub h2_streams: u32,
    /// Bytes of one HTTP/2 body that may wait unread.
    pub h2_stream_window: u32,
    /// Bytes of all bodies of one HTTP/2 connection that may wait unread.
    pub h2_connection_window: u32,
    /// Bytes of one HTTP/2 answer that may wait to be sent, besides the answer itself.
    pub h2_send_buffer: usize,
    /// HTTP/2 streams that the client has reset and that still wait to be looked at; past it the connection
    /// ends. Stops the attack that opens and resets streams as fast as it can (CVE-2023-44487).
    pub h2_pending_resets: usize,
    /// HTTP/2 streams that the server had to reset for the client's mistakes; past it the connection ends.
    pub h2_local_resets: usize,
    /// A silent HTTP/2 connection is pinged this often.
    pub h2_ping: Duration,
    /// A ping without an answer ends the connection after this.
    pub h2_ping_timeout: Duration,
    /// A connection this old is wound up, so that clients find replicas that started later. Each
    /// connection's own age lies within a tenth of it, so that they do not all return at once.
    pub connection_age: Duration,
    /// How long a connection that is being wound up may wait for the request that it answers with
    /// `Connection: close`; after that it is closed even so.
    pub announce: Duration,
    /// What requests in flight are given once their connection, or the server, shuts down.
    pub drain: Duration,
    /// How long a connection that the server has closed waits for the client to close too, so that the client gets to
    /// read the last answer instead of a reset.
    pub linger: Duration,
    /// How often certificate files are looked at.
    pub poll: Duration,
}

/// Together they keep the process below the 256 MiB that the chart gives a pod, even if all of the following are at their
/// most at the same time. Measured with the shipped policies (`tests/hostile/memory.rs`); a review takes up to 6 KiB for
/// each JSON value that it was sent ([`MOST_VALUES`](crate::engine::bound::MOST_VALUES)).
///
/// | what | MiB |
/// |---|---|
/// | the process itself | 24 |
/// | 320 connections: read buffer and free share of 32 KiB each, 24 KiB for TLS | 28 |
/// | 6,144 connections that wait, 128 probes and scrapers that are answered | 17 |
/// | bodies and unread answers beyond the free shares | 20 |
/// | 4 reviews of 1,200 values on workers | 28 |
/// | 1 ordinary review of 3,000 values | 18 |
/// | 1 large review of 20,000 values | 118 |
impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 320,
            admin_waiting: 4096,
            admin_connections: 128,
            waiting: 2048,
            grace: Duration::from_secs(1),
            rest: Duration::from_secs(1),
            probe: Duration::from_secs(10),
            handshake: Duration::from_secs(5),
            header: Duration::from_secs(5),
            idle: Duration::from_secs(120),
            body: Duration::from_secs(5),
            body_bytes: 8 << 20,
            small_body_bytes: 32 << 10,
            bodies_bytes: 20 << 20,
            inline_bytes: 32 << 10,
            inline_values: 1200,
            ordinary_bytes: 256 << 10,
            ordinary_values: 3000,
            in_flight: 16,
            answer: Duration::from_secs(10),
            request: Duration::from_secs(30),
            header_bytes: 16 << 10,
            header_fields: 64,
            read_buffer_bytes: 32 << 10,
            h2_streams: 32,
            h2_stream_window: 64 << 10,
            h2_connection_window: 128 << 10,
            h2_send_buffer: 64 << 10,
            h2_pending_resets: 20,
            h2_local_resets: 64,
            h2_ping: Duration::from_secs(20),
            h2_ping_timeout: Duration::from_secs(10),
            connection_age: Duration::from_secs(300),
            announce: Duration::from_secs(60),
            drain: Duration::from_secs(10),
            linger: Duration::from_secs(1),
            poll: crate::reload::PERIOD,
        }
    }
}

impl Limits {
    /// The most threads that serve connections, and so the most reviews that are evaluated where they are read.
    pub const MOST_WORKERS: usize = 4;

    /// The age of the `nth` connection: within a tenth of [`Limits::connection_age`], spread evenly over any
    /// run of connections (multiples of the golden ratio modulo one), without a source of randomness.
    pub(super) fn age(&self, nth: u64) -> Duration {
        const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
        let spread = u32::try_from(nth.wrapping_mul(GOLDEN) >> 48).unwrap_or(0);
        let tenth = self.connection_age / 10;
        self.connection_age.saturating_sub(tenth) + tenth * 2 * spread / (1 << 16)
    }

    /// What is left of a request's time for raygate, once the way back is paid for: a tenth, at least 50 ms and at
    /// most 500 ms. `asked` is the caller's own timeout.
    pub(super) fn request_time(&self, asked: Option<Duration>) -> Duration {
        let whole = asked.unwrap_or(self.request).min(self.request);
        let margin = (whole / 10).clamp(Duration::from_millis(50), Duration::from_millis(500));
        whole.saturating_sub(margin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_differ_and_stay_within_a_tenth() {
        let limits = Limits::default();
        let mut ages: Vec<Duration> = (0..100).map(|nth| limits.age(nth)).collect();
        assert!(ages.iter().all(|age| (270..=330).contains(&age.as_secs())), "{ages:?}");
        ages.sort();
        let widest = ages.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
        assert!(
            widest < Duration::from_secs(3),
            "a hundred connections leave a gap of {widest:?}"
        );
    }

    #[test]
    fn the_margin_is_a_tenth_within_bounds() {
        let limits = Limits::default();
        let of = |millis| limits.request_time(Some(Duration::from_millis(millis))).as_millis();
        assert_eq!(of(10_000), 9500);
        assert_eq!(of(1000), 900);
        assert_eq!(of(100), 50);
        assert_eq!(of(20), 0);
        assert_eq!(
            of(3_600_000),
            29_500,
            "no caller may ask for more than the longest timeout"
        );
        assert_eq!(limits.request_time(None).as_millis(), 29_500);
    }
}
