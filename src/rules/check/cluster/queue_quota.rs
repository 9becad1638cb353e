//! Finds an object that needs more than its ClusterQueue can ever give.
//!
//! Kueue 0.19, `pkg/scheduler/flavorassigner/flavorassigner.go`, `fitsResourceQuota`. What is in use never counts.

use std::collections::BTreeMap;

use crate::diag::{listed, quoted};
use crate::facts::{Ceilings, Fact, ResourceGroup, Units, units};
use crate::k8s::quantity::Quantity;
use crate::policy::settings::Action;
use crate::ray::pod::Role;
use crate::ray::{Kinds, Workload, flyte};
use crate::rules::check::resources::named;
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::pod_sets::{PodSet, Queued, ceiling, covers, open_to, roomy};

/// The check.
pub const CHECK: Check = Check {
    code: "RG814",
    title: "Jobs must fit into the quota of their ClusterQueue",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Only(&["RayJob", "RayCluster", "RayService"]),
    versions: Versions::ALL,
    page: include_str!("queue_quota.md"),
    evidence: &[
        Evidence::Source(
            "Kueue 0.19.2",
            "pkg/scheduler/flavorassigner/flavorassigner.go",
            &[1330],
        ),
        Evidence::Test("tests/kueue_quota.rs", "kueue_agrees"),
    ],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(queued) = Queued::of(cx, job) else { return };
    let Some(ceilings) = cx.facts.ceilings(queued.name) else {
        return;
    };
    for group in &queued.queue.groups {
        // A pod that no flavor takes is a finding of RG815.
        if queued
            .needing(group)
            .any(|set| open_to(cx, set.pod, group).next().is_none())
        {
            continue;
        }
        let before = findings.len();
        for set in queued.needing(group) {
            alone(cx, job, (&queued, group, ceilings), set, findings);
        }
        if findings.len() == before && queued.search(cx, group, ceilings) == Some(false) {
            together(cx, job, (&queued, group, ceilings), findings);
        }
    }
}

