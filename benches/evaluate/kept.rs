//! The runs that were kept, so that what a change did stays to be seen.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;

use jiff::Timestamp;

/// A row of the file: date, what had changed, and the means of `/mutate` and `/validate` as multiples of the parse.
fn file() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/evaluate/kept.tsv"))
}

pub(crate) fn add(what: &str, mutate: f64, validate: f64) {
    let date = Timestamp::now().strftime("%F").to_string();
    let mut file = OpenOptions::new()
        .append(true)
        .create(true)
        .open(file())
        .expect("open kept.tsv");
    writeln!(file, "{date}\t{what}\t{mutate:.2}\t{validate:.2}").expect("write kept.tsv");
}

pub(crate) fn table() -> String {
    let mut text = "| kept on | after | /mutate, of parse | /validate, of parse |\n|---|---|---|---|\n".to_owned();
    for row in fs::read_to_string(file()).unwrap_or_default().lines() {
        let _ = writeln!(text, "| {} |", row.replace('\t', " | "));
    }
    text
}
