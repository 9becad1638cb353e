//! Rules on the RayJob itself: its name, times, suspension, retries and runtime environment, and the cluster that it
//! selects (KubeRay 1.6, `validation.go`, `ValidateRayJobMetadata` and `ValidateRayJobSpec`).

pub mod active_deadline;
pub mod name_not_a_label;
pub mod name_too_long;
pub mod negative_retries;
pub mod negative_ttl;
pub mod no_cluster;
pub mod pre_running_deadline;
pub mod retries_on_selected_cluster;
pub mod runtime_env;
pub mod selector_without_name;
pub mod suspended_on_selected_cluster;
pub mod suspended_without_shutdown;
pub mod ttl_without_shutdown;

use crate::ray::Workload;
use crate::rules::{Finding, Findings};

/// The longest name in bytes, so that the cluster's and its Service's names fit.
const LONGEST: usize = 47;

fn below(job: &Workload<'_>, key: &'static str, least: i64, findings: &mut Findings, flyte: Option<&str>) {
    let Some(seen) = job.number(key).filter(|seen| *seen < least) else {
        return;
    };
    let mut finding = Finding::new(
        job.job_path(key),
        format!("{key} {seen} is below {least}, KubeRay never starts the job"),
    )
    .fix(format!("set {key} to at least {least}, or leave it out"));
    if let Some(setting) = flyte {
        finding = finding.flyte(setting);
    }
    findings.push(finding);
}
