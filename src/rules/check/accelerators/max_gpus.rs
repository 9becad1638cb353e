//! Finds a RayJob whose pods together ask for more accelerators than `limits.maxGpusPerJob`, each group at the
//! autoscaler's most and times its hosts.

use crate::diag::counted;
use crate::policy::settings::Action;
use crate::ray::device::counts_gpus;
use crate::ray::effective;
use crate::ray::facts::{Facts, size};
use crate::ray::{Kinds, Pod, Workload};
use crate::rules::check::resources::over_budget;
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG310",
    title: "Accelerators must not exceed the policy's limit",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("max_gpus.md"),
    evidence: &[Evidence::Budget("maxGpusPerJob")],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(cap) = cx.policy.limits.max_gpus_per_job else {
        return;
    };
    let devices = &cx.platform.devices;
    let count = Facts::of(job, devices).max_gpus;
    if count > cap {
        let is_gpus = job.all_pods().all(|pod| {
            let others = effective::requests(pod).into_iter();
            let mut counted = others.filter(|(key, quantity)| devices.count(key, quantity) > 0);
            devices.claimed_by(pod.spec) == 0 && counted.all(|(key, _)| counts_gpus(key))
        });
        let sum = counted(count, if is_gpus { "GPU" } else { "accelerator" });
        let each = |pod: &Pod<'_>| size(pod, devices).gpus;
        findings.extend(over_budget(job, &sum, &cap.to_string(), count, each));
    }
}
