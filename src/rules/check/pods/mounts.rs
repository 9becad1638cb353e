//! Finds volume mounts and devices that name no volume of the pod.

use crate::diag::{listed, quoted, suggest};
use crate::k8s::json::{items, text};
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Findings};

use super::fault::in_each_pod;

/// The check.
pub const CHECK: Check = Check {
    code: "RG901",
    title: "Volume mounts must name a volume of the pod",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("mounts.md"),
    evidence: &[
        Evidence::Source("Kubernetes 1.37.2", "pkg/apis/core/validation/validation.go", &[3187]),
        Evidence::Test("tests/pods.rs", "no_pod_is_rejected_that_kubernetes_accepts"),
    ],
    run,
};

/// The volumes that KubeRay adds to pods.
const ADDED: [&str; 5] = ["gcs-storage", "ray-logs", "ray-tls", "ray-token", "shared-mem"];

/// The most volumes that one message names.
const SHOWN: usize = 5;

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    in_each_pod(job, findings, |faults| {
        let volumes = items(faults.pod.spec, "volumes").iter();
        let volumes: Vec<&str> = volumes.filter_map(|volume| text(volume, "name")).collect();
        for container in faults.containers() {
            for list in ["volumeMounts", "volumeDevices"] {
                for (index, mount) in items(container.value, list).iter().enumerate() {
                    let name = text(mount, "name").unwrap_or_default();
                    let is_there = volumes.contains(&name) && !name.is_empty() || ADDED.contains(&name);
                    if is_there || !mount.is_object() {
                        continue;
                    }
                    let at = faults.pod.container_path(container).then_key(list).then_index(index);
                    let what = match name {
                        "" => "a volume mount has no name".to_owned(),
                        name => format!("mounts {}, which is no volume of the pod", quoted(name)),
                    };
                    let fix = match suggest(name, volumes.iter().copied()) {
                        Some(near) => format!("did you mean {}?", quoted(near)),
                        None if volumes.is_empty() => "add the volume to `volumes`".to_owned(),
                        None => {
                            let known: Vec<String> = volumes.iter().take(SHOWN).map(|name| quoted(name)).collect();
                            format!("add the volume to `volumes`, which has {}", listed(&known))
                        }
                    };
                    faults.report_in(container, at.then_key("name"), &what, &fix);
                }
            }
        }
    });
}
