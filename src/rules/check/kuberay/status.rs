//! Rules on the status, which only an object that exists has: an edit of the spec can break the first
//! (KubeRay 1.6, `validation.go`, `ValidateRayJobStatus` and `ValidateRayClusterStatus`).

use crate::k8s::path::Path;
use crate::ray::job::{items, text};
use crate::ray::{KubeRay, RayJob};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::{given, refusal, warning};

/// K34.
pub const WAITING: Check = refusal(
    "RG134",
    "a waiting job was moved to another submission mode",
    Versions::since(KubeRay::V1_2),
    "# What it does
Finds a RayJob that waits for its user to submit the job (`jobDeploymentStatus: Waiting`), while its `submissionMode` is
not `InteractiveMode` (`UserMode` in KubeRay 1.2).

# Why it is bad
It comes of an edit of `submissionMode` while the job waits. KubeRay refuses the RayJob from then on, and its cluster
stays.

# What fixes it
Set `submissionMode` back to `InteractiveMode`, or delete the RayJob and create it anew.

# Fails
```yaml
spec: {submissionMode: HTTPMode}
status: {jobDeploymentStatus: Waiting}
```

# Passes
```yaml
spec: {submissionMode: InteractiveMode}
status: {jobDeploymentStatus: Waiting}
```
",
    waiting,
);

fn waiting(cx: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    let interactive = match cx.kuberay() {
        KubeRay::V1_2 => "UserMode",
        _ => "InteractiveMode",
    };
    let is_waiting = given(job.object, "status")
        .and_then(|status| text(status, "jobDeploymentStatus"))
        .is_some_and(|status| status == "Waiting");
    if is_waiting && job.submission_mode() != interactive {
        findings.push(
            Finding::new(
                Path::of(["spec", "submissionMode"]),
                format!("the job waits for its user, only {interactive} may do that"),
            )
            .fix(format!(
                "set submissionMode back to {interactive}, or delete the RayJob and create it anew"
            )),
        );
    }
}

/// K82.
pub const SUSPENDING_AND_SUSPENDED: Check = warning(
    "RG182",
    "the cluster is both suspending and suspended",
    Versions::since(KubeRay::V1_3),
    "# What it does
Finds a RayJob whose copy of its cluster's status has both conditions, `RayClusterSuspending` and `RayClusterSuspended`.

# Why it is bad
KubeRay stops to act on such a RayCluster. It cannot come of the RayJob's spec, and only the RayCluster itself shows it
for certain: the copy in the RayJob may be older, so this warns.

# What fixes it
Delete the RayJob and create it anew.

# Fails
```yaml
status:
  rayClusterStatus:
    conditions: [{type: RayClusterSuspending, status: \"True\"}, {type: RayClusterSuspended, status: \"True\"}]
```

# Passes
```yaml
status:
  rayClusterStatus:
    conditions: [{type: RayClusterSuspending, status: \"False\"}, {type: RayClusterSuspended, status: \"True\"}]
```
",
    |_, job, findings| {
        let Some(cluster) = given(job.object, "status").and_then(|status| given(status, "rayClusterStatus")) else {
            return;
        };
        let holds = |kind: &str| {
            items(cluster, "conditions")
                .iter()
                .find(|condition| text(condition, "type") == Some(kind))
                .is_some_and(|condition| text(condition, "status") == Some("True"))
        };
        if !job.selects_cluster() && holds("RayClusterSuspending") && holds("RayClusterSuspended") {
            findings.push(
                Finding::new(
                    Path::of(["status", "rayClusterStatus", "conditions"]),
                    "the cluster is both suspending and suspended, KubeRay leaves it alone",
                )
                .fix("delete the RayJob and create it anew"),
            );
        }
    },
);
