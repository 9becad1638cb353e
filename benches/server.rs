//! raygate's server against floors that do less, and against a webhook in Go, in one run on one machine.
//!
//! `cargo bench --bench server` starts, each in a process of its own and pinned to one core:
//!
//! - `null`: raygate's server with a handler that answers a constant
//! - `parse`: the same, with a handler that parses the body with serde_json first
//! - `raygate`: the shipped binary with the shipped policies and every check
//! - `raygate-rule`: the same with one CEL rule of 150 nodes
//! - `go`: a webhook on controller-runtime, from `benches/peers`; skipped loudly without Go
//!
//! The load comes from another core, over TLS and kept-alive HTTP/1.1 as the API server calls. All servers take turns in
//! every pass, and each ratio is the median of its values in the passes. The result replaces a part of
//! docs/performance.md. `-- --quick` is for development: few and short passes, nothing written. `-- --only TEXT` keeps the
//! measurements whose name contains the text.
#![allow(
    clippy::exit,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark may panic, and prints its result"
)]

#[path = "server/cells.rs"]
mod cells;
#[path = "server/certificate.rs"]
mod certificate;
#[path = "server/floor.rs"]
mod floor;
#[path = "../tests/tools/go.rs"]
mod go;
#[path = "../tests/tools/http.rs"]
mod http;
#[path = "server/in_process.rs"]
mod in_process;
#[path = "server/load.rs"]
mod load;
#[path = "report/machine.rs"]
mod machine;
#[path = "report/page.rs"]
mod page;
#[path = "peers/peer.rs"]
mod peer;
#[path = "../tests/cluster/process.rs"]
#[expect(dead_code, reason = "the cluster tests also end their processes gently")]
mod process;
#[path = "server/report.rs"]
mod report;
#[path = "server/results.rs"]
mod results;
#[path = "server/reviews.rs"]
mod reviews;
#[path = "server/sent.rs"]
mod sent;
#[path = "server/servers.rs"]
mod servers;
#[path = "server/targets.rs"]
mod targets;
#[path = "server/usage.rs"]
mod usage;

use std::process::ExitCode;
use std::time::Duration;

use cells::Cell;
use results::Results;
use reviews::Reviews;
use servers::{Cores, Servers};

/// As the binary's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How much is measured.
struct Effort {
    passes: usize,
    /// How long one server is measured in a pass with the usual load.
    main: Duration,
    /// And with every other.
    other: Duration,
    starts: usize,
}

const WHOLE: Effort = Effort {
    passes: 5,
    main: Duration::from_millis(1500),
    other: Duration::from_millis(300),
    starts: 21,
};

const QUICK: Effort = Effort {
    passes: 2,
    main: Duration::from_millis(200),
    other: Duration::from_millis(100),
    starts: 5,
};

struct Arguments {
    quick: bool,
    only: String,
}

fn arguments() -> Option<Arguments> {
    let mut parsed = Arguments {
        quick: false,
        only: String::new(),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            // cargo's own.
            "--bench" => {}
            "--quick" => parsed.quick = true,
            "--only" => parsed.only = arguments.next()?,
            _ => return None,
        }
    }
    Some(parsed)
}

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(floor::FLAG) {
        floor::serve(std::env::args().skip(2));
        return ExitCode::SUCCESS;
    }
    let Some(Arguments { quick, only }) = arguments() else {
        eprintln!("usage: cargo bench --bench server -- [--quick] [--only TEXT]");
        return ExitCode::from(2);
    };
    let cores = match Cores::find() {
        Ok(cores) => cores,
        Err(missing) => {
            eprintln!("SKIPPED: nothing is measured: {missing}");
            return ExitCode::SUCCESS;
        }
    };
    let effort = if quick { QUICK } else { WHOLE };
    let before = machine::load();
    let start = std::time::Instant::now();
    let reviews = Reviews::new();
    let results = measure(&effort, &only, cores, &reviews);
    let text = report::page(&results, &reviews.sizes(), before, effort.passes, start.elapsed());
    println!("{text}");
    if !quick && only.is_empty() {
        page::replace("server", &text);
    }
    ExitCode::SUCCESS
}

fn measure(effort: &Effort, only: &str, cores: Cores, reviews: &Reviews) -> Results {
    let mut results = Results::default();
    // Before anything else burns the cores.
    in_process::measure(&mut results, reviews);
    let servers = Servers::start(cores);
    results.starts = servers.time_starts(effort.starts);
    for server in servers.all() {
        results.memory(server.name).idle = usage::memory(server.process()).peak;
    }
    let cells: Vec<Cell> = cells::all()
        .into_iter()
        .filter(|cell| cell.to_string().contains(only) && servers.has(cell.server))
        .collect();
    let usual = |cell: &&Cell| cell.is_usual();
    for cell in cells.iter().filter(usual) {
        servers.measure(cell, reviews, effort.main);
        results.memory(cell.server).loaded = usage::memory(servers.get(cell.server).process()).peak;
    }
    for pass in 1..=effort.passes {
        eprintln!("pass {pass} of {}", effort.passes);
        for cell in &cells {
            let time = if cell.is_usual() { effort.main } else { effort.other };
            let sample = servers.measure(cell, reviews, time);
            results.add(cell, sample);
        }
    }
    for endpoint in cells::ENDPOINTS {
        let cell = Cell::usual("raygate", endpoint);
        results
            .stages
            .push((endpoint, servers.stages(&cell, reviews, effort.main)));
    }
    for server in servers.all() {
        results.memory(server.name).most = usage::memory(server.process()).peak;
    }
    results
}
