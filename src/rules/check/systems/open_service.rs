//! Finds a head whose Service is of the type `NodePort` or `LoadBalancer`.

use crate::k8s::json::text;
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG714",
    title: "The head Service should not be exposed outside the cluster",
    action: Action::Audit,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("open_service.md"),
    evidence: &[Evidence::Reason(
        "anyone who reaches a node can use the dashboard, but Flyte asks for `NodePort` by default",
    )],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(head) = job.head() else { return };
    let message = match text(head.group, "serviceType") {
        Some("NodePort") => "head: NodePort opens the dashboard, client and GCS ports on every node",
        Some("LoadBalancer") => "head: LoadBalancer opens the dashboard, client and GCS ports to its network",
        _ => return,
    };
    findings.push(Finding::new(head.group_path().then_key("serviceType"), message).fix("set serviceType to ClusterIP"));
}
