//! What reading, looking up, walking and writing documents costs, as a ratio to the same with serde_json's values.
//!
//! `cargo bench --bench json` prints the sums over the RayJobs of `tests/rayjobs`. Each figure is the least of many
//! interleaved batches, so that other work on the machine mostly drops out.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may panic, and a benchmark prints its result"
)]

use std::fs;
use std::hint::black_box;
use std::time::{Duration, Instant};

use raygate::json::{Json, Tree, View};
use serde_json::Value;

/// As the binary's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BATCHES: usize = 200;
const EACH: u32 = 10;

/// The paths of a few fields that the checks read.
const POINTERS: [&str; 6] = [
    "/metadata/name",
    "/metadata/annotations/none",
    "/spec/ttlSecondsAfterFinished",
    "/spec/rayClusterSpec/headGroupSpec/rayStartParams/num-cpus",
    "/spec/rayClusterSpec/workerGroupSpecs/0/template/spec/containers/0/resources/limits/memory",
    "/spec/rayClusterSpec/workerGroupSpecs/0/template/spec/containers/0/env",
];

fn count(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(map) => map.iter().map(|(key, value)| key.len() + count(value)).sum(),
        Value::String(text) => text.len(),
        _ => 1,
    }
}

fn count_json(json: Json<'_>) -> usize {
    match json.view() {
        View::Array(array) => array.iter().map(count_json).sum(),
        View::Object(object) => object.iter().map(|(key, value)| key.len() + count_json(value)).sum(),
        View::String(text) => text.len(),
        _ => 1,
    }
}

/// The least time of one call, over interleaved batches of both works.
fn least(works: [&dyn Fn(); 2]) -> [Duration; 2] {
    let mut least = [Duration::MAX; 2];
    for _ in 0..BATCHES {
        for (work, least) in works.iter().zip(&mut least) {
            let start = Instant::now();
            (0..EACH).for_each(|_| work());
            *least = (*least).min(start.elapsed() / EACH);
        }
    }
    least
}

/// The text as an API server writes it.
fn compact(text: &str) -> String {
    serde_json::from_str::<Value>(text).unwrap().to_string()
}

fn main() {
    let files = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rayjobs")).unwrap();
    let texts = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    let texts: Vec<String> = texts.map(|text| compact(&text)).collect();
    let values: Vec<Value> = texts.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    let trees: Vec<Tree<'_>> = texts.iter().map(|text| Tree::read(text).unwrap()).collect();
    println!("| | serde_json µs | tree µs | ratio |\n|---|---|---|---|");
    let row = |what: &str, with_values: &dyn Fn(), with_trees: &dyn Fn()| {
        let [value, tree] = least([with_values, with_trees]).map(|time| time.as_secs_f64() * 1e6);
        println!("| {what} | {value:.2} | {tree:.2} | {:.2} |", tree / value);
    };
    row(
        "read",
        &|| {
            for text in &texts {
                black_box(serde_json::from_str::<Value>(black_box(text)).unwrap());
            }
        },
        &|| {
            for text in &texts {
                black_box(Tree::read(black_box(text)).unwrap());
            }
        },
    );
    row(
        "look up",
        &|| {
            for value in &values {
                POINTERS.iter().for_each(|at| {
                    black_box(value.pointer(black_box(at)));
                });
            }
        },
        &|| {
            for tree in &trees {
                POINTERS.iter().for_each(|at| {
                    black_box(tree.root().pointer(black_box(at)));
                });
            }
        },
    );
    row(
        "walk",
        &|| {
            black_box(values.iter().map(count).sum::<usize>());
        },
        &|| {
            black_box(trees.iter().map(|tree| count_json(tree.root())).sum::<usize>());
        },
    );
    row(
        "write",
        &|| {
            values
                .iter()
                .for_each(|value| drop(black_box(serde_json::to_vec(value))));
        },
        &|| {
            trees
                .iter()
                .for_each(|tree| drop(black_box(serde_json::to_vec(&tree.root()))));
        },
    );
}
