//! What a tree takes of memory, whatever its text is made of.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may panic, and a benchmark prints its result"
)]

use std::fmt::Write as _;

use peak_alloc::PeakAlloc;
use raygate::json::Tree;
use serde_json::json;

/// Counts the bytes that are allocated. While memory grows by copying, both copies count.
#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const MIB: usize = 1 << 20;

/// An array of the same value again and again, of 3 MiB.
fn repeated(value: &str) -> String {
    let mut text = "[".to_owned() + &format!("{value},").repeat(3 * MIB / (value.len() + 1));
    text.pop();
    text + "]"
}

/// An object of 3 MiB, its keys in descending order.
fn descending() -> String {
    let mut text = String::from("{");
    for key in (0..3 * MIB / 11).rev() {
        write!(text, "\"{key:06x}\":0,").unwrap();
    }
    text + "\"\":0}"
}

/// What reading the text allocates at its peak, the text included, as a multiple of the text.
fn peak_of_reading(text: &str) -> f64 {
    let before = MEMORY.current_usage() - text.len();
    MEMORY.reset_peak_usage();
    let tree = Tree::read(text).expect("the text is JSON");
    let peak = MEMORY.peak_usage() - before;
    drop(tree);
    peak as f64 / text.len() as f64
}

/// What so many edits of the tree allocate, in bytes.
fn taken_by_edits(tree: &mut Tree<'_>, edits: usize) -> usize {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let value = json!({"b": "0123456789"});
    for index in 0..edits {
        tree.root_mut().index(index).unwrap().insert("b", &value).unwrap();
        tree.root_mut().index(index).unwrap().remove("a");
    }
    MEMORY.peak_usage() - before
}

/// One test, because all tests of a program share its memory.
#[test]
fn a_tree_takes_at_most_eight_times_its_text() {
    let levels = "[".repeat(120) + &"]".repeat(120);
    let objects = r#"{"":"#.repeat(120) + "{}" + &"}".repeat(120);
    let values = [
        "{}",
        "[]",
        "0",
        "-1",
        "-0",
        "1.5",
        "null",
        r#""""#,
        r#""a""#,
        r#""\n""#,
        r#"{"":0}"#,
        r#"{"":{}}"#,
        r#"{"":"\n"}"#,
        "[0]",
        "[[]]",
        "[0,0]",
        &levels,
        &objects,
    ];
    let one_string = || format!("\"{}\\n\"", "a".repeat(3 * MIB));
    let repeated = values.map(|value| move || repeated(value));
    let texts = repeated.iter().map(|text| text as &dyn Fn() -> String);
    for text in texts.chain([&descending as &dyn Fn() -> String, &one_string]) {
        let text = text();
        let times = peak_of_reading(&text);
        let shown: String = text.chars().take(12).collect();
        println!("{times:.2} times the text of {shown}");
        assert!(times <= 8.0, "{times:.2} times the text of {shown}");
    }

    let text = "[".to_owned() + &vec![r#"{"a":0}"#; 300_000].join(",") + "]";
    let mut tree = Tree::read(&text).unwrap();
    let taken = taken_by_edits(&mut tree, 100);
    assert!(taken < 100 * 1_000, "100 edits took {taken} bytes");
}
