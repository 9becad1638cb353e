//! What Ray is told of a pod: the CPUs, the memory and the GPUs that its node offers to tasks.
//!
//! KubeRay 1.6, `common/pod.go`: a group's `resources` (1.5 and later) go before `rayStartParams`, and these before
//! what the Ray container itself asks for. Of the container's devices KubeRay counts one key alone: the first in
//! alphabetical order, among its limits, that it knows for a GPU.

use crate::json::{Json, Object};
use crate::k8s::json::{items, text};
use crate::k8s::names::is_gpu_key;
use crate::k8s::quantity::Quantity;

use super::container::{Container, Resource};
use super::device::{Device, device, is_accelerator};
use super::pod::{Pod, Role};
use super::version::KubeRay;
use super::workload::Workload;

/// The start parameters that `ray start` reads as whole numbers, and that say what a node offers.
pub const NUMBERS: [&str; 4] = ["num-cpus", "num-gpus", "memory", "object-store-memory"];

/// The least object store that Ray starts, in bytes (Ray 2.52, `_private/ray_constants.py`).
pub const LEAST_OBJECT_STORE: i64 = 75 << 20;

/// The port of the dashboard agent, which answers health probes (Ray 2.52, `ray_constants.py`, `DEFAULT_DASHBOARD_AGENT_LISTEN_PORT`).
pub const AGENT_PORT: u16 = 52365;

/// Whether KubeRay 1.6 and later probes the pods of this `rayVersion` by one endpoint of the dashboard agent, which asks the raylet and
/// on the head the GCS (KubeRay 1.7, `common/pod.go`, `supportsUnifiedHealthCheck`). Go reads any text that begins with two numbers.
pub fn answers_one_probe(ray_version: &str) -> bool {
    let text = ray_version.trim_start();
    let Some((major, rest)) = text.strip_prefix('v').unwrap_or(text).split_once('.') else {
        return false;
    };
    let minor = rest.split(|letter: char| !letter.is_ascii_digit()).next();
    let number = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| text.parse::<u32>().ok())?
    };
    let release = number(major).zip(minor.and_then(number));
    release.is_some_and(|release| release >= (2, 53))
}

/// A start parameter that should be a whole number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number<'a> {
    /// It is one.
    Whole(i64),
    /// The shell of the pod decides: the value names a variable. KubeRay also drops a flag whose value is `false`.
    Unknown,
    /// It is none, and `ray start` refuses it.
    Malformed(&'a str),
}

/// Reads a start parameter as `ray start` would, after the shell took its quotation marks away.
pub fn number<'a>(pod: &Pod<'a>, key: &str) -> Option<Number<'a>> {
    let text = pod.start_param(key)?;
    let bare = [('\'', '\''), ('"', '"')]
        .iter()
        .find_map(|(open, close)| text.strip_prefix(*open)?.strip_suffix(*close))
        .unwrap_or(text.trim_end());
    if bare == "false" || text.contains(['$', '`']) {
        return Some(Number::Unknown);
    }
    Some(python_int(bare).map_or(Number::Malformed(text), Number::Whole))
}

/// A start parameter, where it is a whole number.
pub fn whole(pod: &Pod<'_>, key: &str) -> Option<i64> {
    match number(pod, key)? {
        Number::Whole(number) => Some(number),
        Number::Unknown | Number::Malformed(_) => None,
    }
}

/// A whole number as Python's `int` reads it; beyond 64 bits the largest or smallest.
fn python_int(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut value: i64 = 0;
    for group in digits.split('_') {
        if group.is_empty() {
            return None;
        }
        for digit in group.chars() {
            value = value.saturating_mul(10).saturating_add(i64::from(digit.to_digit(10)?));
        }
    }
    Some(value.saturating_mul(sign))
}

/// The group's own `resources`, which go before all else (KubeRay 1.5 and later); `None` where there are none.
pub fn group_resources<'a>(pod: &Pod<'a>, kuberay: KubeRay) -> Option<Object<'a>> {
    let resources = pod.group.get("resources")?.as_object()?;
    let is_group = pod.role != Role::Submitter;
    (is_group && kuberay >= KubeRay::V1_5 && !resources.is_empty()).then_some(resources)
}

/// The GPUs among the group's own `resources`: the key and what it says.
pub fn group_gpus<'a>(pod: &Pod<'a>, kuberay: KubeRay) -> Option<(&'a str, Quantity)> {
    group_resources(pod, kuberay)?
        .iter()
        .filter(|(key, _)| is_gpu_key(key, kuberay >= KubeRay::V1_4))
        .find_map(|(key, value)| Some((key, Quantity::from_json(value).ok()?)))
}

/// Whether a host is one that only its own pod reaches.
pub fn is_loopback(host: &str) -> bool {
    host == "localhost" || host == "::1" || host.starts_with("127.")
}

/// The device among a container's limits that KubeRay takes for its GPUs.
pub fn counted_gpus<'c, 'a>(container: &'c Container<'a>, kuberay: KubeRay) -> Option<&'c Resource<'a>> {
    container
        .limits
        .iter()
        .filter(|limit| is_gpu_key(limit.key, kuberay >= KubeRay::V1_4))
        .find(|limit| limit.quantity().is_some_and(|quantity| !quantity.is_zero()))
}

