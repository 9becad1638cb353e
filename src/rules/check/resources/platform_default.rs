//! Finds a Ray container with no CPU or memory of its own.

use crate::k8s::quantity::Quantity;
use crate::policy::settings::Action;
use crate::ray::{Container, Kinds, Pod, Role, Workload, flyte};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::edit::Op;
use crate::rules::{Chosen, Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG206",
    title: "Ray containers need resources",
    action: Action::Fix,
    fixes: true,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("platform_default.md"),
    evidence: &[Evidence::Reason(
        "Ray needs about 1 GiB to idle: a head with 500Mi is killed within 20 seconds (ray-project/kuberay#2186)",
    )],
    run,
};

/// The policy's `minimum` of a resource for the containers of this pod.
pub fn minimum<'a>(cx: &Cx<'a>, pod: &Pod<'_>, resource: &str) -> Option<Chosen<'a, Quantity>> {
    match pod.role {
        Role::Head => cx.setting("head.minimum", |s| s.head.minimum.get(resource)),
        Role::Worker => cx.setting("workers.minimum", |s| s.workers.minimum.get(resource)),
        Role::Submitter => None,
    }
    .filter(|minimum| !minimum.value.is_zero())
}

/// Whether all that is given of a resource is what the platform gives by itself.
pub fn is_platform_default(cx: &Cx<'_>, container: &Container<'_>, resource: &str) -> bool {
    let default = cx.platform.task_default(resource);
    [container.request(resource), container.limit(resource)]
        .into_iter()
        .flatten()
        .all(|given| given.quantity() == default.as_ref())
}

/// Whether a container of the cluster asks for a resource. Init containers and the submitter do not count: what raygate gives
/// them would answer otherwise the second time.
fn is_asked(job: &Workload<'_>, resource: &str) -> bool {
    let mut containers = job.ray_pods().flat_map(Pod::running);
    containers.any(|container| container.ceiling(resource).is_some_and(|given| !given.is_zero()))
}

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in job.ray_pods() {
        let Some(ray) = pod.main() else { continue };
        for resource in ["cpu", "memory"] {
            let Some(minimum) = minimum(cx, pod, resource) else {
                continue;
            };
            let enough = ray.ceiling(resource).is_some_and(|given| given >= minimum.value);
            if enough || !is_platform_default(cx, ray, resource) || pod.has_own_resources() {
                continue;
            }
            let wanted = minimum.value.to_string();
            let given = ray.limit(resource).or_else(|| ray.request(resource));
            let seen = given.map_or_else(
                || format!("no {resource} is asked for"),
                |given| format!("{resource} {} is the platform's default", given.seen()),
            );
            let resources = pod.container_path(ray).then_key("resources");
            let block = if ray.limit(resource).is_some() {
                "limits"
            } else {
                "requests"
            };
            let mut finding = Finding::new(
                job.nearest(resources.key(block).name(resource)),
                format!("{}: {seen}, and the policy's minimum is {wanted}", pod.title()),
            )
            .fix(format!("ask for at least {wanted} of {resource}"))
            .flyte(flyte::resource_setting(pod, "requests", resource, &wanted));
            // Kueue never admits a job that asks for a resource which its queue does not have. Where the object asks for none
            // of it, the queue may have none.
            if given.is_none() && job.queue().is_some() && !is_asked(job, resource) {
                findings.push(
                    finding
                        .fix(format!(
                            "ask for at least {wanted} of {resource}, if the quota of the queue has it"
                        ))
                        .warn_only(),
                );
                continue;
            }
            // Without CPUs, or without a limit of memory, Ray counts the node's, which may be what the object needs.
            let [cpus, _, memory] = job.asks_of_a_node();
            let (counts_node, asked) = match resource {
                "cpu" => (given.is_none(), cpus),
                _ => (ray.limit(resource).is_none(), memory),
            };
            if counts_node && asked > minimum.value.value() as f64 {
                findings.push(finding.warn_only());
                continue;
            }
            finding = finding.repair(
                format!("{}: {seen}, set to {wanted}", pod.title()),
                resources.key("requests").name(resource),
                Op::Set(wanted.as_str().into()),
            );
            if resource == "memory" || ray.limit(resource).is_some() {
                finding = finding.repair(
                    "",
                    resources.key("limits").name(resource),
                    Op::Set(wanted.as_str().into()),
                );
            }
            findings.push(finding);
        }
    }
}
