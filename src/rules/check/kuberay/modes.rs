//! Rules on how the job is submitted (KubeRay 1.6, `validation.go`, `ValidateRayJobSpec`).

use crate::k8s::path::Path;
use crate::k8s::text::quoted;
use crate::ray::KubeRay;
use crate::rules::Finding;
use crate::rules::check::{Check, Versions};

use super::{given, refusal, restart_policy};

/// The mode in which the submitter runs in the head pod.
const SIDECAR: &str = "SidecarMode";

/// K23.
pub const SIDECAR_WITH_SELECTOR: Check = refusal(
    "RG123",
    "SidecarMode on a selected cluster",
    Versions::since(KubeRay::V1_5),
    "# What it does
Finds a RayJob in `SidecarMode` that selects an existing cluster.

# Why it is bad
In this mode the submitter is a container of the head pod, and the head of a selected cluster runs already. KubeRay
refuses the RayJob after it exists.

# What fixes it
`submissionMode: K8sJobMode`.

# Fails
```yaml
spec: {submissionMode: SidecarMode, clusterSelector: {ray.io/cluster: shared}}
```

# Passes
```yaml
spec: {submissionMode: K8sJobMode, clusterSelector: {ray.io/cluster: shared}}
```
",
    |_, job, findings| {
        if job.submission_mode() == SIDECAR && job.selects_cluster() {
            findings.push(
                Finding::new(
                    Path::of(["spec", "submissionMode"]),
                    "SidecarMode on a selected cluster, KubeRay refuses that",
                )
                .fix("set submissionMode to K8sJobMode, or remove clusterSelector"),
            );
        }
    },
);

/// K25.
pub const INTERACTIVE_RETRIES: Check = refusal(
    "RG125",
    "retries in InteractiveMode",
    Versions::since(KubeRay::V1_4),
    "# What it does
Finds a `backoffLimit` above 0 in `InteractiveMode`.

# Why it is bad
After a failure the old job's ID would still stand in the spec, and the retry would take it for its own
(ray-project/kuberay#3525). KubeRay refuses the RayJob after it exists.

# What fixes it
`backoffLimit: 0`.

# Fails
```yaml
spec: {submissionMode: InteractiveMode, backoffLimit: 1}
```

# Passes
```yaml
spec: {submissionMode: InteractiveMode, backoffLimit: 0}
```
",
    |_, job, findings| {
        let limit = job.number("backoffLimit").unwrap_or(0);
        if limit > 0 && job.submission_mode() == "InteractiveMode" {
            findings.push(
                Finding::new(
                    Path::of(["spec", "backoffLimit"]),
                    format!("backoffLimit {limit} in InteractiveMode, KubeRay refuses that"),
                )
                .fix("set backoffLimit to 0"),
            );
        }
    },
);

/// K26.
pub const SIDECAR_TEMPLATE: Check = refusal(
    "RG126",
    "a submitter template in SidecarMode",
    Versions::since(KubeRay::V1_5),
    "# What it does
Finds a `submitterPodTemplate` in `SidecarMode`. Flyte 1 always sends one.

# Why it is bad
In this mode the submitter has no pod of its own. KubeRay refuses the RayJob after it exists.

# What fixes it
Remove the template, or use `K8sJobMode`.

# Fails
```yaml
spec:
  submissionMode: SidecarMode
  submitterPodTemplate: {spec: {containers: [{name: submitter}]}}
```

# Passes
```yaml
spec: {submissionMode: SidecarMode, submitterPodTemplate: null}
```
",
    |_, job, findings| {
        if job.submission_mode() == SIDECAR && given(job.spec, "submitterPodTemplate").is_some() {
            findings.push(
                Finding::new(
                    Path::of(["spec", "submitterPodTemplate"]),
                    "submitterPodTemplate in SidecarMode, KubeRay refuses that",
                )
                .fix("remove submitterPodTemplate, or set submissionMode to K8sJobMode"),
            );
        }
    },
);

/// K27.
pub const SIDECAR_CONFIG: Check = refusal(
    "RG127",
    "a submitter configuration in SidecarMode",
    Versions::since(KubeRay::V1_5),
    "# What it does
Finds a `submitterConfig` in `SidecarMode`.

# Why it is bad
It configures the submitter's Kubernetes Job, and this mode has none. KubeRay refuses the RayJob after it exists.

# What fixes it
Remove it, or use `K8sJobMode`.

# Fails
```yaml
spec: {submissionMode: SidecarMode, submitterConfig: {backoffLimit: 1}}
```

# Passes
```yaml
spec: {submissionMode: K8sJobMode, submitterConfig: {backoffLimit: 1}}
```
",
    |_, job, findings| {
        if job.submission_mode() == SIDECAR && given(job.spec, "submitterConfig").is_some() {
            findings.push(
                Finding::new(
                    Path::of(["spec", "submitterConfig"]),
                    "submitterConfig in SidecarMode, KubeRay refuses that",
                )
                .fix("remove submitterConfig, or set submissionMode to K8sJobMode"),
            );
        }
    },
);

/// K28.
pub const SIDECAR_RESTART_POLICY: Check = refusal(
    "RG128",
    "a head that restarts in SidecarMode",
    Versions::since(KubeRay::V1_5),
    "# What it does
Finds a head whose `restartPolicy` is not `Never` in `SidecarMode`.

# Why it is bad
A restarted head would submit the job again. KubeRay refuses the RayJob after it exists.

# What fixes it
`restartPolicy: Never` in the head's pod template, or none: Flyte sets `Never`.

# Fails
```yaml
spec:
  submissionMode: SidecarMode
  rayClusterSpec: {headGroupSpec: {template: {spec: {restartPolicy: Always}}}}
```

# Passes
```yaml
spec:
  submissionMode: SidecarMode
  rayClusterSpec: {headGroupSpec: {template: {spec: {restartPolicy: null}}}}
```
",
    |_, job, findings| {
        let Some(head) = job.head().filter(|_| job.submission_mode() == SIDECAR) else {
            return;
        };
        if let Some(policy) = restart_policy(head) {
            findings.push(
                Finding::new(
                    head.spec_path().then_key("restartPolicy"),
                    format!("head: restartPolicy {} in SidecarMode must be Never", quoted(policy)),
                )
                .fix("set restartPolicy to Never"),
            );
        }
    },
);
