//! Finds pods that a ResourceQuota of the namespace can never admit.
//!
//! Kubernetes 1.37, `pkg/quota/v1/evaluator/core/pods.go`. What is used of a quota never counts: it changes.

use std::collections::BTreeMap;

use crate::diag::quoted;
use crate::facts::{Quota, Scope};
use crate::k8s::json::{child, given, text};
use crate::k8s::path::Path;
use crate::k8s::quantity::Quantity;
use crate::policy::settings::Action;
use crate::ray::container::{Resource, Slot};
use crate::ray::facts::pods_at_least;
use crate::ray::pod::{Pod, Role};
use crate::ray::{Kinds, Workload, flyte};
use crate::rules::check::resources::{named, place, setting};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::edit::Op;
use crate::rules::{Cx, Finding, Findings};

use super::admitted::{self, Admitted, Amounts};

/// The check.
pub const CHECK: Check = Check {
    code: "RG807",
    title: "Pods must fit into the ResourceQuotas of the namespace",
    action: Action::Fix,
    fixes: true,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("quota.md"),
    evidence: &[
        Evidence::Source(
            "Kubernetes 1.37.2",
            "staging/src/k8s.io/apiserver/pkg/admission/plugin/resourcequota/controller.go",
            &[471, 622],
        ),
        Evidence::Test("tests/facts.rs", "the_api_server_agrees"),
    ],
    run,
};

/// What a quota of CPU or memory demands of every container: the quota's resource, the block and the key.
const DEMANDS: [(&str, &str, &str); 6] = [
    ("cpu", "requests", "cpu"),
    ("memory", "requests", "memory"),
    ("requests.cpu", "requests", "cpu"),
    ("requests.memory", "requests", "memory"),
    ("limits.cpu", "limits", "cpu"),
    ("limits.memory", "limits", "memory"),
];

/// A pod as quotas count it.
struct Counted<'p> {
    pod: &'p Pod<'p>,
    /// How many there will be at once, at least.
    count: u64,
    /// Its containers; `None` where what they get of LimitRanges is unknown.
    containers: Option<Vec<Admitted<'p>>>,
    /// What one pod needs at least.
    requests: Amounts<'p>,
    limits: Amounts<'p>,
}

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    if job.runs_elsewhere() {
        return;
    }
    let Some(quotas) = cx.facts.quotas().filter(|quotas| !quotas.is_empty()) else {
        return;
    };
    let pods: Vec<Counted<'_>> = job
        .pods
        .iter()
        .chain(&job.default_submitter)
        .filter_map(|pod| Counted::of(cx, job, pod))
        .collect();
    for quota in quotas {
        let held: Vec<&Counted<'_>> = pods.iter().filter(|pod| pod.is_held(cx, quota)).collect();
        for counted in &held {
            demands(counted, quota, findings);
        }
        never(cx, job, &held, quota, findings);
    }
}

