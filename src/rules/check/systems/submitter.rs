//! Looks at the submitter's template in `K8sJobMode`.

use crate::diag::quoted;
use crate::k8s::json::text;
use crate::policy::settings::Action;
use crate::ray::container::Slot;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::edit::Op;
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG702",
    title: "The submitter's Job must be valid",
    action: Action::Fix,
    fixes: true,
    kinds: Kinds::Jobs,
    versions: Versions::ALL,
    page: include_str!("submitter.md"),
    evidence: &[
        Evidence::Source("Kubernetes 1.37.2", "pkg/apis/batch/validation/validation.go", &[302]),
        Evidence::Source("Kubernetes 1.37.2", "pkg/apis/core/validation/validation.go", &[4003]),
    ],
    run,
};

/// The name that KubeRay's own template gives the container.
const CONTAINER_NAME: &str = "ray-job-submitter";

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(submitter) = job.submitter().filter(|_| job.submission_mode() == "K8sJobMode") else {
        return;
    };
    if !submitter.spec.is_object() {
        return;
    }
    let policy = text(submitter.spec, "restartPolicy").unwrap_or_default();
    if !is_valid(policy) {
        let seen = if policy.is_empty() {
            "no restartPolicy".to_owned()
        } else {
            format!("restartPolicy {}", quoted(policy))
        };
        let path = submitter.spec_path().then_key("restartPolicy");
        let setting = cx.setting("submitter.restartPolicy", |s| s.submitter.restart_policy.as_ref());
        let wanted = setting.map_or("Never", |setting| setting.value.as_str());
        let wanted = if is_valid(wanted) { wanted } else { "Never" };
        let wanted = if submitter.restarts_on_resize() {
            "OnFailure"
        } else {
            wanted
        };
        findings.push(
            Finding::new(
                path.clone(),
                format!("submitter: {seen}, every attempt to create its Job is rejected"),
            )
            .fix(format!("set restartPolicy to {wanted}"))
            .repair(
                format!("submitter: restartPolicy set to {wanted}"),
                path,
                Op::Set(wanted.into()),
            ),
        );
    }
    let taken = submitter
        .containers
        .iter()
        .any(|container| container.name == CONTAINER_NAME);
    for container in submitter
        .containers
        .iter()
        .filter(|container| container.name.is_empty())
    {
        if !container.value.is_object() {
            continue;
        }
        let path = submitter.container_path(container).then_key("name");
        let finding = Finding::new(
            path.clone(),
            "submitter: a container without a name, every attempt to create its Job is rejected",
        )
        .fix("give the container a name");
        let is_main = container.index == 0 && container.slot == Slot::Main;
        findings.push(if is_main && !taken {
            finding.repair(
                format!("submitter: container named {CONTAINER_NAME}"),
                path,
                Op::Set(CONTAINER_NAME.into()),
            )
        } else {
            finding
        });
    }
}

/// Whether a Job's pods may have this restart policy.
fn is_valid(policy: &str) -> bool {
    matches!(policy, "Never" | "OnFailure")
}
