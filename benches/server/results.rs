//! What was measured, and the medians of it.

use std::collections::HashMap;
use std::time::Duration;

use crate::cells::Cell;
use crate::load::Answers;

/// One server under one load in one pass.
#[derive(Clone, Copy)]
pub(crate) struct Sample {
    /// Answers a second.
    pub(crate) rate: f64,
    /// Microseconds of processor time an answer.
    pub(crate) processor: f64,
    /// Microseconds from the request to its answer, by quantile.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    /// The share of the reviews that the server had no place for.
    pub(crate) shed: f64,
}

impl Sample {
    pub(crate) fn new(answers: Answers, processor_time: Duration) -> Self {
        let mut times = answers.times;
        assert!(!times.is_empty(), "no review was answered in {:?}", answers.took);
        times.sort_unstable();
        let quantile = |share: f64| {
            let at = (times.len() as f64 * share) as usize;
            micros(times[at.min(times.len() - 1)])
        };
        let count = times.len() as f64;
        Self {
            rate: count / answers.took.as_secs_f64(),
            processor: micros(processor_time) / count,
            p50: quantile(0.5),
            p99: quantile(0.99),
            p999: quantile(0.999),
            shed: answers.shed as f64 / (count + answers.shed as f64),
        }
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// The most resident memory of a server, in KiB.
#[derive(Clone, Copy, Default)]
pub(crate) struct Peaks {
    pub(crate) idle: u64,
    /// After the usual load.
    pub(crate) loaded: u64,
    /// After all loads.
    pub(crate) most: u64,
}

/// The mean microseconds of each stage of a review, as raygate's own metrics have them.
pub(crate) type Stages = Vec<(String, f64)>;

#[derive(Default)]
pub(crate) struct Results {
    samples: HashMap<Cell, Vec<Sample>>,
    memory: HashMap<&'static str, Peaks>,
    /// From the start of the process to its readiness.
    pub(crate) starts: Vec<Duration>,
    /// Evaluate-and-answer without a network as a multiple of the parse, by endpoint: the mean of the ten.
    pub(crate) in_process: Vec<(&'static str, f64)>,
    pub(crate) stages: Vec<(&'static str, Stages)>,
}

impl Results {
    pub(crate) fn add(&mut self, cell: &Cell, sample: Sample) {
        self.samples.entry(*cell).or_default().push(sample);
    }

    pub(crate) fn memory(&mut self, server: &'static str) -> &mut Peaks {
        self.memory.entry(server).or_default()
    }

    pub(crate) fn peaks(&self, server: &str) -> Option<Peaks> {
        self.memory.get(server).copied()
    }

    /// The median of a figure over the passes; none where the cell was not measured.
    pub(crate) fn median(&self, cell: &Cell, figure: impl Fn(&Sample) -> f64) -> Option<f64> {
        median(self.samples.get(cell)?.iter().map(figure).collect())
    }

    /// The median over the passes of a figure as a multiple of another cell's in the same pass.
    pub(crate) fn ratio(&self, cell: &Cell, to: &Cell, figure: impl Fn(&Sample) -> f64) -> Option<f64> {
        let pairs = self.samples.get(cell)?.iter().zip(self.samples.get(to)?);
        median(pairs.map(|(one, other)| figure(one) / figure(other)).collect())
    }
}

pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
