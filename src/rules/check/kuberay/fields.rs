//! Fields that several of KubeRay's rules read.

use crate::json::Json;
use crate::k8s::json::{items, text};
use crate::k8s::path::Path;
use crate::ray::{Container, KubeRay, Pod, Workload};
use crate::rules::check::{Evidence, Versions};
use crate::rules::{Cx, Finding};

/// The releases that ask the rules on the cluster's spec of the RayJob itself.
pub(super) const CLUSTER_RULES: Versions = Versions::since(KubeRay::V1_4);

/// The lines of KubeRay's own validation that reject what a check finds.
pub(super) const fn validation(lines: &'static [u32]) -> Evidence {
    Evidence::Source(
        "KubeRay 1.7.0",
        "ray-operator/controllers/ray/utils/validation.go",
        lines,
    )
}

/// The gate of worker suspension and of deletion by rules.
pub(super) const DELETION_GATE: &str = "RayJobDeletionPolicy";

/// The head and the container in which KubeRay runs Ray.
pub(super) fn head_container<'j, 'a>(job: &'j Workload<'a>) -> Option<(&'j Pod<'a>, &'j Container<'a>)> {
    let head = job.head()?;
    Some((head, head.main()?))
}

/// The position of a variable in `env`: the first of its name, as KubeRay takes it.
pub(super) fn position(holder: Json<'_>, variable: &str) -> Option<usize> {
    items(holder, "env")
        .iter()
        .position(|entry| text(entry, "name") == Some(variable))
}

/// Where a variable of the head's Ray container stands.
pub(super) fn head_variable(job: &Workload<'_>, variable: &str) -> Option<Path> {
    let (head, container) = head_container(job)?;
    let index = position(container.value, variable)?;
    Some(head.container_path(container).then_key("env").index(index))
}

/// A restart policy other than `Never`, the API server's default left aside.
pub(super) fn restart_policy<'a>(pod: &Pod<'a>) -> Option<&'a str> {
    text(pod.spec, "restartPolicy").filter(|policy| !policy.is_empty() && *policy != "Never")
}

/// That `what` stands at `path` and its feature gate is off. If the Platform does not name the gate, the operator may have
/// it on, and the finding only warns. `instead` is what the author can do.
pub(super) fn gate_off(cx: &Cx<'_>, path: Path, what: &str, gate: &str, instead: &str) -> Finding {
    if cx.platform.names_gate(gate) {
        Finding::new(path, format!("{what} needs the feature gate {gate}, which is off here"))
            .fix(format!("{instead}, or have the gate turned on"))
    } else {
        Finding::new(
            path,
            format!("{what} needs the feature gate {gate}, which is off by default"),
        )
        .fix(format!(
            "{instead}; or have the gate turned on and listed in kuberay.featureGates of the Platform"
        ))
        .warn_only()
    }
}
