//! Looks at an object with the label `kueue.x-k8s.io/queue-name` for what Kueue rejects. KubeRay does not give the label of
//! a RayCronJob to its RayJobs.

use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG709",
    title: "Objects with a queue label must meet Kueue's rules",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::Only(&["RayJob", "RayCluster", "RayService"]),
    versions: Versions::ALL,
    page: include_str!("kueue.md"),
    evidence: &[Evidence::Reason(
        "the webhook of Kueue rejects the object, but the label alone does not show whether Kueue is installed",
    )],
    run,
};

const QUEUE: &str = "kueue.x-k8s.io/queue-name";
const ELASTIC: &str = "kueue.x-k8s.io/elastic-job";
/// Kueue before its limit of 8 pod sets was raised (`jobs/rayjob`, webhook): one is the head's.
const MOST_GROUPS: usize = 7;

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let is_described = if job.kind.has_job() {
        job.spec.is_object()
    } else {
        job.cluster.is_some()
    };
    if job.label(QUEUE).is_none_or(str::is_empty) || !is_described || job.selects_cluster() {
        return;
    }
    let mut report = |path: Path, message: String, fix: &str, weight: i64| {
        findings.push(Finding::new(path, message).fix(fix).weight(weight));
    };
    if job.kind.has_job() && !job.flag("shutdownAfterJobFinishes") {
        report(
            job.job_path("shutdownAfterJobFinishes"),
            "Kueue refuses a job that does not shut its cluster down".to_owned(),
            "set shutdownAfterJobFinishes to true",
            0,
        );
    }
    if job.autoscales() && job.annotation(ELASTIC) != Some("true") {
        report(
            job.cluster_path("enableInTreeAutoscaling"),
            "Kueue refuses autoscaling without workload slices".to_owned(),
            &format!(
                "turn autoscaling off, or annotate the {} with {ELASTIC}: \"true\"",
                job.kind.word
            ),
            0,
        );
    }
    let groups = job.workers().count();
    if groups > MOST_GROUPS {
        report(
            job.kind.groups_path(),
            format!("{groups} worker groups exceed Kueue's limit of {MOST_GROUPS} (newer releases: 9 or 17)"),
            "use fewer, larger worker groups",
            i64::try_from(groups).unwrap_or(i64::MAX),
        );
    }
}
