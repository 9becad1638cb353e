//! Finds an object whose LocalQueue does not exist or admits nothing.

use crate::diag::quoted;
use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::missing::fix;

/// The check.
pub const CHECK: Check = Check {
    code: "RG813",
    title: "The LocalQueue must exist and admit jobs",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::Only(&["RayJob", "RayCluster", "RayService"]),
    versions: Versions::ALL,
    page: include_str!("local_queue.md"),
    evidence: &[Evidence::Reason(
        "Kueue keeps the object suspended until somebody creates or starts the queue",
    )],
    run,
};

const QUEUE: &str = "kueue.x-k8s.io/queue-name";

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(name) = job.label(QUEUE).filter(|name| !name.is_empty()) else {
        return;
    };
    let Some(queues) = cx.facts.local_queues() else { return };
    let waits = format!("the {} waits in Kueue", job.kind.word);
    let mut find = |what: String, fix: String| {
        let path = Path::of(["metadata", "labels"]).name(QUEUE);
        findings.push(Finding::new(path, format!("{what}, {waits}")).fix(fix));
    };
    let Some(queue) = queues.get(name) else {
        let what = format!(
            "LocalQueue {} does not exist in namespace {}",
            quoted(name),
            quoted(cx.namespace)
        );
        return find(what, fix(name, queues.keys().map(String::as_str), "LocalQueue", QUEUE));
    };
    let ask = || "use another queue, or ask the owner of this one".to_owned();
    if queue.is_stopped {
        find(format!("LocalQueue {} is stopped", quoted(name)), ask());
    }
    let Some(all) = cx.facts.cluster_queues() else { return };
    let of = format!(
        "ClusterQueue {} of LocalQueue {}",
        quoted(&queue.cluster_queue),
        quoted(name)
    );
    match all.get(&queue.cluster_queue) {
        None => find(format!("{of} does not exist"), ask()),
        Some(cluster_queue) if cluster_queue.is_stopped => find(format!("{of} is stopped"), ask()),
        Some(found) => {
            let namespace = quoted(cx.namespace);
            let change = "use another queue, or have namespaceSelector of the ClusterQueue changed";
            match (&found.namespaces, cx.facts.labels()) {
                (None, _) => find(
                    format!("{of} has no namespaceSelector, so it takes no namespace"),
                    change.to_owned(),
                ),
                (Some(selector), Some(labels)) if !selector.selects(labels) => find(
                    format!("{of} does not take namespace {namespace}: its namespaceSelector does not match"),
                    change.to_owned(),
                ),
                _ => {}
            }
            let Some(flavors) = cx.facts.resource_flavors() else {
                return;
            };
            let quotas = found.groups.iter().flat_map(|group| &group.flavors);
            if let Some(missing) = quotas
                .map(|quotas| &quotas.flavor)
                .find(|name| !flavors.contains_key(*name))
            {
                let what = format!("{of} names ResourceFlavor {}, which does not exist", quoted(missing));
                find(what, ask());
            }
        }
    }
}
