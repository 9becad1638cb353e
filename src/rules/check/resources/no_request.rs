//! Finds a Ray container that asks for no CPU, or for no memory, where no policy's `minimum` gives it some.

use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload, flyte};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::platform_default::minimum;

/// The check.
pub const CHECK: Check = Check {
    code: "RG208",
    title: "Ray containers should request CPU and memory",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("no_request.md"),
    evidence: &[Evidence::Source(
        "KubeRay 1.7.0",
        "ray-operator/controllers/ray/common/pod.go",
        &[1396, 1615],
    )],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in job.ray_pods() {
        let Some(ray) = pod.main() else { continue };
        for (resource, example) in [("cpu", "8"), ("memory", "32Gi")] {
            let asks = ray.request(resource).is_some() || ray.limit(resource).is_some();
            if asks || minimum(cx, pod, resource).is_some() {
                continue;
            }
            let path = pod.container_path(ray).keys(["resources", "requests"]).name(resource);
            findings.push(
                Finding::new(
                    job.nearest(path),
                    format!(
                        "{}: no {resource} is asked for, Ray takes the whole node's for its own",
                        pod.title()
                    ),
                )
                .fix(format!("set requests.{resource}"))
                .flyte(flyte::resource_setting(pod, "requests", resource, example)),
            );
        }
    }
}
