//! Finds devices that raygate cannot count, in a RayJob whose accelerators are limited.

use crate::k8s::json::items;
use crate::policy::settings::Action;
use crate::ray::device::{Device, device};
use crate::ray::facts::pods_at_most;
use crate::ray::{Container, Kinds, Place, Resource, Workload};
use crate::rules::check::resources::{named, place};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::{is_device, resource_path};

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

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let limits = &cx.policy.limits;
    let Some(most) = limits.max_gpus_per_job else { return };
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
        let not_counted = format!("that limits.maxGpusPerJob ({most}) does not count");
        let Place::Container(_, container) = at else {
            let claims = items(pod.spec, "resourceClaims").len();
            if claims > 0 {
                let claimed = if claims == 1 {
                    "1 resource claim may be an accelerator"
                } else {
                    &format!("{claims} resource claims may be accelerators")
                };
                let message = format!("{}: {claimed} {not_counted}", pod.title());
                report(
                    Finding::new(pod.spec_path().then_key("resourceClaims"), message)
                        .fix("request accelerators with a resource such as nvidia.com/gpu"),
                    i64::try_from(claims).unwrap_or(i64::MAX).saturating_mul(pods),
                );
            }
            for key in SHARED_BY_KAI {
                if pod.annotation(key).is_some() {
                    let message = format!(
                        "{}: annotation {key} may reserve a part of a GPU {not_counted}",
                        pod.title()
                    );
                    report(
                        Finding::new(pod.template_path().keys(["metadata", "annotations"]).name(key), message)
                            .fix("request whole GPUs with a resource such as nvidia.com/gpu"),
                        pods,
                    );
                }
            }
            continue;
        };
        for (resource, count) in uncountable(cx, container) {
            let message = format!(
                "{}: {} may be an accelerator {not_counted}",
                place(pod, container),
                named(resource.key)
            );
            report(
                Finding::new(resource_path(pod, container, resource.key), message)
                    .fix("request accelerators with a resource that counts them, such as nvidia.com/gpu"),
                count.saturating_mul(pods),
            );
        }
    }
}

/// The resources of a container that may be accelerators and are not counted, with how much of each it asks for.
fn uncountable<'c, 'a>(cx: &'c Cx<'_>, container: &'c Container<'a>) -> impl Iterator<Item = (&'c Resource<'a>, i64)> {
    let asked = || {
        let asked = container
            .asked()
            .filter_map(|resource| Some((resource, resource.quantity()?.value())));
        asked.filter(|(_, count)| *count > 0)
    };
    let is_counted = |key: &str| device(key) == Device::Accelerator || is_device(cx, key);
    let has_counted = asked().any(|(resource, _)| is_counted(resource.key));
    asked().filter(move |(resource, _)| match device(resource.key) {
        Device::None | Device::Accelerator => false,
        Device::Share => !has_counted,
        Device::Unknown => !is_device(cx, resource.key),
    })
}
