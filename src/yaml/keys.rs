//! Keys that stand twice in one mapping.

use super::codes;
use super::node::{Entry, Key};
use super::report::Report;
use crate::diag::{Diagnostic, Span, shorten};

/// Drops every entry whose key an earlier one has, and reports it.
pub(super) fn without_duplicates(mut entries: Vec<Entry>, report: &mut Report) -> Vec<Entry> {
    let mut keys: Vec<&Key> = entries.iter().map(|entry| &entry.key).collect();
    keys.sort_by_key(|key| (key.text.as_str(), key.span));
    let mut repeated: Vec<Span> = Vec::new();
    let mut first = keys.first().copied();
    for key in keys.into_iter().skip(1) {
        match first {
            Some(first) if first.text == key.text => {
                repeated.push(key.span);
                report.push(duplicate(first, key));
            }
            _ => first = Some(key),
        }
    }
    if !repeated.is_empty() {
        repeated.sort_unstable();
        entries.retain(|entry| repeated.binary_search(&entry.key.span).is_err());
    }
    entries
}

fn duplicate(first: &Key, later: &Key) -> Diagnostic {
    let message = format!("the key `{}` stands twice in this mapping", shorten(&later.text, 60));
    Diagnostic::error(codes::DUPLICATE_KEY, message)
        .at(later.span, "again here")
        .and_at(first.span, "first here")
        .help("remove one of them")
}
