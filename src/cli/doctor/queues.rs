//! Ray objects that wait in Kueue and never start, or that Kueue has started and nobody runs. The objects themselves do
//! not show it: Kueue writes the reason to the Workload, to its log, or nowhere.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use kube::Client;
use serde_json::Value;

use crate::cluster::objects;
use crate::diag::quoted;
use crate::json::Tree;
use crate::ray::device::is_accelerator;
use crate::ray::kind::{KINDS, Kind};

use super::{Findings, list};

const CHECK: &str = "queues";
const GROUP: &str = "/apis/kueue.x-k8s.io";
const QUEUE: &str = "/metadata/labels/kueue.x-k8s.io~1queue-name";
const PRIORITY: &str = "/metadata/labels/kueue.x-k8s.io~1priority-class";
/// The controller of MultiKueue, in `managedBy` and in an AdmissionCheck.
const MULTI_KUEUE: &str = "kueue.x-k8s.io/multikueue";
/// The pods of started Workloads that no node has taken. Kueue labels their templates when it starts an object.
const PENDING: &str =
    "/api/v1/pods?labelSelector=kueue.x-k8s.io%2Fpodset,ray.io%2Fcluster&fieldSelector=status.phase%3DPending";
/// How old an object is, in seconds, for which Kueue should have made a Workload.
const SEEN_AFTER: i64 = 60;
/// The most objects that one kind of finding lists.
const MOST: usize = 10;

/// Why a Workload has no quota and gets none until somebody changes something (Kueue 0.19, `workload_types.go`). The first
/// four need Kueue's feature gate `UnadmittedWorkloadsObservability`.
const REASONS: [&str; 5] = [
    "Misconfigured",
    "NoMatchingFlavor",
    "ExceedsMaxQuota",
    "Suspended",
    "Inadmissible",
];
/// What the condition says of it otherwise (`flavorassigner.go`), unless another flavor may still fit.
const NEVER: [&str; 4] = [
    "> maximum capacity (",
    "doesn't match node affinity",
    "untolerated taint",
    "unavailable in ClusterQueue",
];
const MAY_FIT: &str = "insufficient unused quota";

/// What is in the cluster, as far as Kueue and Ray are concerned.
#[derive(Debug, Default)]
struct Seen {
    workloads: Vec<Value>,
    /// Ray objects with a queue, and their kinds.
    objects: Vec<(&'static Kind, Value)>,
    cluster_queues: Vec<Value>,
    local_queues: Vec<Value>,
    priority_classes: Vec<Value>,
    admission_checks: Vec<Value>,
    pending: Vec<Value>,
    /// Read only if pods are pending.
    nodes: Vec<Value>,
}

/// Looks at the queues, if Kueue is installed. `served` are the kinds of Ray objects in this cluster.
pub(super) async fn judge(client: &Client, served: impl Iterator<Item = &'static Kind>, findings: &mut Findings) {
    let group = match objects::get(client, GROUP).await {
        Ok(Some(group)) => group,
        Ok(None) => return,
        Err(error) => return findings.unreadable(CHECK, "the API group of Kueue", &error),
    };
    let Some(version) = text(&group, "/preferredVersion/groupVersion") else {
        return;
    };
    match read(client, version, served).await {
        Ok(seen) => look(&seen, Timestamp::now(), findings),
        Err((what, error)) => findings.unreadable(CHECK, what, &error),
    }
}

async fn read(
    client: &Client,
    version: &str,
    served: impl Iterator<Item = &'static Kind>,
) -> Result<Seen, (&'static str, kube::Error)> {
    let of = async |resource: &'static str, kind| {
        let found = list(client, &format!("/apis/{version}/{resource}"), kind).await;
        found.map_err(|error| (resource, error))
    };
    let mut seen = Seen {
        workloads: of("workloads", "Workload").await?,
        cluster_queues: of("clusterqueues", "ClusterQueue").await?,
        local_queues: of("localqueues", "LocalQueue").await?,
        priority_classes: of("workloadpriorityclasses", "WorkloadPriorityClass").await?,
        admission_checks: of("admissionchecks", "AdmissionCheck").await?,
        ..Seen::default()
    };
    for kind in served {
        let path = format!(
            "/apis/ray.io/v1/{}?labelSelector=kueue.x-k8s.io%2Fqueue-name",
            kind.resource
        );
        let found = list(client, &path, kind.name).await;
        let found = found.map_err(|error| (kind.resource, error))?;
        seen.objects.extend(found.into_iter().map(|object| (kind, object)));
    }
    seen.pending = list(client, PENDING, "Pod").await.map_err(|error| ("pods", error))?;
    if !seen.pending.is_empty() {
        let nodes = list(client, "/api/v1/nodes", "Node").await;
        seen.nodes = nodes.map_err(|error| ("nodes", error))?;
    }
    Ok(seen)
}

