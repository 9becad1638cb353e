//! Rules on the fault tolerance of Ray's global control store, GCS (KubeRay 1.6, `validation.go`). Values of variables and
//! parameters may be secrets and are never repeated.

pub mod embedded;

use serde_json::Value;

use crate::k8s::path::Path;
use crate::ray::{KubeRay, RayJob, flyte};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::{CLUSTER_RULES, cluster_field, cluster_path, head_variable, refusal};

const ENABLED: &str = "ray.io/ft-enabled";
const NAMESPACE: &str = "ray.io/external-storage-namespace";

/// `gcsFaultToleranceOptions`, unless missing or null.
fn options<'a>(job: &RayJob<'a>) -> Option<&'a Value> {
    cluster_field(job, "gcsFaultToleranceOptions")
}

fn options_path(key: &'static str) -> Path {
    cluster_path("gcsFaultToleranceOptions").key(key)
}

/// Where an annotation of the RayJob stands that is not empty.
fn annotation(job: &RayJob<'_>, key: &'static str) -> Option<Path> {
    let is_set = job.annotation(key).is_some_and(|value| !value.is_empty());
    is_set.then(|| Path::of(["metadata", "annotations", key]))
}

/// Where a start parameter of the head stands that is not empty.
fn head_parameter(job: &RayJob<'_>, key: &'static str) -> Option<Path> {
    let head = job.head()?;
    let is_set = head.start_param(key).is_some_and(|value| !value.is_empty());
    is_set.then(|| head.group_path().keys(["rayStartParams", key]))
}

/// Says that `name` stands at `path`, and what belongs there instead.
fn instead(path: Path, name: &str, field: &str) -> Finding {
    Finding::new(path, format!("head: {name} is set, KubeRay wants {field}"))
        .fix(format!("remove {name}, and set gcsFaultToleranceOptions.{field}"))
}

/// K51.
pub const ANNOTATION_AND_OPTIONS: Check = refusal(
    "RG151",
    "fault tolerance is configured twice",
    CLUSTER_RULES,
    "# What it does
Finds the annotation `ray.io/ft-enabled`, of any value but the empty one, beside `gcsFaultToleranceOptions`.

# Why it is bad
KubeRay refuses the RayJob after it exists.

# What fixes it
Remove the annotation.

# Fails
```yaml
metadata: {annotations: {ray.io/ft-enabled: \"false\"}}
spec: {rayClusterSpec: {gcsFaultToleranceOptions: {redisAddress: \"redis:6379\"}}}
```

# Passes
```yaml
metadata: {annotations: {ray.io/ft-enabled: \"\"}}
spec: {rayClusterSpec: {gcsFaultToleranceOptions: {redisAddress: \"redis:6379\"}}}
```
",
    |_, job, findings| {
        if let Some(path) = annotation(job, ENABLED).filter(|_| options(job).is_some()) {
            findings.push(
                Finding::new(
                    path,
                    format!("{ENABLED} beside gcsFaultToleranceOptions, KubeRay takes one"),
                )
                .fix(format!("remove the annotation {ENABLED}")),
            );
        }
    },
);

/// K52.
pub const ADDRESS_WITHOUT_OPTIONS: Check = refusal(
    "RG152",
    "a Redis address without fault tolerance",
    CLUSTER_RULES,
    "# What it does
Finds the head's variable `RAY_REDIS_ADDRESS` where neither `gcsFaultToleranceOptions` is set nor the annotation
`ray.io/ft-enabled` is `true`.

# Why it is bad
Ray would keep its state in Redis without KubeRay knowing. KubeRay refuses the RayJob after it exists.

# What fixes it
`gcsFaultToleranceOptions: {redisAddress: …}` instead of the variable.

# Fails
```yaml
spec:
  rayClusterSpec:
    headGroupSpec: {template: {spec: {containers: [{env: [{name: RAY_REDIS_ADDRESS, value: \"redis:6379\"}]}]}}}
```

# Passes
```yaml
metadata: {annotations: {ray.io/ft-enabled: \"True\"}}
spec:
  rayClusterSpec:
    headGroupSpec: {template: {spec: {containers: [{env: [{name: RAY_REDIS_ADDRESS, value: \"redis:6379\"}]}]}}}
```
",
    |_, job, findings| {
        let is_on = job
            .annotation(ENABLED)
            .is_some_and(|value| value.eq_ignore_ascii_case("true"));
        if is_on || options(job).is_some() {
            return;
        }
        if let Some(path) = head_variable(job, "RAY_REDIS_ADDRESS") {
            findings.push(instead(path, "RAY_REDIS_ADDRESS", "redisAddress"));
        }
    },
);

/// K53.
pub const PASSWORD_PARAMETER: Check = refusal(
    "RG153",
    "the Redis password is a start parameter",
    CLUSTER_RULES,
    "# What it does
Finds the head's start parameter `redis-password` beside `gcsFaultToleranceOptions`.

# Why it is bad
KubeRay refuses the RayJob after it exists. A password in a start parameter is also open to everyone who may see pods.

# What fixes it
`gcsFaultToleranceOptions.redisPassword`.

# Fails
```yaml
spec:
  rayClusterSpec:
    gcsFaultToleranceOptions: {redisAddress: \"redis:6379\"}
    headGroupSpec: {rayStartParams: {redis-password: \"$REDIS_PASSWORD\"}}
```

# Passes
```yaml
spec:
  rayClusterSpec:
    headGroupSpec: {rayStartParams: {redis-password: \"$REDIS_PASSWORD\"}}
```
",
    |_, job, findings| {
        if let Some(path) = head_parameter(job, "redis-password").filter(|_| options(job).is_some()) {
            findings.push(instead(path, "the start parameter redis-password", "redisPassword"));
        }
    },
);

