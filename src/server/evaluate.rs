//! Runs one evaluation: bounded in number and time, and safe from its panics.
//!
//! Where it runs. A review of the usual size takes about 100 µs. Handing it to another thread and back would add a queue,
//! two wake-ups and cold caches to each, so it runs on the worker that read it: the number of workers then
//! bounds how many run, and none is away from its other connections for more than about a millisecond. A review
//! above [`Limits::inline_bytes`](super::Limits::inline_bytes) may take far longer: it runs on a blocking
//! thread, so that probes and ordinary reviews do not wait behind it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::Shared;
use super::body::Whole;
use crate::admission::{self, Answer, Endpoint, Record};
use crate::metrics::{Metrics, Overload};

/// The places for evaluations.
#[derive(Debug)]
pub(super) struct Places {
    all: Arc<Semaphore>,
    /// Large reviews may take half of the places, so that they never crowd out the ordinary ones.
    large: Arc<Semaphore>,
}

impl Places {
    pub(super) fn new(in_flight: usize) -> Self {
        Self {
            all: Arc::new(Semaphore::new(in_flight)),
            large: Arc::new(Semaphore::new(in_flight.div_ceil(2))),
        }
    }
}

/// Answers one review. Past the bounds it answers at once, with what the endpoint's caller understands as "later".
pub(super) async fn evaluate(shared: &Arc<Shared>, endpoint: Endpoint, body: Whole, deadline: Instant) -> Answer {
    let queued = Instant::now();
    if queued >= deadline {
        return overloaded(&shared.metrics, endpoint, &body.bytes, Overload::Deadline);
    }
    if body.bytes.len() > shared.limits.inline_bytes {
        return on_a_blocking_thread(shared, endpoint, body, queued, deadline).await;
    }
    let Ok(_place) = shared.places.all.try_acquire() else {
        return overloaded(&shared.metrics, endpoint, &body.bytes, Overload::InFlight);
    };
    answer(shared, endpoint, &body.bytes, queued)
}

async fn on_a_blocking_thread(
    shared: &Arc<Shared>,
    endpoint: Endpoint,
    body: Whole,
    queued: Instant,
    deadline: Instant,
) -> Answer {
    let large = Arc::clone(&shared.places.large).try_acquire_owned();
    let any = Arc::clone(&shared.places.all).try_acquire_owned();
    let (Ok(large), Ok(any)) = (large, any) else {
        return overloaded(&shared.metrics, endpoint, &body.bytes, Overload::InFlight);
    };
    let bytes = body.bytes.clone();
    let on_thread = Arc::clone(shared);
    let evaluation = tokio::task::spawn_blocking(move || {
        // Places and memory are held until the evaluation ends, even if nobody waits for it any more.
        let _held = (large, any, body.memory);
        answer(&on_thread, endpoint, &body.bytes, queued)
    });
    match timeout_at(deadline, evaluation).await {
        Ok(Ok(answer)) => answer,
        _ => overloaded(&shared.metrics, endpoint, &bytes, Overload::Deadline),
    }
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
