//! Finds a quantity among a group's `resources` that Kubernetes cannot read, or that is negative.

use crate::diag::quoted;
use crate::k8s::quantity::Quantity;
use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload, flyte, told};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::named;

/// The check.
pub const CHECK: Check = Check {
    code: "RG216",
    title: "The resources of a group should be quantities",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::since(KubeRay::V1_5),
    page: include_str!("group_resource_unreadable.md"),
    evidence: &[Evidence::Reason(
        "KubeRay ignores the resource, and only tasks that ask for it never start",
    )],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in job.ray_pods() {
        for (key, value) in told::group_resources(pod, cx.kuberay()).into_iter().flatten() {
            let Some(text) = value.as_str() else { continue };
            let what = match Quantity::parse(text) {
                Ok(quantity) if quantity.is_negative() => "is negative",
                Ok(_) => continue,
                Err(_) => "is no quantity",
            };
            findings.push(
                Finding::new(
                    pod.group_path().then_key("resources").name(key),
                    format!(
                        "{}: {} {} among its resources {what}, Ray is told of none",
                        pod.title(),
                        named(key),
                        quoted(text)
                    ),
                )
                .fix("write a number with a unit, like 8 or 32Gi, or leave it out")
                .flyte(flyte::setting(pod, "requests=Resources(…)")),
            );
        }
    }
}
