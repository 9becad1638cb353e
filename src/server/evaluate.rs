//! Runs one evaluation: bounded in number, memory and time, and safe from its panics.
//!
//! Where it runs depends on what it may cost. Memory and time follow the number of JSON values, which commas and brackets
//! bound, so they are counted before anything is read. A review of the usual size takes about 100 µs: it runs on the
//! worker that read it, because another thread would add a queue, two wake-ups and cold caches. All others run on
//! blocking threads, in two lanes, so that ordinary reviews do not wait behind the largest.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::time::{Instant, timeout_at};

use super::Shared;
use super::body::{Share, Whole};
use super::lanes::Lane;
use crate::admission::{self, Answer, Endpoint, Record};
use crate::metrics::{Metrics, Overload};

/// Answers one review. Past the bounds it answers at once, with what the endpoint's caller understands as "later".
pub(super) async fn evaluate(
    shared: &Arc<Shared>,
    endpoint: Endpoint,
    body: Whole,
    deadline: Instant,
) -> (Answer, Share) {
    let queued = Instant::now();
    if queued >= deadline {
        let answer = overloaded(&shared.metrics, endpoint, &body.bytes, Overload::Deadline);
        return (answer, body.share);
    }
    match shared.lanes.of(&body.bytes, &shared.limits) {
        None => (answer(shared, endpoint, &body.bytes, queued), body.share),
        Some(lane) => on_a_blocking_thread(shared, lane, endpoint, body, deadline).await,
    }
}

async fn on_a_blocking_thread(
    shared: &Arc<Shared>,
    lane: &Lane,
    endpoint: Endpoint,
    body: Whole,
    deadline: Instant,
) -> (Answer, Share) {
    let queued = Instant::now();
    let late = |cause, body: &[u8]| overloaded(&shared.metrics, endpoint, body, cause);
    let Some(in_flight) = lane.in_flight.take(body.share.origin(), 1) else {
        return (late(Overload::InFlight, &body.bytes), body.share);
    };
    let Ok(Ok(running)) = timeout_at(deadline, Arc::clone(&lane.running).acquire_owned()).await else {
        return (late(Overload::Deadline, &body.bytes), body.share);
    };
    let (bytes, share) = (body.bytes.clone(), body.share.empty());
    let on_thread = Arc::clone(shared);
    let evaluation = tokio::task::spawn_blocking(move || {
        // The lane and the memory are held until the evaluation ends, even if nobody waits for it any more.
        let _held = (in_flight, running);
        let answer = answer(&on_thread, endpoint, &body.bytes, queued);
        (answer, body.share)
    });
    match timeout_at(deadline, evaluation).await {
        Ok(Ok(answered)) => answered,
        _ => (late(Overload::Deadline, &bytes), share),
    }
}

/// The answer to a review whose own answer finds no memory, because other clients do not read theirs.
pub(super) fn no_memory(metrics: &Metrics, endpoint: Endpoint, body: &[u8]) -> Answer {
    overloaded(metrics, endpoint, body, Overload::Memory)
}

fn overloaded(metrics: &Metrics, endpoint: Endpoint, body: &[u8], cause: Overload) -> Answer {
    metrics.overloaded(cause);
    // The body is looked at for its uid, by the same parser that may have panicked on it before.
    guarded(|| admission::overloaded(endpoint, body)).unwrap_or_else(|| last_resort(metrics))
}

fn answer(shared: &Shared, endpoint: Endpoint, body: &[u8], queued: Instant) -> Answer {
    let metrics = &shared.metrics;
    let start = Instant::now();
    let mut answer = guarded(|| shared.reviewer.answer(endpoint, body)).unwrap_or_else(|| {
        metrics.panicked();
        guarded(|| admission::panicked(endpoint, body)).unwrap_or_else(|| last_resort(metrics))
    });
    answer.record.spent.queue = start.duration_since(queued);
    metrics.evaluated(endpoint, start.elapsed());
    answer
}

/// Nothing of an evaluation outlives it but its answer, so a panic can leave nothing half-done behind.
fn guarded(evaluation: impl FnOnce() -> Answer) -> Option<Answer> {
    catch_unwind(AssertUnwindSafe(evaluation)).ok()
}

/// The answer when even the answer to a panic panicked.
fn last_resort(metrics: &Metrics) -> Answer {
    metrics.panicked();
    let record = Record {
        verdict: "panicked",
        ..Record::default()
    };
    Answer {
        status: 500,
        body: b"raygate failed on this review: a defect of raygate, see its log\n".to_vec(),
        record,
    }
}
