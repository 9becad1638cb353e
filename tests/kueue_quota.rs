//! What Kueue never admits: its recorded answers to generated queues and jobs, and raygate's findings by facts alone.
//!
//! `cargo test --test cluster -- --ignored kueue_quota` asks Kueue. With `RAYGATE_BLESS=1` it records the answers anew in
//! `tests/kueue_quota/recorded.txt`.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may panic, and prints its result"
)]

#[path = "kueue_quota/generate.rs"]
mod generate;
#[path = "tools/random.rs"]
#[allow(dead_code, reason = "other tests make texts")]
mod random;

use std::collections::BTreeMap;

use generate::{FITS, JOBS, SEED, world};

/// Kueue's version, the seed, the checksum of what was asked, and Kueue's answer to each job.
const RECORDED: &str = include_str!("kueue_quota/recorded.txt");

/// One miss in so many answers. Kueue chooses flavors for one pod set after the other, and raygate is content if any choice
/// works.
const MISSES: usize = 20;

#[test]
fn kueue_agrees() {
    let (head, answers) = RECORDED.split_once("\n\n").expect("a head and the answers");
    let head: BTreeMap<&str, &str> = head.lines().filter_map(|line| line.split_once(' ')).collect();
    let answers: Vec<String> = answers.lines().map(str::to_owned).collect();
    assert_eq!(head["seed"], SEED.to_string());
    let world = world(SEED, answers.len() / JOBS);
    assert_eq!(
        head["checksum"],
        world.checksum(),
        "what was asked has changed: record the answers anew"
    );
    assert!(answers.len() >= 300, "{} answers", answers.len());
    let (wrong, missed) = world.differences(&answers);
    println!(
        "{} answers, {} wrong, {} missed",
        answers.len(),
        wrong.len(),
        missed.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(missed.len() <= answers.len() / MISSES, "{}", missed.join("\n"));
    // The generator is worth something only if each reason decides some jobs, and many may run.
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for answer in &answers {
        *counts.entry(answer).or_default() += 1;
    }
    println!("{counts:?}");
    for reason in [FITS, "ExceedsMaxQuota", "NoMatchingFlavor", "Misconfigured"] {
        let count = counts.get(reason).copied().unwrap_or_default();
        assert!(count >= 20, "{reason} decides {count} jobs: {counts:?}");
    }
    let denied = world.found().iter().filter(|(_, denies)| *denies).count();
    assert!(denied >= 20, "raygate denies {denied} jobs");
}
