//! # What it does
//! Finds volumes that name a storage server, a disk or a driver of the node: `nfs`, `flexVolume`, `gitRepo` and the other
//! types that the Pod Security level `restricted` forbids, and inline `csi` volumes of the driver `hostpath.csi.k8s.io`.
//! RG605 is about `hostPath`.
//!
//! # Why it is bad
//! The author chooses the server, the path and the options, so storage classes and the rights on PersistentVolumes do not
//! apply. On an NFS server the pod can read the files of every user. `flexVolume` and `gitRepo` run a program as root on the
//! node, and the `hostpath` driver mounts a directory of the node. Every KubeRay release.
//!
//! # What fixes it
//! Mount a PersistentVolumeClaim. To reject such jobs, set `actions: {RG613: Deny}` or `limits: {podSecurity: restricted}` in
//! a policy. The latter allows inline `csi` volumes, as Kubernetes does.
//!
//! # Fails
//! ```yaml
//! spec: {rayClusterSpec: {headGroupSpec: {template: {spec: {volumes: [{name: d, nfs: {server: nas, path: /}}]}}}}}
//! ```
//!
//! # Passes
//! ```yaml
//! spec: {rayClusterSpec: {headGroupSpec: {template: {spec: {volumes: [{name: d, persistentVolumeClaim: {claimName: d}}]}}}}}
//! ```

use crate::k8s::pod_security::restricted_source;
use crate::k8s::text::quoted;
use crate::policy::settings::Action;
use crate::ray::job::{items, text};
use crate::ray::{RayJob, flyte};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG613",
    title: "Volumes must not name a storage server or a driver of the node",
    action: Action::Warn,
    fixes: false,
    versions: Versions::ALL,
    page: include_str!("direct_volume.rs"),
    run,
};

/// The CSI driver that mounts directories of the node (kubernetes-csi/csi-driver-host-path).
const HOST_PATH_DRIVER: &str = "hostpath.csi.k8s.io";

fn run(_: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    for pod in &job.pods {
        for (index, volume) in items(pod.spec, "volumes").iter().enumerate() {
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
                    pod.spec_path().then_key("volumes").then_index(index).then_key(key),
                    format!("{}: volume {name} is of the type {key}, which {effect}", pod.title()),
                )
                .fix("use a PersistentVolumeClaim")
                .flyte(flyte::setting(pod, "pod_template=PodTemplate(…)")),
            );
        }
    }
}
