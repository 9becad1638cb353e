//! Finds mount paths that are missing, used twice, or leave the volume, and mount options that need others.

use std::collections::BTreeSet;

use crate::diag::quoted;
use crate::k8s::json::{child, items, text};
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Findings};

use super::fault::in_each_pod;

/// The check.
pub const CHECK: Check = Check {
    code: "RG902",
    title: "Mounts must have a path of their own, and options that fit",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("mount_paths.md"),
    evidence: &[
        Evidence::Source(
            "Kubernetes 1.37.2",
            "pkg/apis/core/validation/validation.go",
            &[1424, 1474, 1489, 3193],
        ),
        Evidence::Test("tests/pods.rs", "no_pod_is_rejected_that_kubernetes_accepts"),
    ],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    in_each_pod(job, findings, |faults| {
        for container in faults.containers() {
            for (list, key) in [("volumeMounts", "mountPath"), ("volumeDevices", "devicePath")] {
                let mut seen = BTreeSet::new();
                for (index, mount) in items(container.value, list).iter().enumerate() {
                    if !mount.is_object() {
                        continue;
                    }
                    let at = faults.pod.container_path(container).then_key(list).then_index(index);
                    let name = quoted(text(mount, "name").unwrap_or_default());
                    let path = text(mount, key).unwrap_or_default();
                    if path.is_empty() {
                        let what = format!("the mount of {name} has no {key}");
                        faults.report_in(container, at.key(key), &what, &format!("set {key}"));
                    } else if !seen.insert(path) {
                        let what = format!("two volumes are mounted at {}", quoted(path));
                        faults.report_in(container, at.key(key), &what, "mount each volume at its own path");
                    }
                    let sub_paths = ["subPath", "subPathExpr"].map(|key| (key, text(mount, key).unwrap_or_default()));
                    for (key, sub_path) in sub_paths {
                        let wrong = if sub_path.starts_with('/') {
                            "is absolute"
                        } else if sub_path.split('/').any(|step| step == "..") {
                            "leaves the volume by `..`"
                        } else {
                            continue;
                        };
                        let what = format!("the {key} {} of the mount of {name} {wrong}", quoted(sub_path));
                        faults.report_in(container, at.key(key), &what, "write a path below the volume's root");
                    }
                    if sub_paths.iter().all(|(_, path)| !path.is_empty()) {
                        let what = format!("the mount of {name} has both subPath and subPathExpr");
                        faults.report_in(container, at.key("subPathExpr"), &what, "keep one of them");
                    }
                    let propagation = text(mount, "mountPropagation").unwrap_or_default();
                    let context = child(container.value, "securityContext");
                    let is_privileged = child(context, "privileged").as_bool() == Some(true);
                    if propagation == "Bidirectional" && list == "volumeMounts" && !is_privileged {
                        let what =
                            format!("the mount of {name} is Bidirectional in a container that is not privileged");
                        let fix = "use HostToContainer, or leave mountPropagation out";
                        faults.report_in(container, at.key("mountPropagation"), &what, fix);
                    }
                    let recursive = text(mount, "recursiveReadOnly").unwrap_or_default();
                    let is_writable = child(mount, "readOnly").as_bool() != Some(true);
                    if matches!(recursive, "Enabled" | "IfPossible") && is_writable {
                        let what = format!("the mount of {name} has recursiveReadOnly without readOnly");
                        let who = (&*what, "Kubernetes from 1.31 on");
                        faults.warn(Some(container), at.key("recursiveReadOnly"), who, "set readOnly: true");
                    }
                }
            }
        }
    });
}
