//! What a pod asks for and what it may use, as Kubernetes computes them.
//!
//! The rules are those of `PodRequests` and `PodLimits` in Kubernetes 1.37 (`k8s.io/component-helpers/resource/helpers.go`)
//! after the API server's defaults (`pkg/apis/core/v1/defaults.go`). `tests/quantity_go.rs` compares both.

use std::collections::BTreeMap;

use crate::json::{Json, Object};
use crate::k8s::json::child;
use crate::k8s::quantity::Quantity;

use super::container::{Container, Resource, Slot};
use super::pod::Pod;

/// Quantities by the name of the resource.
pub type Amounts<'a> = BTreeMap<&'a str, Quantity>;

/// What the scheduler reserves for a pod of this template, with the containers that KubeRay adds. A quantity that Kubernetes
/// cannot read, or a negative one, counts as zero.
pub fn requests<'a>(pod: &Pod<'a>) -> Amounts<'a> {
    requests_with(pod, |_| true)
}

/// The same without the containers that a setting of the KubeRay operator leaves out.
pub fn least_requests<'a>(pod: &Pod<'a>) -> Amounts<'a> {
    requests_with(pod, |container| {
        !matches!(container.slot, Slot::WaitForHead | Slot::DefaultSubmitter)
    })
}

fn requests_with<'a>(pod: &Pod<'a>, counts: impl Fn(&Container<'a>) -> bool) -> Amounts<'a> {
    let mut sum = aggregate(pod, |container| {
        let is_counted = counts(container);
        container.reserved().filter(move |_| is_counted)
    });
    if let Some(resources) = pod.spec.get("resources") {
        let requests = block(resources, "requests");
        let limits = block(resources, "limits");
        let is_requested = |key: &str| requests.binary_search_by_key(&key, |request| request.key).is_ok();
        let defaulted = limits
            .iter()
            .filter(|limit| !is_requested(limit.key) && (is_huge_page(limit.key) || !sum.contains_key(limit.key)));
        let levels = pod_level(requests.iter().chain(defaulted));
        sum.extend(levels);
    }
    add_all(&mut sum, block(pod.spec, "overhead").iter());
    sum
}

/// The most that a pod of this template may use of each resource that it limits, with the containers that KubeRay adds.
/// Containers without a limit count as zero, as in Kubernetes. Unreadable quantities as in [`requests`].
pub fn limits<'a>(pod: &Pod<'a>) -> Amounts<'a> {
    let mut sum = aggregate(pod, |container| container.limits.iter());
    if let Some(resources) = pod.spec.get("resources") {
        sum.extend(pod_level(block(resources, "limits").iter()));
    }
    for (key, overhead) in block(pod.spec, "overhead").iter().filter_map(readable) {
        if let Some(limit) = sum.get_mut(key).filter(|limit| !limit.is_zero()) {
            *limit = limit.saturating_add(&overhead);
        }
    }
    sum
}

/// How many entries [`requests`] and [`limits`] read, at least one.
pub fn entries(pod: &Pod<'_>) -> usize {
    let of_containers = pod
        .everywhere()
        .map(|container| 1 + container.requests.len() + container.limits.len());
    let resources = child(pod.spec, "resources");
    let of_the_pod = [
        child(resources, "requests"),
        child(resources, "limits"),
        child(pod.spec, "overhead"),
    ];
    let of_the_pod = of_the_pod.into_iter().filter_map(Json::as_object).map(Object::len);
    1 + of_containers.chain(of_the_pod).sum::<usize>()
}

/// What the containers of a pod come to: those that run together, or the most that they reach while it starts.
fn aggregate<'r, 'a: 'r, I>(pod: &'r Pod<'a>, of: impl Fn(&'r Container<'a>) -> I) -> Amounts<'a>
where
    I: Iterator<Item = &'r Resource<'a>>,
{
    let mut sum = Amounts::new();
    let mut sidecars = Amounts::new();
    let mut peaks = Amounts::new();
    for container in pod.everywhere() {
        match container.slot {
            Slot::Ephemeral => {}
            Slot::Main | Slot::Autoscaler | Slot::Collector | Slot::DefaultSubmitter => {
                add_all(&mut sum, of(container))
            }
            Slot::Init | Slot::WaitForHead if container.is_native_sidecar() => {
                add_all(&mut sum, of(container));
                add_all(&mut sidecars, of(container));
            }
            // The sidecars alone never reach more than the sum, so only what this container asks for can make a peak.
            Slot::Init | Slot::WaitForHead => {
                for (key, mut peak) in of(container).filter_map(readable) {
                    if let Some(beside) = sidecars.get(key) {
                        peak = peak.saturating_add(beside);
                    }
                    raise(&mut peaks, key, peak);
                }
            }
        }
    }
    for (key, peak) in peaks {
        raise(&mut sum, key, peak);
    }
    sum
}

