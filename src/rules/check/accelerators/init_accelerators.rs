//! Finds an init container that asks for accelerators.

use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload, flyte};
use crate::rules::check::resources::{named, place};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::{devices, resource_path};

/// The check.
pub const CHECK: Check = Check {
    code: "RG315",
    title: "Init containers should not request accelerators",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("init_accelerators.md"),
    evidence: &[Evidence::Reason(
        "some device managers give the devices to the init container and reject the pod with `UnexpectedAdmissionError` (ray-project/kuberay#1414)",
    )],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in &job.pods {
        for container in pod.init() {
            for device in devices(cx, container) {
                findings.push(
                    Finding::new(
                        resource_path(pod, container, device.key),
                        format!(
                            "{} asks for {}, device managers may then refuse the pod",
                            place(pod, container),
                            named(device.key)
                        ),
                    )
                    .fix("take the accelerator out of the init container")
                    .flyte(flyte::setting(pod, "pod_template=PodTemplate(…)")),
                );
            }
        }
    }
}
