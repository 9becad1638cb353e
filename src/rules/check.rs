//! The checks: one table, and for each check a source file with its page beside it.

use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};

use super::Cx;
use super::finding::Findings;

pub mod accelerators;
pub mod evidence;
pub mod groups;
pub mod images;
pub mod kuberay;
pub mod lifecycle;
pub mod resources;
pub mod systems;

pub use evidence::Evidence;

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
        }
    }

    /// These releases, both ends included.
    pub const fn between(since: KubeRay, until: KubeRay) -> Versions {
        Versions {
            since,
            until: Some(until),
            gate: None,
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
    pub fn hold(&self, platform: &crate::policy::Platform) -> bool {
        platform.kuberay >= self.since
            && self.until.is_none_or(|until| platform.kuberay <= until)
            && self.gate.is_none_or(|(gate, on)| platform.gate(gate) == on)
    }
}

impl Check {
    /// Looks at an object, if the check is for its kind.
    pub fn look(&self, cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
        if self.kinds.include(job.kind) {
            (self.run)(cx, job, findings);
        }
    }

    /// The whole page as Markdown: code, title, action, releases, evidence, and the check's own text.
    pub fn markdown(&self) -> String {
        let repairs = if self.fixes {
            " It can repair what it finds."
        } else {
            ""
        };
        let evidence: Vec<String> = self.evidence.iter().map(Evidence::to_string).collect();
        format!(
            "# {}: {}\n\nDefault action: {}.{repairs} KubeRay: {}.\n\nEvidence: {}.\n\n{}\n",
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

/// The check with this code.
pub fn find(code: &str) -> Option<&'static Check> {
    all().find(|check| check.code == code)
}

/// A family of checks: those whose codes begin alike.
#[derive(Debug)]
pub struct Family {
    /// How the codes begin: `RG2`.
    pub prefix: &'static str,
    /// What the family is about.
    pub title: &'static str,
    /// Why no Exemption waives its checks, if none does.
    pub never_waived: Option<&'static str>,
    /// Its checks, in the order of their codes.
    pub checks: &'static [&'static Check],
}

/// The families, in the order of their codes.
pub static FAMILIES: &[Family] = &[
    Family {
        prefix: "RG1",
        title: "what KubeRay would refuse",
        never_waived: Some("KubeRay itself refuses what it finds"),
        checks: kuberay::CHECKS,
    },
    Family {
        prefix: "RG2",
        title: "CPU, memory and device quantities",
        never_waived: None,
        checks: resources::CHECKS,
    },
    Family {
        prefix: "RG3",
        title: "accelerators and shared memory",
        never_waived: None,
        checks: accelerators::CHECKS,
    },
    Family {
        prefix: "RG4",
        title: "times, clean-up and cost",
        never_waived: None,
        checks: lifecycle::CHECKS,
    },
    Family {
        prefix: "RG5",
        title: "worker groups, start parameters and containers",
        never_waived: None,
        checks: groups::CHECKS,
    },
    Family {
        prefix: "RG6",
        title: "pod security and images",
        never_waived: None,
        checks: images::CHECKS,
    },
    Family {
        prefix: "RG7",
        title: "Flyte, submission and scheduling systems",
        never_waived: None,
        checks: systems::CHECKS,
    },
];

/// All checks, in the order of their codes.
pub fn all() -> impl Iterator<Item = &'static Check> {
    FAMILIES.iter().flat_map(|family| family.checks.iter().copied())
}

/// The checks that repair, in the order in which their repairs are applied: the Ray container first, because the
/// others look at the first container; the minimum after the limits, because a limit that was raised may still be the
/// platform's default.
pub static REPAIRS: &[&Check] = &[
    &groups::container_order::CHECK,
    &resources::gpu_request_without_limit::CHECK,
    &resources::limit_below_request::CHECK,
    &resources::no_memory_limit::CHECK,
    &resources::platform_default::CHECK,
    &accelerators::shm_path::CHECK,
    &accelerators::submitter_accelerators::CHECK,
    &lifecycle::ttl::CHECK,
    &lifecycle::active_deadline::CHECK,
    &lifecycle::pre_running_deadline::CHECK,
    &lifecycle::backoff_limit::CHECK,
    &groups::max_workers::CHECK,
    &groups::ports::CHECK,
    &systems::submitter::CHECK,
];
