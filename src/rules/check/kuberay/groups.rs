//! Rules on the head and the worker groups: containers, replicas, resources, labels and start parameters (KubeRay 1.6,
//! `validation.go`, `ValidateRayClusterSpec`, `validateRayGroupResources` and `validateRayGroupLabels`).

pub mod head_without_container;
pub mod label_syntax;
pub mod labels_parameter;
pub mod minimum_above_maximum;
pub mod negative_maximum;
pub mod negative_minimum;
pub mod object_store;
pub mod resources_twice;
pub mod suspended_gate_off;
pub mod suspended_with_autoscaling;
pub mod workers_without_container;

use crate::json::Json;
use crate::k8s::json::given;
use crate::ray::{Pod, Role, Workload, flyte};
use crate::rules::{Finding, Findings};

fn without_containers(job: &Workload<'_>, role: Role, findings: &mut Findings) {
    for pod in job.pods.iter().filter(|pod| pod.role == role && pod.main().is_none()) {
        findings.push(
            Finding::new(
                pod.spec_path().then_key("containers"),
                format!("{}: no container to run Ray in", pod.title()),
            )
            .fix("give the pod template a container")
            .flyte(flyte::setting(pod, "pod_template=PodTemplate(…)")),
        );
    }
}

fn negative(job: &Workload<'_>, key: &'static str, setting: &str, findings: &mut Findings) {
    for pod in job.workers() {
        let seen = pod.group_number(key, 0);
        if seen < 0 {
            findings.push(
                Finding::new(
                    pod.group_path().then_key(key),
                    format!("{}: {key} {seen} is below 0", pod.title()),
                )
                .fix(format!("set {key} to at least 0"))
                .flyte(flyte::setting(pod, setting)),
            );
        }
    }
}

fn suspended(job: &Workload<'_>, problem: &str, findings: &mut Findings) {
    let is_suspended = |pod: &&Pod<'_>| given(pod.group, "suspend").and_then(Json::as_bool) == Some(true);
    for pod in job.workers().filter(is_suspended) {
        findings.push(
            Finding::new(
                pod.group_path().then_key("suspend"),
                format!("{}: {problem}", pod.title()),
            )
            .fix("remove suspend"),
        );
    }
}
