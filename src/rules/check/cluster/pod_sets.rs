//! An object as Kueue counts it: its pod sets, and what a ClusterQueue can give them.
//!
//! Kueue 0.19: `pkg/controller/jobs/raycluster/common.go` (pod sets), `pkg/workload/resources.go` (amounts),
//! `pkg/scheduler/flavorassigner/flavorassigner.go` (flavors). Everything here is the least that Kueue may count: releases and
//! settings of Kueue differ in what they add to it.

use std::collections::{BTreeMap, BTreeSet};

use crate::facts::{
    Ceilings, ClusterQueue, FlavorQuotas, LimitRange, Per, ResourceFlavor, ResourceGroup, UNLIMITED, Units, units,
};
use crate::json::Json;
use crate::k8s::json::{below, child, items, text};
use crate::k8s::node_selector::Requirement;
use crate::k8s::quantity::Quantity;
use crate::k8s::toleration::Toleration;
use crate::ray::Workload;
use crate::ray::container::{Container, Resource, Slot};
use crate::ray::pod::{Pod, Role};
use crate::rules::Cx;

use super::admitted::{self, Admitted, Amounts};

/// The resource that counts pods.
const PODS: &str = "pods";

/// The most pod sets that are looked at. Kueue takes no object with more.
const MOST_SETS: usize = 18;

/// The most steps in the search for flavors. Nobody knows the answer of a longer one.
const MOST_STEPS: usize = 20_000;

/// A pod set.
pub(super) struct PodSet<'p> {
    /// Its template.
    pub(super) pod: &'p Pod<'p>,
    /// What all its pods request together.
    pub(super) amounts: BTreeMap<&'p str, Units>,
}

/// The object in a ClusterQueue.
pub(super) struct Queued<'p> {
    /// The name of the ClusterQueue.
    pub(super) name: &'p str,
    /// The ClusterQueue.
    pub(super) queue: &'p ClusterQueue,
    /// The pod sets that have pods.
    pub(super) sets: Vec<PodSet<'p>>,
}

/// Why a flavor does not take a pod.
pub(super) enum Refusal<'p> {
    /// The pod does not tolerate this taint of its nodes.
    Taint(String),
    /// Its nodes have this label, and the pod selects another value.
    Label(&'p str, &'p str),
}

