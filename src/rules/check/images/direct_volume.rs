//! Finds volumes that name a storage server, a disk or a driver of the node.

use crate::diag::quoted;
use crate::k8s::json::text;
use crate::k8s::pod_security::restricted_source;
use crate::policy::settings::Action;
use crate::ray::{Kinds, Place, Workload, flyte};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG613",
    title: "Volumes must not name a storage server or a driver of the node",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("direct_volume.md"),
    evidence: &[Evidence::Reason(
        "the author chooses the server and the path, but some platforms allow it",
    )],
    run,
};

/// The CSI driver that mounts directories of the node (kubernetes-csi/csi-driver-host-path).
const HOST_PATH_DRIVER: &str = "hostpath.csi.k8s.io";

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for place in job.places() {
        let Place::Volume(pod, _, volume) = place else { continue };
        let driver = volume.get("csi").and_then(|csi| text(csi, "driver"));
        let (key, effect) = match restricted_source(volume) {
            Some("hostPath") => continue,
            Some(key @ ("flexVolume" | "gitRepo")) => (key, "runs a program as root on the node"),
            Some(key) => (key, "mounts storage without a storage class"),
            None if driver == Some(HOST_PATH_DRIVER) => ("csi", "mounts a directory of the node"),
            None => continue,
        };
        let name = quoted(text(volume, "name").unwrap_or_default());
        findings.push(
            Finding::new(
                place.path().then_key(key),
                format!("{}: volume {name} is of the type {key}, which {effect}", pod.title()),
            )
            .fix("use a PersistentVolumeClaim")
            .flyte(flyte::setting(pod, "pod_template=PodTemplate(…)")),
        );
    }
}
