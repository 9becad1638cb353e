//! # What it does
//! Compares every pod with the level of Kubernetes' Pod Security Standards in `limits.podSecurity`, `baseline` or
//! `restricted`: the head, each worker group and the submitter, with init and ephemeral containers and the autoscaler. The rules
//! are those of Kubernetes 1.37, or of the version that the limit names (`restricted:v1.34`). Without that limit the check
//! finds nothing. Each finding names the control as Kubernetes does.
//!
//! # Why it is bad
//! The policy requires the level. A pod below it has more rights on the node than a job needs. If the namespace enforces the
//! level too, Kubernetes rejects the pod, and KubeRay retries without end. Every KubeRay release.
//!
//! # What fixes it
//! For `baseline`, remove what the finding names. For `restricted`, also set in each pod template:
//!
//! ```yaml
//! spec:
//!   securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
//!   containers:
//!     - securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
//! ```
//!
//! KubeRay adds containers:
//!
//! - Init containers of the workers, and with TLS of the head, have the security context of the Ray container.
//! - The autoscaler has the one in `autoscalerOptions.securityContext`.
//! - The submitter without a `submitterPodTemplate` has none, so `restricted` needs the template. In `SidecarMode` the template
//!   is ignored. Use another `submissionMode`.
//! - The history server's collector (1.7) has none, so it cannot run under `restricted`.
//!
//! Containers that raygate adds meet the level if the Ray container does. An Exemption can lower the level with
//! `raise: {podSecurity: baseline}`.
//!
//! # Fails
//! ```yaml
//! policy: {limits: {podSecurity: baseline}}
//! spec: {rayClusterSpec: {headGroupSpec: {template: {spec: {hostPID: true}}}}}
//! ```
//!
//! # Passes
//! ```yaml
//! policy: {limits: {podSecurity: baseline}}
//! spec: {rayClusterSpec: {headGroupSpec: {template: {spec: {hostPID: false}}}}}
//! ```

use crate::k8s::path::Path;
use crate::k8s::pod_security::{Container, Level, Pod, Profile};
use crate::policy::settings::Action;
use crate::ray::job::Slot;
use crate::ray::{self, RayJob, flyte};
use crate::rules::check::resources::place;
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG611",
    title: "Pods must meet the Pod Security level of the policy",
    action: Action::Deny,
    fixes: false,
    versions: Versions::ALL,
    page: include_str!("pod_security.rs"),
    run,
};

fn run(cx: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    let Some(profile) = cx.policy.limits.pod_security else {
        return;
    };
    for pod in &job.pods {
        violations(job, pod, profile, findings);
    }
    if profile.level == Level::Restricted {
        without_context(job, profile, findings);
    }
}

fn violations(job: &RayJob<'_>, pod: &ray::Pod<'_>, profile: Profile, findings: &mut Findings) {
    // The collector's options have no security context.
    let containers: Vec<_> = pod
        .everywhere()
        .filter(|container| container.slot != Slot::Collector)
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
        let whose = container.map_or_else(|| pod.title(), |container| place(pod, container));
        let message = format!(
            "{whose}: {}, which violates Pod Security `{profile}` (control {})",
            violation.found, violation.control
        );
        findings.push(
            Finding::new(job.nearest(violation.path), message)
                .fix(violation.fix)
                .flyte(flyte::setting(pod, "pod_template=PodTemplate(…)")),
        );
    }
}

/// The containers to which KubeRay gives no security context (KubeRay 1.7, `common/job.go`,
/// `GetDefaultSubmitterContainer`, and `common/pod.go`, `BuildCollectorContainer`). The level restricted admits none.
fn without_context(job: &RayJob<'_>, profile: Profile, findings: &mut Findings) {
    let mut report = |path: Path, whose: &str, fix: &str| {
        let message = format!("{whose} no securityContext, which violates Pod Security `{profile}`");
        findings.push(Finding::new(job.nearest(path), message).fix(fix));
    };
    match job.submission_mode() {
        "K8sJobMode" if job.submitter().is_none() => report(
            Path::of(["spec", "submitterPodTemplate"]),
            "submitter: KubeRay's default pod has",
            "set submitterPodTemplate with a securityContext",
        ),
        "SidecarMode" => report(
            Path::of(["spec", "submissionMode"]),
            "head: KubeRay gives the submitter container",
            "use K8sJobMode with a submitterPodTemplate, or HTTPMode",
        ),
        _ => {}
    }
    let has_collector = |pod: &&ray::Pod<'_>| pod.others.iter().any(|other| other.slot == Slot::Collector);
    if job.head().filter(has_collector).is_some() {
        report(
            Path::of(["spec", "rayClusterSpec", "historyServerOptions", "collectorOptions"]),
            "head: KubeRay gives the history server's collector",
            "leave collectorOptions out",
        );
    }
}
