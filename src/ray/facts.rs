//! What a Ray object adds up to: its GPUs, CPUs, memory, workers and pods, as it is and at the autoscaler's most.

use crate::json::Json;

use super::device::{Device, device};
use super::effective;
use super::pod::{Pod, Role};
use super::workload::Workload;

/// The sums over the pods that run Ray and over the submitter where a template for it is given. `max_…` counts every group at the most that the
/// autoscaler may make of it; without autoscaling it equals the plain sum.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Accelerators: what every extended resource that counts them comes to.
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

/// The pods that a worker group begins with: replicas within its bounds, times hosts. Fewer replicas than the minimum are
/// the minimum, even above the maximum (KubeRay 1.7, `utils/util.go`, `GetWorkerGroupDesiredReplicas`).
pub fn replicas(group: &Pod<'_>) -> i64 {
    let (least, most) = (
        group.group_number("minReplicas", 0),
        group.group_number("maxReplicas", i64::from(i32::MAX)),
    );
    let wanted = group.group_number("replicas", 0);
    let replicas = if wanted < least { least } else { wanted.min(most) };
    hosts(group).saturating_mul(replicas.max(0))
}

/// The pods that a worker group may grow to.
pub fn max_replicas(group: &Pod<'_>) -> i64 {
    hosts(group).saturating_mul(group.group_number("maxReplicas", i64::from(i32::MAX)).max(0))
}

/// The pods that a pod template makes: the worker group at the autoscaler's most, one head, one submitter.
pub fn pods_at_most(job: &Workload<'_>, pod: &Pod<'_>) -> i64 {
    match pod.role {
        Role::Worker if job.autoscales() => max_replicas(pod).max(replicas(pod)),
        Role::Worker => replicas(pod),
        Role::Head | Role::Submitter => 1,
    }
}

/// The pods that a pod template makes at least: none of a suspended worker group, the minimum that the autoscaler keeps of
/// others, one head, one submitter.
pub fn pods_at_least(job: &Workload<'_>, pod: &Pod<'_>) -> i64 {
    match pod.role {
        Role::Worker if pod.group.get("suspend").and_then(Json::as_bool) == Some(true) => 0,
        Role::Worker if job.autoscales() => hosts(pod).saturating_mul(pod.group_number("minReplicas", 0).max(0)),
        Role::Worker => replicas(pod),
        Role::Head | Role::Submitter => 1,
    }
}

fn hosts(group: &Pod<'_>) -> i64 {
    group.group_number("numOfHosts", 1).max(1)
}

/// What the scheduler reserves for one pod of a template.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Accelerators.
    pub gpus: i64,
    /// CPUs, in thousandths.
    pub milli_cpus: i64,
    /// Memory, in bytes.
    pub memory: i64,
}

/// The size of one pod. `devices` are the resources that the platform calls accelerators, beside those that are known
/// by their names.
pub fn size(pod: &Pod<'_>, devices: &[&str]) -> Size {
    let mut size = Size::default();
    for (key, quantity) in effective::requests(pod) {
        match key {
            "cpu" => size.milli_cpus = quantity.milli_value(),
            "memory" => size.memory = quantity.value(),
            key if device(key) == Device::Accelerator || devices.contains(&key) => {
                size.gpus = size.gpus.saturating_add(quantity.value());
            }
            _ => {}
        }
    }
    size
}

/// The accelerators that the pods of a Ray object take together, as it is.
pub fn gpus(job: &Workload<'_>, devices: &[&str]) -> i64 {
    let mut sum = 0;
    for pod in &job.pods {
        add(&mut sum, size(pod, devices).gpus, pods_now(pod));
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
    /// Adds up a Ray object. `devices` as in [`size`].
    pub fn of(job: &Workload<'_>, devices: &[&str]) -> Facts {
        let mut facts = Facts::default();
        for pod in &job.pods {
            let (most, now) = (pods_at_most(job, pod), pods_now(pod));
            facts.add(size(pod, devices), now, most);
            add(&mut facts.pods, 1, now);
            add(&mut facts.max_pods, 1, most);
            if pod.role == Role::Worker {
                add(&mut facts.workers, 1, now);
                add(&mut facts.max_workers, 1, most);
            }
        }
        facts
    }

    fn add(&mut self, size: Size, now: i64, most: i64) {
        add(&mut self.gpus, size.gpus, now);
        add(&mut self.max_gpus, size.gpus, most);
        add(&mut self.milli_cpus, size.milli_cpus, now);
        add(&mut self.max_milli_cpus, size.milli_cpus, most);
        add(&mut self.memory, size.memory, now);
        add(&mut self.max_memory, size.memory, most);
    }
}

fn add(sum: &mut i64, each: i64, count: i64) {
    *sum = sum.saturating_add(each.saturating_mul(count));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::document;
    use serde_json::json;

    #[test]
    fn counts_hosts_and_the_autoscalers_most() {
        let pod = |resources| json!({"spec": {"containers": [{"name": "c", "resources": resources}]}});
        let object = document!({"spec": {"rayClusterSpec": {
            "enableInTreeAutoscaling": true,
            "headGroupSpec": {"template": pod(json!({"requests": {"cpu": "2", "memory": "4Gi"}}))},
            "workerGroupSpecs": [{
                "groupName": "a", "replicas": 2, "minReplicas": 3, "maxReplicas": 10, "numOfHosts": 2,
                "template": pod(json!({"limits": {"nvidia.com/gpu": "4", "cpu": "500m"}})),
            }],
        }}});
        let facts = Facts::of(&Workload::of(object.root()), &[]);
        assert_eq!(gpus(&Workload::of(object.root()), &[]), facts.gpus);
        assert_eq!((facts.gpus, facts.max_gpus), (24, 80));
        assert_eq!((facts.milli_cpus, facts.workers, facts.max_pods), (5500, 6, 21));
    }

    #[test]
    fn huge_numbers_do_not_wrap() {
        let object = document!({"spec": {"rayClusterSpec": {"workerGroupSpecs": [{
            "replicas": i64::MAX, "maxReplicas": i64::MAX, "numOfHosts": i64::MAX,
            "template": {"spec": {"containers": [{"resources": {"limits": {"nvidia.com/gpu": "1e30"}}}]}},
        }]}}});
        assert_eq!(Facts::of(&Workload::of(object.root()), &[]).gpus, i64::MAX);
    }
}
