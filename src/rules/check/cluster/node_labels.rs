//! Finds pods that select nodes by labels that no node has.

use std::collections::BTreeMap;

use crate::diag::{listed, quoted, suggest};
use crate::facts::Places;
use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::pod::Pod;
use crate::ray::{Kinds, Workload, flyte};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::fit::{Wanted, Why, misses};

/// The check.
pub const CHECK: Check = Check {
    code: "RG801",
    title: "Nodes must have the labels that a pod selects",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("node_labels.md"),
    evidence: &[
        Evidence::Source(
            "Kubernetes 1.37.2",
            "pkg/scheduler/framework/plugins/nodeaffinity/node_affinity.go",
            &[232],
        ),
        Evidence::Test("tests/capacity.rs", "the_scheduler_agrees"),
    ],
    run,
};

/// The most values that a message names.
const SHOWN: usize = 5;

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for (pod, miss) in misses(cx, job) {
        let Why::Labels(unmet) = &miss.why else { continue };
        let Some(places) = cx.facts.places() else { return };
        let Some(first) = unmet.first() else { continue };
        let all = [places, &cx.platform.capacity.pools];
        let shown: Vec<String> = unmet.iter().map(|one| quoted(&one.shown)).collect();
        let (what, fix) = match unmet.len() {
            1 => values(&all, first),
            _ => (
                String::new(),
                "select nodes by labels that one node has together".to_owned(),
            ),
        };
        let message = format!(
            "{}: no node has {}, the pod stays pending{what}",
            pod.title(),
            listed(&shown)
        );
        let finding = Finding::new(path(pod, first), message)
            .fix(fix)
            .flyte(flyte::setting(pod, "pod_template=PodTemplate(…)"));
        findings.push(miss.judged(finding));
    }
}

/// Where a requirement stands.
pub(super) fn path(pod: &Pod<'_>, wanted: &Wanted) -> Path {
    let spec = pod.spec_path();
    match wanted.is_selected {
        true => spec.then_key("nodeSelector").name(&wanted.key),
        false => spec.then_key("affinity").then_key("nodeAffinity"),
    }
}

/// The values that the nodes have instead, and what to use.
fn values(all: &[&Places; 2], wanted: &Wanted) -> (String, String) {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    let mut is_complete = true;
    for places in all {
        match places.values(&wanted.key) {
            Some(values) => {
                for (value, count) in values {
                    let sum = counts.entry(value).or_default();
                    *sum = sum.saturating_add(count);
                }
            }
            None => is_complete = false,
        }
    }
    if counts.is_empty() && is_complete {
        let keys = all.iter().flat_map(|places| places.keys());
        let near = suggest(&wanted.key, keys.filter(|key| *key != wanted.key));
        let fix = match near {
            Some(near) => format!("use the label {}, the closest one", quoted(near)),
            None => "select nodes by a label that they have".to_owned(),
        };
        return ("; no node has this label".to_owned(), fix);
    }
    let near = wanted
        .values
        .first()
        .and_then(|value| suggest(value, counts.keys().copied()));
    let mut by_count: Vec<(&str, u64)> = counts.into_iter().collect();
    by_count.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let more = by_count.len().saturating_sub(SHOWN);
    let shown = by_count.iter().take(SHOWN).map(|(value, count)| match count {
        0 | &u64::MAX => quoted(value),
        count => format!("{} ({count})", quoted(value)),
    });
    let mut shown: Vec<String> = shown.collect();
    if more > 0 {
        shown.push(format!("{more} more"));
    }
    let fix = match near {
        Some(near) => format!("use {}, the closest value", quoted(near)),
        None if shown.is_empty() => "select nodes by a label that they have".to_owned(),
        None => "use a value that nodes have".to_owned(),
    };
    match shown.is_empty() {
        true => (String::new(), fix),
        false => (format!("; nodes with this label have {}", listed(&shown)), fix),
    }
}
