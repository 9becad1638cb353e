//! Finds unknown restart policies of pods and containers.

use crate::diag::{quoted, suggest};
use crate::k8s::json::{child, text};
use crate::policy::settings::Action;
use crate::ray::container::Slot;
use crate::ray::workload::SIDECAR_MODE;
use crate::ray::{Kinds, Role, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Findings};

use super::fault::{Faults, in_each_pod};

/// The check.
pub const CHECK: Check = Check {
    code: "RG916",
    title: "Restart policies must be Always, OnFailure or Never",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("restart_policies.md"),
    evidence: &[
        Evidence::Source(
            "Kubernetes 1.37.2",
            "pkg/apis/core/validation/validation.go",
            &[3419, 3769, 4193],
        ),
        Evidence::Test("tests/pods.rs", "no_pod_is_rejected_that_kubernetes_accepts"),
    ],
    run,
};

const POLICIES: [&str; 3] = ["Always", "OnFailure", "Never"];

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    in_each_pod(job, findings, |faults| {
        let policy = text(faults.pod.spec, "restartPolicy").unwrap_or_default();
        if !policy.is_empty() && !POLICIES.contains(&policy) && !is_replaced(faults) {
            let what = format!("its restartPolicy {} is unknown", quoted(policy));
            faults.report(faults.pod.spec_path().then_key("restartPolicy"), &what, &meant(policy));
        }
        let is_never = if faults.pod.role == Role::Submitter || !is_replaced(faults) {
            policy == "Never"
        } else {
            true
        };
        for container in faults.pod.containers.iter().filter(|_| is_never) {
            if container.restarts_on_resize() {
                let path = faults.pod.container_path(container).then_key("resizePolicy");
                let what = "its resizePolicy has RestartContainer, and the restartPolicy of the pod is Never";
                let who = "Kubernetes from 1.33 on";
                faults.warn(Some(container), path, (what, who), "write NotRequired in resizePolicy");
            }
        }
        for container in &faults.pod.containers {
            let Some(policy) = text(container.value, "restartPolicy") else {
                continue;
            };
            let path = faults.pod.container_path(container).then_key("restartPolicy");
            let what = format!("its restartPolicy {} is unknown", quoted(policy));
            if !POLICIES.contains(&policy) {
                faults.report_in(container, path, &what, &meant(policy));
            } else if container.slot != Slot::Init || policy != "Always" {
                let what = format!("it has its own restartPolicy {policy}");
                let who = "Kubernetes before 1.35";
                let fix = match container.slot {
                    Slot::Init => "write Always for a sidecar, or leave restartPolicy out",
                    _ => "set the restartPolicy of the pod",
                };
                faults.warn(Some(container), path, (&what, who), fix);
            }
        }
    });
}

/// Whether another finding or KubeRay itself decides about the policy of the pod: RG702 repairs the submitter's, and
/// KubeRay sets Never for the autoscaler's second version and for a submitter within the head pod.
fn is_replaced(faults: &Faults<'_, '_, '_>) -> bool {
    let job = faults.job;
    let options = job.cluster_field("autoscalerOptions");
    let version = options.and_then(|options| child(options, "version").as_str());
    match faults.pod.role {
        Role::Submitter => true,
        role => {
            job.autoscales() && version == Some("v2") || role == Role::Head && job.submission_mode() == SIDECAR_MODE
        }
    }
}

fn meant(policy: &str) -> String {
    let near = POLICIES.into_iter().find(|known| known.eq_ignore_ascii_case(policy));
    near.or_else(|| suggest(policy, POLICIES)).map_or_else(
        || "write Always, OnFailure or Never".to_owned(),
        |near| format!("did you mean {near}?"),
    )
}
