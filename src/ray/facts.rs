//! What a RayJob adds up to: its GPUs, CPUs, memory, workers and pods, as it is and at the autoscaler's most.

use crate::k8s::quantity::Quantity;

use super::job::{Container, Pod, RayJob, Role};

/// The sums over the pods that run Ray and the submitter. `max_…` counts every group at the most that the
/// autoscaler may make of it; without autoscaling it equals the plain sum.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Whole accelerators: every extended resource that counts devices.
    pub gpus: i64,
    /// The same at the autoscaler's most.
    pub max_gpus: i64,
    /// CPUs requested, in thousandths.
    pub milli_cpus: i64,
    /// The same at the autoscaler's most.
    pub max_milli_cpus: i64,
    /// Memory requested, in bytes.
    pub memory: i64,
    /// The same at the autoscaler's most.
    pub max_memory: i64,
    /// Worker pods.
    pub workers: i64,
    /// The same at the autoscaler's most.
    pub max_workers: i64,
    /// All pods: head, workers, submitter.
    pub pods: i64,
    /// The same at the autoscaler's most.
    pub max_pods: i64,
}

/// The pods that a worker group begins with: replicas within its bounds, times hosts (KubeRay 1.6, `utils/util.go`).
pub fn replicas(group: &Pod<'_>) -> i64 {
    let (least, most) = (
        group.group_number("minReplicas", 0),
        group.group_number("maxReplicas", i64::from(i32::MAX)),
    );
    hosts(group).saturating_mul(group.group_number("replicas", 0).max(least).min(most).max(0))
}

/// The pods that a worker group may grow to.
pub fn max_replicas(group: &Pod<'_>) -> i64 {
    hosts(group).saturating_mul(group.group_number("maxReplicas", i64::from(i32::MAX)).max(0))
}

/// The pods that a pod template makes: the worker group at the autoscaler's most, one head, one submitter.
pub fn pods_at_most(job: &RayJob<'_>, pod: &Pod<'_>) -> i64 {
    match pod.role {
        Role::Worker if job.autoscales() => max_replicas(pod).max(replicas(pod)),
        Role::Worker => replicas(pod),
        Role::Head | Role::Submitter => 1,
    }
}

fn hosts(group: &Pod<'_>) -> i64 {
    group.group_number("numOfHosts", 1).max(1)
}

/// Whether a resource counts devices that Ray and people call GPUs or accelerators.
pub fn is_accelerator(key: &str) -> bool {
    let Some((domain, name)) = key.rsplit_once('/') else {
        return false;
    };
    name == "gpu"
        || name.starts_with("gpu.")
        || name.starts_with("mig-")
        || matches!(
            (domain, name),
            ("google.com", "tpu")
                | ("aws.amazon.com", "neuron" | "neuroncore" | "neurondevice")
                | ("habana.ai", "gaudi")
                | ("gpu.intel.com", _)
        )
        || (domain == "huawei.com" && name.starts_with("Ascend"))
}

/// The accelerators that one pod takes.
pub fn accelerators(pod: &Pod<'_>) -> i64 {
    pod.running()
        .flat_map(Container::asked)
        .filter(|resource| is_accelerator(resource.key))
        .filter_map(|resource| resource.quantity())
        .fold(0, |sum, quantity| sum.saturating_add(quantity.value().max(0)))
}

/// The accelerators that the pods of a RayJob take together, as it is.
pub fn gpus(job: &RayJob<'_>) -> i64 {
    let mut sum = 0;
    for pod in &job.pods {
        add(&mut sum, accelerators(pod), pods_now(pod));
    }
    sum
}

/// The pods that a pod template begins with.
fn pods_now(pod: &Pod<'_>) -> i64 {
    match pod.role {
        Role::Worker => replicas(pod),
        Role::Head | Role::Submitter => 1,
    }
}

impl Facts {
    /// Adds up a RayJob.
    pub fn of(job: &RayJob<'_>) -> Facts {
        let mut facts = Facts::default();
        for pod in &job.pods {
            let most = pods_at_most(job, pod);
            let now = pods_now(pod);
            let sum = |key: &str, read: fn(&Quantity) -> i64| {
                pod.running()
                    .filter_map(|container| container.given(key))
                    .fold(0, |sum: i64, quantity| sum.saturating_add(read(quantity).max(0)))
            };
            let gpus = accelerators(pod);
            let (cpus, memory) = (sum("cpu", |q| q.milli_value()), sum("memory", |q| q.value()));
            add(&mut facts.gpus, gpus, now);
            add(&mut facts.max_gpus, gpus, most);
            add(&mut facts.milli_cpus, cpus, now);
            add(&mut facts.max_milli_cpus, cpus, most);
            add(&mut facts.memory, memory, now);
            add(&mut facts.max_memory, memory, most);
            add(&mut facts.pods, 1, now);
            add(&mut facts.max_pods, 1, most);
            if pod.role == Role::Worker {
                add(&mut facts.workers, 1, now);
                add(&mut facts.max_workers, 1, most);
            }
        }
        facts
    }
}

fn add(sum: &mut i64, each: i64, count: i64) {
    *sum = sum.saturating_add(each.saturating_mul(count));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn counts_hosts_and_the_autoscalers_most() {
        let pod = |resources| json!({"spec": {"containers": [{"name": "c", "resources": resources}]}});
        let object = json!({"spec": {"rayClusterSpec": {
            "enableInTreeAutoscaling": true,
            "headGroupSpec": {"template": pod(json!({"requests": {"cpu": "2", "memory": "4Gi"}}))},
            "workerGroupSpecs": [{
                "groupName": "a", "replicas": 2, "minReplicas": 3, "maxReplicas": 10, "numOfHosts": 2,
                "template": pod(json!({"limits": {"nvidia.com/gpu": "4", "cpu": "500m"}})),
            }],
        }}});
        let facts = Facts::of(&RayJob::of(&object));
        assert_eq!(gpus(&RayJob::of(&object)), facts.gpus);
        assert_eq!((facts.gpus, facts.max_gpus), (24, 80));
        assert_eq!((facts.milli_cpus, facts.workers, facts.max_pods), (5000, 6, 21));
    }

    #[test]
    fn huge_numbers_do_not_wrap() {
        let object = json!({"spec": {"rayClusterSpec": {"workerGroupSpecs": [{
            "replicas": i64::MAX, "maxReplicas": i64::MAX, "numOfHosts": i64::MAX,
            "template": {"spec": {"containers": [{"resources": {"limits": {"nvidia.com/gpu": "1e30"}}}]}},
        }]}}});
        assert_eq!(Facts::of(&RayJob::of(&object)).gpus, i64::MAX);
    }
}
