//! Finds `tlsOptions` that KubeRay cannot set up.

use crate::json::Json;
use crate::k8s::json::{given, items, text};
use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::{gate_off, position, validation};

/// The check.
pub const CHECK: Check = Check {
    code: "RG172",
    title: "The options of TLS must be complete",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::since(KubeRay::V1_7),
    page: include_str!("tls.md"),
    evidence: &[validation(&[324, 460, 515])],
    run,
};

const GATE: &str = "RayClusterMTLS";

/// The variables that KubeRay sets.
const VARIABLES: [&str; 4] = [
    "RAY_USE_TLS",
    "RAY_TLS_SERVER_CERT",
    "RAY_TLS_SERVER_KEY",
    "RAY_TLS_CA_CERT",
];

/// The volume that it adds.
const VOLUME: &str = "ray-tls";

/// Where it mounts it.
const MOUNT_PATH: &str = "/etc/ray/tls";

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(options) = job.cluster_field("tlsOptions") else {
        return;
    };
    if !cx.gate(GATE) {
        findings.push(gate_off(
            cx,
            job.cluster_path("tlsOptions"),
            "tlsOptions",
            GATE,
            "remove tlsOptions",
        ));
    }
    if given(options, "enabled").and_then(Json::as_bool) != Some(true) {
        return;
    }
    for pod in job.ray_pods() {
        if let Some(container) = pod.main() {
            taken(&pod.title(), container.value, &pod.container_path(container), findings);
        }
    }
    if let Some(options) = job.cluster_field("autoscalerOptions") {
        taken("autoscaler", options, &job.cluster_path("autoscalerOptions"), findings);
    }
}

/// Finds the variables and mounts of KubeRay's own in a container, or in the options of one.
fn taken(title: &str, holder: Json<'_>, path: &Path, findings: &mut Findings) {
    let mut own = |path: Path, what: &str| {
        findings.push(
            Finding::new(path, format!("{title}: {what} is KubeRay's own with tlsOptions"))
                .fix(format!("remove {what}, or tlsOptions")),
        );
    };
    for variable in VARIABLES {
        if let Some(index) = position(holder, variable) {
            own(path.key("env").index(index), variable);
        }
    }
    for (index, mount) in items(holder, "volumeMounts").iter().enumerate() {
        if text(mount, "name") == Some(VOLUME) || text(mount, "mountPath") == Some(MOUNT_PATH) {
            own(
                path.key("volumeMounts").index(index),
                "the mount ray-tls at /etc/ray/tls",
            );
        }
    }
}
