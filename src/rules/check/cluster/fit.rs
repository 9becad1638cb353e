//! Whether a pod fits on a node of this cluster: it does, it cannot, or that is unknown.
//!
//! The rules are those of the scheduler's filters for node affinity, taints and resources (Kubernetes 1.37,
//! `pkg/scheduler/framework/plugins`), on empty nodes. Everything that is in doubt counts in favor of the pod: what other pods
//! use, what DaemonSets take, taints that pass, and what an autoscaler may add.

use std::collections::BTreeMap;
use std::slice;

use crate::diag::{counted, quoted};
use crate::facts::{Needs, NodePool, Places, Refusal, Set, Shape, is_after_start, is_extended, rounded};
use crate::json::Json;
use crate::k8s::json::{below, child, given, items, text};
use crate::k8s::node_selector::Requirement;
use crate::k8s::path::Path;
use crate::k8s::quantity::Quantity;
use crate::k8s::toleration::Taint;
use crate::ray::container::Container;
use crate::ray::device::{Device, device};
use crate::ray::facts::{pods_at_least, pods_at_most};
use crate::ray::pod::Pod;
use crate::ray::{Workload, effective};
use crate::rules::{Cx, Finding};

/// What is known of a pod and the nodes.
#[derive(Debug)]
pub(super) enum Fit {
    /// A node of this cluster is made for it, or there will be no such pod.
    Fits,
    /// Why nothing is known.
    Unknown(String),
    /// No node can ever run it.
    Cannot(Miss),
}

/// Why no node can run a pod: what the nodes that come nearest lack.
#[derive(Debug)]
pub(super) struct Miss {
    pub(super) why: Why,
    /// Whether that is so for sure. Otherwise the finding only warns.
    pub(super) is_certain: bool,
    /// The group of the cluster-autoscaler that is in doubt: see [`Asked`].
    group: Option<String>,
}

/// What is missing.
#[derive(Debug)]
pub(super) enum Why {
    /// No node meets these requirements; each of several is met, but not all together.
    Labels(Vec<Wanted>),
    /// Nodes get this label only once they run, and Karpenter cannot start one for it.
    AfterStart {
        /// The requirement.
        wanted: Wanted,
        /// A NodePool that would start a node otherwise.
        pool: String,
    },
    /// The nodes that match have taints that the pod does not tolerate.
    Taints {
        /// Whose taints: `24 nodes that match`.
        whose: String,
        /// Those that most of them have.
        taints: Vec<Taint>,
    },
    /// No node that matches has enough of a resource.
    Resource {
        /// Its name.
        key: String,
        /// What the pod requests.
        asked: Quantity,
        /// The most that a node gives; zero where nothing offers it.
        most: Quantity,
        /// Which nodes: `24 nodes that match`.
        whose: String,
    },
    /// All nodes of a NodePool together may have less of a resource than the pod requests.
    Limit {
        /// The name of the resource.
        key: String,
        /// What the pod requests.
        asked: Quantity,
        /// What the nodes may have.
        most: Quantity,
        /// The NodePool.
        pool: String,
    },
    /// Each resource fits on a node that matches, and all of them fit on none.
    Together {
        /// The names of the resources.
        keys: Vec<String>,
        /// Whose.
        whose: String,
    },
}

/// A requirement that is not met.
#[derive(Debug)]
pub(super) struct Wanted {
    /// The key of the label.
    pub(super) key: String,
    /// Its values.
    pub(super) values: Vec<String>,
    /// All of it, as a message shows it.
    pub(super) shown: String,
    /// Whether it stands in the node selector, rather than in the node affinity.
    pub(super) is_selected: bool,
}

/// What a pod needs, and whether its nodes are all that count.
pub(super) struct Asked<'p> {
    pub(super) needs: Needs<'p>,
    pub(super) is_certain: bool,
    /// A group of the cluster-autoscaler that may add nodes of which nobody knows what they offer.
    group: Option<&'p str>,
}

