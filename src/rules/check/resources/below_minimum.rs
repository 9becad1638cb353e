//! Finds a Ray container whose author asked for less CPU or memory than the policy's `minimum`.

use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload, flyte};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::platform_default::{is_platform_default, minimum};

/// The check.
pub const CHECK: Check = Check {
    code: "RG207",
    title: "Ray containers should have the minimum that Ray needs",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("below_minimum.md"),
    evidence: &[Evidence::Reason(
        "Ray needs about 1 GiB to idle, but a small job may work with less CPU",
    )],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in job.ray_pods() {
        let Some(ray) = pod.main() else { continue };
        for resource in ["cpu", "memory"] {
            let Some(minimum) = minimum(cx, pod, resource) else {
                continue;
            };
            let Some(given) = ray.limit(resource).or_else(|| ray.request(resource)) else {
                continue;
            };
            let Some(quantity) = given.quantity() else {
                continue;
            };
            // A limit below its request is raised to it by another check.
            let is_request_above = ray
                .request(resource)
                .and_then(|request| request.quantity())
                .is_some_and(|request| request > quantity);
            if quantity >= minimum.value || is_request_above || is_platform_default(cx, ray, resource) {
                continue;
            }
            let wanted = minimum.value.to_string();
            findings.push(
                Finding::new(
                    pod.container_path(ray)
                        .keys([
                            "resources",
                            if ray.limit(resource).is_some() {
                                "limits"
                            } else {
                                "requests"
                            },
                        ])
                        .name(resource),
                    format!(
                        "{}: {resource} {} is less than {wanted}, the policy's minimum",
                        pod.title(),
                        given.seen()
                    ),
                )
                .fix(format!("ask for at least {wanted} of {resource}"))
                .flyte(flyte::resource_setting(pod, "requests", resource, &wanted)),
            );
        }
    }
}
