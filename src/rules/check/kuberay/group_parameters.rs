//! Rules on the resources, labels and start parameters of the head and the worker groups (KubeRay 1.6, `validation.go`,
//! `validateRayGroupResources` and `validateRayGroupLabels`; KubeRay 1.1, `common/pod.go`,
//! `ValidateHeadRayStartParams`).

use serde_json::Value;

use crate::k8s::names::{label_key, label_value};
use crate::k8s::text::quoted;
use crate::ray::{KubeRay, RayJob, flyte};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::{given, position, refusal};

/// The start parameters that say the same as a group's `resources`.
const RESOURCE_PARAMETERS: [&str; 4] = ["num-cpus", "num-gpus", "memory", "resources"];

/// K42.
pub const RESOURCES_TWICE: Check = refusal(
    "RG142",
    "a group's Ray resources are given twice",
    Versions::since(KubeRay::V1_5),
    "# What it does
Finds a head or worker group with `resources` of its own and one of the start parameters `num-cpus`, `num-gpus`, `memory`
and `resources`.

# Why it is bad
Both say what Ray may hand out on the node. KubeRay refuses the RayJob after it exists.

# What fixes it
Keep one of the two. Flyte knows only `ray_start_params`.

# Fails
```yaml
spec: {rayClusterSpec: {headGroupSpec: {resources: {CPU: \"1\"}, rayStartParams: {num-cpus: \"0\"}}}}
```

# Passes
```yaml
spec: {rayClusterSpec: {headGroupSpec: {resources: {CPU: \"1\"}, rayStartParams: {num-cpus: \"\"}}}}
```
",
    resources_twice,
);

fn resources_twice(_: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    for pod in job.ray_pods() {
        let has_resources = given(pod.group, "resources")
            .and_then(Value::as_object)
            .is_some_and(|resources| !resources.is_empty());
        let parameter = RESOURCE_PARAMETERS
            .into_iter()
            .find(|key| pod.start_param(key).is_some_and(|value| !value.is_empty()));
        if let Some(parameter) = parameter.filter(|_| has_resources) {
            findings.push(
                Finding::new(
                    pod.group_path().then_key("resources"),
                    format!(
                        "{}: resources beside the start parameter {parameter}, KubeRay takes one",
                        pod.title()
                    ),
                )
                .fix(format!("remove resources, or rayStartParams[\"{parameter}\"]"))
                .flyte(flyte::setting(pod, "ray_start_params={…}")),
            );
        }
    }
}

/// K43.
pub const LABELS_PARAMETER: Check = refusal(
    "RG143",
    "labels as a start parameter",
    Versions::since(KubeRay::V1_5),
    "# What it does
Finds the start parameter `labels`.

# Why it is bad
KubeRay makes it of the group's `labels`, and refuses a RayJob that gives it.

# What fixes it
Use `labels` of the group.

# Fails
```yaml
spec: {rayClusterSpec: {workerGroupSpecs: [{rayStartParams: {labels: \"zone=a\"}}]}}
```

# Passes
```yaml
spec: {rayClusterSpec: {workerGroupSpecs: [{labels: {zone: a}}]}}
```
",
    |_, job, findings| {
        for pod in job.ray_pods() {
            let parameters = pod.start_params();
            if parameters.is_some_and(|parameters| parameters.get("labels").is_some_and(|value| !value.is_null())) {
                findings.push(
                    Finding::new(
                        pod.group_path().keys(["rayStartParams", "labels"]),
                        format!("{}: the start parameter labels is KubeRay's own", pod.title()),
                    )
                    .fix("move it to the group's labels")
                    .flyte(flyte::setting(pod, "ray_start_params={…}")),
                );
            }
        }
    },
);

/// K44.
pub const LABEL_SYNTAX: Check = refusal(
    "RG144",
    "a group's label is none for Kubernetes",
    Versions::since(KubeRay::V1_5),
    "# What it does
Finds a key or a value of a group's `labels` that is not spelled as a Kubernetes label.

# Why it is bad
The labels are Ray's and the pods' at once. KubeRay refuses the RayJob after it exists.

# What fixes it
Letters, digits, `-`, `_` and `.`, at most 63 of them, beginning and ending with a letter or digit; a key may have a DNS
name and a slash in front.

# Fails
```yaml
spec: {rayClusterSpec: {workerGroupSpecs: [{labels: {zone: \"a b\"}}]}}
```

# Passes
```yaml
spec: {rayClusterSpec: {workerGroupSpecs: [{labels: {example.com/zone: a_b}}]}}
```
",
    label_syntax,
);

fn label_syntax(_: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    for pod in job.ray_pods() {
        let labels = given(pod.group, "labels").and_then(Value::as_object);
        for (key, value) in labels.into_iter().flatten() {
            let value = value.as_str().unwrap_or_default();
            let wrong = match (label_key(key), label_value(value)) {
                (Err(error), _) => format!("label key {} is invalid: {error}", quoted(key)),
                (_, Err(error)) => format!("value {} of label {} is invalid: {error}", quoted(value), quoted(key)),
                (Ok(()), Ok(())) => continue,
            };
            findings.push(
                Finding::new(
                    pod.group_path().then_key("labels").name(key),
                    format!("{}: {wrong}", pod.title()),
                )
                .fix("use a valid Kubernetes label"),
            );
        }
    }
}

/// K85.
pub const OBJECT_STORE: Check = refusal(
    "RG185",
    "the head's object store is larger than its memory request",
    Versions::between(KubeRay::V1_1, KubeRay::V1_1),
    "# What it does
Finds an `object-store-memory` of the head that is no whole number of bytes, or above the memory request of its container
called `ray-head`, unless that has the variable `RAY_OBJECT_STORE_ALLOW_SLOW_STORAGE`.

# Why it is bad
KubeRay 1.1 holds such a cluster to be unhealthy: the RayJob is taken, and waits for its cluster in vain. Later releases
leave it to Ray.

# What fixes it
A smaller object store, or a larger memory request.

# Fails
```yaml
spec: {rayClusterSpec: {headGroupSpec: {rayStartParams: {object-store-memory: \"17179869185\"}}}}
```

# Passes
```yaml
spec: {rayClusterSpec: {headGroupSpec: {rayStartParams: {object-store-memory: \"17179869184\"}}}}
```
",
    object_store,
);

fn object_store(_: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    const KEY: &str = "object-store-memory";
    let Some(head) = job.head().filter(|_| !job.selects_cluster()) else {
        return;
    };
    let Some(seen) = head.start_param(KEY) else { return };
    let problem = match seen.parse::<i64>() {
        Err(_) => Some("is no whole number of bytes".to_owned()),
        Ok(store) => head
            .running()
            .filter(|container| container.name == "ray-head")
            .filter(|container| position(container.value, "RAY_OBJECT_STORE_ALLOW_SLOW_STORAGE").is_none())
            .find_map(|container| {
                let request = match container.request("memory") {
                    None => 0,
                    Some(request) => request.quantity().filter(|bytes| bytes.is_integer())?.value(),
                };
                (store > request).then(|| format!("is above the memory request of {request} bytes"))
            }),
    };
    if let Some(problem) = problem {
        findings.push(
            Finding::new(
                head.group_path().keys(["rayStartParams", KEY]),
                format!("head: {KEY} {} {problem}", quoted(seen)),
            )
            .fix("use a smaller object store, or a larger memory request")
            .flyte(flyte::setting(head, "requests=Resources(mem=…)")),
        );
    }
}
