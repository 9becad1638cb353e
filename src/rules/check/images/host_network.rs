//! Finds pods with `hostNetwork: true`.

use crate::json::Json;
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload, flyte};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG604",
    title: "Pods should not use the node's network",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("host_network.md"),
    evidence: &[Evidence::Reason(
        "two Ray pods on one node need the same ports, so the second dashboard agent fails (ray-project/ray#55638)",
    )],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in &job.pods {
        if pod.spec.get("hostNetwork").and_then(Json::as_bool) == Some(true) {
            findings.push(
                Finding::new(
                    pod.spec_path().then_key("hostNetwork"),
                    format!(
                        "{}: hostNetwork, Ray's ports clash with those of other pods on the node",
                        pod.title()
                    ),
                )
                .fix("leave hostNetwork out")
                .flyte(flyte::setting(pod, "pod_template=PodTemplate(…)")),
            );
        }
    }
}
