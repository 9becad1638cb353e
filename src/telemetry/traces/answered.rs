//! What is traced of a review, and where traces go.

use std::time::Duration;

use axum::http::HeaderMap;

use crate::admission::Record;

/// A review that was answered just now.
#[derive(Clone, Copy, Debug)]
pub struct Answered<'a> {
    /// The headers of its request, among them the trace that the API server runs under.
    pub headers: &'a HeaderMap,
    /// `mutate` or `validate`.
    pub endpoint: &'static str,
    /// How it was decided.
    pub record: &'a Record,
    /// The size of its body, in bytes.
    pub bytes: usize,
    /// From the end of the request's header to the answer.
    pub took: Duration,
}

/// Why traces cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum TracesError {
    /// A collector behind TLS.
    #[error(
        "sending traces to {0}: raygate speaks plain HTTP to a collector in its own cluster or pod; write `http://`, and let that collector go on over TLS"
    )]
    Tls(String),
    /// The exporter refused its settings, which the variables `OTEL_EXPORTER_OTLP_*` hold.
    #[error("sending traces: {0}")]
    Settings(String),
}

/// The collector that the environment names, as for every OpenTelemetry SDK.
pub(super) fn collector() -> Option<String> {
    let set = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
    if set("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return None;
    }
    set("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").or_else(|| set("OTEL_EXPORTER_OTLP_ENDPOINT"))
}
