//! Finds volumes of the type `hostPath`, and says so where it is the socket of a container runtime.

use crate::diag::quoted;
use crate::k8s::json::text;
use crate::policy::settings::Action;
use crate::ray::container::same_path;
use crate::ray::{Kinds, Place, Workload, flyte};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG605",
    title: "Pods should not mount paths of the node",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("host_path.md"),
    evidence: &[Evidence::Reason(
        "the pod reads and writes files of the node and of other pods, but platforms use such volumes on purpose",
    )],
    run,
};

/// The sockets of container runtimes, and the directories above them that hold them.
const SOCKETS: [&str; 10] = [
    "/",
    "/run",
    "/run/containerd",
    "/run/containerd/containerd.sock",
    "/run/crio/crio.sock",
    "/run/docker.sock",
    "/var/run",
    "/var/run/containerd/containerd.sock",
    "/var/run/crio/crio.sock",
    "/var/run/docker.sock",
];

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for place in job.places() {
        let Place::Volume(pod, _, volume) = place else { continue };
        let Some(host) = volume.get("hostPath").filter(|host| !host.is_null()) else {
            continue;
        };
        let path = text(host, "path").unwrap_or_default();
        let effect = if SOCKETS.iter().any(|socket| same_path(socket, path)) {
            "holds the container runtime's socket, which makes the pod root on the node"
        } else {
            "is the node's own, shared with every pod there"
        };
        findings.push(
            Finding::new(
                place.path().then_key("hostPath"),
                format!("{}: hostPath {} {effect}", pod.title(), quoted(path)),
            )
            .fix("use a PersistentVolumeClaim or an emptyDir")
            .flyte(flyte::setting(pod, "pod_template=PodTemplate(…)")),
        );
    }
}
