//! Finds a head without any container.

use crate::policy::settings::Action;
use crate::ray::kind::HEAD;
use crate::ray::{Kinds, Role, Workload};
use crate::rules::check::Check;
use crate::rules::{Cx, Finding, Findings};

use super::super::{CLUSTER_RULES, validation};
use super::without_containers;

/// The check.
pub const CHECK: Check = Check {
    code: "RG140",
    title: "The head needs a container",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: CLUSTER_RULES,
    page: include_str!("head_without_container.md"),
    evidence: &[validation(&[105])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    // A RayJob may select a cluster instead.
    if (job.cluster.is_some() || !job.kind.has_job()) && job.head().is_none() {
        findings.push(
            Finding::new(
                job.kind.head_path().keys(["template", "spec", "containers"]),
                "head: there is none, and so no container to run Ray in",
            )
            .fix(format!("set {HEAD}")),
        );
    }
    without_containers(job, Role::Head, findings);
}
