//! What each way to complete and judge a RayJob adds to its creation, through a real API server.
//!
//! `cargo bench --bench apiserver` starts etcd and kube-apiserver (see `tests/cluster`) and every webhook that is compared.
//! Each way has a namespace of its own, and one client creates the same RayJob in all of them in turn, again and again; so
//! nothing is registered or removed while the clock runs, and every way meets the same machine. The result replaces a
//! part of docs/performance.md. `-- --quick` is for development: few creations, nothing written.
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

#[path = "../tests/cluster/api.rs"]
#[expect(dead_code, reason = "the cluster tests also send other requests")]
mod api;
#[path = "../tests/cluster/binaries.rs"]
mod binaries;
#[path = "../tests/cluster/cluster.rs"]
#[expect(dead_code, reason = "the cluster tests also look at pods and logs")]
mod cluster;
#[path = "server/floor.rs"]
mod floor;
#[path = "../tests/tools/go.rs"]
mod go;
#[path = "report/machine.rs"]
mod machine;
#[path = "report/page.rs"]
mod page;
#[path = "peers/peer.rs"]
mod peer;
#[path = "../tests/cluster/process.rs"]
#[expect(dead_code, reason = "the cluster tests also end their processes gently")]
mod process;
#[path = "apiserver/report.rs"]
mod report;
#[path = "server/usage.rs"]
#[expect(dead_code, reason = "the server's benchmark also looks at memory")]
mod usage;
#[path = "apiserver/ways.rs"]
mod ways;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::Value;

use binaries::Binaries;
use cluster::Cluster;
use ways::{Way, Ways};

/// As the binary's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PASSES: usize = 7;
/// Creations of each way in a pass.
const EACH: usize = 60;
const QUICK_PASSES: usize = 2;
const QUICK_EACH: usize = 10;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let quick = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [floor::FLAG, ..] => {
            floor::serve(arguments.into_iter().skip(1));
            return ExitCode::SUCCESS;
        }
        [] => false,
        ["--quick"] => true,
        _ => {
            eprintln!("usage: cargo bench --bench apiserver -- [--quick]");
            return ExitCode::from(2);
        }
    };
    let binaries = match Binaries::locate() {
        Ok(binaries) => binaries,
        Err(missing) => {
            eprintln!("SKIPPED: nothing is measured: {missing}");
            return ExitCode::SUCCESS;
        }
    };
    let (passes, each) = if quick {
        (QUICK_PASSES, QUICK_EACH)
    } else {
        (PASSES, EACH)
    };
    let load = machine::load();
    let start = Instant::now();
    let cluster = Cluster::start(&binaries);
    let ways = Ways::register(&cluster);
    let used = || -> Vec<Option<Duration>> {
        let servers = ways.all().iter().map(|way| way.server);
        servers.map(|server| server.map(usage::processor_time)).collect()
    };
    let before = used();
    let times = measure(&cluster, ways.all(), passes, each);
    let creates = u32::try_from((passes + 1) * each).expect("a small number");
    let spent: Vec<Option<Duration>> = before
        .into_iter()
        .zip(used())
        .map(|(before, after)| Some(after?.saturating_sub(before?) / creates))
        .collect();
    let text = report::page(ways.all(), &times, &spent, load, start.elapsed());
    println!("{text}");
    if !quick {
        page::replace("apiserver", &text);
    }
    ExitCode::SUCCESS
}

/// The times of the creations by way, pass and number.
fn measure(cluster: &Cluster, ways: &[Way], passes: usize, each: usize) -> Vec<Vec<Vec<Duration>>> {
    let mut times = vec![vec![Vec::with_capacity(each); passes]; ways.len()];
    let mut rest = 0..;
    // The first creations fill caches and open connections.
    for pass in 0..=passes {
        if pass > 0 {
            eprintln!("pass {pass} of {passes}");
        }
        for _ in 0..each {
            let nth = rest.next().expect("numbers do not end");
            for (way, times) in ways.iter().zip(&mut times) {
                let took = create(cluster, way, &format!("job-{nth}"));
                if let Some(pass) = pass.checked_sub(1) {
                    times[pass].push(took);
                }
            }
        }
    }
    times
}

/// Creates the way's RayJob, and removes it once the clock has stopped.
fn create(cluster: &Cluster, way: &Way, name: &str) -> Duration {
    let path = way.rayjobs();
    let mut job: Value = way.job.clone();
    job["metadata"]["name"] = name.into();
    let start = Instant::now();
    let answer = cluster.api.post(&path, &job);
    let took = start.elapsed();
    answer.expect(201);
    cluster.api.delete(&format!("{path}/{name}")).expect(200);
    took
}
