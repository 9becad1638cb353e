//! Finds devices that raygate cannot count, in a RayJob whose accelerators are limited.

use std::collections::HashSet;

use crate::json::Json;
use crate::k8s::json::{items, text};
use crate::policy::settings::Action;
use crate::ray::device::{Device, SHOWN_BY, device, domain};
use crate::ray::facts::pods_at_most;
use crate::ray::{Container, Kinds, Place, Resource, Workload};
use crate::rules::check::resources::{named, place};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG321",
    title: "Devices must be countable where accelerators are limited",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("unknown_device.md"),
    evidence: &[Evidence::Limit("unknownDevices")],
    run,
};

/// The annotations by which the KAI scheduler gives a pod a part of a GPU.
const SHARED_BY_KAI: [&str; 2] = ["gpu-fraction", "gpu-memory"];

fn may_show_devices(variable: Json<'_>) -> bool {
    match text(variable, "value") {
        Some(value) => !matches!(value, "" | "void" | "none"),
        None => variable.get("valueFrom").is_some(),
    }
}

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let limits = &cx.policy.limits;
    if limits.max_gpus_per_job.is_none() && limits.accelerators.is_empty() {
        return;
    }
    let mut report = |finding: Finding, weight: i64| {
        let finding = finding.flyte("Resources(gpu=\"1\")").weight(weight);
        findings.push(match limits.unknown_devices {
            Some(Action::Warn) => finding.warn_only(),
            _ => finding,
        });
    };
    for at in job.places() {
        let (Place::Pod(pod) | Place::Container(pod, _)) = at else {
            continue;
        };
        let pods = pods_at_most(job, pod);
        if pods == 0 {
            continue;
        }
        let not_counted = "that limits on accelerators cannot count";
        let Place::Container(_, container) = at else {
            let devices = &cx.platform.devices;
            let claims = items(pod.spec, "resourceClaims").iter();
            let claims: Vec<Json<'_>> = claims.filter(|claim| devices.claimed(*claim).is_none()).collect();
            if !claims.is_empty() {
                let claimed = match claims.len() {
                    1 => "1 resource claim may be an accelerator",
                    count => &format!("{count} resource claims may be accelerators"),
                };
                let message = format!("{}: {claimed} {not_counted}", pod.title());
                report(
                    Finding::new(pod.spec_path().then_key("resourceClaims"), message)
                        .fix("name the claim's template in the Platform, or request a resource such as nvidia.com/gpu")
                        .about(claims.iter().map(|claim| claim.to_value().to_string())),
                    i64::try_from(claims.len()).unwrap_or(i64::MAX).saturating_mul(pods),
                );
            }
            for key in SHARED_BY_KAI {
                if let Some(value) = pod.annotation(key) {
                    let message = format!(
                        "{}: annotation {key} may reserve a part of a GPU {not_counted}",
                        pod.title()
                    );
                    report(
                        Finding::new(pod.template_path().keys(["metadata", "annotations"]).name(key), message)
                            .fix("request a resource that counts accelerators, such as nvidia.com/gpu")
                            .about([value]),
                        pods,
                    );
                }
            }
            continue;
        };
        for name in SHOWN_BY {
            if let Some(variable) = container.env(name).filter(|variable| may_show_devices(*variable)) {
                let message = format!(
                    "{}: variable {name} may show devices {not_counted}",
                    place(pod, container)
                );
                report(
                    Finding::new(pod.container_path(container).then_key("env"), message)
                        .fix(format!(
                            "remove {name}; the device plugin sets it for the devices that are requested"
                        ))
                        .about([variable.to_value().to_string()]),
                    pods,
                );
            }
        }
        for (resource, block, count) in uncountable(cx, container) {
            let message = format!(
                "{}: {} may be an accelerator {not_counted}",
                place(pod, container),
                named(resource.key)
            );
            report(
                Finding::new(
                    pod.container_path(container)
                        .keys(["resources", block])
                        .name(resource.key),
                    message,
                )
                    .fix("request a resource that counts accelerators, such as nvidia.com/gpu, or name this one in the Platform"),
                count.saturating_mul(pods),
            );
        }
    }
}

/// The resources of a container that may be accelerators and are not counted, each with the block that it is in, and how
/// much it asks for.
fn uncountable<'c, 'a>(
    cx: &'c Cx<'_>,
    container: &'c Container<'a>,
) -> impl Iterator<Item = (&'c Resource<'a>, &'static str, i64)> {
    let devices = &cx.platform.devices;
    let limits = container.limits.len();
    let asked = move || {
        let asked = container.asked().enumerate().filter_map(move |(position, resource)| {
            let block = if position < limits { "limits" } else { "requests" };
            Some((resource, block, resource.quantity()?.value()))
        });
        asked.filter(|(.., count)| *count > 0)
    };
    let counted: HashSet<&str> = asked()
        .filter(|(resource, ..)| devices.each(resource.key).is_some_and(|each| each > 0))
        .filter_map(|(resource, ..)| domain(resource.key))
        .collect();
    let is_counted = move |share: &str| {
        device(share) == Device::Share && domain(share).is_some_and(|domain| counted.contains(domain))
    };
    asked().filter(move |(resource, ..)| devices.each(resource.key).is_none() && !is_counted(resource.key))
}