impl<'p> Counted<'p> {
    fn of(cx: &Cx<'p>, job: &Workload<'_>, pod: &'p Pod<'p>) -> Option<Counted<'p>> {
        let count = u64::try_from(pods_at_least(job, pod)).ok()?;
        let ranges = cx.facts.limit_ranges();
        let containers = ranges.and_then(|ranges| admitted::containers(pod, ranges));
        let least = match containers {
            None => admitted::containers(pod, &[]),
            Some(_) => None,
        };
        let counting = containers.as_ref().or(least.as_ref())?;
        // Settings of KubeRay decide about these containers.
        let certain = || {
            let is_certain = |slot| !matches!(slot, Slot::WaitForHead | Slot::DefaultSubmitter);
            counting.iter().filter(move |one| is_certain(one.container.slot))
        };
        let mut requests = admitted::total(certain(), |one| &one.requests);
        let mut limits = admitted::total(certain(), |one| &one.limits);
        let class = text(pod.spec, "runtimeClassName");
        let overhead = class.and_then(|class| cx.facts.runtime_classes()?.get(class));
        for (key, quantity) in overhead.into_iter().flat_map(|class| &class.overhead) {
            admitted::add(&mut requests, key, quantity);
            if let Some(limit) = limits.get_mut(key.as_str()).filter(|limit| !limit.is_zero()) {
                *limit = limit.saturating_add(quantity);
            }
        }
        Some(Counted {
            pod,
            count,
            containers,
            requests,
            limits,
        })
    }

    /// Whether a quota is for this pod for sure.
    fn is_held(&self, cx: &Cx<'_>, quota: &Quota) -> bool {
        quota.scopes.iter().all(|scope| self.is_in(cx, scope) == Some(true))
    }

    /// Whether the pod is in a scope; `None` where that is unknown.
    fn is_in(&self, cx: &Cx<'_>, scope: &Scope) -> Option<bool> {
        let spec = self.pod.spec;
        let is_terminating = || given(spec, "activeDeadlineSeconds").is_some_and(|seconds| seconds.as_i64() >= Some(0));
        match scope.name.as_str() {
            "Terminating" => Some(is_terminating()),
            "NotTerminating" => Some(!is_terminating()),
            "BestEffort" => self.is_best_effort(),
            "NotBestEffort" => self.is_best_effort().map(|is| !is),
            "PriorityClass" => {
                let own = text(spec, "priorityClassName").filter(|name| !name.is_empty());
                let class = match own {
                    Some(name) => Some(name),
                    // A pod without a class gets the default one.
                    None => {
                        let classes = cx.facts.priority_classes()?;
                        let mut defaults = classes.iter().filter(|(_, class)| class.is_default);
                        let default = defaults.next().map(|(name, _)| name.as_str());
                        // Of several, the API server takes that of the least value, which is not known here.
                        defaults.next().is_none().then_some(default)?
                    }
                };
                let is_listed = || class.is_some_and(|class| scope.values.iter().any(|value| value == class));
                match scope.operator.as_str() {
                    "Exists" => Some(class.is_some()),
                    "DoesNotExist" => Some(class.is_none()),
                    "In" => Some(is_listed()),
                    "NotIn" => Some(!is_listed()),
                    _ => None,
                }
            }
            "CrossNamespacePodAffinity" => {
                let affinity = child(spec, "affinity");
                let is_free = ["podAffinity", "podAntiAffinity"]
                    .iter()
                    .all(|key| given(affinity, key).is_none());
                is_free.then_some(false)
            }
            _ => None,
        }
    }

    /// Whether no container has CPU or memory.
    fn is_best_effort(&self) -> Option<bool> {
        let is_sized = |amounts: &Amounts<'_>| {
            ["cpu", "memory"]
                .iter()
                .any(|key| amounts.get(key).is_some_and(|amount| !amount.is_zero()))
        };
        match &self.containers {
            Some(containers) => Some(
                !containers
                    .iter()
                    .any(|one| is_sized(&one.requests) || is_sized(&one.limits)),
            ),
            None => (is_sized(&self.requests) || is_sized(&self.limits)).then_some(false),
        }
    }

    /// What one pod takes of a quota's resource.
    fn usage(&self, resource: &str) -> Option<Quantity> {
        let extended = |key: &str| key.contains('/') && !key.contains("kubernetes.io/");
        let (amounts, key) = match resource {
            "pods" | "count/pods" => return Some(Quantity::from(1)),
            "cpu" | "memory" | "ephemeral-storage" => (&self.requests, resource),
            _ if resource.starts_with("hugepages-") => (&self.requests, resource),
            _ => match resource.split_once('.')? {
                ("limits", key @ ("cpu" | "memory" | "ephemeral-storage")) => (&self.limits, key),
                ("requests", key @ ("cpu" | "memory" | "ephemeral-storage")) => (&self.requests, key),
                ("requests", key) if key.starts_with("hugepages-") || extended(key) => (&self.requests, key),
                _ => return None,
            },
        };
        amounts.get(key).cloned()
    }
}

