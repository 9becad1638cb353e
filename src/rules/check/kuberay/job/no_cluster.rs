//! Finds a RayJob with neither `rayClusterSpec` nor `clusterSelector`.

use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::Workload;
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::{given, validation};

/// The check.
pub const CHECK: Check = Check {
    code: "RG121",
    title: "neither a cluster nor a selector for one",
    action: Action::Deny,
    fixes: false,
    versions: Versions::ALL,
    page: include_str!("no_cluster.md"),
    evidence: &[validation(&[565])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    if given(job.spec, "rayClusterSpec").is_none() && !job.selects_cluster() {
        findings.push(
            Finding::new(
                Path::of(["spec", "rayClusterSpec"]),
                "neither rayClusterSpec nor clusterSelector is set, there is nothing to run on",
            )
            .fix("set rayClusterSpec"),
        );
    }
}