/// Those of a pod's own resources that Kubernetes puts in the place of what the containers come to.
fn pod_level<'r, 'a: 'r>(resources: impl Iterator<Item = &'r Resource<'a>>) -> Vec<(&'a str, Quantity)> {
    resources
        .filter(|resource| matches!(resource.key, "cpu" | "memory") || is_huge_page(resource.key))
        .filter_map(readable)
        .collect()
}

fn is_huge_page(key: &str) -> bool {
    key.starts_with("hugepages-")
}

fn block<'a>(holder: Json<'a>, key: &str) -> Vec<Resource<'a>> {
    holder.get(key).map(Resource::all).unwrap_or_default()
}

fn readable<'a>(resource: &Resource<'a>) -> Option<(&'a str, Quantity)> {
    let quantity = resource.quantity().filter(|quantity| !quantity.is_negative())?;
    Some((resource.key, quantity.clone()))
}

fn add_all<'r, 'a: 'r>(sum: &mut Amounts<'a>, resources: impl Iterator<Item = &'r Resource<'a>>) {
    for (key, quantity) in resources.filter_map(readable) {
        let sum = sum.entry(key).or_insert_with(|| Quantity::from(0));
        *sum = sum.saturating_add(&quantity);
    }
}

fn raise<'a>(most: &mut Amounts<'a>, key: &'a str, quantity: Quantity) {
    let most = most.entry(key).or_insert_with(|| Quantity::from(0));
    if quantity > *most {
        *most = quantity;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::document;
    use crate::ray::Workload;
    use serde_json::{Value, json};

    fn submitter(spec: Value) -> Vec<(String, String)> {
        let object = document!({"spec": {"submitterPodTemplate": {"spec": spec}}});
        let job = Workload::of(object.root());
        let requests = job.submitter().map(requests).unwrap_or_default();
        let shown = |(key, quantity): (&str, Quantity)| (key.to_owned(), quantity.to_string());
        requests.into_iter().map(shown).collect()
    }

    fn cpus(cpu: &str) -> Value {
        json!({"resources": {"requests": {"cpu": cpu}}})
    }

    #[test]
    fn init_containers_reach_a_peak_and_sidecars_stay() {
        let mut sidecar = cpus("3");
        sidecar["restartPolicy"] = "Always".into();
        let spec = json!({"containers": [cpus("1"), cpus("1")], "initContainers": [cpus("5"), sidecar, cpus("4")]});
        assert_eq!(submitter(spec), [("cpu".to_owned(), "7".to_owned())]);
    }

    #[test]
    fn the_pods_own_requests_stand_before_those_of_its_containers() {
        let spec =
            |resources: Value| json!({"resources": resources, "containers": [cpus("1")], "overhead": {"cpu": "1"}});
        let cpu = |resources| submitter(spec(resources)).swap_remove(0).1;
        assert_eq!(cpu(json!({"requests": {"cpu": "8"}, "limits": {"cpu": "9"}})), "9");
        // A limit alone does not raise what the containers request.
        assert_eq!(cpu(json!({"limits": {"cpu": "9"}})), "2");
        let memory = submitter(spec(json!({"limits": {"memory": "4Ti", "nvidia.com/gpu": "9"}})));
        assert_eq!(
            memory,
            [("cpu", "2"), ("memory", "4Ti")].map(|(k, q)| (k.to_owned(), q.to_owned()))
        );
    }

    #[test]
    fn kuberays_autoscaler_counts_in_the_head() {
        let head = |options: Value| {
            let object = document!({"spec": {"rayClusterSpec": {"enableInTreeAutoscaling": true, "autoscalerOptions": options,
                "headGroupSpec": {"template": {"spec": {"containers": [cpus("1")]}}}}}});
            let job = Workload::of(object.root());
            let mut requests = job.head().map(requests).unwrap_or_default();
            requests.remove("cpu").map(|cpu| cpu.to_string())
        };
        assert_eq!(head(json!(null)).as_deref(), Some("1500m"));
        assert_eq!(
            head(json!({"resources": {"limits": {"cpu": "9"}}})).as_deref(),
            Some("10")
        );
        assert_eq!(head(json!({"resources": {}})).as_deref(), Some("1"));
    }
}
