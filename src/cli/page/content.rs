//! What a report says.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::admission::denial;
use crate::diag::one_line;
use crate::engine::{Change, Judged, Outcome};

/// A report.
#[derive(Debug, Default)]
pub struct Page {
    /// Its heading.
    pub title: &'static str,
    /// What was judged, by what: names and values.
    pub about: Vec<(&'static str, String)>,
    /// The counts, the most important first.
    pub counts: Vec<(String, usize)>,
    /// What was found in the policies, where they are all that was looked at: texts of several lines. There are no
    /// objects then.
    pub policies: Option<Vec<String>>,
    /// What could not be read or is wrong with the policies.
    pub problems: Vec<String>,
    /// Whether Markdown names the places that change: those of a comparison are few. Otherwise it counts them.
    pub names_places: bool,
    /// The objects.
    pub rows: Vec<Row>,
}

/// An object.
#[derive(Debug, Default)]
pub struct Row {
    /// Its namespace.
    pub namespace: String,
    /// Its kind.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// The file and line that it comes from; empty for an object of a cluster.
    pub place: String,
    /// The verdict, or the one before and the one after.
    pub verdict: String,
    /// The findings.
    pub lines: Vec<Line>,
    /// The places that are changed.
    pub changes: Vec<Place>,
}

/// A finding.
#[derive(Debug, Default)]
pub struct Line {
    /// `+` if it is new, `-` if it is gone, `~` if it is another one than before; empty where nothing is compared.
    pub sign: &'static str,
    /// What becomes of it.
    pub action: String,
    /// Its code.
    pub code: String,
    /// The policy that decided, empty where none did.
    pub policy: String,
    /// Where.
    pub path: String,
    /// What was found.
    pub message: String,
}

/// A place that is changed.
#[derive(Debug)]
pub struct Place {
    /// Where.
    pub path: String,
    /// The policy that changes it; empty where none does, or where that is not known.
    pub policy: String,
    /// The injector, or the code of the check that repairs; empty where that is not known.
    pub by: String,
}

impl Page {
    /// How many objects each namespace, policy, code and repair has here, the most first.
    pub(super) fn groups(&self) -> [(&'static str, Vec<(String, usize)>); 4] {
        let of = |keys: &dyn Fn(&Row) -> BTreeSet<Cow<'_, str>>| {
            let mut counts: BTreeMap<String, usize> = BTreeMap::new();
            for row in &self.rows {
                for key in keys(row).into_iter().filter(|key| !key.is_empty()) {
                    *counts.entry(key.into_owned()).or_default() += 1;
                }
            }
            let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
            counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
            counts
        };
        [
            ("Namespace", of(&|row| BTreeSet::from([Cow::from(&*row.namespace)]))),
            (
                "Policy",
                of(&|row| {
                    let lines = row.lines.iter().map(|line| Cow::from(&*line.policy));
                    lines
                        .chain(row.changes.iter().map(|place| Cow::from(&*place.policy)))
                        .collect()
                }),
            ),
            (
                "Code",
                of(&|row| row.lines.iter().map(|line| Cow::from(&*line.code)).collect()),
            ),
            (
                "Repair",
                of(&|row| {
                    let repairs = row.changes.iter().filter(|place| is_code(&place.by));
                    repairs.map(|place| Cow::from(&*place.by)).collect()
                }),
            ),
        ]
    }
}

impl Line {
    /// What is said of a finding.
    pub fn of(sign: &'static str, judged: &Judged) -> Line {
        Line {
            sign,
            action: judged.action.name().to_owned(),
            code: judged.code().to_owned(),
            policy: judged
                .origin
                .as_ref()
                .map(|origin| origin.policy.to_string())
                .unwrap_or_default(),
            path: one_line(&judged.finding.path.to_string()).into_owned(),
            message: one_line(&without_code(judged)).into_owned(),
        }
    }
}

/// The findings and the changed places of an outcome.
pub fn of_outcome(outcome: &Outcome<'_>) -> (Vec<Line>, Vec<Place>) {
    let lines = outcome.findings.iter().map(|judged| Line::of("", judged));
    let places = outcome
        .changes
        .iter()
        .flat_map(|change| change.places.iter().map(move |place| (change, place)));
    let places = places.map(|(change, place)| Place {
        path: one_line(&place.to_string()).into_owned(),
        policy: policy(change),
        by: change.by.to_owned(),
    });
    (lines.collect(), places.collect())
}

/// The sentence of a denial without its code, which stands beside it.
fn without_code(judged: &Judged) -> String {
    let mut text = denial::one(judged);
    if let Some(text_alone) = text.strip_suffix(&format!(" [{}]", judged.code())) {
        text.truncate(text_alone.len());
    }
    text
}

/// The policy behind a change.
pub fn policy(change: &Change) -> String {
    let origin = change.origin.as_ref();
    origin.map_or_else(String::new, |origin| origin.policy.to_string())
}

/// Whether a change is the repair of a check: checks have codes, injectors have names.
pub(super) fn is_code(by: &str) -> bool {
    by.starts_with(|first: char| first.is_ascii_uppercase())
}