/// A finding about one object: what was seen, and what to do.
type Told = (String, String);

fn look(seen: &Seen, now: Timestamp, findings: &mut Findings) {
    let before = findings.0.len();
    for mut told in [
        never_start(seen),
        without_workload(seen, now),
        nobody_runs(seen),
        unschedulable(seen),
        accelerators_first(seen),
    ] {
        let more = told.len().saturating_sub(MOST);
        told.truncate(MOST);
        for (what, repair) in told {
            findings.warning(CHECK, what, repair);
        }
        if more > 0 {
            findings.note(CHECK, format!("{more} more of these"));
        }
    }
    if findings.0.len() == before {
        let waiting = seen.workloads.iter().filter(|workload| owner(workload).is_some());
        let waiting = waiting.filter(|workload| condition(workload, "QuotaReserved").is_none_or(|it| !is(it, "True")));
        let waiting = waiting.filter(|workload| condition(workload, "Finished").is_none());
        findings.ok(
            CHECK,
            format!(
                "{} Ray objects wait for quota, and nothing else blocks them",
                waiting.count()
            ),
        );
    }
}

/// Workloads that get no quota, however long they wait, and those that Kueue could not start.
fn never_start(seen: &Seen) -> Vec<Told> {
    let told = |workload: &Value| {
        let (kind, name) = owner(workload)?;
        let namespace = text(workload, "/metadata/namespace")?;
        let failed = condition(workload, "Finished").filter(|it| text(it, "/reason") == Some("FailedToStart"));
        let waits = condition(workload, "QuotaReserved").filter(|it| {
            let (reason, message) = (text(it, "/reason"), text(it, "/message").unwrap_or_default());
            is(it, "False")
                && (reason.is_some_and(|reason| REASONS.contains(&reason))
                    || NEVER.iter().any(|never| message.contains(never)) && !message.contains(MAY_FIT))
        });
        let why = text(failed.or(waits)?, "/message").unwrap_or("Kueue gives no reason");
        Some((
            format!("{kind} {namespace}/{name} does not start: {why}"),
            format!(
                "kubectl --namespace {namespace} describe workload {}",
                text(workload, "/metadata/name").unwrap_or_default()
            ),
        ))
    };
    seen.workloads.iter().filter_map(told).collect()
}

/// Suspended objects with a queue for which Kueue has made no Workload.
fn without_workload(seen: &Seen, now: Timestamp) -> Vec<Told> {
    let owned = |workload: &Value| Some(controller(workload)?.get("uid")?.as_str()?.to_owned());
    let owned: BTreeSet<String> = seen.workloads.iter().filter_map(owned).collect();
    let classes: BTreeSet<&str> = seen.priority_classes.iter().filter_map(name).collect();
    let told = |(kind, object): &(&'static Kind, Value)| {
        let (kind, namespace, name) = (*kind, text(object, "/metadata/namespace")?, name(object)?);
        let created: Timestamp = text(object, "/metadata/creationTimestamp")?.parse().ok()?;
        let is_old = now.as_second() - created.as_second() >= SEEN_AFTER;
        let is_suspended = Tree::of(object).is_ok_and(|tree| kind.is_suspended(tree.root()));
        let is_seen = text(object, "/metadata/uid").is_some_and(|uid| owned.contains(uid));
        // RayCronJobs are not Kueue's, and what a Ray object owns is started with it.
        if kind.is_template() || !is_suspended || is_seen || owner(object).is_some() {
            return None;
        }
        let what = format!(
            "{} {namespace}/{name} waits, and Kueue has made no Workload of it",
            kind.name
        );
        let class = text(object, PRIORITY).filter(|class| !classes.contains(class));
        match class {
            Some(class) => Some((
                format!("{what}: there is no WorkloadPriorityClass {}", quoted(class)),
                "kubectl get workloadpriorityclasses  # create it, or remove the label kueue.x-k8s.io/priority-class"
                    .to_owned(),
            )),
            None if is_old => Some((
                what,
                format!("kubectl --namespace kueue-system logs deployment/kueue-controller-manager | grep {name}"),
            )),
            None => None,
        }
    };
    seen.objects.iter().filter_map(told).collect()
}

