//! Finds pods that request devices, or a number of devices, that no node has.

use crate::diag::suggest;
use crate::facts::is_extended;
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload, flyte};
use crate::rules::check::resources::named;
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::fit::{Why, misses, resource_path};

/// The check.
pub const CHECK: Check = Check {
    code: "RG803",
    title: "A node must have the devices that a pod requests",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("pod_devices.md"),
    evidence: &[
        Evidence::Source(
            "Kubernetes 1.37.2",
            "pkg/scheduler/framework/plugins/noderesources/fit.go",
            &[793],
        ),
        Evidence::Test("tests/capacity.rs", "the_scheduler_agrees"),
    ],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for (pod, miss) in misses(cx, job) {
        let Why::Resource {
            key,
            asked,
            most,
            whose,
        } = &miss.why
        else {
            continue;
        };
        if !is_extended(key) {
            continue;
        }
        let shown = named(key);
        let (what, fix, setting) = match most.is_zero() {
            false => (
                format!("requests {shown} {asked}, and the largest of {whose} has {most}"),
                format!("use more pods, each with at most {most} {shown}"),
                flyte::resource_setting(pod, "limits", key, &most.to_string()),
            ),
            true => {
                let places = cx.facts.places().into_iter().chain([&cx.platform.capacity.pools]);
                let offered = places
                    .flat_map(|places| places.shapes())
                    .flat_map(|shape| shape.allocatable.keys());
                let offered = offered
                    .map(String::as_str)
                    .filter(|other| is_extended(other) && other != key);
                let fix = match suggest(key, offered) {
                    Some(near) => format!("request {}, the closest resource", named(near)),
                    None => "request a device that these nodes have, or select other nodes".to_owned(),
                };
                let setting = flyte::setting(pod, "pod_template=PodTemplate(…)");
                (
                    format!("requests {shown} {asked}, and none of {whose} has it"),
                    fix,
                    setting,
                )
            }
        };
        let message = format!("{}: {what}; the pod stays pending", pod.title());
        let finding = Finding::new(resource_path(pod, key), message).fix(fix).flyte(setting);
        findings.push(miss.judged(finding));
    }
}
