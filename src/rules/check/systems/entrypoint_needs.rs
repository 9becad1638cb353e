//! Looks at what the driver asks of Ray.

use std::collections::BTreeMap;

use crate::diag::counted;
use crate::json::Json;
use crate::k8s::json::text;
use crate::policy::settings::Action;
use crate::ray::facts::pods_at_most;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::offer::{self, Offer};

/// The check.
pub const CHECK: Check = Check {
    code: "RG706",
    title: "The cluster must offer what the entrypoint requests",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::ALL,
    page: include_str!("entrypoint_needs.md"),
    evidence: &[Evidence::Source(
        "Ray 2.52.1",
        "python/ray/dashboard/modules/job/job_manager.py",
        &[213],
    )],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for (key, offer, unit) in [
        ("entrypointNumCpus", offer::cpus as Offer, "CPU"),
        ("entrypointNumGpus", offer::gpus as Offer, "GPU"),
    ] {
        let Some(wanted) = job.spec.get(key).and_then(Json::as_f64).filter(|wanted| *wanted != 0.0) else {
            continue;
        };
        let message = if wanted < 0.0 {
            format!("{key} {wanted} is negative")
        } else {
            let most = most_offered(cx, job, offer);
            match most.filter(|most| wanted > *most as f64) {
                Some(most) => format!(
                    "{key} {wanted}: no pod offers more than {}, the job waits indefinitely",
                    counted(most, unit)
                ),
                None => continue,
            }
        };
        findings.push(
            Finding::new(job.job_path(key), message)
                .fix(format!("set {key} to at most what one pod has, or leave it out")),
        );
    }
    let resources = text(job.spec, "entrypointResources").filter(|resources| !resources.is_empty());
    if resources.is_some_and(|resources| serde_json::from_str::<BTreeMap<String, f64>>(resources).is_err()) {
        findings.push(
            Finding::new(
                job.job_path("entrypointResources"),
                "entrypointResources is no JSON object of numbers, the job cannot be submitted",
            )
            .fix("write it like {\"slot\": 1}"),
        );
    }
}

/// The most that one pod of the cluster offers; `None` where that cannot be told.
pub(super) fn most_offered(cx: &Cx<'_>, job: &Workload<'_>, offer: Offer) -> Option<i64> {
    if job.selects_cluster() || job.head().is_none() {
        return None;
    }
    let mut most = 0;
    for pod in job.ray_pods() {
        if pods_at_most(job, pod) > 0 {
            most = offer(cx, job, pod)?.max(most);
        }
    }
    Some(most)
}
