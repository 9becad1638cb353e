//! Finds namespaces of the host that a pod cannot share.

use crate::k8s::json::child;
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Findings};

use super::fault::in_each_pod;

/// The check.
pub const CHECK: Check = Check {
    code: "RG926",
    title: "Host namespaces must not contradict each other",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("host_users.md"),
    evidence: &[
        Evidence::Source(
            "Kubernetes 1.37.2",
            "pkg/apis/core/validation/validation.go",
            &[4041, 5738],
        ),
        Evidence::Test("tests/pods.rs", "no_pod_is_rejected_that_kubernetes_accepts"),
    ],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    in_each_pod(job, findings, |faults| {
        let flag = |key| child(faults.pod.spec, key).as_bool();
        let is_on = |key| flag(key) == Some(true);
        if is_on("hostPID") && is_on("shareProcessNamespace") {
            let path = faults.pod.spec_path().then_key("shareProcessNamespace");
            faults.report(
                path,
                "hostPID and shareProcessNamespace exclude each other",
                "remove shareProcessNamespace",
            );
        }
        for key in ["hostPID", "hostIPC"] {
            if flag("hostUsers") == Some(false) && is_on(key) {
                let what = format!("{key} and hostUsers: false exclude each other");
                let who = "Kubernetes with user namespaces";
                faults.warn(
                    None,
                    faults.pod.spec_path().then_key(key),
                    (&what, who),
                    "remove one of them",
                );
            }
        }
    });
}