/// Whether a pod fits.
pub(super) fn fit<'p>(cx: &Cx<'p>, job: &Workload<'p>, pod: &Pod<'p>) -> Fit {
    let Some(places) = cx.facts.places() else {
        return Fit::Unknown("the nodes are unknown".to_owned());
    };
    if pods_at_most(job, pod) == 0 {
        return Fit::Fits;
    }
    let Asked {
        needs,
        is_certain,
        group,
    } = match asked(cx, job, pod) {
        Ok(asked) => asked,
        Err(reason) => return Fit::Unknown(reason.to_owned()),
    };
    let all = [places, &cx.platform.capacity.pools];
    let labelled = all.map(|places| places.labelled(&needs));
    let mut tolerated = labelled.clone();
    for (places, set) in all.iter().zip(&mut tolerated) {
        *set = places.tolerated(&needs, std::mem::take(set));
        if !places.large_enough(&needs, set.clone()).is_empty() {
            return Fit::Fits;
        }
    }
    let node_pools = cx.facts.node_pools();
    let mut refusals = Vec::new();
    for (name, pool) in node_pools.into_iter().flatten() {
        match pool.refuses(name, &needs) {
            None => return Fit::Unknown(format!("NodePool {name} of Karpenter may start a node for it")),
            Some(refusal) => refusals.push((refusal, name, pool)),
        }
    }
    if all.iter().all(|places| places.shapes().is_empty()) && refusals.is_empty() {
        return Fit::Unknown("there are no nodes now".to_owned());
    }
    let nearest = refusals.iter().max_by_key(|(refusal, ..)| refusal.clone());
    let mut why = why(&needs, &all, [&labelled, &tolerated], nearest, &refusals);
    let keys: &[String] = match &why {
        Why::Resource { key, .. } | Why::Limit { key, .. } => slice::from_ref(key),
        Why::Together { keys, .. } => keys,
        Why::Labels(_) | Why::AfterStart { .. } | Why::Taints { .. } => &[],
    };
    let claimed = keys
        .iter()
        .find(|key| is_extended(key) && cx.facts.may_be_a_device(key));
    if let (Some(key), true) = (claimed, cx.facts.device_classes().is_some()) {
        return Fit::Unknown(format!("a device class stands for {key}"));
    }
    let may_be_claimed = claimed.is_some();
    if matches!(&why, Why::Resource { key, .. } if is_extended(key)) {
        let [of_nodes, of_pools] = labelled;
        let large = [
            places.large_enough(&needs, of_nodes),
            cx.platform.capacity.pools.large_enough(&needs, of_pools),
        ];
        if is_some(&large) {
            why = taints(&needs, &all, &large);
        }
    }
    Fit::Cannot(Miss {
        why,
        is_certain: is_certain && node_pools.is_some() && pods_at_least(job, pod) > 0 && !may_be_claimed,
        group: group.map(str::to_owned),
    })
}

fn is_some(sets: &[Set; 2]) -> bool {
    sets.iter().any(|set| !set.is_empty())
}

type Refused<'a> = (Refusal<'a>, &'a String, &'a NodePool);

