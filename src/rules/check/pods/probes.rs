//! Finds probes without exactly one complete handler, and probes with impossible numbers.

use crate::json::Json;
use crate::k8s::json::{child, given};
use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::container::Slot;
use crate::ray::{Container, Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Findings};

use super::fault::{Faults, in_each_pod};
use super::handler::Handler;

/// The check.
pub const CHECK: Check = Check {
    code: "RG909",
    title: "Probes must have one handler and valid numbers",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("probes.md"),
    evidence: &[
        Evidence::Source(
            "Kubernetes 1.37.2",
            "pkg/apis/core/validation/validation.go",
            &[3400, 3660],
        ),
        Evidence::Test("tests/pods.rs", "no_pod_is_rejected_that_kubernetes_accepts"),
    ],
    run,
};

/// The numbers of a probe.
const NUMBERS: [&str; 5] = [
    "initialDelaySeconds",
    "timeoutSeconds",
    "periodSeconds",
    "successThreshold",
    "failureThreshold",
];

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    in_each_pod(job, findings, |faults| {
        for container in &faults.pod.containers {
            for key in ["livenessProbe", "readinessProbe", "startupProbe"] {
                let Some(probe) = given(container.value, key).filter(|probe| probe.is_object()) else {
                    continue;
                };
                let pod = faults.pod;
                let path = || pod.container_path(container).then_key(key);
                if container.slot == Slot::Init && !container.is_native_sidecar() {
                    let what = format!("it has a {key}, which only a sidecar may have");
                    let fix = "remove the probe, or set restartPolicy: Always for a sidecar";
                    faults.report_in(container, path(), &what, fix);
                } else {
                    look(faults, container, (key, probe), &path);
                }
            }
        }
    });
}

fn look(
    faults: &mut Faults<'_, '_, '_>,
    container: &Container<'_>,
    (key, probe): (&str, Json<'_>),
    path: &dyn Fn() -> Path,
) {
    let handler = Handler {
        name: key,
        path,
        known: &["exec", "httpGet", "tcpSocket", "grpc"],
    };
    handler.look(faults, container, probe);
    for field in NUMBERS {
        let number = child(probe, field).as_i64().unwrap_or_default();
        if number < 0 {
            let what = format!("{key}: {field} {number} is negative");
            faults.report_in(container, path().then_key(field), &what, "write a positive number");
        } else if field == "successThreshold" && key != "readinessProbe" && number > 1 {
            let what = format!("{key}: successThreshold is {number}, must be 1");
            faults.report_in(container, path().then_key(field), &what, "leave successThreshold out");
        }
    }
    let field = "terminationGracePeriodSeconds";
    if let Some(seconds) = child(probe, field).as_i64() {
        let wrong = match key {
            "readinessProbe" => "must not be set, because a readinessProbe ends nothing",
            _ if seconds <= 0 => "must be positive",
            _ => return,
        };
        let what = format!("{key}: terminationGracePeriodSeconds {wrong}");
        faults.report_in(
            container,
            path().then_key(field),
            &what,
            "leave terminationGracePeriodSeconds out",
        );
    }
}
