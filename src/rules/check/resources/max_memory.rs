//! Finds a RayJob whose pods together reserve more memory than `limits.maxMemoryPerJob`, at the autoscaler's most.

use crate::k8s::quantity::bytes_up;
use crate::policy::settings::Action;
use crate::ray::facts::{Facts, size};
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Findings};

use super::over_budget;

/// The check.
pub const CHECK: Check = Check {
    code: "RG214",
    title: "Memory must not exceed the policy's limit",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("max_memory.md"),
    evidence: &[Evidence::Budget("maxMemoryPerJob")],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(cap) = cx.policy.limits.max_memory_per_job.as_ref() else {
        return;
    };
    let bytes = Facts::of(job, &[]).max_memory;
    if bytes <= cap.value() {
        return;
    }
    let memory = format!("{} of memory", bytes_up(bytes));
    findings.extend(over_budget(job, &memory, &cap.to_string(), bytes, |pod| {
        size(pod, &[]).memory
    }));
}