/// Objects that their authors left to MultiKueue, in a queue that has none. Kueue itself writes `managedBy` where a queue
/// needs it (Kueue 0.19, `jobframework/defaults.go`, `ApplyDefaultForManagedBy`).
fn nobody_runs(seen: &Seen) -> Vec<Told> {
    let remote = |check: &&Value| text(check, "/spec/controllerName") == Some(MULTI_KUEUE);
    let remote: BTreeSet<&str> = seen.admission_checks.iter().filter(remote).filter_map(name).collect();
    let has_remote = |queue: &Value| {
        let by_strategy = queue.pointer("/spec/admissionChecksStrategy/admissionChecks");
        let by_strategy = items(by_strategy).filter_map(|check| text(check, "/name"));
        let listed = items(queue.pointer("/spec/admissionChecks")).filter_map(Value::as_str);
        by_strategy.chain(listed).any(|check| remote.contains(check))
    };
    let told = |(kind, object): &(&'static Kind, Value)| {
        let (namespace, name) = (text(object, "/metadata/namespace")?, name(object)?);
        if text(object, "/spec/managedBy") != Some(MULTI_KUEUE) {
            return None;
        }
        let queue = cluster_queue(seen, namespace, text(object, QUEUE)?)?;
        (!has_remote(queue)).then(|| {
            (
                format!(
                    "{} {namespace}/{name} has managedBy {MULTI_KUEUE}, and ClusterQueue {} has no such AdmissionCheck: \
                     Kueue starts it, and nobody runs it",
                    kind.name,
                    self::name(queue).unwrap_or_default()
                ),
                format!(
                    "kubectl --namespace {namespace} delete {}.ray.io {name}  # then create it without managedBy",
                    kind.resource
                ),
            )
        })
    };
    seen.objects.iter().filter_map(told).collect()
}

/// Pods of started objects whose node selector fits no node. Kueue compares a node selector with its flavors only by the
/// labels that they list (Kueue 0.19, `flavorassigner.go`, `flavorSelector`).
fn unschedulable(seen: &Seen) -> Vec<Told> {
    let labels = |node: &Value| node.pointer("/metadata/labels").cloned().unwrap_or_default();
    let nodes: Vec<Value> = seen.nodes.iter().map(labels).collect();
    // The pods of a cluster that wait for the same nodes are one finding.
    let mut waiting: BTreeMap<(&str, &str, String), usize> = BTreeMap::new();
    for pod in &seen.pending {
        let is_refused = condition(pod, "PodScheduled").is_some_and(|it| text(it, "/reason") == Some("Unschedulable"));
        let selector = pod.pointer("/spec/nodeSelector").and_then(Value::as_object);
        let (true, Some(selector)) = (is_refused, selector) else {
            continue;
        };
        let fits = |node: &Value| selector.iter().all(|(key, value)| node.get(key) == Some(value));
        if nodes.iter().any(fits) {
            continue;
        }
        let selector = selector.iter();
        let selector = selector.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()));
        let place = (
            text(pod, "/metadata/namespace").unwrap_or_default(),
            text(pod, "/metadata/labels/ray.io~1cluster").unwrap_or_default(),
            selector.collect::<Vec<_>>().join(","),
        );
        *waiting.entry(place).or_default() += 1;
    }
    let told = waiting.into_iter().map(|((namespace, cluster, selector), pods)| {
        (
            format!(
                "Kueue has started RayCluster {namespace}/{cluster}, and {pods} of its pods wait: no node has the labels \
                 {selector}. Kueue compares only the labels that its flavors list"
            ),
            format!("kubectl get nodes --selector {selector}"),
        )
    });
    told.collect()
}

