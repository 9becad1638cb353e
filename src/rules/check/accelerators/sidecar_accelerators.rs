//! Finds a pod whose Ray container, the first, asks for no accelerator while another of its containers does.

use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload, flyte};
use crate::rules::check::resources::{named, place};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::{devices, resource_path};

/// The check.
pub const CHECK: Check = Check {
    code: "RG319",
    title: "GPUs should be in the Ray container",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("sidecar_accelerators.md"),
    evidence: &[Evidence::Source(
        "KubeRay 1.7.0",
        "ray-operator/controllers/ray/common/pod.go",
        &[890],
    )],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in job.ray_pods() {
        if pod.main().is_none_or(|ray| devices(cx, ray).next().is_some()) {
            continue;
        }
        let elsewhere = pod
            .running()
            .find_map(|container| Some((container, devices(cx, container).next()?)));
        let Some((container, device)) = elsewhere else { continue };
        findings.push(
            Finding::new(
                resource_path(pod, container, device.key),
                format!(
                    "{} asks for {}, Ray's own container has none",
                    place(pod, container),
                    named(device.key)
                ),
            )
            .fix("ask for the accelerator in the first container")
            .flyte(flyte::resource_setting(pod, "requests", device.key, &device.seen())),
        );
    }
}
