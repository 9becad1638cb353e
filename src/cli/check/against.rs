//! `raygate check --against`: what another set of policies says of the same recorded requests.

mod print;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::PathBuf;

use crate::cli::Failure;
use crate::diag::Sources;
use crate::engine::{Bundle, Judged, Outcome, Verdict};
use crate::suite::changes::{Changed, changes};

use super::input::{self, Piece};
use super::judge::{How, judge};
use super::report::{Format, verdict};
use super::request::{Asked, Found, Requests};
use super::total::Total;

/// One of the two sets.
#[derive(Debug)]
pub struct Side<'a> {
    /// What it was called.
    pub name: String,
    /// The policies.
    pub bundle: &'a Bundle,
}

/// What the two sets say differently of one request.
#[derive(Debug)]
pub struct Difference<'a> {
    /// The file and line of the request.
    pub place: String,
    /// The request.
    pub asked: &'a Asked<'a>,
    /// The verdicts before and after.
    pub verdicts: (Verdict, Verdict),
    /// The findings that only the set before has.
    pub gone: Vec<&'a Judged>,
    /// The findings that only the set after has.
    pub new: Vec<&'a Judged>,
    /// The places that the two sets leave differently.
    pub changes: BTreeMap<String, Changed>,
}

/// The counts of a comparison.
#[derive(Debug, Default)]
pub struct Counts {
    /// RayJobs that were judged twice, and what was not judged.
    pub total: Total,
    /// RayJobs that differ.
    pub differ: usize,
    /// Requests that differ just as an earlier one for the same RayJob does.
    pub repeated: usize,
    /// By verdicts before and after, where they differ.
    pub verdicts: BTreeMap<(&'static str, &'static str), usize>,
    /// By code: in how many requests findings went and came.
    pub codes: BTreeMap<String, (usize, usize)>,
}

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
    input::read(files, &Sources::new(), &mut |sources, piece| {
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
                counts.total.skip(&skipped.reason);
                return Ok(());
            }
        };
        let outcomes = (judge(before.bundle, &asked, how), judge(after.bundle, &asked, how));
        counts.total.add(&outcomes.1);
        let line = sources.location(asked.root.span).map_or(0, |place| place.line);
        let place = format!("{}:{line}", sources.name(source));
        let Some(difference) = difference(place, &asked, &outcomes.0, &outcomes.1) else {
            return Ok(());
        };
        if printed.insert(difference.hash()) {
            counts.add(&difference);
            printer.difference(&difference)?;
        } else {
            counts.repeated += 1;
        }
        Ok(())
    })?;
    printer.finish(&counts)?;
    Ok(counts)
}

fn difference<'a>(
    place: String,
    asked: &'a Asked<'a>,
    before: &'a Outcome,
    after: &'a Outcome,
) -> Option<Difference<'a>> {
    let difference = Difference {
        place,
        asked,
        verdicts: (before.verdict, after.verdict),
        gone: lacking(&before.findings, &after.findings),
        new: lacking(&after.findings, &before.findings),
        changes: changes(before.document.value(), after.document.value()),
    };
    let is_same = before.verdict == after.verdict
        && difference.gone.is_empty()
        && difference.new.is_empty()
        && difference.changes.is_empty();
    (!is_same).then_some(difference)
}

/// The findings that others lack.
fn lacking<'a>(findings: &'a [Judged], others: &[Judged]) -> Vec<&'a Judged> {
    let same = |one: &Judged, other: &Judged| {
        one.code() == other.code()
            && one.action == other.action
            && one.finding.path == other.finding.path
            && one.finding.message == other.finding.message
    };
    findings
        .iter()
        .filter(|one| !others.iter().any(|other| same(one, other)))
        .collect()
}

impl Difference<'_> {
    /// The same for requests that say the same of the same RayJob.
    fn hash(&self) -> u64 {
        let mut hash = DefaultHasher::new();
        (
            &self.asked.namespace,
            &self.asked.name,
            verdict(self.verdicts.0),
            verdict(self.verdicts.1),
        )
            .hash(&mut hash);
        for judged in self.gone.iter().chain(&self.new) {
            (
                judged.code(),
                judged.action.name(),
                &judged.finding.path,
                &judged.finding.message,
            )
                .hash(&mut hash);
        }
        for (path, changed) in &self.changes {
            (path, changed.old.to_string(), changed.value.to_string()).hash(&mut hash);
        }
        hash.finish()
    }
}

impl Counts {
    fn add(&mut self, difference: &Difference<'_>) {
        self.differ += 1;
        let (before, after) = difference.verdicts;
        if before != after {
            *self.verdicts.entry((verdict(before), verdict(after))).or_default() += 1;
        }
        let codes =
            |side: &[&Judged]| -> BTreeSet<String> { side.iter().map(|judged| judged.code().to_owned()).collect() };
        for code in codes(&difference.gone) {
            self.codes.entry(code).or_default().0 += 1;
        }
        for code in codes(&difference.new) {
            self.codes.entry(code).or_default().1 += 1;
        }
    }
}
