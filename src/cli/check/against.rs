//! `raygate check --against`: what another set of policies says of the same recorded requests.

mod pairs;
mod print;

use std::collections::HashSet;
use std::io::Write;
use std::path::PathBuf;

use crate::cli::Failure;
use crate::diag::Sources;
use crate::input::asked::Found;
use crate::input::request::Requests;
use crate::input::{self, Piece};

use super::judge::{How, judge};
use super::report::Format;
use pairs::difference;
pub use pairs::{Counts, Differ, Difference, Pair, Previewed, Side};

/// Judges every request with both sets, and prints what differs. Nothing is kept of a request that was printed but a
/// hash.
///
/// # Errors
/// [`Failure`] if a file cannot be read, or the output cannot be written.
pub fn run(
    sides: &[Side<'_>; 2],
    requests: &mut Requests,
    how: &How,
    files: &[PathBuf],
    format: Format,
    out: &mut dyn Write,
) -> Result<Counts, Failure> {
    let [before, after] = sides;
    let mut printer = print::Printer::new(format, out)?;
    printer.begin(sides)?;
    let mut counts = Counts::default();
    let mut printed = HashSet::new();
    input::read::<Failure>(files, &Sources::new(), &mut |sources, piece| {
        let (source, node) = match piece {
            Piece::Document(source, node) => (source, node),
            Piece::Unreadable(diagnostic) => {
                counts.total.unreadable += 1;
                return Ok(printer.unreadable(&diagnostic.concise(sources))?);
            }
            Piece::Remark(_) => return Ok(()),
        };
        let asked = match requests.of(node)? {
            Found::Asked(asked) => asked,
            Found::Skipped(skipped) => {
                counts.total.skip(&skipped);
                return Ok(());
            }
        };
        let outcomes = [before, after].map(|side| judge(side.bundle, &asked, how).outcome);
        let [before, after] = &outcomes;
        counts.total.add(after);
        let line = sources.location(asked.root.span).map_or(0, |place| place.line);
        let place = format!("{}:{line}", sources.name(source));
        let Some(difference) = difference(place, &asked, before, after) else {
            return Ok(());
        };
        counts.add(&difference);
        if printed.insert(difference.hash()) {
            printer.difference(&difference)?;
        } else {
            counts.repeated += 1;
        }
        Ok(())
    })?;
    printer.finish(&counts)?;
    Ok(counts)
}
