//! Finds a RayJob whose pods together reserve more CPUs than `limits.maxCpusPerJob`, at the autoscaler's most.

use crate::policy::settings::Action;
use crate::ray::facts::{Facts, size};
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Findings};

use super::over_budget;

/// The check.
pub const CHECK: Check = Check {
    code: "RG213",
    title: "CPUs must not exceed the policy's limit",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("max_cpus.md"),
    evidence: &[Evidence::Budget("maxCpusPerJob")],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(cap) = cx.policy.limits.max_cpus_per_job.as_ref() else {
        return;
    };
    let devices = &cx.platform.devices;
    let milli_cpus = Facts::of(job, devices).max_milli_cpus;
    if milli_cpus <= cap.milli_value() {
        return;
    }
    let (whole, rest) = (milli_cpus / 1000, milli_cpus % 1000);
    let cpus = format!("{whole}.{rest:03}");
    let cpus = cpus.trim_end_matches('0').trim_end_matches('.');
    findings.extend(over_budget(
        job,
        &format!("{cpus} CPUs"),
        &cap.to_string(),
        milli_cpus,
        |pod| size(pod, devices).milli_cpus,
    ));
}
