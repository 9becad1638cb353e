//! Finds pods with `nodeName`.

use crate::diag::quoted;
use crate::k8s::json::text;
use crate::policy::settings::Action;
use crate::ray::{Kinds, Place, Workload, flyte};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG612",
    title: "Pods must be placed by a scheduler",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("node_name.md"),
    evidence: &[Evidence::Reason(
        "the pod skips the scheduler, but some platforms need this",
    )],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for place in job.places() {
        let Place::Pod(pod) = place else { continue };
        if let Some(node) = text(pod.spec, "nodeName").filter(|node| !node.is_empty()) {
            findings.push(
                Finding::new(
                    pod.spec_path().then_key("nodeName"),
                    format!(
                        "{}: nodeName is {}, so the pod skips the scheduler, taints and queues",
                        pod.title(),
                        quoted(node)
                    ),
                )
                .fix("use nodeSelector")
                .flyte(flyte::setting(pod, "pod_template=PodTemplate(…)")),
            );
        }
    }
}
