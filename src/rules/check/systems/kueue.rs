//! Looks at an object with the label `kueue.x-k8s.io/queue-name` for what Kueue rejects. KubeRay does not give the label of
//! a RayCronJob to its RayJobs.

use crate::diag::quoted;
use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::workload::{K8S_JOB_MODE, QUEUE_LABEL};
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
        "Kueue rejects the object or never starts it, but the label alone does not show whether Kueue is installed",
    )],
    run,
};

/// The most pod sets of a Workload (Kueue 0.19, `jobframework/constants.go`, `MaxPodSets`, and the CRD). The head is one,
/// each worker group is one, and so is a submitter in a pod of its own.
const MOST_POD_SETS: usize = 18;
/// The labels of a pod template that Kueue writes when it starts the pods. Where the template has another value, it never
/// starts them (Kueue 0.19, `pkg/podset`, `Merge`).
const POD_SET: &str = "kueue.x-k8s.io/podset";
const LOCAL_QUEUE: &str = "kueue.x-k8s.io/local-queue-name";

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let is_described = if job.kind.has_job() {
        job.spec.is_object()
    } else {
        job.cluster.is_some()
    };
    let Some(queue) = queue(cx, job) else {
        return;
    };
    if !is_described || job.selects_cluster() {
        return;
    }
    let mut report = |path: Path, message: String, fix: &str, weight: i64| {
        findings.push(Finding::new(path, message).fix(fix).weight(weight));
    };
    if job.kind.has_job() && !job.flag("shutdownAfterJobFinishes") {
        report(
            job.job_path("shutdownAfterJobFinishes"),
            "Kueue refuses a job that does not shut its cluster down".to_owned(),
            match job.spec.get("deletionStrategy").filter(|strategy| !strategy.is_null()) {
                // KubeRay allows no deletion rules beside it.
                Some(_) => "remove deletionStrategy, and set shutdownAfterJobFinishes to true",
                None => "set shutdownAfterJobFinishes to true",
            },
            0,
        );
    }
    if job.autoscales() && !job.is_elastic() {
        report(
            job.cluster_path("enableInTreeAutoscaling"),
            "Kueue refuses autoscaling without workload slices".to_owned(),
            &format!(
                "turn autoscaling off, or annotate the {} with kueue.x-k8s.io/elastic-job: \"true\"",
                job.kind.word
            ),
            0,
        );
    }
    let groups = job.workers().count();
    let submits = job.kind.has_job() && job.submission_mode() == K8S_JOB_MODE;
    let pod_sets = 1 + groups + usize::from(submits);
    if pod_sets > MOST_POD_SETS {
        let all = if submits {
            format!("the head, {groups} worker groups and the submitter")
        } else {
            format!("the head and {groups} worker groups")
        };
        report(
            job.kind.groups_path(),
            format!("{all} are {pod_sets} pod sets, Kueue's limit is {MOST_POD_SETS}"),
            "use fewer, larger worker groups",
            i64::try_from(pod_sets).unwrap_or(i64::MAX),
        );
    }
    for pod in &job.pods {
        for (label, value) in [
            (POD_SET, pod.group_name().to_lowercase()),
            (LOCAL_QUEUE, queue.to_owned()),
        ] {
            let Some(written) = pod.label(label).filter(|written| *written != value) else {
                continue;
            };
            report(
                pod.template_path().keys(["metadata", "labels"]).name(label),
                format!(
                    "{}: label `{label}` is {}, and Kueue sets {}. It never starts pods with another value",
                    pod.title(),
                    quoted(written),
                    quoted(&value)
                ),
                "remove the label",
                0,
            );
        }
    }
}

/// The queue that an object is in, or comes into by the policies.
fn queue<'a>(cx: &Cx<'a>, job: &Workload<'a>) -> Option<&'a str> {
    let by_policy = cx.setting("job.labels", |settings| settings.job.labels.get(QUEUE_LABEL));
    let by_policy = by_policy.filter(|label| label.forced || job.label(QUEUE_LABEL).is_none());
    by_policy.map_or_else(|| job.queue(), |label| Some(label.value.as_str()))
}