/// Finds the containers without a request or limit that a quota of CPU or memory demands.
fn demands(counted: &Counted<'_>, quota: &Quota, findings: &mut Findings) {
    let (pod, Some(containers)) = (counted.pod, &counted.containers) else {
        return;
    };
    let mut seen: BTreeMap<(&str, &str), ()> = BTreeMap::new();
    for (resource, block, key) in DEMANDS {
        // `cpu` and `requests.cpu` demand the same.
        if !quota.hard.contains_key(resource) || seen.insert((block, key), ()).is_some() {
            continue;
        }
        for one in containers {
            let amounts = if block == "limits" { &one.limits } else { &one.requests };
            if amounts.contains_key(key) || one.container.slot == Slot::WaitForHead {
                continue;
            }
            let container = one.container;
            let path = pod
                .container_path(container)
                .then_key("resources")
                .then_key(block)
                .name(key);
            let request = one.requests.get(key).filter(|_| block == "limits");
            let word = block.trim_end_matches('s');
            let finding = Finding::new(
                path.clone(),
                format!(
                    "{}: no {key} {word}, which ResourceQuota {} demands of every container; the API server rejects the \
                     pod",
                    place(pod, container),
                    quoted(&quota.name)
                ),
            );
            let wanted = request.map_or_else(|| "…".to_owned(), Quantity::to_string);
            let finding = finding
                .fix(format!("set {block}.{key}"))
                .flyte(setting(pod, container, block, key, &wanted));
            // A limit that equals the request takes nothing from the container that it is sure to have.
            let repaired = request.filter(|request| !request.is_zero());
            findings.push(
                match repaired.filter(|_| matches!(container.slot, Slot::Main | Slot::Init)) {
                    Some(request) => {
                        let canonical = container.request(key).map(Resource::canonical);
                        let value = canonical.unwrap_or_else(|| request.to_string().into());
                        let done = format!(
                            "{}: set {key} limit to the request, {request}, because ResourceQuota {} demands one",
                            place(pod, container),
                            quoted(&quota.name)
                        );
                        finding.repair(done, path, Op::Set(value))
                    }
                    None => finding,
                },
            );
        }
    }
}

/// Finds what is more than a quota ever gives: of one pod, or of all pods together.
fn never(cx: &Cx<'_>, job: &Workload<'_>, held: &[&Counted<'_>], quota: &Quota, findings: &mut Findings) {
    let name = format!(
        "ResourceQuota {} of namespace {}",
        quoted(&quota.name),
        quoted(cx.namespace)
    );
    for (resource, hard) in &quota.hard {
        let shown = named(resource);
        let before = findings.len();
        let mut sum = Quantity::ZERO;
        let mut most: Option<(&Counted<'_>, Quantity)> = None;
        for counted in held.iter().filter(|counted| counted.count > 0) {
            let Some(usage) = counted.usage(resource) else { continue };
            let all = usage.saturating_mul(counted.count);
            sum = sum.saturating_add(&all);
            if usage > *hard {
                let pod = counted.pod;
                let message = format!(
                    "{}: one pod needs {usage} {shown}, and {name} allows {hard}",
                    pod.title()
                );
                findings.push(
                    Finding::new(largest_path(counted, resource), message)
                        .fix(format!("ask for at most {hard} per pod, or have the quota raised"))
                        .flyte(flyte::setting(pod, "requests=Resources(…)"))
                        .weight(usage.value())
                        .about([format!("{} {resource}", quota.name)]),
                );
            }
            if most.as_ref().is_none_or(|(_, known)| all > *known) {
                most = Some((counted, all));
            }
        }
        if findings.len() > before || sum <= *hard {
            continue;
        }
        let Some((largest, share)) = most else { continue };
        let finding = Finding::new(
            job.kind.cluster_path(),
            format!(
                "{} needs at least {sum} {shown} at once, and {name} allows {hard}; {} needs most of it ({share})",
                job.kind.word,
                largest.pod.title()
            ),
        )
        .fix("use fewer or smaller pods, or have the quota raised")
        .flyte(flyte::setting(
            largest.pod,
            if largest.pod.role == Role::Worker {
                "replicas=…"
            } else {
                "requests=Resources(…)"
            },
        ))
        .weight(sum.value())
        .about([format!("{} {resource}", quota.name)]);
        // KubeRay starts a job once all pods run. Without a job, some of the pods are of use.
        findings.push(match job.kind.has_job() {
            true => finding,
            false => finding.warn_only(),
        });
    }
}

/// Where the first container of a pod asks for what a quota's resource counts.
fn largest_path(counted: &Counted<'_>, resource: &str) -> Path {
    let pod = counted.pod;
    let Some(container) = pod.main() else {
        return pod.template_path();
    };
    let (block, key) = match resource.split_once('.') {
        Some(("limits", key)) => ("limits", key),
        Some(("requests", key)) => ("requests", key),
        _ => ("requests", resource),
    };
    let resources = pod.container_path(container).then_key("resources");
    resources.then_key(block).name(key)
}