/// How the Kubernetes resources begin that Ray does not count as `GPU`, and Ray's name for each (Ray 2.60,
/// `_private/accelerators/*.py`, `get_resource_name`; the device plugins name the Kubernetes resources). Ray detects these
/// devices itself; `num-gpus` says nothing about them.
pub const OWN_NAMES: [(&str, &str); 6] = [
    ("google.com/tpu", "TPU"),
    ("aws.amazon.com/neuron", "neuron_cores"),
    ("habana.ai/", "HPU"),
    ("huawei.com/", "NPU"),
    ("rebellions.ai/", "RBLN"),
    ("furiosa.ai/", "FURIOSA"),
];

/// Whether Ray has a resource other than `GPU` for a device.
pub fn has_own_name(key: &str) -> bool {
    OWN_NAMES.iter().any(|(prefix, _)| key.starts_with(prefix))
}

/// The devices of a container that Ray would call GPUs, by its limits and the requests without one.
pub fn gpus(container: &Container<'_>) -> i64 {
    container
        .asked()
        .filter(|resource| is_accelerator(resource.key) && !has_own_name(resource.key))
        .filter_map(|resource| resource.quantity())
        .fold(0, |sum, quantity| sum.saturating_add(quantity.value().max(0)))
}

/// Whether a container may have devices that its resources do not count: claims of dynamic resource allocation, a runtime
/// class that adds devices, KAI's share of a GPU (`gpu-fraction`, `gpu-memory`), NVIDIA's variable for the devices, or
/// resources of a vendor that is not known here.
pub fn may_have_other_devices(pod: &Pod<'_>, container: &Container<'_>) -> bool {
    let has = |value: Json<'_>, key: &str| value.get(key).is_some_and(|value| !value.is_null());
    let by_metadata = ["annotations", "labels"].iter().any(|map| {
        let map = pod.template.get("metadata").and_then(|metadata| metadata.get(map));
        map.is_some_and(|map| has(map, "gpu-fraction") || has(map, "gpu-memory"))
    });
    let by_variable = container
        .env("NVIDIA_VISIBLE_DEVICES")
        .is_some_and(|variable| text(variable, "value").is_none_or(|value| !matches!(value, "" | "void" | "none")));
    !items(pod.spec, "resourceClaims").is_empty()
        || has(pod.spec, "runtimeClassName")
        || by_metadata
        || by_variable
        || container
            .asked()
            .any(|resource| !is_accelerator(resource.key) && device(resource.key) != Device::None)
}

/// The annotation of a RayCluster that keeps KubeRay from writing the command of the Ray containers.
pub const OWN_COMMAND: &str = "ray.io/overwrite-container-cmd";

/// Whether the author runs a command of their own, and KubeRay's `ray start` is not what starts Ray (KubeRay 1.6,
/// `common/pod.go`).
pub fn overwrites_command(job: &Workload<'_>) -> bool {
    job.cluster_annotation(OWN_COMMAND) == Some("true")
}

/// Whether the author's command starts Ray in this pod: by the annotation, or because it runs `ray start` (KubeRay 1.6,
/// `common/pod.go`).
pub fn starts_ray_itself(job: &Workload<'_>, pod: &Pod<'_>) -> bool {
    overwrites_command(job) || pod.main().is_some_and(runs_ray_start)
}

/// Whether the command of a container runs `ray start`.
pub fn runs_ray_start(container: &Container<'_>) -> bool {
    command(container).contains("ray start")
}

/// The port that the command of a container gives to `ray start` by an option, where it is a number.
pub fn port_of_command(container: &Container<'_>, option: &str) -> Option<u16> {
    let command = command(container);
    let (_, start) = command.split_once("ray start")?;
    let (_, after) = start.split_once(&format!("--{option}"))?;
    let value = after.strip_prefix(['=', ' '])?.trim_start();
    let end = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    value.get(..end)?.parse().ok()
}

/// The command and the arguments of a container, with blanks between.
fn command(container: &Container<'_>) -> String {
    let words = items(container.value, "command")
        .iter()
        .chain(items(container.value, "args"));
    words.filter_map(Json::as_str).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::document;

    #[test]
    fn reads_numbers_as_ray_start_does() {
        for (text, number) in [
            ("4", Some(4)),
            ("+4", Some(4)),
            ("-1", Some(-1)),
            ("1_000", Some(1000)),
            ("99999999999999999999", Some(i64::MAX)),
            ("", None),
            ("-", None),
            ("1__0", None),
            ("4.0", None),
            ("500m", None),
            ("4Gi", None),
        ] {
            assert_eq!(python_int(text), number, "{text}");
        }
    }

    #[test]
    fn leaves_to_the_shell_what_is_the_shells() {
        let spec = document!({"spec": {"rayClusterSpec": {"headGroupSpec": {"rayStartParams": {
            "num-cpus": "'4'", "num-gpus": "$GPUS", "memory": "false", "object-store-memory": "\"1Gi\"", "port": 7,
        }}}}});
        let job = Workload::of(spec.root());
        let head = job.head().unwrap();
        assert_eq!(number(head, "num-cpus"), Some(Number::Whole(4)));
        assert_eq!(number(head, "num-gpus"), Some(Number::Unknown));
        assert_eq!(number(head, "memory"), Some(Number::Unknown));
        assert_eq!(number(head, "object-store-memory"), Some(Number::Malformed("\"1Gi\"")));
        assert_eq!(number(head, "port"), None);
    }
}
