//! Finds a worker group whose pods have no container.

use crate::policy::settings::Action;
use crate::ray::{Kinds, Role, Workload};
use crate::rules::check::Check;
use crate::rules::{Cx, Findings};

use super::super::{CLUSTER_RULES, validation};
use super::without_containers;

/// The check.
pub const CHECK: Check = Check {
    code: "RG141",
    title: "Worker groups need a container",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: CLUSTER_RULES,
    page: include_str!("workers_without_container.md"),
    evidence: &[validation(&[120])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    without_containers(job, Role::Worker, findings);
}
