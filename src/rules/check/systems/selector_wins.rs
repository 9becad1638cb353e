//! # What it does
//! Finds a RayJob with both `rayClusterSpec` and `clusterSelector`.
//!
//! # Why it is bad
//! Every KubeRay release uses the selected cluster and silently ignores the spec: the job runs with other resources and images
//! than it says, and `shutdownAfterJobFinishes` and the TTL have no effect.
//!
//! # What fixes it
//! Leave one of the two out. Flyte always sends the spec and never a selector.
//!
//! # Fails
//! ```yaml
//! spec: {clusterSelector: {ray.io/cluster: shared}}
//! ```
//!
//! # Passes
//! ```yaml
//! spec: {clusterSelector: {ray.io/cluster: shared}, rayClusterSpec: null}
//! ```

use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::RayJob;
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG708",
    title: "a cluster is selected and another described",
    action: Action::Warn,
    fixes: false,
    versions: Versions::ALL,
    page: include_str!("selector_wins.rs"),
    run,
};

fn run(_: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    if job.selects_cluster() && job.cluster.is_some() {
        findings.push(
            Finding::new(
                Path::of(["spec", "clusterSelector"]),
                "clusterSelector wins, rayClusterSpec is ignored",
            )
            .fix("leave out clusterSelector or rayClusterSpec"),
        );
    }
}
