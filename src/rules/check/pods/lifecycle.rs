//! Finds hooks without exactly one complete handler.

use crate::k8s::json::{child, given};
use crate::policy::settings::Action;
use crate::ray::container::Slot;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Findings};

use super::fault::in_each_pod;
use super::handler::Handler;

/// The check.
pub const CHECK: Check = Check {
    code: "RG910",
    title: "Lifecycle hooks must have one handler",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("lifecycle.md"),
    evidence: &[
        Evidence::Source("Kubernetes 1.37.2", "pkg/apis/core/validation/validation.go", &[3706]),
        Evidence::Test("tests/pods.rs", "no_pod_is_rejected_that_kubernetes_accepts"),
    ],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    in_each_pod(job, findings, |faults| {
        for container in &faults.pod.containers {
            let Some(lifecycle) = given(container.value, "lifecycle").filter(|lifecycle| lifecycle.is_object()) else {
                continue;
            };
            let pod = faults.pod;
            let path = || pod.container_path(container).then_key("lifecycle");
            if container.slot == Slot::Init && !container.is_native_sidecar() {
                let fix = "remove the lifecycle, or set restartPolicy: Always for a sidecar";
                faults.report_in(
                    container,
                    path(),
                    "it has a lifecycle, which only a sidecar may have",
                    fix,
                );
                continue;
            }
            for key in ["postStart", "preStop"] {
                let hook = child(lifecycle, key);
                let path = || path().then_key(key);
                let handler = Handler {
                    name: key,
                    path: &path,
                    known: &["exec", "httpGet", "tcpSocket", "sleep"],
                };
                if hook.is_object() {
                    handler.look(faults, container, hook);
                }
            }
        }
    });
}