fn why(
    needs: &Needs<'_>,
    all: &[&Places; 2],
    [labelled, tolerated]: [&[Set; 2]; 2],
    nearest: Option<&Refused<'_>>,
    refusals: &[Refused<'_>],
) -> Why {
    if is_some(tolerated) {
        return resource(needs, all, tolerated);
    }
    if let Some((Refusal::Limit(key), name, pool)) = nearest {
        let asked = needs.requests.iter().find(|(one, _)| one == key);
        return Why::Limit {
            key: (*key).to_owned(),
            asked: asked.map(|(_, amount)| amount.clone()).unwrap_or(Quantity::ZERO),
            most: pool.limits.get(*key).cloned().unwrap_or(Quantity::ZERO),
            pool: (*name).clone(),
        };
    }
    if is_some(labelled) {
        return taints(needs, all, labelled);
    }
    if let Some((Refusal::Taint(taint), name, _)) = nearest {
        return Why::Taints {
            whose: format!("the nodes of NodePool {name}"),
            taints: vec![(*taint).clone()],
        };
    }
    labels(needs, all, refusals)
}

/// Which taints of nodes are not tolerated.
fn taints(needs: &Needs<'_>, all: &[&Places; 2], matched: &[Set; 2]) -> Why {
    let mut counts: BTreeMap<Vec<Taint>, u64> = BTreeMap::new();
    for shape in shapes(all, matched) {
        let repelling = shape.taints.iter().filter(|taint| !needs.tolerates(taint)).cloned();
        let count = counts.entry(repelling.collect()).or_default();
        *count = count.saturating_add(shape.count);
    }
    let most = counts.into_iter().max_by_key(|(_, count)| *count);
    Why::Taints {
        whose: matching(all, matched),
        taints: most.map(|(taints, _)| taints).unwrap_or_default(),
    }
}

/// Which resource is missing.
fn resource(needs: &Needs<'_>, all: &[&Places; 2], matched: &[Set; 2]) -> Why {
    let whose = matching(all, matched);
    let most = |key: &str| {
        let amounts = shapes(all, matched).filter_map(|shape| shape.allocatable.get(key));
        amounts.max().cloned().unwrap_or(Quantity::ZERO)
    };
    let mut lacking: Vec<(&str, &Quantity, Quantity)> = Vec::new();
    for (key, asked) in &needs.requests {
        let offered = all
            .iter()
            .zip(matched)
            .any(|(places, set)| !places.offering(key, asked, set.clone()).is_empty());
        if !offered {
            lacking.push((key, asked, most(key)));
        }
    }
    // Devices first: they say most about the nodes that are meant.
    lacking.sort_by_key(|(key, ..)| !is_extended(key));
    match lacking.first() {
        Some((key, asked, most)) => Why::Resource {
            key: (*key).to_owned(),
            asked: (*asked).clone(),
            most: most.clone(),
            whose,
        },
        None => Why::Together {
            keys: needs.requests.iter().map(|(key, _)| (*key).to_owned()).collect(),
            whose,
        },
    }
}

/// Which labels are missing.
fn labels(needs: &Needs<'_>, all: &[&Places; 2], refusals: &[Refused<'_>]) -> Why {
    let selected = needs.selector.len();
    let requirements: Vec<Wanted> = needs
        .requirements()
        .enumerate()
        .map(|(at, one)| wanted(one, at < selected))
        .collect();
    let is_met = |one: &&Requirement<'_>| all.iter().any(|places| !places.meeting(one).is_empty());
    let unmet: Vec<(usize, &Requirement<'_>)> = needs
        .requirements()
        .enumerate()
        .filter(|(_, one)| !is_met(one))
        .collect();
    if let Some((at, first)) = unmet.first() {
        let is_nowhere = !all.iter().any(|places| places.keys().any(|key| key == first.key));
        let starts =
            |(refusal, _, pool): &&Refused<'_>| *refusal == Refusal::Label(first.key) && !pool.defines(first.key);
        let is_after_start = is_after_start(first.key);
        if let Some((_, name, _)) = refusals.iter().find(starts).filter(|_| is_nowhere && is_after_start) {
            return Why::AfterStart {
                wanted: wanted(first, *at < selected),
                pool: (*name).clone(),
            };
        }
        return Why::Labels(vec![wanted(first, *at < selected)]);
    }
    Why::Labels(requirements)
}

fn wanted(one: &Requirement<'_>, is_selected: bool) -> Wanted {
    Wanted {
        key: one.key.to_owned(),
        values: one.values.iter().map(|value| (*value).to_owned()).collect(),
        shown: one.to_string(),
        is_selected,
    }
}

fn shapes<'s>(all: &'s [&Places; 2], sets: &'s [Set; 2]) -> impl Iterator<Item = &'s Shape> {
    all.iter().zip(sets).flat_map(|(places, set)| places.of_set(set))
}

/// How a message speaks of the nodes that match.
fn matching(all: &[&Places; 2], sets: &[Set; 2]) -> String {
    let [nodes, pools] = all;
    let [of_nodes, of_pools] = sets;
    let count = nodes
        .of_set(of_nodes)
        .fold(0, |sum: u64, shape| sum.saturating_add(shape.count));
    let every = nodes
        .shapes()
        .iter()
        .fold(0, |sum: u64, shape| sum.saturating_add(shape.count));
    match (count, pools.of_set(of_pools).next()) {
        (0, _) => "the nodes that match".to_owned(),
        (1, None) if every > 1 => "the 1 node that matches".to_owned(),
        (_, None) if every > count => format!("the {count} nodes that match"),
        (_, None) => counted(count, "node"),
        (_, Some(_)) => format!("the {} and the pools that match", counted(count, "node")),
    }
}

/// What a pod needs of its node.
///
/// # Errors
/// Why that is not known.
pub(super) fn asked<'p>(cx: &Cx<'p>, job: &Workload<'p>, pod: &Pod<'p>) -> Result<Asked<'p>, &'static str> {
    let spec = pod.spec;
    let named = |value: Json<'p>, key: &str| text(value, key).filter(|name| !name.is_empty());
    let is_other = named(spec, "schedulerName").is_some_and(|name| name != "default-scheduler");
    if is_other || job.label("ray.io/scheduler-name").is_some() {
        return Err("another scheduler places the pod");
    }
    if job.runs_elsewhere() {
        return Err("another cluster may run the pod");
    }
    if named(spec, "nodeName").is_some() {
        return Err("the pod names its node");
    }
    if !items(spec, "schedulingGates").is_empty() {
        return Err("the pod has scheduling gates");
    }
    if !items(spec, "resourceClaims").is_empty() {
        return Err("the pod has resource claims");
    }
    if pod.has_own_resources() {
        return Err("the pod has resources for its containers together");
    }
    let affinity = child(spec, "affinity");
    const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
    let binds = |key: &str| {
        given(child(affinity, key), REQUIRED)
            .is_some_and(|terms| !terms.as_array().is_some_and(|terms| terms.is_empty()))
    };
    if binds("podAffinity") || binds("podAntiAffinity") {
        return Err("the pod has affinities to other pods");
    }
    let spread = items(spec, "topologySpreadConstraints").iter();
    if spread
        .into_iter()
        .any(|one| text(one, "whenUnsatisfiable") != Some("ScheduleAnyway"))
    {
        return Err("the pod has topology spread constraints");
    }

    let selector = child(spec, "nodeSelector").as_object().into_iter().flatten();
    let selector = selector.map(|(key, value)| Some(Requirement::equal(key, value.as_str()?)));
    let selector: Option<Vec<Requirement<'p>>> = selector.collect();
    let terms = items(below(affinity, &["nodeAffinity", REQUIRED]), "nodeSelectorTerms").iter();
    let term = |term: Json<'p>| {
        let is_by_name = !items(term, "matchFields").is_empty();
        let expressions = items(term, "matchExpressions");
        // A term without requirements matches no node; that is for other checks.
        let is_empty = expressions.is_empty() || is_by_name;
        let all = expressions.iter().map(Requirement::read).collect::<Option<Vec<_>>>();
        all.filter(|_| !is_empty)
    };
    let terms: Option<Vec<Vec<Requirement<'p>>>> = terms.map(term).collect();
    let (Some(selector), Some(terms)) = (selector, terms) else {
        return Err("the node selector or the node affinity cannot be read");
    };

    // A scheduler extender may count shares of a device, which then no node offers.
    let is_counted = |(key, amount): &(&str, Quantity)| !amount.is_zero() && device(key) != Device::Share;
    let requests = effective::least_requests(pod).into_iter().filter(is_counted);
    let requests: Vec<(&str, Quantity)> = requests.map(|(key, amount)| (key, rounded(key, amount))).collect();
    if requests
        .iter()
        .any(|(key, _)| key.starts_with("deviceclass.resource.kubernetes.io/"))
    {
        return Err("the pod requests devices by their class");
    }
    // Kueue's flavors and a runtime class may add tolerations, and Kueue may run the job in another cluster.
    let is_queued = job.queue().is_some();
    let is_certain = cx.platform.capacity.is_closed && !is_queued;
    let group = if is_certain { unknown_group(cx) } else { None };
    Ok(Asked {
        is_certain: is_certain && group.is_none(),
        group,
        needs: Needs {
            selector,
            terms,
            tolerations: items(spec, "tolerations").iter().map(Into::into).collect(),
            tolerates_all: is_queued || named(spec, "runtimeClassName").is_some(),
            tolerates_devices: !cx.platform.capacity.device_taints_repel,
            requests,
        },
    })
}

