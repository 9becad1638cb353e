//! Evaluating and answering without a network, against serde_json's parse of the same bytes.

use std::hint::black_box;
use std::time::{Duration, Instant};

use raygate::admission::{Endpoint, Gate};
use raygate::engine::Bundle;
use serde_json::Value;

use crate::cells::{Bodies, ENDPOINTS};
use crate::results::Results;
use crate::reviews::Reviews;

const BATCHES: usize = 40;
const EACH: u32 = 20;

pub(crate) fn measure(results: &mut Results, reviews: &Reviews) {
    let gate = Gate::new(Bundle::embedded());
    for endpoint in ENDPOINTS {
        let called = if endpoint == "mutate" {
            Endpoint::Mutate
        } else {
            Endpoint::Validate
        };
        let bodies = reviews.bodies(endpoint, Bodies::Ten);
        let ratios = bodies.iter().map(|body| {
            let (mut parse, mut answer) = (Duration::MAX, Duration::MAX);
            // Interleaved, and the least of each: other work on the machine mostly drops out.
            for _ in 0..BATCHES {
                parse = parse.min(time(|| {
                    drop(black_box(serde_json::from_slice::<Value>(black_box(body))))
                }));
                let now = jiff::Timestamp::UNIX_EPOCH;
                answer = answer.min(time(|| drop(black_box(gate.answer(called, black_box(body), now)))));
            }
            answer.as_secs_f64() / parse.as_secs_f64()
        });
        let mean = ratios.sum::<f64>() / bodies.len() as f64;
        results.in_process.push((endpoint, mean));
    }
}

fn time(work: impl Fn()) -> Duration {
    let start = Instant::now();
    for _ in 0..EACH {
        work();
    }
    start.elapsed() / EACH
}
