//! The webhook port's two paths, and the refusal of everything that is no review.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::extract::{Request, State};
use axum::http::header::{CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Version};
use axum::response::Response;
use axum::routing::post;
use bytes::Bytes;
use tokio::time::Instant;

use super::body::{self, BodyError, Share};
use super::evaluate::{evaluate, no_memory};
use super::fair::Origin;
use super::peer::{Held, Peer};
use super::{Shared, duration};
use crate::admission::{Answer, Endpoint, Previewed, Record};
use crate::diag::one_line;
use crate::metrics::{Exemplar, Overload, endpoint_label};
use crate::telemetry::{Commas, clip, traces};

/// The longest of a request's own words in the log, in bytes: a Kubernetes name has at most 253.
const LOGGED_BYTES: usize = 256;

/// The routes of the webhook port. Health and metrics have a port of their own and do not exist here.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/mutate", post(mutate))
        .route("/validate", post(validate))
        .fallback(not_found)
        .method_not_allowed_fallback(wrong_method)
        .with_state(shared)
}

async fn mutate(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    review(&shared, Endpoint::Mutate, request).await
}

async fn validate(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    review(&shared, Endpoint::Validate, request).await
}

async fn not_found(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    Refusal::NotFound
        .answer(&shared, request.version(), request.into_body())
        .await
}

async fn wrong_method(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    Refusal::WrongMethod
        .answer(&shared, request.version(), request.into_body())
        .await
}

async fn review(shared: &Arc<Shared>, endpoint: Endpoint, request: Request) -> Response {
    let start = Instant::now();
    let _in_flight = shared.metrics.in_flight();
    let (head, mut body) = request.into_parts();
    let peer = head.extensions.get::<Arc<Peer>>();
    if let Err(refusal) = acceptable(&head.headers) {
        return refusal.answer(shared, head.version, body).await;
    }
    let time = shared.limits.request_time(asked_timeout(head.uri.query()));
    let deadline = start + time;
    let origin = peer.map_or(Origin::UNKNOWN, |peer| peer.origin());
    let share = Share::of(peer.and_then(|peer| peer.free_share()), &shared.memory, origin);
    let within = time.min(shared.limits.body);
    let body = match body::read(&mut body, &shared.limits, share, within).await {
        Ok(body) => body,
        Err(error) => return Refusal::Body(error).answer(shared, head.version, body).await,
    };
    let mut answering = peer.map(|peer| peer.slot().answering());
    let bytes = body.bytes.len();
    let read = start.elapsed();
    let text = body.bytes.clone();
    let (mut answer, share) = evaluate(shared, endpoint, body, deadline).await;
    let mut share = share;
    if !share.turn_to_answer(answer.body.len(), &shared.limits) {
        answer = no_memory(&shared.metrics, endpoint, &text);
    }
    drop(text);
    if let Some(answering) = &mut answering {
        answering.reviewed = answer.status == StatusCode::OK;
    }
    answer.record.spent.body = read;
    let took = start.elapsed();
    let record = &answer.record;
    let trace = traces::trace(&traces::Answered {
        headers: &head.headers,
        endpoint: endpoint_label(endpoint),
        record,
        bytes,
        took,
    });
    let exemplar = trace
        .as_deref()
        .and_then(Exemplar::trace)
        .or_else(|| Exemplar::uid(&record.uid));
    shared.metrics.answered(endpoint, record, took, exemplar);
    log(endpoint, record, took, bytes, trace.as_deref());
    respond(answer, share)
}

/// One line for each decision.
fn log(endpoint: Endpoint, record: &Record, took: Duration, bytes: usize, trace: Option<&str>) {
    tracing::info!(
        uid = &*logged(&record.uid),
        endpoint = endpoint_label(endpoint),
        kind = record.kind,
        operation = &*logged(&record.operation),
        namespace = &*logged(&record.namespace),
        name = &*logged(&record.name),
        verdict = record.verdict,
        codes = %Commas(&record.codes),
        rules = %record.rules.join(","),
        injected = %Commas(&record.injected),
        exemptions = %record.exemptions.join(","),
        previews = %Previews(&record.previews),
        bundle = record.bundle,
        microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        bytes,
        trace_id = trace,
        "answered"
    );
}

/// The start of a text of the request, on one line.
fn logged(text: &str) -> Cow<'_, str> {
    one_line(clip(text, LOGGED_BYTES))
}

/// Prints what policies in Preview would have done, as `POLICY:CODE:EFFECT` with commas between.
struct Previews<'a>(&'a [Previewed]);

