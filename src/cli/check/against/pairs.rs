//! Two judgements of one object, side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::cli::check::report::verdict;
use crate::cli::check::total::Total;
use crate::engine::mutate::behind;
use crate::engine::preview::Would;
use crate::engine::{Bundle, Change, Judged, Outcome, Verdict};
use crate::input::asked::Asked;
use crate::policy::settings::Action;
use crate::suite::changes::{Changed, changes};

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
    /// The findings that differ, before and after: gone, new, or with another action or message.
    pub findings: Vec<Pair<&'a Judged>>,
    /// The places that the two sets leave differently.
    pub changes: BTreeMap<String, Changed>,
    /// What the two sets did, before and after.
    pub made: (&'a [Change], &'a [Change]),
    /// What policies in Preview would do and differs, before and after: gone, new, or with another effect or message.
    pub previews: Vec<Pair<Previewed<'a>>>,
}

/// Something before and after; one of the two is there.
pub type Pair<T> = (Option<T>, Option<T>);

/// What a policy in Preview would do.
#[derive(Clone, Copy, Debug)]
pub struct Previewed<'a> {
    /// The policy.
    pub policy: &'a str,
    /// What it would do.
    pub would: &'a Would,
}

/// In how many requests the findings of a code differ, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Differ {
    /// They are gone.
    pub gone: usize,
    /// They are new.
    pub new: usize,
    /// They have another action or message.
    pub changed: usize,
}

/// The counts of a comparison.
#[derive(Debug, Default)]
pub struct Counts {
    /// Requests that were judged twice, and what was not judged.
    pub total: Total,
    /// Requests that differ.
    pub differ: usize,
    /// Requests that only the set after rejects.
    pub rejected: usize,
    /// Requests with a warning that only the set after gives.
    pub warned: usize,
    /// Requests that differ in nothing but what policies in Preview would do.
    pub previewed: usize,
    /// Of these two, the requests that differ just as an earlier one for the same object does.
    pub repeated: usize,
    /// By verdicts before and after, where they differ.
    pub verdicts: BTreeMap<(&'static str, &'static str), usize>,
    /// By code.
    pub codes: BTreeMap<String, Differ>,
    /// What policies in Preview would do, by policy and code.
    pub previews: BTreeMap<(String, String), Differ>,
}

pub(super) fn difference<'a>(
    place: String,
    asked: &'a Asked<'a>,
    before: &'a Outcome,
    after: &'a Outcome,
) -> Option<Difference<'a>> {
    let difference = Difference {
        place,
        asked,
        verdicts: (before.verdict, after.verdict),
        findings: pairs(
            before.findings.iter(),
            after.findings.iter(),
            |one, other| one.code() == other.code() && one.finding.path == other.finding.path,
            |one, other| one.action == other.action && one.finding.message == other.finding.message,
        ),
        changes: changes(&before.document.value().to_value(), &after.document.value().to_value()),
        made: (&before.changes, &after.changes),
        previews: pairs(
            previewed(before),
            previewed(after),
            |one, other| {
                let [one_key, other_key] = [one, other].map(|seen| (seen.policy, &seen.would.code, &seen.would.path));
                one_key == other_key
            },
            |one, other| one.would.effect == other.would.effect && one.would.message == other.would.message,
        ),
    };
    (difference.is_in_force() || !difference.previews.is_empty()).then_some(difference)
}

pub(super) fn previewed<'o>(outcome: &'o Outcome<'_>) -> impl Iterator<Item = Previewed<'o>> {
    outcome.previews.iter().flat_map(|preview| {
        let policy = &*preview.policy;
        preview.would.iter().map(move |would| Previewed { policy, would })
    })
}

