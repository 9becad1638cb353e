//! What a check found wrong.

use crate::diag::Location;
use crate::k8s::path::Path;

use super::edit::{Edit, Op};

/// One thing that is wrong with a RayJob.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The field, or the one that is missing; its parent exists.
    pub path: Path,
    /// The line and column within the text that the path leads to, where the finding is about a part of that text.
    pub within: Option<Location>,
    /// One sentence: where in the author's words, what was seen, and what comes of it.
    pub message: String,
    /// What to change, in KubeRay's terms: `set limits.memory to at least 32Gi`.
    pub fix: String,
    /// What to change in the Flyte task: `WorkerNodeConfig(group_name="a", limits=Resources(mem="32Gi"))`.
    pub flyte: Option<String>,
    /// Another place that matters, and what is about it: the request that a limit is below.
    pub beside: Option<(Path, &'static str)>,
    /// How bad it is, where that has a number; an update that makes it worse is a new finding.
    pub weight: i64,
    /// What it is about, where its place does not say it; an update after which it is also about something else has a new
    /// finding. It is never shown.
    pub about: Vec<String>,
    /// The entry of the limit that it exceeds, where the limit is a map.
    pub entry: Option<String>,
    /// The repair, where one is plainly meant.
    pub repair: Option<Repair>,
    /// Whether the worst that may come of it is a warning, whatever the action says.
    pub warn_only: bool,
}

/// The edits that make a finding go away.
#[derive(Clone, Debug)]
pub struct Repair {
    /// What they do, in the past tense: `raised to its request 32Gi`.
    pub done: String,
    /// The edits.
    pub edits: Vec<Edit>,
}

impl Finding {
    /// A finding at `path`.
    pub fn new(path: Path, message: impl Into<String>) -> Finding {
        Finding {
            path,
            within: None,
            message: message.into(),
            fix: String::new(),
            flyte: None,
            beside: None,
            weight: 0,
            about: vec![],
            entry: None,
            repair: None,
            warn_only: false,
        }
    }

    /// With the place within the text that the path leads to.
    #[must_use]
    pub fn within(mut self, line: usize, column: usize) -> Finding {
        self.within = Some(Location { line, column });
        self
    }

    /// With what to change in KubeRay's terms.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Finding {
        self.fix = fix.into();
        self
    }

    /// With what to change in the Flyte task.
    #[must_use]
    pub fn flyte(mut self, setting: impl Into<String>) -> Finding {
        self.flyte = Some(setting.into());
        self
    }

    /// With another place that matters, and what is about it.
    #[must_use]
    pub fn beside(mut self, path: Path, label: &'static str) -> Finding {
        self.beside = Some((path, label));
        self
    }

    /// With a number that says how bad it is.
    #[must_use]
    pub fn weight(mut self, weight: i64) -> Finding {
        self.weight = weight;
        self
    }

    /// With what it is about, where its place does not say it.
    #[must_use]
    pub fn about(mut self, what: impl IntoIterator<Item = impl Into<String>>) -> Finding {
        self.about.extend(what.into_iter().map(Into::into));
        self
    }

    /// That exceeds an entry of a limit that is a map.
    #[must_use]
    pub fn entry(mut self, entry: &str) -> Finding {
        self.entry = Some(entry.to_owned());
        self
    }

    /// With the repair that does `op` at `path`; called again, it does both.
    #[must_use]
    pub fn repair(mut self, done: impl Into<String>, path: Path, op: Op) -> Finding {
        let edit = Edit { path, op, leaf: None };
        match &mut self.repair {
            Some(repair) => repair.edits.push(edit),
            None => {
                self.repair = Some(Repair {
                    done: done.into(),
                    edits: vec![edit],
                })
            }
        }
        self
    }

    /// That never does more than warn.
    #[must_use]
    pub fn warn_only(mut self) -> Finding {
        self.warn_only = true;
        self
    }
}

/// The findings of one check or rule, of which it may keep only the first ones.
#[derive(Debug, Default)]
pub struct Findings {
    kept: Vec<Finding>,
    /// The most that are kept of those that may deny, and of those that only warn.
    most: Option<usize>,
    /// How many of the kept ones only warn.
    warnings: usize,
    /// How many were not kept.
    more: usize,
}

impl Findings {
    /// That keeps all of them.
    pub fn new() -> Findings {
        Findings::default()
    }

    /// That keeps so many of those that may deny, and of those that only warn, and counts the rest.
    pub fn at_most(most: usize) -> Findings {
        Findings {
            most: Some(most),
            ..Findings::default()
        }
    }

    /// Adds one.
    pub fn push(&mut self, finding: Finding) {
        let alike = match finding.warn_only {
            true => self.warnings,
            false => self.kept.len() - self.warnings,
        };
        if self.most.is_some_and(|most| alike >= most) {
            self.more = self.more.saturating_add(1);
            return;
        }
        self.warnings += usize::from(finding.warn_only);
        self.kept.push(finding);
    }

    /// How many there are, kept or not.
    pub fn len(&self) -> usize {
        self.kept.len().saturating_add(self.more)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Those that are kept.
    pub fn kept(&self) -> &[Finding] {
        &self.kept
    }

    /// The same, to be changed.
    pub fn kept_mut(&mut self) -> &mut [Finding] {
        &mut self.kept
    }

    /// How many were not kept.
    pub fn more(&self) -> usize {
        self.more
    }
}

impl Extend<Finding> for Findings {
    fn extend<T: IntoIterator<Item = Finding>>(&mut self, findings: T) {
        findings.into_iter().for_each(|finding| self.push(finding));
    }
}

impl IntoIterator for Findings {
    type Item = Finding;
    type IntoIter = std::vec::IntoIter<Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.kept.into_iter()
    }
}
