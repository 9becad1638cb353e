//! Finds an object whose WorkloadPriorityClass is not in the cluster.

use crate::diag::quoted;
use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::missing::fix;

/// The check.
pub const CHECK: Check = Check {
    code: "RG819",
    title: "WorkloadPriorityClasses must exist in the cluster",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::Only(&["RayJob", "RayCluster", "RayService"]),
    versions: Versions::ALL,
    page: include_str!("workload_priority_class.md"),
    evidence: &[Evidence::Reason(
        "Kueue creates no Workload for the object until somebody creates the class",
    )],
    run,
};

const PRIORITY: &str = "kueue.x-k8s.io/priority-class";

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(name) = job.label(PRIORITY).filter(|name| !name.is_empty()) else {
        return;
    };
    let Some(classes) = cx.facts.workload_priority_classes() else {
        return;
    };
    if classes.contains(name) {
        return;
    }
    let message = format!(
        "WorkloadPriorityClass {} does not exist in this cluster, Kueue never admits the {} and says nothing",
        quoted(name),
        job.kind.word
    );
    let names = classes.iter().map(String::as_str);
    findings.push(
        Finding::new(Path::of(["metadata", "labels"]).name(PRIORITY), message).fix(fix(
            name,
            names,
            "WorkloadPriorityClass",
            PRIORITY,
        )),
    );
}