/// A group of the cluster-autoscaler that has no node now and may add some, unless a pool of the Platform says what its
/// nodes offer.
fn unknown_group<'p>(cx: &Cx<'p>) -> Option<&'p str> {
    let declared = &cx.platform.capacity.pool_names;
    let mut groups = cx.facts.autoscaler_groups()?.iter();
    let group = groups.find(|group| group.is_empty && group.most > 0 && !declared.contains(&pool_of(&group.name)));
    group.map(|group| group.name.as_str())
}

/// The name of the pool in the Platform that stands for a group: the last part of a name that is an address, as on GKE, in
/// the letters that a name has.
fn pool_of(group: &str) -> String {
    let last = group.rsplit('/').next().unwrap_or(group);
    let plain = last
        .to_ascii_lowercase()
        .replace(|c: char| !c.is_ascii_alphanumeric() && c != '.', "-");
    plain.trim_matches(['-', '.']).to_owned()
}

/// The pods of an object that cannot run on any node, and why.
pub(super) fn misses<'j, 'p>(cx: &'j Cx<'p>, job: &'j Workload<'p>) -> impl Iterator<Item = (&'j Pod<'p>, Miss)> {
    job.pods.iter().filter_map(|pod| match fit(cx, job, pod) {
        Fit::Cannot(miss) => Some((pod, miss)),
        Fit::Fits | Fit::Unknown(_) => None,
    })
}

