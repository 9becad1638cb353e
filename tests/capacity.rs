//! The rules about nodes: the recorded answers of kube-scheduler to generated pods on generated nodes, and raygate's findings by
//! facts alone.
//!
//! `RAYGATE_PODS=2000 RAYGATE_BLESS=1 cargo test --test cluster -- the_scheduler_decides` asks the scheduler, and records its
//! answers anew in `tests/capacity/recorded.txt`.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may panic, and prints its result"
)]

#[path = "capacity/generate.rs"]
mod generate;
#[path = "tools/random.rs"]
#[allow(dead_code, reason = "other tests make texts")]
mod random;

use std::collections::BTreeMap;

use generate::{Answers, COPIES, SEED, World};

/// Kubernetes' version, the seed, the checksum of what was asked, and a line for each set of nodes.
const RECORDED: &str = include_str!("capacity/recorded.txt");

struct Recorded {
    kubernetes: String,
    worlds: Vec<World>,
    answers: Vec<Answers>,
}

fn recorded() -> Recorded {
    let (head, lines) = RECORDED.split_once("\n\n").expect("a head and the answers");
    let head: BTreeMap<&str, &str> = head.lines().filter_map(|line| line.split_once(' ')).collect();
    let answer = |line: &str| match line.split_once(' ') {
        Some((bound, copies)) => (bound.to_owned(), Some(copies.parse().expect("a number"))),
        None => (line.to_owned(), None),
    };
    let answers: Vec<Answers> = lines.lines().map(answer).collect();
    assert_eq!(head["seed"], SEED.to_string());
    let worlds = generate::worlds(SEED, answers.len());
    assert_eq!(
        head["checksum"],
        generate::checksum(&worlds),
        "what was asked has changed: record the answers anew"
    );
    Recorded {
        kubernetes: head["kubernetes"].to_owned(),
        worlds,
        answers,
    }
}

#[test]
fn the_scheduler_agrees() {
    let Recorded {
        kubernetes,
        worlds,
        answers,
    } = recorded();
    let differences = generate::differences(&worlds, &answers, &kubernetes);
    let all: String = answers.iter().map(|(bound, _)| bound.as_str()).collect();
    assert!(all.len() >= 2_000, "{} answers", all.len());
    assert!(
        differences.is_empty(),
        "{} of {} differ:\n{}",
        differences.len(),
        all.len(),
        differences.join("\n")
    );
    // The generator is worth something only if many pods are bound, and many are not.
    let bound = all.matches('b').count();
    assert!(
        bound * 4 > all.len() && bound * 4 < all.len() * 3,
        "{bound} of {}",
        all.len()
    );
}

#[test]
fn a_group_has_the_room_that_the_scheduler_finds() {
    let copies: Vec<usize> = recorded()
        .answers
        .into_iter()
        .filter_map(|(_, copies)| copies)
        .collect();
    let few = copies.iter().filter(|copies| **copies < COPIES).count();
    // That raygate says the same of each is part of the differences above.
    assert!(few >= 10 && few + 5 <= copies.len(), "{copies:?}");
}
