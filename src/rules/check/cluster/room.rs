//! Finds worker groups of which more pods must run at once than all nodes have room for.

use std::collections::BTreeMap;

use crate::diag::counted;
use crate::facts::{NODE_POOL_LABEL, Needs, Shape};
use crate::k8s::quantity::Quantity;
use crate::policy::settings::Action;
use crate::ray::facts::pods_at_least;
use crate::ray::pod::Role;
use crate::ray::{Kinds, Workload, flyte};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::fit::{Asked, asked};

/// The check.
pub const CHECK: Check = Check {
    code: "RG805",
    title: "A worker group must not need more than all nodes can give",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("room.md"),
    evidence: &[
        Evidence::Source(
            "Kubernetes 1.37.2",
            "pkg/scheduler/framework/plugins/noderesources/fit.go",
            &[733, 743, 786],
        ),
        Evidence::Test("tests/capacity.rs", "a_group_has_the_room_that_the_scheduler_finds"),
    ],
    run,
};

/// Above this, a quantity has more thousandths than fit into 64 bits.
const MOST_IN_MILLIS: i64 = i64::MAX / 1000;

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in job.pods.iter().filter(|pod| pod.role == Role::Worker) {
        let Ok(count) = u64::try_from(pods_at_least(job, pod)) else {
            continue;
        };
        let Ok(Asked { needs, is_certain, .. }) = asked(cx, job, pod) else {
            continue;
        };
        let Some(room) = room(cx, &needs).filter(|room| *room > 0 && *room < count) else {
            continue;
        };
        let message = format!(
            "{}: {} must run at once, all nodes together have room for {room}; the rest stays pending",
            pod.title(),
            counted(count, "pod")
        );
        let finding = Finding::new(pod.group_path().then_key("replicas"), message)
            .fix("use fewer replicas or smaller pods, so that there is room for all")
            .flyte(flyte::setting(pod, "replicas=…"))
            .weight(count.try_into().unwrap_or(i64::MAX));
        // KubeRay starts a job once all pods run. Without a job, some of the pods are of use.
        let is_certain = is_certain && job.kind.has_job() && cx.facts.autoscaler_groups().is_some();
        findings.push(match is_certain {
            true => finding,
            false => finding.warn_only(),
        });
    }
}

/// The most pods of one kind that all nodes there can ever be have room for together; `None` where nothing bounds that. In an
/// open world, that is only so if all nodes that fit are those of NodePools with limits.
fn room(cx: &Cx<'_>, needs: &Needs<'_>) -> Option<u64> {
    let places = cx.facts.places()?;
    let node_pools = cx.facts.node_pools()?;
    let capacity = &cx.platform.capacity;
    let mut by_pool: BTreeMap<&str, u64> = BTreeMap::new();
    let (mut sum, mut largest) = (0_u64, 0_u64);
    for places in [places, &capacity.pools] {
        let set = places.large_enough(needs, places.tolerated(needs, places.labelled(needs)));
        if places.has_boundless(&set) {
            return None;
        }
        for shape in places.of_set(&set) {
            let each = each(shape, needs)?;
            let all = shape.count.saturating_mul(each);
            let pool = shape.labels.get(NODE_POOL_LABEL).map(String::as_str);
            match pool.filter(|pool| node_pools.contains_key(*pool)) {
                Some(pool) => {
                    let sum = by_pool.entry(pool).or_default();
                    *sum = sum.saturating_add(all);
                }
                None if capacity.is_closed => {
                    sum = sum.saturating_add(all);
                    largest = largest.max(each);
                }
                None => return None,
            }
        }
    }
    for (name, pool) in node_pools {
        if pool.refuses(name, needs).is_some() {
            continue;
        }
        let bounds = needs
            .requests
            .iter()
            .filter_map(|(key, asked)| times(pool.limits.get(*key)?, asked));
        let most = bounds.min()?;
        let known = by_pool.entry(name).or_default();
        *known = (*known).max(most);
    }
    // The cluster-autoscaler may add nodes like those that are here.
    let groups = cx.facts.autoscaler_groups().unwrap_or_default().iter();
    let more = groups.fold(0, |sum: u64, group| sum.saturating_add(group.most));
    let all = by_pool.values().fold(sum, |sum, pods| sum.saturating_add(*pods));
    Some(all.saturating_add(more.saturating_mul(largest))).filter(|all| *all < u64::MAX)
}

/// How many pods fit on one node; `None` where nothing bounds that.
fn each(shape: &Shape, needs: &Needs<'_>) -> Option<u64> {
    let bounds = needs
        .requests
        .iter()
        .filter_map(|(key, asked)| times(shape.allocatable.get(*key)?, asked));
    bounds.min()
}

/// How many times an amount fits into another one; `None` where that is too large to be counted.
fn times(whole: &Quantity, part: &Quantity) -> Option<u64> {
    let is_countable = whole.value() < MOST_IN_MILLIS && part.milli_value() > 0;
    let times = is_countable.then(|| whole.milli_value() / part.milli_value())?;
    u64::try_from(times).ok()
}
