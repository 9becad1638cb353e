//! Rules on the head and the worker groups (KubeRay 1.6, `validation.go`, `ValidateRayClusterSpec` and
//! `ValidateRayClusterUpgradeOptions`).

use serde_json::Value;

use crate::k8s::text::quoted;
use crate::ray::{KubeRay, Pod, RayJob, Role, flyte};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::{CLUSTER_RULES, DELETION_GATE, cluster_field, cluster_path, given, refusal};

/// K40.
pub const HEAD_WITHOUT_CONTAINERS: Check = refusal(
    "RG140",
    "the head has no container",
    CLUSTER_RULES,
    "# What it does
Finds a head without any container.

# Why it is bad
KubeRay runs Ray in the first container. Without one it refuses the RayJob after it exists.

# What fixes it
Give the head a container. Flyte always does; a pod template must keep the one called `ray-head`.

# Fails
```yaml
spec: {rayClusterSpec: {headGroupSpec: {template: {spec: {containers: []}}}}}
```

# Passes
```yaml
spec: {rayClusterSpec: {headGroupSpec: {template: {spec: {containers: [{name: ray-head}]}}}}}
```
",
    head_without_containers,
);

fn head_without_containers(_: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    if job.cluster.is_some() && job.head().is_none() {
        findings.push(
            Finding::new(
                cluster_path("headGroupSpec").keys(["template", "spec", "containers"]),
                "head: there is none, and so no container to run Ray in",
            )
            .fix("set headGroupSpec"),
        );
    }
    without_containers(job, Role::Head, findings);
}

/// K41.
pub const WORKERS_WITHOUT_CONTAINERS: Check = refusal(
    "RG141",
    "a worker group has no container",
    CLUSTER_RULES,
    "# What it does
Finds a worker group whose pods have no container.

# Why it is bad
KubeRay runs Ray in the first container. Without one it refuses the RayJob after it exists.

# What fixes it
Give the group a container. Flyte always does; a pod template must keep the one called `ray-worker`.

# Fails
```yaml
spec: {rayClusterSpec: {workerGroupSpecs: [{template: {spec: {containers: []}}}]}}
```

# Passes
```yaml
spec: {rayClusterSpec: {workerGroupSpecs: [{template: {spec: {containers: [{name: ray-worker}]}}}]}}
```
",
    |_, job, findings| without_containers(job, Role::Worker, findings),
);

fn without_containers(job: &RayJob<'_>, role: Role, findings: &mut Findings) {
    for pod in job.pods.iter().filter(|pod| pod.role == role && pod.main().is_none()) {
        findings.push(
            Finding::new(
                pod.spec_path().then_key("containers"),
                format!("{}: no container to run Ray in", pod.title()),
            )
            .fix("give the pod template a container")
            .flyte(flyte::setting(pod, "pod_template=PodTemplate(…)")),
        );
    }
}

/// K46.
pub const MIN_NEGATIVE: Check = refusal(
    "RG146",
    "a worker group has a negative minimum",
    Versions::since(KubeRay::V1_6),
    "# What it does
Finds a worker group whose `minReplicas` is below 0.

# Why it is bad
KubeRay refuses the RayJob after it exists.

# What fixes it
`WorkerNodeConfig(min_replicas=0)`.

# Fails
```yaml
spec: {rayClusterSpec: {workerGroupSpecs: [{minReplicas: -1}]}}
```

# Passes
```yaml
spec: {rayClusterSpec: {workerGroupSpecs: [{minReplicas: 0}]}}
```
",
    |_, job, findings| negative(job, "minReplicas", "min_replicas=0", findings),
);

/// K47.
pub const MAX_NEGATIVE: Check = refusal(
    "RG147",
    "a worker group has a negative maximum",
    Versions::since(KubeRay::V1_6),
    "# What it does
Finds a worker group whose `maxReplicas` is below 0.

# Why it is bad
KubeRay refuses the RayJob after it exists.

# What fixes it
`WorkerNodeConfig(max_replicas=4)`.

# Fails
```yaml
spec: {rayClusterSpec: {workerGroupSpecs: [{maxReplicas: -1}]}}
```

# Passes
```yaml
spec: {rayClusterSpec: {workerGroupSpecs: [{minReplicas: 0, maxReplicas: 0}]}}
```
",
    |_, job, findings| negative(job, "maxReplicas", "max_replicas=1", findings),
);

fn negative(job: &RayJob<'_>, key: &'static str, setting: &str, findings: &mut Findings) {
    for pod in job.workers() {
        let seen = pod.group_number(key, 0);
        if seen < 0 {
            findings.push(
                Finding::new(
                    pod.group_path().then_key(key),
                    format!("{}: {key} {seen} is below 0", pod.title()),
                )
                .fix(format!("set {key} to at least 0"))
                .flyte(flyte::setting(pod, setting)),
            );
        }
    }
}

