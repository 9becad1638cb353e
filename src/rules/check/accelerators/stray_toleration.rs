//! Finds a pod that asks for no device and carries a toleration for the taint of accelerator nodes.

use crate::diag::quoted;
use crate::json::Json;
use crate::k8s::json::{items, text};
use crate::k8s::toleration::implies;
use crate::policy::settings::Action;
use crate::ray::device::is_accelerator;
use crate::ray::{Container, Kinds, Pod, Workload, flyte};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG317",
    title: "CPU pods should not tolerate the taint of GPU nodes",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("stray_toleration.md"),
    evidence: &[Evidence::Reason(
        "a pod without a GPU can occupy the CPUs and memory of a GPU node",
    )],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in job.pods.iter().filter(|pod| !may_use_devices(pod)) {
        let stray = items(pod.spec, "tolerations")
            .iter()
            .enumerate()
            .find_map(|(index, given)| Some((index, text(given, "key").filter(|key| opens(cx, given, key))?)));
        let Some((index, key)) = stray else { continue };
        findings.push(
            Finding::new(
                pod.spec_path().then_key("tolerations").index(index),
                format!(
                    "{}: asks for no GPU and tolerates {}, it may fill a GPU node",
                    pod.title(),
                    quoted(key)
                ),
            )
            .fix("take the toleration out of the pod template")
            .flyte(flyte::setting(pod, "pod_template=PodTemplate(…)")),
        );
    }
}

/// Whether a toleration lets a pod onto accelerator nodes.
fn opens(cx: &Cx<'_>, given: Json<'_>, key: &str) -> bool {
    is_accelerator(key)
        || (!key.is_empty()
            && cx
                .platform
                .accelerators
                .values()
                .flat_map(|kind| &kind.tolerations)
                .any(|wanted| implies(given, wanted)))
}

/// Whether a pod has, or may have, a device: an extended resource, a claim, or the runtime that shows it all GPUs.
fn may_use_devices(pod: &Pod<'_>) -> bool {
    !items(pod.spec, "resourceClaims").is_empty()
        || text(pod.spec, "runtimeClassName").is_some_and(|name| name.contains("nvidia"))
        || pod.containers.iter().flat_map(Container::asked).any(|resource| {
            resource.key.contains('/') && resource.quantity().is_none_or(|quantity| !quantity.is_zero())
        })
}
