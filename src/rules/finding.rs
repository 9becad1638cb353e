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

/// The findings of one check.
pub type Findings = Vec<Finding>;
