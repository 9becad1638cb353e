//! The histograms of durations, with a handle on each series so that an observation looks up nothing.

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};

use super::{FamilySpec, endpoint_label, of, register, table};
use crate::admission::{Endpoint, Spent};

/// Upper bounds of the duration histograms, in seconds: a decision takes about 100 µs, a webhook at most 30 s.
pub(super) const BUCKETS: [f64; 17] = [
    0.000_05, 0.000_1, 0.000_2, 0.000_3, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
    30.0,
];

/// The values of the label `endpoint`.
pub(super) const ENDPOINTS: [&str; 2] = [endpoint_label(Endpoint::Mutate), endpoint_label(Endpoint::Validate)];

/// A histogram of durations.
pub(super) fn plain() -> Histogram {
    Histogram::new(BUCKETS)
}

/// A family of histograms with one label.
type By<H> = Family<[(&'static str, &'static str); 1], H, fn() -> H>;

/// Registers a family and makes all of its series.
pub(super) fn histograms<H, const N: usize>(
    registry: &mut Registry,
    spec: &FamilySpec,
    label: &'static str,
    values: [&'static str; N],
    make: fn() -> H,
) -> [H; N]
where
    H: Clone,
    By<H>: Metric,
{
    let family: By<H> = Family::new_with_constructor(make);
    let series = values.map(|value| family.get_or_create_owned(&[(label, value)]));
    register(registry, spec, family);
    series
}

/// Where the time of reviews goes.
#[derive(Debug)]
pub(super) struct Stages {
    body: Histogram,
    queue: Histogram,
    parse: Histogram,
    judge: [Histogram; 2],
}

impl Stages {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let [mutate, validate] = ENDPOINTS;
        let stages = ["body", "queue", "parse", mutate, validate];
        let [body, queue, parse, mutate, validate] =
            histograms(registry, &table::STAGE_DURATION, "stage", stages, plain);
        Self {
            body,
            queue,
            parse,
            judge: [mutate, validate],
        }
    }

    /// Observes the stages that a review came to.
    pub(super) fn observe(&self, endpoint: Endpoint, spent: &Spent) {
        for (histogram, time) in [
            (&self.body, spent.body),
            (&self.queue, spent.queue),
            (&self.parse, spent.parse),
            (of(&self.judge, endpoint), spent.judge),
        ] {
            if !time.is_zero() {
                histogram.observe(time.as_secs_f64());
            }
        }
    }
}