/// K54.
pub const PASSWORD_VARIABLE: Check = refusal(
    "RG154",
    "the Redis password is a variable",
    CLUSTER_RULES,
    "# What it does
Finds the head's variable `REDIS_PASSWORD` beside `gcsFaultToleranceOptions`.

# Why it is bad
KubeRay sets it itself, and refuses the RayJob after it exists.

# What fixes it
`gcsFaultToleranceOptions.redisPassword`.

# Fails
```yaml
spec:
  rayClusterSpec:
    gcsFaultToleranceOptions: {redisAddress: \"redis:6379\"}
    headGroupSpec: {template: {spec: {containers: [{env: [{name: REDIS_PASSWORD, value: x}]}]}}}
```

# Passes
```yaml
spec:
  rayClusterSpec:
    headGroupSpec: {template: {spec: {containers: [{env: [{name: REDIS_PASSWORD, value: x}]}]}}}
```
",
    |_, job, findings| beside_options(job, "REDIS_PASSWORD", "redisPassword", findings),
);

/// K55.
pub const ADDRESS_VARIABLE: Check = refusal(
    "RG155",
    "the Redis address is a variable",
    CLUSTER_RULES,
    "# What it does
Finds the head's variable `RAY_REDIS_ADDRESS` beside `gcsFaultToleranceOptions`.

# Why it is bad
KubeRay sets it itself, and refuses the RayJob after it exists.

# What fixes it
`gcsFaultToleranceOptions.redisAddress`.

# Fails
```yaml
spec:
  rayClusterSpec:
    gcsFaultToleranceOptions: {redisAddress: \"redis:6379\"}
    headGroupSpec: {template: {spec: {containers: [{env: [{name: RAY_REDIS_ADDRESS, value: x}]}]}}}
```

# Passes
```yaml
spec:
  rayClusterSpec:
    gcsFaultToleranceOptions: {redisAddress: \"redis:6379\"}
    workerGroupSpecs: [{template: {spec: {containers: [{env: [{name: RAY_REDIS_ADDRESS, value: x}]}]}}}]
```
",
    |_, job, findings| beside_options(job, "RAY_REDIS_ADDRESS", "redisAddress", findings),
);

fn beside_options(job: &RayJob<'_>, variable: &str, field: &str, findings: &mut Findings) {
    if let Some(path) = head_variable(job, variable).filter(|_| options(job).is_some()) {
        findings.push(instead(path, variable, field));
    }
}

/// K56.
pub const NAMESPACE_ANNOTATION: Check = refusal(
    "RG156",
    "the external storage namespace is an annotation",
    CLUSTER_RULES,
    "# What it does
Finds the annotation `ray.io/external-storage-namespace` beside `gcsFaultToleranceOptions`.

# Why it is bad
KubeRay refuses the RayJob after it exists.

# What fixes it
`gcsFaultToleranceOptions.externalStorageNamespace`.

# Fails
```yaml
metadata: {annotations: {ray.io/external-storage-namespace: mine}}
spec: {rayClusterSpec: {gcsFaultToleranceOptions: {redisAddress: \"redis:6379\"}}}
```

# Passes
```yaml
spec:
  rayClusterSpec: {gcsFaultToleranceOptions: {redisAddress: \"redis:6379\", externalStorageNamespace: mine}}
```
",
    |_, job, findings| {
        if let Some(path) = annotation(job, NAMESPACE).filter(|_| options(job).is_some()) {
            findings.push(
                Finding::new(
                    path,
                    format!("{NAMESPACE} beside gcsFaultToleranceOptions, KubeRay takes one"),
                )
                .fix("move it to gcsFaultToleranceOptions.externalStorageNamespace"),
            );
        }
    },
);

/// K57.
pub const USERNAME: Check = refusal(
    "RG157",
    "the Redis user is a parameter or a variable",
    CLUSTER_RULES,
    "# What it does
Finds the head's start parameter `redis-username` or its variable `REDIS_USERNAME`, with or without
`gcsFaultToleranceOptions`.

# Why it is bad
KubeRay refuses the RayJob after it exists. A job that talks to a Redis of its own is refused as well.

# What fixes it
`gcsFaultToleranceOptions.redisUsername`; a job of another Redis needs another name for its variable.

# Fails
```yaml
spec:
  rayClusterSpec:
    headGroupSpec: {template: {spec: {containers: [{env: [{name: REDIS_USERNAME, value: me}]}]}}}
```

# Passes
```yaml
spec:
  rayClusterSpec:
    headGroupSpec: {template: {spec: {containers: [{env: [{name: MY_REDIS_USERNAME, value: me}]}]}}}
```
",
    username,
);

fn username(_: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    let Some(head) = job.head() else { return };
    if let Some(path) = head_parameter(job, "redis-username") {
        findings.push(
            instead(path, "the start parameter redis-username", "redisUsername")
                .flyte(flyte::setting(head, "ray_start_params={…}")),
        );
    }
    if let Some(path) = head_variable(job, "REDIS_USERNAME") {
        findings.push(
            instead(path, "REDIS_USERNAME", "redisUsername").flyte(flyte::setting(head, "pod_template=PodTemplate(…)")),
        );
    }
}

/// The releases with a choice of the store behind fault tolerance.
const WITH_BACKENDS: Versions = Versions::since(KubeRay::V1_7);
