//! Spans for a collector, over OTLP.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{Span as _, SpanKind, Status, TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tokio::runtime::Handle;

use super::client::Client;
use super::{Answered, TracesError, collector};
use crate::telemetry::{Commas, clip};

/// How long the end of the process waits for the last spans.
const FLUSH_PATIENCE: Duration = Duration::from_secs(1);
/// The longest of a request's own words in a span, in bytes.
const WORD_BYTES: usize = 256;

static TRACER: OnceLock<SdkTracer> = OnceLock::new();

/// Spans that may still wait to be sent.
#[derive(Debug)]
pub struct Waiting(SdkTracerProvider);

impl Waiting {
    /// Sends what still waits.
    pub fn flush(self) {
        if let Err(error) = self.0.shutdown_with_timeout(FLUSH_PATIENCE) {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

/// Sends traces, for the whole process, to the collector that `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` or
/// `OTEL_EXPORTER_OTLP_ENDPOINT` names; `None` where neither does. Spans wait in a queue of `OTEL_BSP_MAX_QUEUE_SIZE` for
/// a thread of their own: what finds it full is dropped.
///
/// # Errors
/// [`TracesError`] where the settings make no sense.
pub fn start(runtime: &Handle) -> Result<Option<Waiting>, TracesError> {
    let Some(collector) = collector() else { return Ok(None) };
    if collector.starts_with("https:") {
        return Err(TracesError::Tls(collector));
    }
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_http_client(Client::new(runtime.clone()))
        .build()
        .map_err(|error| TracesError::Settings(error.to_string()))?;
    let mut resource = Resource::builder().with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
    if std::env::var_os("OTEL_SERVICE_NAME").is_none() {
        resource = resource.with_service_name("raygate");
    }
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource.build())
        .build();
    // A second start in one process would be a test's; the first one's tracer stays.
    let _ = TRACER.set(provider.tracer("raygate"));
    tracing::info!(collector, "sending traces");
    Ok(Some(Waiting(provider)))
}

/// Makes the spans of a review, and gives back the id of its trace where it is sampled.
pub fn trace(answered: &Answered<'_>) -> Option<String> {
    let tracer = TRACER.get()?;
    let caller = TraceContextPropagator::new().extract(&HeaderExtractor(answered.headers));
    let end = SystemTime::now();
    let start = end.checked_sub(answered.took)?;
    let mut request = tracer
        .span_builder(format!("POST /{}", answered.endpoint))
        .with_kind(SpanKind::Server)
        .with_start_time(start)
        .start_with_context(tracer, &caller);
    let context = request.span_context().clone();
    if !context.is_sampled() {
        return None;
    }
    request.set_attributes(attributes(answered));
    if matches!(answered.record.verdict, "malformed" | "overloaded" | "panicked") {
        request.set_status(Status::error(answered.record.verdict));
    }
    let inside = Context::new().with_remote_span_context(context.clone());
    let spent = &answered.record.spent;
    let mut at = start;
    for (stage, time) in [
        ("body", spent.body),
        ("queue", spent.queue),
        ("parse", spent.parse),
        (answered.endpoint, spent.judge),
    ] {
        if time.is_zero() {
            continue;
        }
        let until = at + time;
        let builder = tracer.span_builder(stage).with_start_time(at);
        builder.start_with_context(tracer, &inside).end_with_timestamp(until);
        at = until;
    }
    request.end_with_timestamp(end);
    Some(context.trace_id().to_string())
}

fn attributes(answered: &Answered<'_>) -> Vec<KeyValue> {
    let record = answered.record;
    let word = |key, text: &str| KeyValue::new(key, clip(text, WORD_BYTES).to_owned());
    vec![
        word("raygate.uid", &record.uid),
        KeyValue::new("raygate.kind", record.kind),
        word("raygate.operation", &record.operation),
        word("raygate.name", &record.name),
        word("k8s.namespace.name", &record.namespace),
        KeyValue::new("raygate.verdict", record.verdict),
        KeyValue::new("raygate.codes", Commas(&record.codes).to_string()),
        KeyValue::new("raygate.injected", Commas(&record.injected).to_string()),
        KeyValue::new("raygate.bundle", record.bundle.clone()),
        KeyValue::new(
            "http.request.body.size",
            i64::try_from(answered.bytes).unwrap_or(i64::MAX),
        ),
    ]
}
