//! Finds parts of `serveConfigV2` that Ray ignores.

use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Findings};

use super::finding;

/// The check.
pub const CHECK: Check = Check {
    code: "RG718",
    title: "serveConfigV2 should contain only what Ray reads",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::Only(&["RayService"]),
    versions: Versions::ALL,
    page: include_str!("ignored.md"),
    evidence: &[Evidence::Test(
        "tests/serve_config.rs",
        "configs_are_judged_as_ray_judges_them",
    )],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let problems = job.serve_config().map(|config| config.problems.iter());
    let ignored = problems
        .into_iter()
        .flatten()
        .filter(|problem| problem.rejected_by.is_none());
    findings.extend(ignored.map(finding));
}