impl<'p> Queued<'p> {
    /// The object in the ClusterQueue of its LocalQueue. `None` if it has no queue, Kueue does not manage it, or something
    /// about it is unknown.
    pub(super) fn of(cx: &Cx<'p>, job: &'p Workload<'p>) -> Option<Queued<'p>> {
        let queue = job.queue().filter(|_| !job.selects_cluster())?;
        let local = cx.facts.local_queues()?.get(queue)?;
        Queued::in_cluster_queue(cx, job, &local.cluster_queue)
    }

    /// The object in a ClusterQueue.
    fn in_cluster_queue(cx: &Cx<'p>, job: &'p Workload<'p>, name: &str) -> Option<Queued<'p>> {
        let (name, queue) = cx.facts.cluster_queues()?.get_key_value(name)?;
        let counts_pods = queue.groups.iter().any(|group| covers(group, PODS));
        let sets: Vec<PodSet<'p>> = job
            .pods
            .iter()
            .filter_map(|pod| PodSet::of(cx, job, pod, counts_pods))
            .collect();
        (sets.len() <= MOST_SETS).then_some(Queued { name, queue, sets })
    }

    /// Whether a queue of the namespace could give the object what it needs, as far as is known.
    pub(super) fn fits(cx: &Cx<'p>, job: &'p Workload<'p>, cluster_queue: &str) -> bool {
        let Some(queued) = Queued::in_cluster_queue(cx, job, cluster_queue) else {
            return false;
        };
        let Some(ceilings) = cx.facts.ceilings(queued.name) else {
            return false;
        };
        let is_covered = |name: &str| queued.queue.groups.iter().any(|group| covers(group, name));
        let mut needed = queued.sets.iter().flat_map(|set| set.amounts.keys());
        needed.all(|name| is_covered(name))
            && queued
                .queue
                .groups
                .iter()
                .all(|group| queued.search(cx, group, ceilings) == Some(true))
    }

    /// The pod sets that need something of a group.
    pub(super) fn needing<'s>(&'s self, group: &'s ResourceGroup) -> impl Iterator<Item = &'s PodSet<'p>> {
        let needs = |set: &&PodSet<'p>| set.amounts.keys().any(|name| covers(group, name));
        self.sets.iter().filter(needs)
    }

    /// Whether the pod sets can get flavors of a group, if nothing else runs; `None` where nobody knows.
    pub(super) fn search(&self, cx: &Cx<'_>, group: &ResourceGroup, ceilings: &Ceilings) -> Option<bool> {
        let mut sets: Vec<Vec<Vec<(usize, Units)>>> = Vec::new();
        let mut left: Vec<Units> = Vec::new();
        let mut places: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for set in self.needing(group) {
            let mut choices = Vec::new();
            for flavor in group
                .flavors
                .iter()
                .filter(|flavor| refusal(cx, set.pod, flavor).is_none())
            {
                let mut choice = Vec::new();
                for (resource, amount) in set.amounts.iter().filter(|(name, _)| covers(group, name)) {
                    let key = (flavor.flavor.as_str(), *resource);
                    let place = *places.entry(key).or_insert_with(|| {
                        left.push(ceiling(ceilings, key.0, key.1));
                        left.len() - 1
                    });
                    choice.push((place, *amount));
                }
                choices.push(choice);
            }
            sets.push(choices);
        }
        // Those with the fewest choices first.
        sets.sort_by_key(Vec::len);
        let mut steps = MOST_STEPS;
        assign(&sets, &mut left, &mut steps)
    }
}

/// Gives each pod set one of its choices; `None` where that takes too long.
fn assign(sets: &[Vec<Vec<(usize, Units)>>], left: &mut Vec<Units>, steps: &mut usize) -> Option<bool> {
    let Some((choices, rest)) = sets.split_first() else {
        return Some(true);
    };
    for choice in choices {
        *steps = steps.checked_sub(1)?;
        let fits = choice
            .iter()
            .all(|(place, amount)| left.get(*place).is_some_and(|left| amount <= left));
        if !fits {
            continue;
        }
        take(left, choice, |left, amount| left - amount);
        let rest = assign(rest, left, steps)?;
        take(left, choice, |left, amount| left + amount);
        if rest {
            return Some(true);
        }
    }
    Some(false)
}

/// Changes what is left of limited amounts.
fn take(left: &mut [Units], choice: &[(usize, Units)], change: fn(Units, Units) -> Units) {
    for (place, amount) in choice {
        if let Some(left) = left.get_mut(*place).filter(|left| **left != Units::MAX) {
            *left = change(*left, *amount);
        }
    }
}

/// Whether a group is about a resource.
pub(super) fn covers(group: &ResourceGroup, resource: &str) -> bool {
    group.resources.iter().any(|name| name == resource)
}

/// The most that a flavor gives of a resource; the largest number if that is unlimited.
pub(super) fn ceiling(ceilings: &Ceilings, flavor: &str, resource: &str) -> Units {
    let found = ceilings.get(&(flavor.to_owned(), resource.to_owned())).copied();
    match found.unwrap_or_default() {
        UNLIMITED.. => Units::MAX,
        limited => limited,
    }
}

impl<'p> PodSet<'p> {
    /// A pod set with pods; `None` where there are none, or what they request is unknown.
    fn of(cx: &Cx<'p>, job: &Workload<'_>, pod: &'p Pod<'p>, counts_pods: bool) -> Option<PodSet<'p>> {
        let count = count(job, pod).filter(|count| *count > 0)?;
        let containers: Vec<Admitted<'p>> = pod
            .containers
            .iter()
            .map(|container| requested(container, cx.facts.limit_ranges().unwrap_or_default()))
            .collect::<Option<_>>()
            .filter(|_| !pod.has_own_resources())?;
        let mut sum = admitted::total(containers.iter(), |one| &one.requests);
        let class = text(pod.spec, "runtimeClassName").filter(|_| child(pod.spec, "overhead").is_null());
        let overhead = class.and_then(|class| cx.facts.runtime_classes()?.get(class));
        for (key, quantity) in overhead.into_iter().flat_map(|class| &class.overhead) {
            admitted::add(&mut sum, key, quantity);
        }
        let all = |(key, quantity): (&'p str, Quantity)| (key, units(key, &quantity).saturating_mul(count));
        let mut amounts: BTreeMap<&str, Units> = sum.into_iter().map(all).collect();
        amounts.retain(|_, amount| *amount > 0);
        if counts_pods {
            amounts.insert(PODS, count);
        }
        Some(PodSet { pod, amounts })
    }
}

/// The pods of a pod set. Kueue takes `replicas` as they are, and an elastic object begins with what the autoscaler leaves.
fn count(job: &Workload<'_>, pod: &Pod<'_>) -> Option<i64> {
    if pod.role != Role::Worker {
        return Some(1);
    }
    let replicas = pod.group_number("replicas", 0);
    let replicas = match job.is_elastic() || job.autoscales() {
        true => replicas.min(pod.group_number("minReplicas", 0)),
        false => replicas,
    };
    let is_suspended = child(pod.group, "suspend").as_bool() == Some(true);
    replicas
        .checked_mul(pod.group_number("numOfHosts", 1).max(1))
        .filter(|_| !is_suspended)
}

/// What Kueue takes a container to request at least: its request, else the default of a LimitRange, else its limit.
fn requested<'p>(container: &'p Container<'p>, ranges: &'p [LimitRange]) -> Option<Admitted<'p>> {
    let given = |resource: &Resource<'_>| resource.quantity().filter(|quantity| !quantity.is_negative()).cloned();
    let mut requests = Amounts::new();
    for resource in &container.requests {
        requests.insert(resource.key, given(resource)?);
    }
    let of_containers = || {
        ranges
            .iter()
            .flat_map(|range| &range.limits)
            .filter(|limits| limits.per == Per::Container)
    };
    let mut defaults = Amounts::new();
    for (key, quantity) in of_containers().flat_map(|limits| &limits.default_request) {
        let least = defaults.entry(key.as_str()).or_insert_with(|| quantity.clone());
        if quantity < least {
            *least = quantity.clone();
        }
    }
    for (key, quantity) in defaults {
        requests.entry(key).or_insert(quantity);
    }
    for resource in &container.limits {
        let limit = given(resource)?;
        requests.entry(resource.key).or_insert(limit);
    }
    let is_kept = matches!(container.slot, Slot::Main | Slot::Init);
    Some(Admitted {
        container,
        requests: if is_kept { requests } else { Amounts::new() },
        limits: Amounts::new(),
    })
}