/// ClusterQueues in which a pod without accelerators gets a flavor that has some. Kueue chooses one flavor for each resource
/// group of a pod, in the order of the group.
fn accelerators_first(seen: &Seen) -> Vec<Told> {
    let told = |queue: &Value| {
        let groups = items(queue.pointer("/spec/resourceGroups"));
        let covers = |group: &Value, wanted: &dyn Fn(&str) -> bool| {
            items(group.get("coveredResources"))
                .filter_map(Value::as_str)
                .any(wanted)
        };
        let mixed = groups.filter(|group| covers(group, &|key| key == "cpu") && covers(group, &is_accelerator));
        let mut first = mixed.filter_map(|group| group.pointer("/flavors/0"));
        first.find_map(|flavor| {
            let mut resources = items(flavor.get("resources")).filter(|resource| {
                let quota = resource.get("nominalQuota");
                quota.is_some_and(|quota| quota != "0" && quota != 0)
            });
            let accelerator = resources.find_map(|resource| text(resource, "/name").filter(|key| is_accelerator(key)))?;
            let name = name(queue)?;
            Some((
                format!(
                    "ClusterQueue {name} has cpu and {accelerator} in one resource group, whose first flavor is {}: heads \
                     and submitters run on nodes of that flavor",
                    text(flavor, "/name").unwrap_or_default()
                ),
                format!("kubectl edit clusterqueue {name}  # a resource group for accelerators: docs/guide/kueue.md, Set up"),
            ))
        })
    };
    seen.cluster_queues.iter().filter_map(told).collect()
}

/// The ClusterQueue behind a LocalQueue.
fn cluster_queue<'s>(seen: &'s Seen, namespace: &str, queue: &str) -> Option<&'s Value> {
    let mut local = seen.local_queues.iter();
    let local =
        local.find(|local| text(local, "/metadata/namespace") == Some(namespace) && name(local) == Some(queue))?;
    let wanted = text(local, "/spec/clusterQueue")?;
    seen.cluster_queues.iter().find(|queue| name(queue) == Some(wanted))
}

/// The Ray object that an object is of: its kind and its name.
fn owner(object: &Value) -> Option<(&str, &str)> {
    let owner = controller(object)?;
    let kind = text(owner, "/kind").filter(|kind| KINDS.iter().any(|known| known.name == *kind))?;
    Some((kind, text(owner, "/name")?))
}

fn controller(object: &Value) -> Option<&Value> {
    let mut owners = items(object.pointer("/metadata/ownerReferences"));
    owners.find(|owner| owner.get("controller") == Some(&Value::Bool(true)))
}

fn condition<'v>(object: &'v Value, of: &str) -> Option<&'v Value> {
    items(object.pointer("/status/conditions")).find(|condition| text(condition, "/type") == Some(of))
}

fn is(condition: &Value, status: &str) -> bool {
    text(condition, "/status") == Some(status)
}

fn items(list: Option<&Value>) -> impl Iterator<Item = &Value> {
    list.and_then(Value::as_array).into_iter().flatten()
}

fn name(object: &Value) -> Option<&str> {
    text(object, "/metadata/name")
}

