//! Rules on pods that restart under the autoscaler (KubeRay 1.6, `validation.go`; the last one KubeRay 1.7,
//! `raycluster_controller.go`).

use crate::k8s::text::quoted;
use crate::ray::{KubeRay, Pod, flyte};
use crate::rules::check::{Check, Versions};
use crate::rules::{Finding, Findings};

use super::super::{CLUSTER_RULES, refusal, restart_policy, warning};
use super::{is_v2, version};

/// K64.
pub const HEAD: Check = refusal(
    "RG164",
    "a head that restarts under the autoscaler v2",
    CLUSTER_RULES,
    "# What it does
Finds a head whose `restartPolicy` is not `Never` with autoscaling and `autoscalerOptions.version: v2`.

# Why it is bad
KubeRay refuses the RayJob after it exists.

# What fixes it
`restartPolicy: Never` in the head's pod template, or none: Flyte sets `Never`.

# Fails
```yaml
spec:
  rayClusterSpec:
    enableInTreeAutoscaling: true
    autoscalerOptions: {version: v2}
    headGroupSpec: {template: {spec: {restartPolicy: Always}}}
```

# Passes
```yaml
spec:
  rayClusterSpec:
    enableInTreeAutoscaling: true
    autoscalerOptions: {version: v2}
    headGroupSpec: {template: {spec: {restartPolicy: Never}}}
```
",
    |_, job, findings| {
        if job.autoscales() && is_v2(job) {
            restarting(job.head(), "v2", findings);
        }
    },
);

/// K65.
pub const WORKERS: Check = refusal(
    "RG165",
    "workers that restart under the autoscaler v2",
    CLUSTER_RULES,
    "# What it does
Finds a worker group whose `restartPolicy` is not `Never` with autoscaling and `autoscalerOptions.version: v2`.

# Why it is bad
A worker that restarts in its place is not given back when it is idle (ray-project/kuberay#5012). KubeRay refuses the
RayJob after it exists.

# What fixes it
`restartPolicy: Never` in the group's pod template, or none: Flyte sets `Never`.

# Fails
```yaml
spec:
  rayClusterSpec:
    enableInTreeAutoscaling: true
    autoscalerOptions: {version: v2}
    workerGroupSpecs: [{template: {spec: {restartPolicy: OnFailure}}}]
```

# Passes
```yaml
spec:
  rayClusterSpec:
    enableInTreeAutoscaling: true
    autoscalerOptions: {version: v2}
    workerGroupSpecs: [{template: {spec: {restartPolicy: null}}}]
```
",
    |_, job, findings| {
        if job.autoscales() && is_v2(job) {
            restarting(job.workers(), "v2", findings);
        }
    },
);

/// K83.
pub const WORKERS_V1: Check = warning(
    "RG183",
    "workers that restart under the autoscaler v1",
    Versions::since(KubeRay::V1_7),
    "# What it does
Finds a worker group whose `restartPolicy` is not `Never` with autoscaling and `autoscalerOptions.version: v1`.

# Why it is bad
A worker that restarts in its place is not given back when it is idle (ray-project/kuberay#5012). KubeRay goes on, and
says so in an event of the RayCluster; so this warns.

# What fixes it
`restartPolicy: Never` in the group's pod template, or none: Flyte sets `Never`.

# Fails
```yaml
spec:
  rayClusterSpec:
    enableInTreeAutoscaling: true
    autoscalerOptions: {version: v1}
    workerGroupSpecs: [{template: {spec: {restartPolicy: Always}}}]
```

# Passes
```yaml
spec:
  rayClusterSpec:
    enableInTreeAutoscaling: true
    autoscalerOptions: {version: v1}
    workerGroupSpecs: [{template: {spec: {restartPolicy: Never}}}]
```
",
    |_, job, findings| {
        if job.autoscales() && !job.selects_cluster() && version(job) == Some("v1") {
            restarting(job.workers(), "v1", findings);
        }
    },
);

fn restarting<'j, 'a: 'j>(pods: impl IntoIterator<Item = &'j Pod<'a>>, version: &str, findings: &mut Findings) {
    for pod in pods {
        if let Some(policy) = restart_policy(pod) {
            findings.push(
                Finding::new(
                    pod.spec_path().then_key("restartPolicy"),
                    format!(
                        "{}: restartPolicy {} under the autoscaler {version}",
                        pod.title(),
                        quoted(policy)
                    ),
                )
                .fix("set restartPolicy to Never")
                .flyte(flyte::setting(pod, "pod_template=PodTemplate(…)")),
            );
        }
    }
}
