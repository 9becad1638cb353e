//! Finds pods below the level in `limits.podSecurity`.

use crate::k8s::pod_security::{Container, Level, Pod, Profile};
use crate::policy::settings::Action;
use crate::ray::container::Slot;
use crate::ray::kind::SUBMITTER;
use crate::ray::{self, Kinds, Place, Role, Workload, flyte};
use crate::rules::check::resources::place as place_of;
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG611",
    title: "Pods must meet the Pod Security level of the policy",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("pod_security.md"),
    evidence: &[Evidence::Limit("podSecurity")],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(profile) = cx.policy.limits.pod_security else {
        return;
    };
    for pod in &job.pods {
        violations(job, pod, profile, "", findings);
    }
    if profile.level == Level::Restricted {
        without_context(job, profile, "", findings);
    }
}

/// What a pod violates of a profile; `of` says whose profile that is, after it.
pub(in crate::rules::check) fn violations(
    job: &Workload<'_>,
    pod: &ray::Pod<'_>,
    profile: Profile,
    of: &str,
    findings: &mut Findings,
) {
    // The autoscaler's options have a security context. KubeRay decides about those of its other containers.
    let containers: Vec<_> = pod
        .everywhere()
        .filter(|container| container.slot == Slot::Autoscaler || !container.slot.is_kuberays())
        .collect();
    let evaluated = Pod {
        at: pod.template_path(),
        template: pod.template,
        containers: containers
            .iter()
            .map(|container| Container {
                at: pod.container_path(container),
                value: container.value,
            })
            .collect(),
    };
    for violation in evaluated.violations(profile) {
        let container = violation.container.and_then(|index| containers.get(index));
        let whose = container.map_or_else(|| pod.title(), |container| place_of(pod, container));
        let message = format!(
            "{whose}: {}, which violates Pod Security `{profile}`{of} (control {})",
            violation.found, violation.control
        );
        findings.push(
            Finding::new(job.nearest(violation.path), message)
                .about([format!("{} {}", violation.control, violation.found)])
                .fix(violation.fix)
                .flyte(flyte::setting(pod, "pod_template=PodTemplate(…)")),
        );
    }
}

/// The containers to which KubeRay gives no security context (KubeRay 1.7, `common/job.go`,
/// `GetDefaultSubmitterContainer`, and `common/pod.go`, `BuildCollectorContainer`). The level restricted admits none.
/// The container that waits for the head has that of the Ray container.
pub(in crate::rules::check) fn without_context(
    job: &Workload<'_>,
    profile: Profile,
    of: &str,
    findings: &mut Findings,
) {
    for place in job.places() {
        let Place::Container(pod, container) = place else {
            continue;
        };
        let (path, fix) = match (container.slot, pod.role) {
            (Slot::Collector, _) => (place.path(), "leave collectorOptions out".to_owned()),
            (Slot::DefaultSubmitter, Role::Submitter) => {
                (pod.template_path(), format!("set {SUBMITTER} with a securityContext"))
            }
            (Slot::DefaultSubmitter, _) => (
                job.job_path("submissionMode"),
                format!("use K8sJobMode with a {SUBMITTER}, or HTTPMode"),
            ),
            _ => continue,
        };
        let message = format!(
            "{}: KubeRay sets no securityContext, which violates Pod Security `{profile}`{of}",
            place_of(pod, container)
        );
        findings.push(Finding::new(job.nearest(path), message).fix(fix));
    }
}
