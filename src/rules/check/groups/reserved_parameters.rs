//! # What it does
//! Finds start parameters that KubeRay sets itself: `address` and `head` anywhere, `autoscaling-config`, and `block` or
//! `no-monitor` with another value than KubeRay's.
//!
//! # Why it is bad
//! `block` is overwritten. An `address` makes a worker join another cluster, `head` makes a worker start one of its own, and
//! `autoscaling-config` or `no-monitor: "false"` starts a second autoscaler beside KubeRay's. Every release.
//!
//! # What fixes it
//! Leave them out of `HeadNodeConfig(ray_start_params={…})` and `WorkerNodeConfig(ray_start_params={…})`.
//!
//! # Fails
//! ```yaml
//! spec: {rayClusterSpec: {workerGroupSpecs: [{rayStartParams: {address: "10.0.0.7:6379"}}]}}
//! ```
//!
//! # Passes
//! ```yaml
//! spec: {rayClusterSpec: {workerGroupSpecs: [{rayStartParams: {block: "true"}}]}}
//! ```

use crate::policy::settings::Action;
use crate::ray::{RayJob, Role, flyte};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG510",
    title: "a start parameter that KubeRay sets itself",
    action: Action::Warn,
    fixes: false,
    versions: Versions::ALL,
    page: include_str!("reserved_parameters.rs"),
    run,
};

const RESERVED: [&str; 5] = ["address", "autoscaling-config", "block", "head", "no-monitor"];

fn run(_: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    for pod in job.ray_pods() {
        let Some(params) = pod.start_params() else { continue };
        for key in RESERVED {
            let Some(value) = params.get(key).filter(|value| !value.is_null()) else {
                continue;
            };
            let effect = match (key, pod.role) {
                ("block" | "no-monitor", _) if value == "true" => continue,
                ("block", _) => "is overwritten by KubeRay",
                ("address", Role::Worker) => "makes the workers join another cluster",
                ("address", _) => "is none for a head",
                ("head", Role::Worker) => "makes each worker start a cluster of its own",
                ("head", _) if value == "true" => continue,
                ("head", _) => "is set by KubeRay",
                _ => "starts a second autoscaler beside KubeRay's",
            };
            findings.push(
                Finding::new(
                    pod.group_path().keys(["rayStartParams", key]),
                    format!("{}: start parameter {key} {effect}", pod.title()),
                )
                .fix(format!("leave {key} out of rayStartParams"))
                .flyte(flyte::setting(pod, "ray_start_params={…}")),
            );
        }
    }
}
