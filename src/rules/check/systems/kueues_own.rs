//! Finds labels and annotations on pod templates that only Kueue writes.

use crate::json::{Json, Object};
use crate::k8s::json::{below, child};
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG734",
    title: "Labels that Kueue writes must be left to Kueue",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::Only(&["RayJob", "RayCluster", "RayService"]),
    versions: Versions::ALL,
    page: include_str!("kueues_own.md"),
    evidence: &[Evidence::Reason(
        "Kueue cannot start the object if its own value differs, and the same value does no harm",
    )],
    run,
};

/// What Kueue 0.19 writes into the templates of a workload that it starts, and where another value is a conflict
/// (`jobframework/reconciler.go`, `getPodSetsInfoFromStatus`; `pkg/podset`, `Merge`).
const OF_PODS: [(&str, &str); 4] = [
    ("labels", "kueue.x-k8s.io/podset"),
    ("labels", "kueue.x-k8s.io/cluster-queue-name"),
    ("labels", "kueue.x-k8s.io/local-queue-name"),
    ("annotations", "kueue.x-k8s.io/workload"),
];

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    // What Kueue has started has its labels.
    let is_new = child(job.object, "status").as_object().is_none_or(Object::is_empty);
    if !is_new && !job.kind.is_suspended(job.object) {
        return;
    }
    for pod in &job.pods {
        for (map, key) in OF_PODS {
            let written = below(pod.template, &["metadata", map]);
            if written.get(key).is_none_or(Json::is_null) {
                continue;
            }
            findings.push(
                Finding::new(
                    pod.template_path().keys(["metadata", map]).name(key),
                    format!(
                        "{}: {key} is Kueue's own; Kueue does not start what has another value",
                        pod.title()
                    ),
                )
                .fix(format!("remove {key}")),
            );
        }
    }
}
