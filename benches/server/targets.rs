//! What the figures should be, and whether they are.

use std::fmt::Write as _;

use crate::cells::{Bodies, Cell, ENDPOINTS, USUAL};
use crate::results::{Results, Sample, median};

#[derive(Clone, Copy)]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

struct Target {
    what: String,
    bound: Bound,
    unit: &'static str,
    measured: Option<f64>,
}

/// The table of all targets. One that could not be measured says so.
pub(crate) fn write(text: &mut String, results: &Results) {
    let _ = writeln!(
        text,
        "### Targets\n\nThe ten, {USUAL} connections, where nothing else is said.\n\n\
         | | target | measured | |\n|---|---|---|---|"
    );
    for target in targets(results) {
        let unit = target.unit;
        let bound = match target.bound {
            Bound::AtMost(most) => format!("at most {most}{unit}"),
            Bound::AtLeast(least) => format!("at least {least}{unit}"),
        };
        let (measured, verdict) = match (target.measured, target.bound) {
            (None, _) => ("—".to_owned(), "not measured"),
            (Some(value), Bound::AtMost(most)) => (format!("{value:.2}{unit}"), verdict(value <= most)),
            (Some(value), Bound::AtLeast(least)) => (format!("{value:.2}{unit}"), verdict(value >= least)),
        };
        let _ = writeln!(text, "| {} | {bound} | {measured} | {verdict} |", target.what);
    }
    text.push('\n');
}

fn verdict(is_met: bool) -> &'static str {
    if is_met { "met" } else { "**not met**" }
}

pub(crate) fn mebibytes(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

fn targets(results: &Results) -> Vec<Target> {
    let mut targets = Vec::new();
    let mut add = |what: String, bound, unit, measured| {
        targets.push(Target {
            what,
            bound,
            unit,
            measured,
        });
    };
    let processor = |sample: &Sample| sample.processor;
    let rate = |sample: &Sample| sample.rate;
    for (endpoint, dearer, faster) in [("mutate", 1.5, 5.0), ("validate", 1.6, 2.5)] {
        let usual = |server| Cell::usual(server, endpoint);
        let with = |server, bodies| Cell {
            bodies,
            ..usual(server)
        };
        let ours = usual("raygate");
        let ratio = |to, figure: fn(&Sample) -> f64| results.ratio(&ours, &usual(to), figure);
        add(
            format!("/{endpoint}: processor time, of parse"),
            Bound::AtMost(dearer),
            "",
            ratio("parse", processor),
        );
        add(
            format!("/{endpoint}: throughput, of parse"),
            Bound::AtLeast(0.65),
            "",
            ratio("parse", rate),
        );
        add(
            format!("/{endpoint}: throughput, of the Go webhook"),
            Bound::AtLeast(faster),
            "",
            ratio("go", rate),
        );
        add(
            format!("/{endpoint}: p99, of p50"),
            Bound::AtMost(2.0),
            "",
            results.median(&ours, |sample| sample.p99 / sample.p50),
        );
        add(
            format!("/{endpoint}: processor time of 40 KB, of 15 KB"),
            Bound::AtMost(3.0),
            "",
            results.ratio(
                &with("raygate", Bodies::Kb40),
                &with("raygate", Bodies::Kb15),
                processor,
            ),
        );
        add(
            format!("/{endpoint}: processor time with a CEL rule of 150 nodes, of that without"),
            Bound::AtMost(1.25),
            "",
            results.ratio(&usual("raygate-rule"), &ours, processor),
        );
        add(
            format!("/{endpoint}: processor time of a review that is not ours, of null"),
            Bound::AtMost(2.5),
            "",
            results.ratio(
                &with("raygate", Bodies::NotOurs),
                &with("null", Bodies::NotOurs),
                processor,
            ),
        );
    }
    for endpoint in ENDPOINTS {
        let measured = results.in_process.iter().find(|(of, _)| *of == endpoint);
        add(
            format!("/{endpoint}: evaluate and answer without a network, of serde_json's parse"),
            Bound::AtMost(1.6),
            "",
            measured.map(|(_, ratio)| *ratio),
        );
    }
    let ours = results.peaks("raygate");
    let memory = |peak: u64| Some(mebibytes(peak)).filter(|mebibytes| *mebibytes > 0.0);
    add(
        "resident memory, idle".to_owned(),
        Bound::AtMost(20.0),
        " MiB",
        ours.and_then(|peaks| memory(peaks.idle)),
    );
    add(
        "resident memory, under load".to_owned(),
        Bound::AtMost(40.0),
        " MiB",
        ours.and_then(|peaks| memory(peaks.loaded)),
    );
    let of_go = ours.zip(results.peaks("go")).and_then(|(ours, go)| {
        let share = ours.loaded as f64 / go.loaded as f64;
        Some(share).filter(|share| share.is_finite() && ours.loaded > 0)
    });
    add(
        "resident memory under load, of the Go webhook".to_owned(),
        Bound::AtMost(1.0),
        "",
        of_go,
    );
    let starts = results.starts.iter().map(|start| start.as_secs_f64() * 1e3);
    add(
        "from start to readiness".to_owned(),
        Bound::AtMost(100.0),
        " ms",
        median(starts.collect()),
    );
    targets
}