fn text<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    value.pointer(pointer)?.as_str()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Level;
    use super::*;
    use crate::ray::kind::RAY_JOB;

    /// The warnings about a cluster, each with its repair.
    fn warnings(seen: &Seen) -> Vec<(String, String)> {
        let mut findings = Findings::default();
        look(seen, "2026-03-01T12:00:00Z".parse().unwrap(), &mut findings);
        let warnings = findings.0.into_iter().filter(|finding| finding.level == Level::Warning);
        warnings
            .map(|finding| (finding.seen, finding.repair.unwrap()))
            .collect()
    }

    fn workload(conditions: Value) -> Value {
        let owner = json!({"kind": "RayJob", "name": "train", "uid": "u", "controller": true});
        json!({"metadata": {"name": "rayjob-train-1", "namespace": "ml", "ownerReferences": [owner]},
            "status": {"conditions": conditions}})
    }

    fn job(fields: Value) -> (&'static Kind, Value) {
        let metadata = json!({"name": "train", "namespace": "ml", "uid": "u", "creationTimestamp": "2026-03-01T11:00:00Z",
            "labels": {"kueue.x-k8s.io/queue-name": "gpu", "kueue.x-k8s.io/priority-class": "urgent"}});
        (&RAY_JOB, json!({"metadata": metadata, "spec": fields}))
    }

    #[test]
    fn what_never_starts_is_told_from_what_waits() {
        let reserved = |reason: &str, message: &str| {
            let condition = json!({"type": "QuotaReserved", "status": "False", "reason": reason, "message": message});
            let seen = Seen {
                workloads: vec![workload(json!([condition]))],
                ..Seen::default()
            };
            warnings(&seen)
        };
        let large = "couldn't assign flavors to pod set gpu-workers: insufficient quota for nvidia.com/gpu in flavor a100, \
                     previously considered podsets requests (0) + current podset request (64) > maximum capacity (16)";
        let told = reserved("Pending", large);
        let [(seen, repair)] = told.as_slice() else {
            panic!("{told:?}");
        };
        assert!(
            seen.starts_with("RayJob ml/train does not start: couldn't assign"),
            "{seen}"
        );
        assert_eq!(repair, "kubectl --namespace ml describe workload rayjob-train-1");
        for (reason, message, is_told) in [
            ("Inadmissible", "LocalQueue gpu doesn't exist", true),
            ("Suspended", "LocalQueue gpu is inactive", true),
            ("NoMatchingFlavor", "…", true),
            ("Pending", "flavor a100 doesn't match node affinity", true),
            (
                "Pending",
                "insufficient unused quota for cpu in flavor default, 5 more needed",
                false,
            ),
            (
                "Pending",
                "flavor a100 doesn't match node affinity, insufficient unused quota for cpu in flavor b, 5 more needed",
                false,
            ),
            (
                "Preempted",
                "Preempted to accommodate a higher priority Workload",
                false,
            ),
        ] {
            assert_eq!(!reserved(reason, message).is_empty(), is_told, "{reason}: {message}");
        }
        let failed = json!([{"type": "Finished", "status": "True", "reason": "FailedToStart", "message": "conflict for labels"}]);
        let seen = Seen {
            workloads: vec![workload(failed)],
            ..Seen::default()
        };
        assert!(warnings(&seen)[0].0.ends_with("conflict for labels"));
    }

    #[test]
    fn what_kueue_does_not_see_is_told() {
        let suspended = job(json!({"suspend": true}));
        let class = json!({"metadata": {"name": "urgent"}});
        let seen = |objects, workloads, priority_classes| Seen {
            objects,
            workloads,
            priority_classes,
            ..Seen::default()
        };
        let told = warnings(&seen(vec![suspended.clone()], vec![], vec![]));
        assert!(
            told[0].0.ends_with("there is no WorkloadPriorityClass `urgent`"),
            "{told:?}"
        );
        let told = warnings(&seen(vec![suspended.clone()], vec![], vec![class.clone()]));
        assert!(
            told[0].1.contains("logs deployment/kueue-controller-manager"),
            "{told:?}"
        );
        assert!(warnings(&seen(vec![suspended.clone()], vec![workload(json!([]))], vec![])).is_empty());
        assert!(warnings(&seen(vec![job(json!({}))], vec![], vec![])).is_empty());
        let mut young = suspended.clone();
        young.1["metadata"]["creationTimestamp"] = json!("2026-03-01T11:59:30Z");
        assert!(warnings(&seen(vec![young], vec![], vec![class.clone()])).is_empty());
        for (kind, is_told) in [("FlyteWorkflow", true), ("RayService", false)] {
            let mut owned = suspended.clone();
            owned.1["metadata"]["ownerReferences"] = json!([{"kind": kind, "name": "o", "controller": true}]);
            let told = warnings(&seen(vec![owned], vec![], vec![class.clone()]));
            assert_eq!(!told.is_empty(), is_told, "{kind}");
        }
    }

    #[test]
    fn what_nobody_runs_is_told() {
        let seen = |queue: Value| Seen {
            objects: vec![job(json!({"managedBy": MULTI_KUEUE}))],
            local_queues: vec![
                json!({"metadata": {"name": "gpu", "namespace": "ml"}, "spec": {"clusterQueue": "all"}}),
            ],
            cluster_queues: vec![json!({"metadata": {"name": "all"}, "spec": queue})],
            admission_checks: vec![json!({"metadata": {"name": "remote"}, "spec": {"controllerName": MULTI_KUEUE}})],
            ..Seen::default()
        };
        let told = warnings(&seen(
            json!({"admissionChecksStrategy": {"admissionChecks": [{"name": "other"}]}}),
        ));
        assert!(
            told[0].0.contains("ClusterQueue all has no such AdmissionCheck"),
            "{told:?}"
        );
        for queue in [
            json!({"admissionChecksStrategy": {"admissionChecks": [{"name": "remote"}]}}),
            json!({"admissionChecks": ["remote"]}),
        ] {
            assert!(warnings(&seen(queue)).is_empty());
        }
    }

    #[test]
    fn pods_that_no_node_takes_are_told() {
        let pod = |selector: Value| {
            json!({"metadata": {"namespace": "ml", "labels": {"ray.io/cluster": "train-abc"}}, "spec": {"nodeSelector": selector},
                "status": {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]}})
        };
        let seen = |pod: Value| Seen {
            pending: vec![pod.clone(), pod],
            nodes: vec![json!({"metadata": {"labels": {"pool": "gpu", "zone": "a"}}})],
            ..Seen::default()
        };
        let told = warnings(&seen(pod(json!({"pool": "cpu"}))));
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].0.contains("RayCluster ml/train-abc, and 2 of its pods wait"),
            "{told:?}"
        );
        assert_eq!(told[0].1, "kubectl get nodes --selector pool=cpu");
        assert!(warnings(&seen(pod(json!({"pool": "gpu"})))).is_empty());
        assert!(warnings(&seen(pod(Value::Null))).is_empty());
    }

    #[test]
    fn accelerators_in_the_first_flavor_are_told() {
        let seen = |first: Value| Seen {
            cluster_queues: vec![json!({"metadata": {"name": "all"}, "spec": {"resourceGroups": [
                {"coveredResources": ["cpu", "nvidia.com/gpu"], "flavors": [{"name": "one", "resources": [
                    {"name": "cpu", "nominalQuota": "8"}, {"name": "nvidia.com/gpu", "nominalQuota": first},
                ]}]},
            ]}})],
            ..Seen::default()
        };
        let told = warnings(&seen(json!("8")));
        assert!(
            told[0].0.contains("cpu and nvidia.com/gpu in one resource group"),
            "{told:?}"
        );
        assert!(warnings(&seen(json!("0"))).is_empty());
        let apart = json!([{"coveredResources": ["cpu"], "flavors": [{"name": "one"}]},
            {"coveredResources": ["nvidia.com/gpu"], "flavors": [{"name": "two"}]}]);
        let mut queues = seen(json!("8"));
        queues.cluster_queues[0]["spec"]["resourceGroups"] = apart;
        assert!(warnings(&queues).is_empty());
    }

    #[test]
    fn any_objects_are_read_without_a_panic() {
        for broken in [
            json!(null),
            json!({"metadata": 3, "spec": [], "status": {"conditions": [1, null, {}]}}),
        ] {
            let seen = Seen {
                workloads: vec![broken.clone()],
                objects: vec![(&RAY_JOB, broken.clone())],
                cluster_queues: vec![broken.clone()],
                local_queues: vec![broken.clone()],
                priority_classes: vec![broken.clone()],
                admission_checks: vec![broken.clone()],
                pending: vec![broken.clone()],
                nodes: vec![broken],
            };
            assert_eq!(warnings(&seen), []);
        }
    }
}