/// K48.
pub const MIN_ABOVE_MAX: Check = refusal(
    "RG148",
    "a worker group has more minimum than maximum replicas",
    Versions::since(KubeRay::V1_6),
    "# What it does
Finds a worker group whose `minReplicas` is above its `maxReplicas`.

# Why it is bad
KubeRay 1.6 refuses the RayJob after it exists; earlier releases silently use the maximum (ray-project/kuberay#4101).

# What fixes it
`WorkerNodeConfig(min_replicas=1, max_replicas=4)`.

# Fails
```yaml
spec: {rayClusterSpec: {workerGroupSpecs: [{minReplicas: 5, maxReplicas: 2}]}}
```

# Passes
```yaml
spec: {rayClusterSpec: {workerGroupSpecs: [{minReplicas: 2, maxReplicas: 2}]}}
```
",
    min_above_max,
);

fn min_above_max(_: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    for pod in job.workers() {
        let (least, most) = (
            pod.group_number("minReplicas", 0),
            pod.group_number("maxReplicas", i64::from(i32::MAX)),
        );
        if least > most {
            findings.push(
                Finding::new(
                    pod.group_path().then_key("minReplicas"),
                    format!("{}: minReplicas {least} is above maxReplicas {most}", pod.title()),
                )
                .fix("set minReplicas to at most maxReplicas")
                .flyte(flyte::setting(
                    pod,
                    &format!("min_replicas={most}, max_replicas={least}"),
                ))
                .weight(least.saturating_sub(most)),
            );
        }
    }
}

/// K60.
pub const SUSPENDED_GATE_OFF: Check = refusal(
    "RG160",
    "a suspended worker group without its feature gate",
    CLUSTER_RULES.gated(DELETION_GATE, false),
    "# What it does
Finds a worker group with `suspend: true` where KubeRay's feature gate `RayJobDeletionPolicy` is off, as it is by default
before 1.6.

# Why it is bad
The field is KubeRay's own, for deleting workers at the end of a job. KubeRay refuses the RayJob after it exists.

# What fixes it
Leave the field out; a group of no workers has `replicas: 0`.

# Fails
```yaml
spec: {rayClusterSpec: {workerGroupSpecs: [{suspend: true}]}}
```

# Passes
```yaml
spec: {rayClusterSpec: {workerGroupSpecs: [{suspend: false}]}}
```
",
    |_, job, findings| {
        suspended(
            job,
            "suspended, and the feature gate RayJobDeletionPolicy is off",
            findings,
        )
    },
);

/// K61.
pub const SUSPENDED_WITH_AUTOSCALING: Check = refusal(
    "RG161",
    "a suspended worker group with autoscaling",
    CLUSTER_RULES,
    "# What it does
Finds a worker group with `suspend: true` while `enableInTreeAutoscaling` is true.

# Why it is bad
The autoscaler would wake the group. KubeRay refuses the RayJob after it exists.

# What fixes it
Leave the field out; a group of no workers has `minReplicas: 0`.

# Fails
```yaml
spec: {rayClusterSpec: {enableInTreeAutoscaling: true, workerGroupSpecs: [{suspend: true}]}}
```

# Passes
```yaml
spec: {rayClusterSpec: {enableInTreeAutoscaling: true, workerGroupSpecs: [{suspend: false}]}}
```
",
    |_, job, findings| {
        if job.autoscales() {
            suspended(job, "suspended, which the autoscaler does not allow", findings);
        }
    },
);

fn suspended(job: &RayJob<'_>, problem: &str, findings: &mut Findings) {
    let is_suspended = |pod: &&Pod<'_>| given(pod.group, "suspend").and_then(Value::as_bool) == Some(true);
    for pod in job.workers().filter(is_suspended) {
        findings.push(
            Finding::new(
                pod.group_path().then_key("suspend"),
                format!("{}: {problem}", pod.title()),
            )
            .fix("remove suspend"),
        );
    }
}

/// K81.
pub const UPGRADE_STRATEGY: Check = refusal(
    "RG181",
    "an upgrade strategy in a RayJob",
    Versions::since(KubeRay::V1_6),
    "# What it does
Finds `upgradeStrategy.type` in `rayClusterSpec`.

# Why it is bad
It is for a RayCluster of its own. KubeRay takes the RayJob and refuses the RayCluster that it makes of it: the job stays
in `Initializing` for ever.

# What fixes it
Remove `upgradeStrategy`.

# Fails
```yaml
spec: {rayClusterSpec: {upgradeStrategy: {type: Recreate}}}
```

# Passes
```yaml
spec: {rayClusterSpec: {upgradeStrategy: {}}}
```
",
    |_, job, findings| {
        let kind = cluster_field(job, "upgradeStrategy").and_then(|strategy| given(strategy, "type"));
        if let Some(kind) = kind.filter(|_| !job.selects_cluster()) {
            findings.push(
                Finding::new(
                    cluster_path("upgradeStrategy").key("type"),
                    format!(
                        "upgradeStrategy {} in a RayJob, its cluster never starts",
                        quoted(&flyte::shown(kind))
                    ),
                )
                .fix("remove upgradeStrategy"),
            );
        }
    },
);
