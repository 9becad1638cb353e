//! # What it does
//! Finds a head with the start parameter `include-dashboard` off.
//!
//! # Why it is bad
//! KubeRay submits the job to the dashboard, asks it for the job's status, and probes the head through it, in every release.
//! Without a dashboard the head never becomes ready and the job never starts.
//!
//! # What fixes it
//! Leave it out, or `HeadNodeConfig(ray_start_params={"include-dashboard": "true"})`, which is Flyte's own default.
//!
//! # Fails
//! ```yaml
//! spec: {rayClusterSpec: {headGroupSpec: {rayStartParams: {include-dashboard: "false"}}}}
//! ```
//!
//! # Passes
//! ```yaml
//! spec: {rayClusterSpec: {headGroupSpec: {rayStartParams: {include-dashboard: "true"}}}}
//! ```

use crate::policy::settings::Action;
use crate::ray::{RayJob, flyte};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG511",
    title: "the head has no dashboard",
    action: Action::Deny,
    fixes: false,
    versions: Versions::ALL,
    page: include_str!("no_dashboard.rs"),
    run,
};

/// What `ray start` reads as no, in any case (click, `BoolParamType`).
const NO: [&str; 6] = ["false", "0", "no", "n", "off", "f"];

fn run(_: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    let Some(head) = job.head() else { return };
    let is_off = head
        .start_param("include-dashboard")
        .is_some_and(|value| NO.iter().any(|no| value.trim().eq_ignore_ascii_case(no)));
    if is_off {
        findings.push(
            Finding::new(
                head.group_path().keys(["rayStartParams", "include-dashboard"]),
                "head: no dashboard, KubeRay can neither submit the job nor see its status",
            )
            .fix("leave include-dashboard out of rayStartParams")
            .flyte(flyte::setting(
                head,
                "ray_start_params={\"include-dashboard\": \"true\"}",
            )),
        );
    }
}
