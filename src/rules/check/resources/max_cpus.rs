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
    let milli_cpus = Facts::of(job, &[]).max_milli_cpus;
    if milli_cpus <= cap.milli_value() {
        return;
    }
    let cpus = if milli_cpus % 1000 == 0 {
        (milli_cpus / 1000).to_string()
    } else {
        format!("{milli_cpus}m")
    };
    findings.extend(over_budget(
        job,
        &format!("{cpus} CPUs"),
        &cap.to_string(),
        milli_cpus,
        |pod| size(pod, &[]).milli_cpus,
    ));
}