/// Finds a pod set that no flavor has enough for.
fn alone(
    cx: &Cx<'_>,
    job: &Workload<'_>,
    (queued, group, ceilings): (&Queued<'_>, &ResourceGroup, &Ceilings),
    set: &PodSet<'_>,
    findings: &mut Findings,
) {
    // Of each flavor, what it has too little of; the flavor that lacks the least comes first.
    let mut nearest: Option<(f64, &str, &str, Units, Units)> = None;
    for flavor in open_to(cx, set.pod, group) {
        let lacking = set.amounts.iter().filter(|(name, _)| covers(group, name));
        let lacking = lacking.filter_map(|(name, amount)| {
            let most = ceiling(ceilings, &flavor.flavor, name);
            (*amount > most).then_some((times(*amount, most), flavor.flavor.as_str(), *name, *amount, most))
        });
        let Some(worst) = lacking.max_by(|a, b| a.0.total_cmp(&b.0)) else {
            return;
        };
        if nearest.is_none_or(|nearest| worst.0 < nearest.0) {
            nearest = Some(worst);
        }
    }
    let Some((_, flavor, resource, amount, most)) = nearest else {
        return;
    };
    let pod = set.pod;
    let (path, setting) = match pod.role {
        Role::Worker => (pod.group_path().then_key("replicas"), "replicas=…"),
        Role::Head | Role::Submitter => (job.nearest(pod.template_path()), "requests=Resources(…)"),
    };
    let of_flavor = match group.flavors.len() {
        0 | 1 => String::new(),
        _ => format!(" of flavor {}", quoted(flavor)),
    };
    let message = format!(
        "{} needs {}, ClusterQueue {} gives at most {}{of_flavor}{}; Kueue never admits the {}",
        pod.title(),
        counted(resource, amount),
        quoted(queued.name),
        shown(resource, most),
        borrowed(queued, flavor, resource, most),
        job.kind.word
    );
    let finding = Finding::new(job.nearest(path), message)
        .fix(fix(cx, job))
        .flyte(flyte::setting(pod, setting))
        .weight(amount);
    findings.push(certain(cx, group, finding));
}

/// Finds pod sets that fit alone and not together.
fn together(
    cx: &Cx<'_>,
    job: &Workload<'_>,
    (queued, group, ceilings): (&Queued<'_>, &ResourceGroup, &Ceilings),
    findings: &mut Findings,
) {
    let mut sums: BTreeMap<&str, Units> = BTreeMap::new();
    for set in queued.needing(group) {
        for (name, amount) in set.amounts.iter().filter(|(name, _)| covers(group, name)) {
            let sum = sums.entry(name).or_default();
            *sum = sum.saturating_add(*amount);
        }
    }
    let of_all = |name: &str| {
        let flavors = group.flavors.iter();
        flavors.fold(0, |sum: Units, flavor| {
            sum.saturating_add(ceiling(ceilings, &flavor.flavor, name))
        })
    };
    let lacking = sums.iter().map(|(name, sum)| (*name, *sum, of_all(name)));
    let lacking = lacking.filter(|(_, sum, most)| sum > most);
    let worst = lacking.max_by(|a, b| times(a.1, a.2).total_cmp(&times(b.1, b.2)));
    let queue = quoted(queued.name);
    let (message, weight) = match worst {
        Some((name, sum, most)) => {
            let borrowed = match group.flavors.as_slice() {
                [only] => borrowed(queued, &only.flavor, name, most),
                _ => String::new(),
            };
            let (needed, most) = (counted(name, sum), shown(name, most));
            let word = job.kind.word;
            let message = format!(
                "the {word} needs {needed} in all, ClusterQueue {queue} gives at most {most}{borrowed}; Kueue never admits \
                 the {word}"
            );
            (message, sum)
        }
        None => (
            format!(
                "no choice of flavors in ClusterQueue {queue} has room for all pods together; Kueue never admits the {}",
                job.kind.word
            ),
            0,
        ),
    };
    let largest = queued.needing(group).max_by_key(|set| {
        let name = worst.map(|(name, ..)| name);
        name.and_then(|name| set.amounts.get(name)).copied().unwrap_or_default()
    });
    let finding = Finding::new(job.kind.cluster_path(), message)
        .fix(fix(cx, job))
        .weight(weight);
    let finding = match largest {
        Some(set) if set.pod.role == Role::Worker => finding.flyte(flyte::setting(set.pod, "replicas=…")),
        Some(set) => finding.flyte(flyte::setting(set.pod, "requests=Resources(…)")),
        None => finding,
    };
    findings.push(certain(cx, group, finding));
}

/// A finding that denies only if nothing that is unknown may change the amounts: the defaults of LimitRanges, devices that
/// are claimed in place of a resource, and quotas that somebody has raised since.
fn certain(cx: &Cx<'_>, group: &ResourceGroup, finding: Finding) -> Finding {
    let mut extended = group.resources.iter().filter(|name| name.contains('/'));
    let is_certain = cx.facts.is_recent(Fact::ClusterQueue)
        && cx.facts.limit_ranges().is_some()
        && !extended.any(|name| cx.facts.may_be_a_device(name));
    match is_certain {
        true => finding,
        false => finding.warn_only(),
    }
}

fn fix(cx: &Cx<'_>, job: &Workload<'_>) -> String {
    let roomy: Vec<String> = roomy(cx, job).into_iter().map(quoted).collect();
    match roomy.is_empty() {
        true => "use fewer or smaller pods, or have the quota raised".to_owned(),
        false => format!("use fewer or smaller pods, or LocalQueue {}", listed(&roomy)),
    }
}

/// How many times as much an amount is.
#[expect(clippy::cast_precision_loss, reason = "only compared")]
fn times(amount: Units, most: Units) -> f64 {
    amount as f64 / (most.max(0) as f64 + 0.5)
}

/// What part of the most is not the queue's own, in words.
fn borrowed(queued: &Queued<'_>, flavor: &str, resource: &str, most: Units) -> String {
    let mut flavors = queued.queue.groups.iter().flat_map(|group| &group.flavors);
    let quotas = flavors
        .find(|quotas| quotas.flavor == flavor)
        .map(|quotas| &quotas.quotas);
    let own = quotas.and_then(|quotas| quotas.get(resource));
    let own = own.map_or(0, |share| units(resource, &share.nominal));
    match most.saturating_sub(own) {
        ..=0 => String::new(),
        more => format!(
            " ({} of its own, {} borrowed)",
            shown(resource, own),
            shown(resource, more)
        ),
    }
}

/// An amount with its resource, in words.
fn counted(resource: &str, amount: Units) -> String {
    let amount = shown(resource, amount);
    match resource {
        "cpu" if amount == "1" => "1 CPU".to_owned(),
        "cpu" => format!("{amount} CPUs"),
        "memory" => format!("{amount} of memory"),
        _ => format!("{amount} {}", named(resource)),
    }
}

/// An amount as Kubernetes writes it.
fn shown(resource: &str, amount: Units) -> String {
    match resource {
        "cpu" => Quantity::from_milli(amount).to_string(),
        "memory" | "ephemeral-storage" => Quantity::from_bytes(amount).to_string(),
        _ => amount.to_string(),
    }
}
