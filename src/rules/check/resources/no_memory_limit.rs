//! Finds a Ray container that requests memory and has no memory limit.

use crate::k8s::quantity::Quantity;
use crate::policy::settings::Action;
use crate::ray::memory::IDLE_MEMORY;
use crate::ray::{Kinds, Workload, flyte};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::edit::Op;
use crate::rules::{Cx, Finding, Findings};

use super::platform_default::minimum;

/// The check.
pub const CHECK: Check = Check {
    code: "RG204",
    title: "Ray containers need a memory limit",
    action: Action::Fix,
    fixes: true,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("no_memory_limit.md"),
    evidence: &[Evidence::Source(
        "KubeRay 1.7.0",
        "ray-operator/controllers/ray/common/pod.go",
        &[1408, 1615],
    )],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in job.ray_pods() {
        let Some(ray) = pod.main() else { continue };
        let Some(request) = ray.request("memory") else { continue };
        let Some(requested) = request.quantity() else { continue };
        if ray.limit("memory").is_some() || pod.has_own_resources() {
            continue;
        }
        // The container gets the default of a LimitRange, which Ray reads from its control group.
        if cx
            .facts
            .default_limit("memory")
            .is_some_and(|default| default >= requested)
        {
            continue;
        }
        let least = minimum(cx, pod, "memory")
            .map_or_else(|| Quantity::from_bytes(IDLE_MEMORY), |minimum| minimum.value.clone());
        let memory = request.seen();
        let bytes = requested.value().max(least.value());
        let (wanted, limit, done) = if *requested < least {
            let limit = least.to_string();
            let done = format!("{}: memory limit set to the working minimum, {limit}", pod.title());
            (limit.as_str().into(), limit, done)
        } else {
            let done = format!("{}: memory limit {memory} copied from the request", pod.title());
            (request.canonical(), memory.clone(), done)
        };
        let path = pod.container_path(ray).keys(["resources", "limits", "memory"]);
        let finding = Finding::new(
            job.nearest(path.clone()),
            format!(
                "{}: {memory} of memory requested and no limit, Ray takes the whole node's memory for its own",
                pod.title()
            ),
        )
        .fix(format!("set limits.memory to {limit}"))
        .flyte(flyte::resource_setting(pod, "limits", "memory", &limit));
        // Without a limit Ray counts the node's memory, which may be what the object needs.
        let [_, _, asked] = job.asks_of_a_node();
        findings.push(match asked > bytes as f64 {
            true => finding.warn_only(),
            false => finding.repair(done, path, Op::Set(wanted)),
        });
    }
}
