//! Whether raygate's memory stays bounded, and does not grow, over many reviews.
//!
//! `cargo bench --bench soak` sends a million reviews over 64 kept connections to the shipped binary, as fast as it answers,
//! and prints resident memory before and under load. It fails where that is more than 32 MiB idle or 64 MiB under load, or
//! grows; and where the load was not ten times what raygate is built for. `-- --reviews N --connections N` changes how many.
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

use std::process::ExitCode;

#[path = "../tests/tools/soak.rs"]
mod soak;

use soak::{BUILT_FOR, Plan, mebibytes};

fn plan() -> Option<Plan> {
    let mut plan = Plan {
        reviews: 1_000_000,
        connections: 64,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            // cargo's own.
            "--bench" => {}
            "--reviews" => plan.reviews = arguments.next()?.parse().ok()?,
            "--connections" => plan.connections = arguments.next()?.parse().ok()?,
            _ => return None,
        }
    }
    (plan.reviews >= 10 && plan.connections > 0).then_some(plan)
}

fn main() -> ExitCode {
    let Some(plan) = plan() else {
        eprintln!("usage: cargo bench --bench soak -- [--reviews N, at least 10] [--connections N]");
        return ExitCode::from(2);
    };
    if !soak::can_measure() {
        eprintln!("SKIPPED: resident memory is read from /proc, which is not here");
        return ExitCode::SUCCESS;
    }
    println!("{} reviews over {} connections", plan.reviews, plan.connections);
    println!(
        "{:>10} {:>10} {:>14} {:>10}",
        "reviews", "a second", "resident MiB", "floor MiB"
    );
    let soaked = soak::run(env!("CARGO_BIN_EXE_raygate"), plan, |part| {
        let (peak, floor) = (mebibytes(part.peak), mebibytes(part.floor));
        println!("{:>10} {:>10.0} {peak:>14} {floor:>10}", part.reviews, part.rate);
    });
    for (what, bytes, most) in soaked.bounds() {
        println!("{what:<6} {:>6} MiB, at most {}", mebibytes(bytes), mebibytes(most));
    }
    let times = soaked.rate / BUILT_FOR;
    println!(
        "{:.0} reviews a second: {times:.0} times what raygate is built for",
        soaked.rate
    );
    if times < 10.0 {
        println!("FAILED: that is less than ten times, and shows nothing");
    } else if !soaked.is_bounded() {
        println!("FAILED: a bound is not kept");
    } else {
        return ExitCode::SUCCESS;
    }
    ExitCode::FAILURE
}