impl fmt::Display for Previews<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let would = self
            .0
            .iter()
            .flat_map(|Previewed { policy, would }| would.iter().map(move |one| (policy, one)));
        for (at, (policy, (code, effect))) in would.enumerate() {
            let comma = if at > 0 { "," } else { "" };
            write!(out, "{comma}{policy}:{code}:{effect}")?;
        }
        Ok(())
    }
}

/// The response, which holds its share of the memory until it is written.
fn respond(answer: Answer, share: Share) -> Response {
    let body = Bytes::from_owner(Held {
        bytes: answer.body,
        _until_written: share,
    });
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let review = response.status() == StatusCode::OK;
    let kind = if review {
        "application/json"
    } else {
        "text/plain; charset=utf-8"
    };
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        retry_later(&mut response);
    }
    response
}

/// The API server's webhook client asks again by itself, within the webhook's timeout, when a 5xx says when
/// (client-go `rest/with_retry.go`): a short overload then costs a second, and not the mutation.
fn retry_later(response: &mut Response) {
    response
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from_static("1"));
}

/// The caller's own deadline, as the API server writes it into the query. None of 0, which is "no timeout" in Go, and "the
/// default" to the API server itself.
fn asked_timeout(query: Option<&str>) -> Option<Duration> {
    query?
        .split('&')
        .find_map(|pair| pair.strip_prefix("timeout="))
        .and_then(duration::parse)
        .filter(|timeout| !timeout.is_zero())
}

fn acceptable(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut kinds = headers.get_all(CONTENT_TYPE).iter();
    let kind = kinds.next().and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split_once(';').map_or(kind, |(essence, _)| essence).trim();
    if !essence.eq_ignore_ascii_case("application/json") || kinds.next().is_some() {
        return Err(Refusal::ContentType);
    }
    match headers.get(CONTENT_ENCODING) {
        Some(encoding) if !encoding.as_bytes().eq_ignore_ascii_case(b"identity") => Err(Refusal::ContentEncoding),
        _ => Ok(()),
    }
}

/// A request that gets no verdict.
#[derive(Debug, PartialEq, Eq)]
enum Refusal {
    NotFound,
    WrongMethod,
    ContentType,
    ContentEncoding,
    Body(BodyError),
}

impl Refusal {
    /// Status, the same as a label, and a sentence for whoever sent it.
    fn words(&self, shared: &Shared) -> (StatusCode, &'static str, String) {
        let status = |status, label, sentence: &str| (status, label, sentence.to_owned());
        match self {
            Self::NotFound => status(
                StatusCode::NOT_FOUND,
                "404",
                "no such path: post reviews to /mutate or /validate",
            ),
            Self::WrongMethod => status(
                StatusCode::METHOD_NOT_ALLOWED,
                "405",
                "only POST: this path takes an AdmissionReview",
            ),
            Self::ContentType => status(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "415",
                "only `content-type: application/json`: an admission.k8s.io/v1 AdmissionReview",
            ),
            Self::ContentEncoding => status(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "415",
                "only uncompressed bodies: no content-encoding",
            ),
            Self::Body(BodyError::TooLarge) => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "413",
                format!("the body is larger than {} bytes", shared.limits.body_bytes),
            ),
            Self::Body(BodyError::Slow) => {
                status(StatusCode::REQUEST_TIMEOUT, "408", "the body did not arrive in time")
            }
            Self::Body(BodyError::NoMemory) => status(
                StatusCode::SERVICE_UNAVAILABLE,
                "503",
                "too many large bodies at once: try again",
            ),
            Self::Body(BodyError::Broken) => status(StatusCode::BAD_REQUEST, "400", "the body broke off"),
        }
    }

    /// The response, once nothing of the request is in its way.
    async fn answer(self, shared: &Shared, version: Version, mut rest: Body) -> Response {
        if version == Version::HTTP_2 {
            body::discard(&mut rest, &shared.limits).await;
        }
        self.response(shared, &rest)
    }

    /// The response, counted. Where bytes of the request are left unread, the connection must end with it: they
    /// would be taken for the next request, or would have to be read to be thrown away.
    fn response(&self, shared: &Shared, rest: &Body) -> Response {
        let (status, label, sentence) = self.words(shared);
        shared.metrics.rejected(label);
        match self {
            Self::Body(BodyError::Slow) => shared.metrics.slow_client("body"),
            Self::Body(BodyError::NoMemory) => shared.metrics.overloaded(Overload::Memory),
            _ => {}
        }
        tracing::debug!(status = label, reason = sentence, "request refused");
        let mut response = Response::new(Body::from(sentence + "\n"));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        if matches!(self, Self::Body(_)) || !rest.is_end_stream() {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            retry_later(&mut response);
        }
        response
    }
}

#[cfg(test)]
mod tests;
