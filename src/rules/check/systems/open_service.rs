//! # What it does
//! Finds a head whose Service is of the type `NodePort` or `LoadBalancer`. By default the finding only goes to the log, the
//! metrics and the audit log: Flyte asks for `NodePort` in every job, unless its platform is configured otherwise.
//!
//! # Why it is bad
//! `NodePort` opens the dashboard, the client port and the GCS on every node, without a password: whoever reaches a node can run
//! code in the cluster. Every KubeRay release.
//!
//! # What fixes it
//! The platform can: `force: {head: {serviceType: ClusterIP}}` in a policy, or `serviceType: ClusterIP` in Flyte's Ray plugin.
//! With either in place, `actions: {RG714: Deny}` keeps it so.
//!
//! # Fails
//! ```yaml
//! spec: {rayClusterSpec: {headGroupSpec: {serviceType: NodePort}}}
//! ```
//!
//! # Passes
//! ```yaml
//! spec: {rayClusterSpec: {headGroupSpec: {serviceType: ClusterIP}}}
//! ```

use crate::policy::settings::Action;
use crate::ray::RayJob;
use crate::ray::job::text;
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG714",
    title: "the head is open to the network",
    action: Action::Audit,
    fixes: false,
    versions: Versions::ALL,
    page: include_str!("open_service.rs"),
    run,
};

fn run(_: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    let Some(head) = job.head() else { return };
    let message = match text(head.group, "serviceType") {
        Some("NodePort") => "head: NodePort opens the dashboard, client and GCS ports on every node",
        Some("LoadBalancer") => "head: LoadBalancer opens the dashboard, client and GCS ports to its network",
        _ => return,
    };
    findings.push(Finding::new(head.group_path().then_key("serviceType"), message).fix("set serviceType to ClusterIP"));
}
