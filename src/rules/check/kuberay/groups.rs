//! Rules on the head and the worker groups (KubeRay 1.6, `validation.go`, `ValidateRayClusterSpec`).

use crate::policy::settings::Action;
use crate::ray::{KubeRay, RayJob, Role, flyte};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

/// K40.
pub const HEAD_WITHOUT_CONTAINERS: Check = Check {
    code: "RG140",
    title: "the head has no container",
    action: Action::Deny,
    fixes: false,
    versions: Versions::since(KubeRay::V1_4),
    page: "# What it does
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
    run: |_, job, findings| without_containers(job, Role::Head, findings),
};

/// K41.
pub const WORKERS_WITHOUT_CONTAINERS: Check = Check {
    code: "RG141",
    title: "a worker group has no container",
    action: Action::Deny,
    fixes: false,
    versions: Versions::since(KubeRay::V1_4),
    page: "# What it does
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
    run: |_, job, findings| without_containers(job, Role::Worker, findings),
};

fn without_containers(job: &RayJob<'_>, role: Role, findings: &mut Findings) {
    for pod in job.pods.iter().filter(|pod| pod.role == role && pod.main().is_none()) {
        findings.push(
            Finding::new(
                pod.spec_path().key("containers"),
                format!("{}: no container to run Ray in", pod.title()),
            )
            .fix("give the pod template a container")
            .flyte(flyte::setting(pod, "pod_template=PodTemplate(…)")),
        );
    }
}

/// K48.
pub const MIN_ABOVE_MAX: Check = Check {
    code: "RG148",
    title: "a worker group has more minimum than maximum replicas",
    action: Action::Deny,
    fixes: false,
    versions: Versions::since(KubeRay::V1_6),
    page: "# What it does
Finds a worker group whose `minReplicas` is above its `maxReplicas`.

# Why it is bad
KubeRay 1.6 refuses the RayJob after it exists; earlier releases silently use the maximum.

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
    run: min_above_max,
};

fn min_above_max(_: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    for pod in job.workers() {
        let (least, most) = (
            pod.group_number("minReplicas", 0),
            pod.group_number("maxReplicas", i64::from(i32::MAX)),
        );
        if least > most {
            findings.push(
                Finding::new(
                    pod.group_path().key("minReplicas"),
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
