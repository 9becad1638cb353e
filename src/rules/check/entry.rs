//! A check as an entry of its table.

use std::sync::Arc;

use crate::policy::settings::Action;
use crate::policy::{Origin, Platform};
use crate::ray::{Kinds, KubeRay, Workload, flyte};
use crate::rules::Cx;
use crate::rules::finding::Findings;

use super::evidence::Evidence;

/// A check. Its page is the text of `raygate explain`, of the docs and of the link in a denial.
#[derive(Debug)]
pub struct Check {
    /// Its code, which never changes: `RG203`.
    pub code: &'static str,
    /// What is wrong, in a few words.
    pub title: &'static str,
    /// What happens to its findings where no policy says.
    pub action: Action,
    /// Whether it can repair what it finds.
    pub fixes: bool,
    /// The kinds of objects that it looks at.
    pub kinds: Kinds,
    /// The KubeRay releases that it is for.
    pub versions: Versions,
    /// Its page: the Markdown file beside its source.
    pub page: &'static str,
    /// Why its findings may be acted on.
    pub evidence: &'static [Evidence],
    /// Looks at an object of one of these kinds.
    pub run: fn(&Cx<'_>, &Workload<'_>, &mut Findings),
}

/// A span of KubeRay releases, and a feature gate that decides.
#[derive(Clone, Copy, Debug)]
pub struct Versions {
    /// The first release.
    pub since: KubeRay,
    /// The last release; `None` while it still holds.
    pub until: Option<KubeRay>,
    /// A gate that must be on, or off, for the check to hold.
    pub gate: Option<(&'static str, bool)>,
    /// Whether releases before the first one cannot run what the check finds either.
    pub fails_before: bool,
}

impl Versions {
    /// Every release.
    pub const ALL: Versions = Versions::since(KubeRay::V1_1);

    /// This release and all later ones.
    pub const fn since(since: KubeRay) -> Versions {
        Versions {
            since,
            until: None,
            gate: None,
            fails_before: false,
        }
    }

    /// The same, where earlier releases do not reject what the check finds, and cannot run it.
    #[must_use]
    pub const fn failing_before(self) -> Versions {
        Versions {
            fails_before: true,
            ..self
        }
    }

    /// These releases, both ends included.
    pub const fn between(since: KubeRay, until: KubeRay) -> Versions {
        Versions {
            since,
            until: Some(until),
            ..Versions::since(since)
        }
    }

    /// Only while a feature gate is on, or off.
    #[must_use]
    pub const fn gated(self, gate: &'static str, on: bool) -> Versions {
        Versions {
            gate: Some((gate, on)),
            ..self
        }
    }

    /// Whether the check holds on this platform.
    pub fn hold(&self, platform: &Platform) -> bool {
        platform.kuberay >= self.since
            && self.until.is_none_or(|until| platform.kuberay <= until)
            && self.gate.is_none_or(|(gate, on)| platform.gate(gate) == on)
    }

    /// Whether it is known that the check holds here: each supported release has its rule, or the Platform names the
    /// release, and the gate.
    pub fn are_certain(&self, platform: &Platform) -> bool {
        let from_the_oldest = self.fails_before || self.since <= KubeRay::OLDEST_SUPPORTED;
        let has_release = platform.names_kuberay || (from_the_oldest && self.until.is_none());
        has_release && self.gate.is_none_or(|(gate, _)| platform.names_gate(gate))
    }
}

impl Check {
    /// What happens to its findings on a platform where no policy says: a rule of which it is not known whether the
    /// installed KubeRay has it does no more than warn.
    pub fn action_on(&self, platform: &Platform) -> Action {
        if self.limit().is_some() || self.versions.are_certain(platform) {
            self.action
        } else {
            self.action.min(Action::Warn)
        }
    }

    /// Looks at an object, if the check is for its kind.
    pub fn look(&self, cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
        if !self.kinds.include(job.kind) {
            return;
        }
        let others = findings.len();
        (self.run)(cx, job, findings);
        if !flyte::may_have_made(job) {
            findings
                .iter_mut()
                .skip(others)
                .for_each(|finding| finding.flyte = None);
        }
    }

    /// The whole page as Markdown: code, title, action, releases, evidence, and the check's own text.
    pub fn markdown(&self) -> String {
        let repairs = if self.fixes {
            " It can repair what it finds."
        } else {
            ""
        };
        let unnamed = match (self.action_on(&Platform::default()) < self.action, self.versions.gate) {
            (false, _) => "",
            (true, None) => " It only warns if the Platform does not name the release of KubeRay.",
            (true, Some(_)) => " It only warns if the Platform does not name the feature gate.",
        };
        let evidence: Vec<String> = self.evidence.iter().map(Evidence::to_string).collect();
        format!(
            "# {}: {}\n\nDefault action: {}.{repairs}{unnamed} KubeRay: {}.\n\nEvidence: {}.\n\n{}\n",
            self.code,
            self.title,
            self.action.name(),
            self.versions,
            evidence.join("; "),
            self.page.replace("\n# ", "\n## ").replacen("# ", "## ", 1).trim_end()
        )
    }

    /// The key below `limits` in a policy to which it holds a RayJob.
    pub fn limit(&self) -> Option<&'static str> {
        self.evidence.iter().find_map(|evidence| match evidence {
            Evidence::Limit(key) | Evidence::Budget(key) => Some(*key),
            _ => None,
        })
    }

    /// Whether its findings are about the job as a whole, whatever field they point at.
    pub fn is_job_wide(&self) -> bool {
        self.evidence
            .iter()
            .any(|evidence| matches!(evidence, Evidence::Budget(_)))
    }

    /// Why no Exemption waives it, if none does.
    pub fn never_waived(&self) -> Option<&'static str> {
        self.evidence.iter().find_map(|evidence| match evidence {
            Evidence::Guard(reason) => Some(*reason),
            _ => None,
        })
    }
}

impl std::fmt::Display for Versions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.until {
            None if self.since == KubeRay::V1_1 => f.write_str("every release")?,
            None => write!(f, "{} and later", self.since)?,
            Some(until) if until == self.since => write!(f, "{until} only")?,
            Some(until) => write!(f, "{} to {until}", self.since)?,
        }
        match self.gate {
            Some((gate, true)) => write!(f, ", with the feature gate {gate} on"),
            Some((gate, false)) => write!(f, ", with the feature gate {gate} off"),
            None => Ok(()),
        }
    }
}

impl Cx<'_> {
    /// The policy's line behind the findings of a check: the limit that was passed, else the action that was named.
    pub fn origin(&self, check: &Check) -> Option<Arc<Origin>> {
        check
            .limit()
            .and_then(|limit| self.policy.limit_origin(limit))
            .or_else(|| self.policy.action_origin(check.code))
    }
}
