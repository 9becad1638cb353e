//! Finds a pod that asks for an accelerator of the Platform and lacks a toleration that each of the Platform's kinds
//! for it wants.

use serde_json::Value;

use crate::diag::quoted;
use crate::k8s::json::items;
use crate::k8s::toleration::{Toleration, implies};
use crate::policy::settings::Action;
use crate::ray::{Kinds, Pod, Workload, flyte};
use crate::rules::check::resources::named;
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG316",
    title: "GPU pods should tolerate the taint of their nodes",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("missing_toleration.md"),
    evidence: &[Evidence::Reason(
        "the taints of the nodes keep the pod pending, but another webhook may still add the toleration (flyteorg/flyte#6229)",
    )],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in job.ray_pods() {
        let given = items(pod.spec, "tolerations");
        let lacks = |wanted: &Value| !given.iter().any(|given| implies(given, wanted));
        // By the platform's resources and not by the pod's: those are few, however many containers there are.
        let missing = cx.platform.accelerators.values().find_map(|kind| {
            let lacking = kind.tolerations.iter().find(|wanted| lacks(wanted))?;
            let other_kinds_lack = || {
                let same = cx
                    .platform
                    .accelerators
                    .values()
                    .filter(|other| other.resource == kind.resource);
                same.into_iter().all(|other| other.tolerations.iter().any(lacks))
            };
            (asks(pod, &kind.resource) && other_kinds_lack()).then_some((kind.resource.as_str(), lacking))
        });
        let Some((key, wanted)) = missing else { continue };
        let taint = Toleration::from(wanted).key;
        findings.push(
            Finding::new(
                job.nearest(pod.spec_path().then_key("tolerations")),
                format!(
                    "{}: asks for {} and does not tolerate the taint {} of its nodes",
                    pod.title(),
                    named(key),
                    quoted(taint)
                ),
            )
            .fix(format!("add a toleration for {} to the pod template", quoted(taint)))
            .flyte(flyte::setting(pod, "pod_template=PodTemplate(…)")),
        );
    }
}

fn asks(pod: &Pod<'_>, resource: &str) -> bool {
    pod.running()
        .any(|container| container.given(resource).is_some_and(|quantity| quantity.value() > 0))
}
