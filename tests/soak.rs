//! The short form of `cargo bench --bench soak`: whether anything is kept of each review. How much memory is resident says
//! the long form alone, as a binary that is not optimised is itself larger than what the other may take.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may panic, and a benchmark prints its result"
)]

#[path = "tools/soak.rs"]
#[allow(dead_code, reason = "the long form prints more")]
mod soak;

use soak::{GROWTH, Plan};

#[test]
fn memory_does_not_grow() {
    if !soak::can_measure() {
        eprintln!("SKIPPED: memory is read from /proc, which is not here");
        return;
    }
    let plan = Plan {
        reviews: 10_000,
        connections: 8,
    };
    let soaked = soak::run(env!("CARGO_BIN_EXE_raygate"), plan, |_| ());
    println!("{soaked:#?}");
    assert!(soaked.growth() <= GROWTH, "grew by {} bytes", soaked.growth());
}
