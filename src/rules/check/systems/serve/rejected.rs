//! Finds a `serveConfigV2` that KubeRay cannot read or Ray rejects.

use crate::json::Json;
use crate::k8s::json::{child, given};
use crate::policy::settings::Action;
use crate::ray::kind::SERVE_CONFIG;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::{at, config_path, finding, release};

/// The check.
pub const CHECK: Check = Check {
    code: "RG723",
    title: "serveConfigV2 must be a config that Ray accepts",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Only(&["RayService"]),
    versions: Versions::ALL,
    page: include_str!("rejected.md"),
    evidence: &[
        Evidence::Source(
            "KubeRay 1.7.0",
            "ray-operator/controllers/ray/rayservice_controller.go",
            &[1577, 1605],
        ),
        Evidence::Test("tests/serve_config.rs", "configs_are_judged_as_ray_judges_them"),
    ],
    run,
};

/// Whether the config has no text.
fn is_blank(spec: Json<'_>) -> bool {
    given(spec, SERVE_CONFIG).is_none_or(|config| config.as_str().is_some_and(|text| text.trim().is_empty()))
}

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let spec = child(job.object, "spec");
    let Some(config) = job.serve_config().filter(|_| !is_blank(spec)) else {
        if spec.is_object() && is_blank(spec) {
            findings.push(
                Finding::new(
                    config_path(),
                    "serveConfigV2 is empty; Ray rejects it, and the service never becomes ready",
                )
                .fix("list the applications in serveConfigV2")
                .warn_only(),
            );
        }
        return;
    };
    findings.extend(config.no_applications.as_ref().map(|place| {
        at(place, "`applications` is empty, the service never becomes ready")
            .fix("list at least one application")
            .warn_only()
    }));
    let ray = release(job);
    let problems = config.problems.iter();
    let rejected = problems.filter(|problem| !problem.rejected_by.is_none() && problem.matters_to(ray));
    findings.extend(rejected.map(|problem| {
        let finding = finding(problem);
        if problem.is_certain() {
            finding
        } else {
            finding.warn_only()
        }
    }));
}
