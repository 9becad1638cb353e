//! The result as a part of docs/performance.md.

use std::fmt::Write as _;
use std::time::Duration;

use crate::cells::{Bodies, CONNECTIONS, Cell, ENDPOINTS, USUAL};
use crate::machine;
use crate::results::{Results, Sample, median};
use crate::targets;

const SERVERS: [&str; 4] = ["null", "parse", "raygate", "go"];

/// The whole part. `load` is the machine's before the run.
pub(crate) fn page(results: &Results, sizes: &[(Bodies, usize)], load: f64, passes: usize, took: Duration) -> String {
    let mut text = String::new();
    introduction(&mut text, sizes, load, passes, took);
    targets::write(&mut text, results);
    where_time_goes(&mut text, results);
    for bodies in [Bodies::Ten, Bodies::Kb40, Bodies::Kb400] {
        loads(&mut text, results, bodies);
    }
    memory(&mut text, results);
    text.trim_end().to_owned()
}

fn introduction(text: &mut String, sizes: &[(Bodies, usize)], load: f64, passes: usize, took: Duration) {
    let sizes: Vec<String> = sizes
        .iter()
        .map(|(bodies, bytes)| format!("{bodies}: {:.1} KB", *bytes as f64 / 1000.0))
        .collect();
    let _ = write!(
        text,
        "## The server against its floors\n\n    cargo bench --bench server\n\n\
         On {}; load average before the run {load:.1}; {passes} passes in {:.0} minutes.\n\n\
         Each server is a process of its own on one core, the load comes from another, over TLS 1.3 and kept-alive HTTP/1.1. \
         `null` is raygate's own server, log and metrics around a handler that answers a constant; `parse` also parses the \
         body with serde_json; `raygate` is the binary with the shipped policies and every check; `go` is a webhook on \
         controller-runtime v0.25 (benches/peers) that adds tolerations, a selector, shared memory and a time to live. All \
         log to a file. Servers take turns in every pass; a figure is the median of the passes, a ratio the median of the \
         ratios within each pass. Built with the release profile (16 codegen units, no LTO); the image's profile, thin LTO, \
         was not measured.\n\n\
         Reviews of creations as an API server of 1.37 sends them, managed fields included, of the ten RayJobs of \
         tests/rayjobs in turn, or of the first of them with more worker groups. Their mean size before `/mutate` ({}). \
         Managed fields, a third of the ten, are what `parse` reads and raygate passes over: no rule needs them.\n\n",
        machine::shape(),
        took.as_secs_f64() / 60.0,
        sizes.join(", "),
    );
}

/// What the processor time of a review is made of: the answer to a target that is not met.
fn where_time_goes(text: &mut String, results: &Results) {
    text.push_str("### Where the time of a review goes\n\n");
    for endpoint in ENDPOINTS {
        let of = |server| results.median(&Cell::usual(server, endpoint), |sample| sample.processor);
        let (Some(null), Some(parse), Some(raygate)) = (of("null"), of("parse"), of("raygate")) else {
            continue;
        };
        let _ = writeln!(
            text,
            "- `/{endpoint}`: {raygate:.0} µs of processor time. {null:.0} µs of it is what `null` takes too: TLS, HTTP, log \
             and metrics. {:.0} µs is what `parse` takes above that. {:.0} µs is raygate's own.",
            parse - null,
            raygate - parse,
        );
        for (_, stages) in results.stages.iter().filter(|(of, _)| *of == endpoint) {
            let stages: Vec<String> = stages
                .iter()
                .map(|(stage, micros)| format!("{stage} {micros:.1} µs"))
                .collect();
            let _ = writeln!(
                text,
                "  By raygate's metric of stages, in which `body` and `queue` are mostly waiting: {}.",
                stages.join(", ")
            );
        }
    }
    text.push_str("\n`cargo bench --bench evaluate` has each injector and check.\n\n");
}

fn loads(text: &mut String, results: &Results, bodies: Bodies) {
    let _ = writeln!(
        text,
        "### Reviews: {bodies}\n\n\
         | | connections | server | answers/s | of parse | processor µs | of null | of parse | p50 µs | p99 µs | p99.9 µs | shed |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|"
    );
    for endpoint in ENDPOINTS {
        for connections in CONNECTIONS {
            for server in SERVERS {
                let cell = |server| Cell {
                    server,
                    endpoint,
                    bodies,
                    connections,
                };
                row(text, results, cell(server), cell("null"), cell("parse"));
            }
        }
    }
    text.push('\n');
}

fn row(text: &mut String, results: &Results, cell: Cell, null: Cell, parse: Cell) {
    let value = |figure: fn(&Sample) -> f64| results.median(&cell, figure);
    let ratio = |to: &Cell, figure: fn(&Sample) -> f64| two(results.ratio(&cell, to, figure));
    let Some(rate) = value(|sample| sample.rate) else {
        return;
    };
    let whole = |figure| value(figure).map_or_else(String::new, |value| format!("{value:.0}"));
    let shed = value(|sample| sample.shed).filter(|share| *share > 0.0);
    let _ = writeln!(
        text,
        "| /{} | {} | {} | {rate:.0} | {} | {} | {} | {} | {} | {} | {} | {} |",
        cell.endpoint,
        cell.connections,
        cell.server,
        ratio(&parse, |sample| sample.rate),
        whole(|sample| sample.processor),
        ratio(&null, |sample| sample.processor),
        ratio(&parse, |sample| sample.processor),
        whole(|sample| sample.p50),
        whole(|sample| sample.p99),
        whole(|sample| sample.p999),
        shed.map_or_else(String::new, |share| format!("{:.0} %", share * 100.0)),
    );
}

fn two(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| format!("{value:.2}"))
}

fn memory(text: &mut String, results: &Results) {
    let _ = writeln!(
        text,
        "### Resident memory and start\n\n\
         The most in MiB: once ready, after the ten over {USUAL} connections, and after every load of the run.\n\n\
         | server | idle | under load | ever |\n|---|---|---|---|"
    );
    for server in SERVERS {
        let Some(peaks) = results.peaks(server) else { continue };
        let [idle, loaded, most] = [peaks.idle, peaks.loaded, peaks.most].map(targets::mebibytes);
        let _ = writeln!(text, "| {server} | {idle:.1} | {loaded:.1} | {most:.1} |");
    }
    let starts: Vec<f64> = results.starts.iter().map(|start| start.as_secs_f64() * 1e3).collect();
    let worst = starts.iter().copied().fold(0.0, f64::max);
    if let Some(median) = median(starts) {
        let _ = writeln!(
            text,
            "\nFrom the start of the process to readiness: {median:.0} ms, at worst {worst:.0} ms of {} starts.",
            results.starts.len()
        );
    }
}
