//! Finds a pod whose Ray container is not the first.

use crate::diag::quoted;
use crate::policy::settings::Action;
use crate::ray::{Kinds, Role, Workload, flyte};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::edit::Op;
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG502",
    title: "The Ray container must be the first container",
    action: Action::Fix,
    fixes: true,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("container_order.md"),
    evidence: &[Evidence::Source(
        "KubeRay 1.7.0",
        "ray-operator/controllers/ray/utils/constant.go",
        &[51],
    )],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in &job.pods {
        let is_ray = |name: &str| match pod.role {
            Role::Head => name == "ray-head",
            Role::Worker => name == "ray-worker",
            Role::Submitter => {
                name == "ray-job-submitter" || name == "primary" || (name == job.name() && !name.is_empty())
            }
        };
        let Some(ray) = pod.running().find(|container| is_ray(container.name)) else {
            continue;
        };
        let Some(first) = pod.main().filter(|_| ray.index > 0) else {
            continue;
        };
        findings.push(
            Finding::new(
                pod.container_path(first).then_key("name"),
                format!(
                    "{}: container {} stands before {}, KubeRay would run Ray in it",
                    pod.title(),
                    quoted(first.name),
                    quoted(ray.name)
                ),
            )
            .fix("list the Ray container first")
            .flyte(flyte::setting(pod, "pod_template=PodTemplate(…)"))
            .repair(
                format!("{}: container {} moved to the front", pod.title(), quoted(ray.name)),
                pod.spec_path().then_key("containers"),
                Op::ToFront(ray.index),
            ),
        );
    }
}
