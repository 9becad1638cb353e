//! Logs: JSON lines for a cluster, readable lines for a terminal, written by a thread of their own.

use std::fmt;
use std::io::IsTerminal as _;
use std::panic::PanicHookInfo;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt as _;

pub mod traces;

mod writer;

pub use tracing_appender::non_blocking::WorkerGuard;
pub use writer::dropped_lines;

/// The filter that holds where none is given. What the client of the cluster reports of a failed request its caller
/// reports too, with what follows from it.
pub const DEFAULT_FILTER: &str = "info,kube_client=off";

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line, the event's fields at the top level.
    Json,
    /// For a person.
    Text,
}

impl Format {
    /// JSON unless a person reads standard error directly.
    pub fn detect() -> Self {
        if std::io::stderr().is_terminal() {
            Self::Text
        } else {
            Self::Json
        }
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "json" => Ok(Self::Json),
            "text" => Ok(Self::Text),
            _ => Err(format!("unknown log format `{text}`: write `json` or `text`")),
        }
    }
}

/// Why logging could not start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter is not in the syntax of `tracing`'s directives.
    #[error("reading the log filter `{filter}`: write a level such as `info`, or `raygate::server=debug,info`")]
    Filter {
        /// What was given.
        filter: String,
        /// What is wrong with it.
        source: tracing_subscriber::filter::ParseError,
    },
    /// Something else in this process logs already.
    #[error("installing the log writer: {0}")]
    Installed(#[from] tracing_subscriber::util::TryInitError),
}

/// Starts logging to standard error, for the whole process. Lines are lost if the returned guard is dropped
/// before they are logged: keep it until the end of `main`.
pub fn init(format: Format, filter: &str) -> Result<WorkerGuard, TelemetryError> {
    let parsed = EnvFilter::try_new(filter).map_err(|source| TelemetryError::Filter {
        filter: filter.to_owned(),
        source,
    })?;
    let (queue, flush) = writer::spawn(std::io::stderr());
    writer::count(&queue);
    match format {
        Format::Json => json(parsed, queue).try_init()?,
        Format::Text => text(parsed, queue).try_init()?,
    }
    std::panic::set_hook(Box::new(log_panic));
    Ok(flush)
}

fn json<W: for<'a> MakeWriter<'a> + Send + Sync + 'static>(
    filter: EnvFilter,
    writer: W,
) -> impl Subscriber + Send + Sync {
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .finish()
}

fn text<W: for<'a> MakeWriter<'a> + Send + Sync + 'static>(
    filter: EnvFilter,
    writer: W,
) -> impl Subscriber + Send + Sync {
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_ansi(colour)
        .with_target(false)
        .compact()
        .finish()
}

/// A panic is a defect of ours: it belongs in the log, in the log's own format. The message is cut short, as it
/// may quote what the request held.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let payload = panic.payload();
    let owned = payload.downcast_ref::<String>().map(String::as_str);
    let message = owned
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    let location = panic.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(
        panic = clip(message, 200),
        location,
        "panicked: a defect of raygate, please report it"
    );
}

/// The longest prefix of at most `bytes` bytes. A request may carry megabytes in any of its fields.
pub fn clip(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len()))
        .rev()
        .find(|end| text.is_char_boundary(*end))
        .unwrap_or(0);
    text.get(..end).unwrap_or(text)
}

/// An error with its causes, in one line.
pub fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        // Some errors print their cause themselves.
        let inner_text = inner.to_string();
        if !text.ends_with(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}

/// Prints words separated by commas, without allocating.
#[derive(Clone, Copy, Debug)]
pub struct Commas<'a>(pub &'a [&'a str]);

impl fmt::Display for Commas<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, word) in self.0.iter().enumerate() {
            if at > 0 {
                out.write_str(",")?;
            }
            out.write_str(word)?;
        }
        Ok(())
    }
}

/// Lets one event through in each period, so that a flood of failures is one line and not a flood of lines.
#[derive(Debug)]
pub struct RateLimit {
    start: Instant,
    period: Duration,
    /// Milliseconds after `start` from which the next event may pass.
    next: AtomicU64,
}

impl RateLimit {
    /// The first event passes.
    pub fn new(period: Duration) -> Self {
        Self {
            start: Instant::now(),
            period,
            next: AtomicU64::new(0),
        }
    }

    /// Whether this event may be logged.
    pub fn pass(&self) -> bool {
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let now = millis(self.start.elapsed());
        let next = self.next.load(Ordering::Relaxed);
        let after = now.saturating_add(millis(self.period));
        now >= next
            && self
                .next
                .compare_exchange(next, after, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }
}

#[cfg(test)]
mod tests;
