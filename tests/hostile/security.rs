//! SECURITY.md: an answer to each threat, and tests that are there.

use crate::items::{assert_is_test, is_tried, source};

/// Threats that begin where nothing of raygate's runs any more, so that no test of ours can show an answer.
const BEYOND: &[&str] = &["6"];

/// What a cell of the last column names: ``items 1, 62 to 64; `function` in `tests/file.rs` ``.
fn assert_shown(threat: &str, cell: &str) {
    for part in cell.split("; ") {
        if let Some(numbers) = part.strip_prefix("items ").or_else(|| part.strip_prefix("item ")) {
            for range in numbers.split(", ") {
                let (first, last) = range.split_once(" to ").unwrap_or((range, range));
                let [first, last] = [first, last].map(|number| number.parse::<u8>().expect("the number of an item"));
                assert!(first <= last);
                for number in first..=last {
                    assert!(is_tried(number), "threat {threat}: item {number} is tried by no test");
                }
            }
        } else {
            let named = part.strip_prefix('`').and_then(|part| part.strip_suffix('`'));
            let (function, file) = named
                .and_then(|named| named.split_once("` in `"))
                .unwrap_or_else(|| panic!("threat {threat}: {part:?} names neither items nor a test in a file"));
            assert_is_test(file, function);
        }
    }
}

#[test]
fn every_threat_is_answered_and_shown() {
    let text = source("SECURITY.md");
    let rows: Vec<Vec<&str>> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .map(|row| row.split(" | ").map(str::trim).collect::<Vec<_>>())
        .filter(|cells| cells.len() == 4 && cells[0].parse::<u8>().is_ok())
        .collect();
    let numbers: Vec<String> = rows.iter().map(|cells| cells[0].to_owned()).collect();
    assert_eq!(numbers, (1..=18).map(|number| number.to_string()).collect::<Vec<_>>());
    for cells in rows {
        let [threat, what, answer, shown] = cells[..] else {
            panic!("{cells:?}")
        };
        assert!(what.len() > 10 && answer.len() > 10, "threat {threat}");
        assert_eq!(
            shown == "no test can",
            BEYOND.contains(&threat),
            "threat {threat}: {shown:?}"
        );
        if shown != "no test can" {
            assert_shown(threat, shown);
        }
    }
}
