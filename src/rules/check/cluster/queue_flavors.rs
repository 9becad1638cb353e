//! Finds pods that no flavor of their ClusterQueue takes.
//!
//! Kueue 0.19, `pkg/scheduler/flavorassigner/flavorassigner.go`, `checkFlavorForPodSets`.

use std::collections::BTreeSet;

use crate::diag::{listed, quoted};
use crate::facts::ResourceGroup;
use crate::k8s::json::given;
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload, flyte};
use crate::rules::check::resources::named;
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::pod_sets::{PodSet, Queued, Refusal, covers, refusal, roomy};

/// The check.
pub const CHECK: Check = Check {
    code: "RG815",
    title: "A flavor of the ClusterQueue must take each pod",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::Only(&["RayJob", "RayCluster", "RayService"]),
    versions: Versions::ALL,
    page: include_str!("queue_flavors.md"),
    evidence: &[
        Evidence::Reason("The configuration of Kueue can exclude or transform resources, and no object shows it"),
        Evidence::Test("tests/kueue_quota.rs", "kueue_agrees"),
    ],
    run,
};

/// The most flavors that a message explains.
const SHOWN: usize = 3;

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(queued) = Queued::of(cx, job) else { return };
    for set in &queued.sets {
        let groups = &queued.queue.groups;
        let is_covered = |name: &&&str| groups.iter().any(|group| covers(group, name));
        for resource in set.amounts.keys().filter(|name| !is_covered(name)) {
            let message = format!(
                "{} requests {}, which ClusterQueue {} has no quota for; Kueue never admits the {}",
                set.pod.title(),
                named(resource),
                quoted(queued.name),
                job.kind.word
            );
            let path = job.nearest(set.pod.template_path());
            findings.push(Finding::new(path, message).fix(fix(cx, job, "have the resource added to the ClusterQueue")));
        }
        for group in groups {
            let needs = set.amounts.keys().any(|name| covers(group, name));
            if let (true, Some(why)) = (needs, refusals(cx, set, group)) {
                findings.push(refused(cx, job, (&queued, set), why));
            }
        }
    }
}

/// Why each flavor of a group does not take a pod; `None` if one takes it.
fn refusals<'p>(cx: &Cx<'p>, set: &PodSet<'p>, group: &'p ResourceGroup) -> Option<Vec<(&'p str, Refusal<'p>)>> {
    let each = group.flavors.iter();
    each.map(|flavor| Some((flavor.flavor.as_str(), refusal(cx, set.pod, flavor)?)))
        .collect()
}

fn refused(
    cx: &Cx<'_>,
    job: &Workload<'_>,
    (queued, set): (&Queued<'_>, &PodSet<'_>),
    why: Vec<(&str, Refusal<'_>)>,
) -> Finding {
    let taints: BTreeSet<&str> = why
        .iter()
        .filter_map(|(_, refusal)| match refusal {
            Refusal::Taint(taint) => Some(taint.as_str()),
            Refusal::Label(..) => None,
        })
        .collect();
    let (path, change) = match taints.first() {
        Some(taint) => ("tolerations", format!("add a toleration for {}", quoted(taint))),
        None if given(set.pod.spec, "nodeSelector").is_some() => {
            ("nodeSelector", "select what a flavor has".to_owned())
        }
        None => ("affinity", "select what a flavor has".to_owned()),
    };
    let mut reasons: Vec<String> = why
        .iter()
        .take(SHOWN)
        .map(|(flavor, refusal)| match refusal {
            Refusal::Taint(taint) => format!("{} has the taint {}", quoted(flavor), quoted(taint)),
            Refusal::Label(key, label) => format!("{} has {}={}", quoted(flavor), named(key), quoted(label)),
        })
        .collect();
    if let more @ 1.. = why.len().saturating_sub(SHOWN) {
        reasons.push(format!("{more} more"));
    }
    let message = format!(
        "{}: no flavor of ClusterQueue {} takes the pod; {}. Kueue never admits the {}",
        set.pod.title(),
        quoted(queued.name),
        listed(&reasons),
        job.kind.word
    );
    Finding::new(job.nearest(set.pod.spec_path().then_key(path)), message)
        .fix(fix(cx, job, &change))
        .flyte(flyte::setting(set.pod, "pod_template=PodTemplate(…)"))
}

fn fix(cx: &Cx<'_>, job: &Workload<'_>, change: &str) -> String {
    let roomy: Vec<String> = roomy(cx, job).into_iter().map(quoted).collect();
    match roomy.is_empty() {
        true => change.to_owned(),
        false => format!("{change}, or use LocalQueue {}", listed(&roomy)),
    }
}
