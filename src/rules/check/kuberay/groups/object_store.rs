//! Finds an `object-store-memory` of the head that is no whole number of bytes, or above the memory request of its
//! container called `ray-head`, unless that has the variable `RAY_OBJECT_STORE_ALLOW_SLOW_STORAGE`.

use crate::diag::quoted;
use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload, flyte};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::position;

/// The check.
pub const CHECK: Check = Check {
    code: "RG185",
    title: "The head's object store must fit into its memory request",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::between(KubeRay::V1_1, KubeRay::V1_1),
    page: include_str!("object_store.md"),
    evidence: &[Evidence::Source(
        "KubeRay 1.1.0",
        "ray-operator/controllers/ray/common/pod.go",
        &[883],
    )],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    const KEY: &str = "object-store-memory";
    let Some(head) = job.head().filter(|_| !job.selects_cluster()) else {
        return;
    };
    let Some(seen) = head.start_param(KEY) else { return };
    let problem = match seen.parse::<i64>() {
        Err(_) => Some("is no whole number of bytes".to_owned()),
        Ok(store) => head
            .running()
            .filter(|container| container.name == "ray-head")
            .filter(|container| position(container.value, "RAY_OBJECT_STORE_ALLOW_SLOW_STORAGE").is_none())
            .find_map(|container| {
                let request = match container.request("memory") {
                    None => 0,
                    Some(request) => request.quantity().filter(|bytes| bytes.is_integer())?.value(),
                };
                (store > request).then(|| format!("is above the memory request of {request} bytes"))
            }),
    };
    if let Some(problem) = problem {
        findings.push(
            Finding::new(
                head.group_path().keys(["rayStartParams", KEY]),
                format!("head: {KEY} {} {problem}", quoted(seen)),
            )
            .fix("use a smaller object store, or a larger memory request")
            .flyte(flyte::setting(head, "requests=Resources(mem=…)")),
        );
    }
}
