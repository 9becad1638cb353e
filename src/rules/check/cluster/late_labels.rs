//! Finds pods that select nodes of Karpenter by labels that nodes get only once they run.

use crate::diag::quoted;
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload, flyte};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::fit::{Why, misses};
use super::node_labels::path;

/// The check.
pub const CHECK: Check = Check {
    code: "RG818",
    title: "Labels that nodes get after their start must not select nodes of Karpenter",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("late_labels.md"),
    evidence: &[Evidence::Reason(
        "Karpenter starts no node for a label that its NodePools do not define",
    )],
    run,
};

/// How Karpenter's own labels name what the labels of GPU feature discovery name (Karpenter for AWS 1.6).
const KARPENTERS: [(&str, &str); 3] = [
    ("nvidia.com/gpu.product", "karpenter.k8s.aws/instance-gpu-name"),
    ("nvidia.com/gpu.count", "karpenter.k8s.aws/instance-gpu-count"),
    ("nvidia.com/gpu.memory", "karpenter.k8s.aws/instance-gpu-memory"),
];

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for (pod, miss) in misses(cx, job) {
        let Why::AfterStart { wanted, pool } = &miss.why else {
            continue;
        };
        let message = format!(
            "{}: no node has the label {} now, and Karpenter starts none for it: an agent on the node writes it once the node \
             runs",
            pod.title(),
            quoted(&wanted.key)
        );
        let own = KARPENTERS.iter().find(|(label, _)| *label == wanted.key);
        let fix = match own {
            Some((_, own)) => format!("select {}, or add the label to NodePool {}", quoted(own), quoted(pool)),
            None => format!("add the label to NodePool {}", quoted(pool)),
        };
        let finding = Finding::new(path(pod, wanted), message)
            .fix(fix)
            .flyte(flyte::setting(pod, "pod_template=PodTemplate(…)"));
        findings.push(finding);
    }
}
