//! The checks: one table, one file each; KubeRay's own are rows in a file for their family.

use crate::policy::settings::Action;
use crate::ray::{KubeRay, RayJob};

use super::Cx;
use super::finding::Findings;

pub mod accelerators;
pub mod groups;
pub mod images;
pub mod kuberay;
pub mod lifecycle;
pub mod resources;
pub mod systems;

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
    /// The KubeRay releases that it is for.
    pub versions: Versions,
    /// Its page: the leading `//!` lines of this source text, or the text itself where it has none.
    pub page: &'static str,
    /// Looks at a RayJob.
    pub run: fn(&Cx<'_>, &RayJob<'_>, &mut Findings),
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
    /// The whole page as Markdown: code, title, action, releases, and the check's own text.
    pub fn markdown(&self) -> String {
        let repairs = if self.fixes {
            " It can repair what it finds."
        } else {
            ""
        };
        format!(
            "# {}: {}\n\nDefault action: {}.{repairs} KubeRay: {}.\n\n{}\n",
            self.code,
            self.title,
            self.action.name(),
            self.versions,
            self.page().replace("\n# ", "\n## ").replacen("# ", "## ", 1).trim_end()
        )
    }

    /// The check's own text as Markdown.
    pub fn page(&self) -> String {
        let doc: Vec<&str> = self
            .page
            .lines()
            .take_while(|line| line.starts_with("//!"))
            .map(|line| line.trim_start_matches("//!"))
            .map(|line| line.strip_prefix(' ').unwrap_or(line))
            .collect();
        if doc.is_empty() {
            self.page.trim().to_owned()
        } else {
            doc.join("\n")
        }
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

/// The checks that hold a RayJob to a limit of the policies, and the limit's key.
pub const LIMITS: &[(&str, &str)] = &[
    ("RG213", "maxCpusPerJob"),
    ("RG214", "maxMemoryPerJob"),
    ("RG310", "maxGpusPerJob"),
    ("RG321", "unknownDevices"),
    ("RG401", "maxTtlSeconds"),
    ("RG402", "maxActiveDeadlineSeconds"),
    ("RG403", "maxPreRunningDeadlineSeconds"),
    ("RG404", "maxBackoffLimit"),
    ("RG506", "maxWorkersPerGroup"),
    ("RG507", "maxPodsPerJob"),
    ("RG601", "allowedImages"),
    ("RG611", "podSecurity"),
];

/// The check that no exemption waives, beside KubeRay's own: it guards the accounts that raygate trusts.
pub const NEVER_WAIVED: &str = images::verified_account::CHECK.code;

/// A family of checks: those whose codes begin alike.
#[derive(Debug)]
pub struct Family {
    /// How the codes begin: `RG2`.
    pub prefix: &'static str,
    /// What the family is about.
    pub title: &'static str,
    /// Its checks, in the order of their codes.
    pub checks: &'static [&'static Check],
}

/// The families, in the order of their codes.
pub static FAMILIES: &[Family] = &[
    Family {
        prefix: "RG1",
        title: "what KubeRay would refuse",
        checks: kuberay::CHECKS,
    },
    Family {
        prefix: "RG2",
        title: "CPU, memory and device quantities",
        checks: resources::CHECKS,
    },
    Family {
        prefix: "RG3",
        title: "accelerators and shared memory",
        checks: accelerators::CHECKS,
    },
    Family {
        prefix: "RG4",
        title: "times, clean-up and cost",
        checks: lifecycle::CHECKS,
    },
    Family {
        prefix: "RG5",
        title: "worker groups, start parameters and containers",
        checks: groups::CHECKS,
    },
    Family {
        prefix: "RG6",
        title: "pod security and images",
        checks: images::CHECKS,
    },
    Family {
        prefix: "RG7",
        title: "Flyte, submission and scheduling systems",
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