/// Why a flavor does not take a pod; `None` if it may.
pub(super) fn refusal<'p>(cx: &Cx<'p>, pod: &Pod<'p>, quotas: &FlavorQuotas) -> Option<Refusal<'p>> {
    let flavor = cx.facts.resource_flavors()?.get(&quotas.flavor)?;
    untolerated(pod, flavor).or_else(|| unselected(pod, flavor))
}

fn untolerated<'p>(pod: &Pod<'p>, flavor: &ResourceFlavor) -> Option<Refusal<'p>> {
    let own = items(pod.spec, "tolerations").iter().map(Toleration::from);
    let tolerations: Vec<Toleration<'_>> = own.chain(flavor.tolerations.iter().map(Toleration::from)).collect();
    let mut taints = flavor.taints.iter().filter(|taint| taint.repels());
    let taint = taints.find(|taint| !tolerations.iter().any(|toleration| toleration.tolerates(taint)))?;
    Some(Refusal::Taint(taint.to_string()))
}

/// The selector of the pod that the labels of a flavor do not meet. What the flavor has no label for does not count.
fn unselected<'p>(pod: &Pod<'p>, flavor: &'p ResourceFlavor) -> Option<Refusal<'p>> {
    let selector = child(pod.spec, "nodeSelector").as_object().into_iter().flatten();
    for (key, value) in selector {
        if let (Some((key, label)), Some(wanted)) = (flavor.labels.get_key_value(key), value.as_str())
            && label != wanted
        {
            return Some(Refusal::Label(key, label));
        }
    }
    let required = [
        "affinity",
        "nodeAffinity",
        "requiredDuringSchedulingIgnoredDuringExecution",
    ];
    let mut first = None;
    for term in items(below(pod.spec, &required), "nodeSelectorTerms").iter() {
        // One term is enough, and one without a label of the flavor takes it.
        let missed = missed(term, flavor)?;
        first.get_or_insert(missed);
    }
    first
}

/// The label of a flavor that a term of a node affinity does not take.
fn missed<'p>(term: Json<'p>, flavor: &'p ResourceFlavor) -> Option<Refusal<'p>> {
    let mut expressions = items(term, "matchExpressions").iter();
    expressions.find_map(|expression| {
        let requirement = Requirement::read(expression)?;
        let (key, label) = flavor.labels.get_key_value(requirement.key)?;
        (!requirement.is_met(Some(label))).then_some(Refusal::Label(key, label))
    })
}

/// The flavors that a group can give a pod.
pub(super) fn open_to<'q>(
    cx: &'q Cx<'_>,
    pod: &'q Pod<'_>,
    group: &'q ResourceGroup,
) -> impl Iterator<Item = &'q FlavorQuotas> {
    group.flavors.iter().filter(|flavor| refusal(cx, pod, flavor).is_none())
}

/// The names of the other LocalQueues of the namespace that could give the object what it needs.
pub(super) fn roomy<'p>(cx: &Cx<'p>, job: &'p Workload<'p>) -> BTreeSet<&'p str> {
    const MOST_QUEUES: usize = 16;
    let queues = cx.facts.local_queues().into_iter().flatten();
    let others = queues.filter(|(name, queue)| !queue.is_stopped && Some(name.as_str()) != job.queue());
    let roomy = others
        .take(MOST_QUEUES)
        .filter(|(_, queue)| Queued::fits(cx, job, &queue.cluster_queue));
    roomy.map(|(name, _)| name.as_str()).collect()
}