/// What differs: those of the same place go together, and those that say the same are left out.
pub(super) fn pairs<T: Copy>(
    before: impl Iterator<Item = T>,
    after: impl Iterator<Item = T>,
    same_place: impl Fn(&T, &T) -> bool,
    same: impl Fn(&T, &T) -> bool,
) -> Vec<Pair<T>> {
    let mut left: Vec<T> = after.collect();
    let mut pairs: Vec<Pair<T>> = before
        .map(|one| {
            let at = left.iter().position(|other| same_place(&one, other));
            (Some(one), at.map(|at| left.remove(at)))
        })
        .collect();
    pairs.retain(|pair| !matches!(pair, (Some(one), Some(other)) if same(one, other)));
    pairs.extend(left.into_iter().map(|new| (None, Some(new))));
    pairs
}

impl Difference<'_> {
    /// Whether more differs than what policies in Preview would do.
    pub(super) fn is_in_force(&self) -> bool {
        self.verdicts.0 != self.verdicts.1 || !self.findings.is_empty() || !self.changes.is_empty()
    }

    /// What the set after did at a place that differs; where it did nothing, what the set before did.
    pub(super) fn change_at(&self, changed: &Changed) -> Option<&Change> {
        behind(self.made.1, &changed.path).or_else(|| behind(self.made.0, &changed.path))
    }

    /// The same for requests that say the same of the same object.
    pub(super) fn hash(&self) -> u64 {
        let mut hash = DefaultHasher::new();
        (
            self.asked.kind().name,
            &self.asked.namespace,
            &self.asked.name,
            verdict(self.verdicts.0),
            verdict(self.verdicts.1),
        )
            .hash(&mut hash);
        for (before, after) in &self.findings {
            for judged in [before, after] {
                let words = judged.map(|judged| (judged.code(), judged.action.name(), &judged.finding.message));
                (words, judged.map(|judged| &judged.finding.path)).hash(&mut hash);
            }
        }
        for (path, changed) in &self.changes {
            (path, changed.old.to_string(), changed.value.to_string()).hash(&mut hash);
        }
        for (before, after) in &self.previews {
            for seen in [before, after] {
                let words = seen.map(|seen| (seen.policy, &seen.would.code, seen.would.effect.name()));
                (words, seen.map(|seen| (&seen.would.path, &seen.would.message))).hash(&mut hash);
            }
        }
        hash.finish()
    }
}

impl Counts {
    /// In how many different ways requests differ: so many are listed.
    pub(super) fn ways(&self) -> usize {
        (self.differ + self.previewed).saturating_sub(self.repeated)
    }

    pub(super) fn add(&mut self, difference: &Difference<'_>) {
        if difference.is_in_force() {
            self.differ += 1;
        } else {
            self.previewed += 1;
        }
        let (before, after) = difference.verdicts;
        if before != after {
            *self.verdicts.entry((verdict(before), verdict(after))).or_default() += 1;
        }
        self.rejected += usize::from(before == Verdict::Allow && after != Verdict::Allow);
        let is_new_warning = |(before, after): &Pair<&Judged>| {
            let warns = |judged: &Option<&Judged>| judged.is_some_and(|judged| judged.action == Action::Warn);
            warns(after) && !warns(before)
        };
        self.warned += usize::from(difference.findings.iter().any(is_new_warning));
        count(&mut self.codes, &difference.findings, |judged| judged.code().to_owned());
        count(&mut self.previews, &difference.previews, |seen| {
            (seen.policy.to_owned(), seen.would.code.to_string())
        });
    }
}

/// Counts one request under each key of what differs in it.
pub(super) fn count<T: Copy, K: Ord + Clone>(
    counts: &mut BTreeMap<K, Differ>,
    pairs: &[Pair<T>],
    key: impl Fn(T) -> K,
) {
    let mut seen = BTreeSet::new();
    for (before, after) in pairs {
        let Some(key) = after.or(*before).map(&key) else {
            continue;
        };
        if !seen.insert((key.clone(), before.is_some(), after.is_some())) {
            continue;
        }
        let counts = counts.entry(key).or_default();
        match (before, after) {
            (Some(_), None) => counts.gone += 1,
            (None, _) => counts.new += 1,
            (Some(_), Some(_)) => counts.changed += 1,
        }
    }
}