impl Miss {
    /// A finding that denies only if it is certain, and names the group of the cluster-autoscaler that is in doubt.
    pub(super) fn judged(&self, mut finding: Finding) -> Finding {
        if let Some(group) = &self.group {
            finding.fix += &format!(
                "; or declare the nodes of the autoscaler's group {} as {} in `Platform.capacity.pools`",
                quoted(group),
                quoted(&pool_of(group))
            );
        }
        match self.is_certain {
            true => finding,
            false => finding.warn_only(),
        }
    }
}

/// Where the largest container of a pod requests a resource.
pub(super) fn resource_path(pod: &Pod<'_>, key: &str) -> Path {
    let amount = |container: &Container<'_>| {
        container
            .reserved()
            .find(|one| one.key == key)
            .and_then(|one| one.quantity().cloned())
    };
    let containers = pod.containers.iter().filter(|container| amount(container).is_some());
    let Some(largest) = containers.max_by_key(|container| amount(container)) else {
        return pod.spec_path();
    };
    let block = if largest.request(key).is_some() {
        "requests"
    } else {
        "limits"
    };
    pod.container_path(largest)
        .then_key("resources")
        .then_key(block)
        .name(key)
}

/// What is known of each pod of an object: its title, and whether it can run.
pub fn placements(cx: &Cx<'_>, job: &Workload<'_>) -> Vec<(String, String)> {
    let what = |pod| match fit(cx, job, pod) {
        Fit::Fits => "a node can run it".to_owned(),
        Fit::Unknown(reason) => format!("unknown: {reason}"),
        Fit::Cannot(miss) if miss.is_certain => "no node can run it".to_owned(),
        Fit::Cannot(_) => "no node that is known can run it".to_owned(),
    };
    job.pods.iter().map(|pod| (pod.title(), what(pod))).collect()
}
