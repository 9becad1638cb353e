//! Finds pods that do not tolerate the taints of any node that they may run on.

use crate::diag::{listed, quoted};
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload, flyte};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::fit::{Why, misses};

/// The check.
pub const CHECK: Check = Check {
    code: "RG804",
    title: "Pods must tolerate the taints of the nodes that they select",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("node_taints.md"),
    evidence: &[
        Evidence::Source(
            "Kubernetes 1.37.2",
            "pkg/scheduler/framework/plugins/tainttoleration/taint_toleration.go",
            &[133],
        ),
        Evidence::Test("tests/capacity.rs", "the_scheduler_agrees"),
    ],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for (pod, miss) in misses(cx, job) {
        let Why::Taints { whose, taints } = &miss.why else {
            continue;
        };
        let shown: Vec<String> = taints.iter().map(|taint| quoted(&taint.to_string())).collect();
        let keys: Vec<String> = taints.iter().map(|taint| quoted(&taint.key)).collect();
        let word = if shown.len() == 1 { "taint" } else { "taints" };
        let message = format!(
            "{}: does not tolerate the {word} {} of {whose}; the pod stays pending",
            pod.title(),
            listed(&shown)
        );
        let finding = Finding::new(pod.spec_path().then_key("tolerations"), message)
            .fix(format!("add a toleration for {}", listed(&keys)))
            .flyte(flyte::setting(pod, "pod_template=PodTemplate(…)"));
        findings.push(miss.judged(finding));
    }
}
