//! Rules on what the policies of both ends delete (KubeRay 1.6, `validation.go`, `validateLegacyDeletionPolicies`;
//! KubeRay 1.3, `ValidateRayJobSpec`).

use crate::k8s::path::Path;
use crate::k8s::text::quoted;
use crate::ray::job::text;
use crate::ray::{KubeRay, RayJob};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::{given, refusal};
use super::{ENDS, rules, strategy, strategy_path};

/// The policies that stand outside of rules, in the fields that this KubeRay knows.
fn policies<'a>(cx: &Cx<'_>, job: &RayJob<'a>) -> impl Iterator<Item = (Path, &'a str)> {
    let is_old = cx.kuberay() < KubeRay::V1_5;
    let old = is_old
        .then(|| text(job.spec, "deletionPolicy"))
        .flatten()
        .map(|policy| (Path::of(["spec", "deletionPolicy"]), policy));
    let strategy = strategy(job).filter(|_| !is_old);
    let new = ENDS.iter().filter_map(move |end| {
        let policy = text(given(strategy?, end)?, "policy")?;
        Some((strategy_path(end).then_key("policy"), policy))
    });
    old.into_iter().chain(new)
}

/// K12.
pub const SELECTED_CLUSTER: Check = refusal(
    "RG112",
    "a selected cluster is to be deleted",
    Versions::since(KubeRay::V1_3),
    "# What it does
Finds the policy `DeleteCluster` or `DeleteWorkers` in `onSuccess` or `onFailure` (KubeRay 1.3 and 1.4: in
`deletionPolicy`) beside a `clusterSelector`.

# Why it is bad
KubeRay never deletes a cluster that it did not make, and refuses the RayJob.

# What fixes it
`DeleteNone` or `DeleteSelf`.

# Fails
```yaml
spec:
  clusterSelector: {ray.io/cluster: shared}
  deletionStrategy: {onSuccess: {policy: DeleteCluster}, onFailure: {policy: DeleteSelf}}
```

# Passes
```yaml
spec:
  clusterSelector: {ray.io/cluster: shared}
  deletionStrategy: {onSuccess: {policy: DeleteSelf}, onFailure: {policy: DeleteSelf}}
```
",
    |cx, job, findings| {
        let deletes = |policy: &str| matches!(policy, "DeleteCluster" | "DeleteWorkers");
        for (path, policy) in policies(cx, job).filter(|(_, policy)| job.selects_cluster() && deletes(policy)) {
            findings.push(selected_cluster(path, policy));
        }
    },
);

/// Says that a policy would delete a selected cluster.
pub(super) fn selected_cluster(path: Path, policy: &str) -> Finding {
    Finding::new(
        path,
        format!("{policy} on a selected cluster, which KubeRay does not delete"),
    )
    .fix("use DeleteNone or DeleteSelf, or remove clusterSelector")
}

/// K13.
pub const WORKERS_WITH_AUTOSCALING: Check = refusal(
    "RG113",
    "DeleteWorkers with autoscaling",
    Versions::since(KubeRay::V1_3),
    "# What it does
Finds the policy `DeleteWorkers`, in `onSuccess`, `onFailure` or a rule (KubeRay 1.3 and 1.4: in `deletionPolicy`), while
`enableInTreeAutoscaling` is true.

# Why it is bad
The autoscaler would bring the workers back. KubeRay refuses the RayJob after it exists.

# What fixes it
`DeleteCluster`, or no autoscaling.

# Fails
```yaml
spec:
  rayClusterSpec: {enableInTreeAutoscaling: true}
  deletionStrategy: {onSuccess: {policy: DeleteWorkers}, onFailure: {policy: DeleteCluster}}
```

# Passes
```yaml
spec:
  rayClusterSpec: {enableInTreeAutoscaling: false}
  deletionStrategy: {onSuccess: {policy: DeleteWorkers}, onFailure: {policy: DeleteCluster}}
```
",
    workers_with_autoscaling,
);

fn workers_with_autoscaling(cx: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    if !job.autoscales() {
        return;
    }
    let of_rules = rules::all(job)
        .filter(|_| cx.kuberay() >= KubeRay::V1_5)
        .map(|rule| (rule.path().key("policy"), rule.policy()));
    for (path, _) in policies(cx, job)
        .chain(of_rules)
        .filter(|(_, policy)| *policy == "DeleteWorkers")
    {
        findings.push(
            Finding::new(path, "DeleteWorkers with autoscaling, which would bring them back")
                .fix("use DeleteCluster, or set enableInTreeAutoscaling to false")
                .flyte("RayJobConfig(enable_autoscaling=False)"),
        );
    }
}

/// K14.
pub const SHUTDOWN_AND_KEEP: Check = refusal(
    "RG114",
    "shut down, and keep the cluster",
    Versions::since(KubeRay::V1_3),
    "# What it does
Finds the policy `DeleteNone` in `onSuccess` or `onFailure` (KubeRay 1.3 and 1.4: in `deletionPolicy`) of a RayJob with
`shutdownAfterJobFinishes: true`.

# Why it is bad
One says to keep the cluster, the other to delete it. KubeRay refuses the RayJob after it exists.

# What fixes it
Set `shutdownAfterJobFinishes` to false and leave the TTL out, or use another policy.

# Fails
```yaml
spec:
  shutdownAfterJobFinishes: true
  deletionStrategy: {onSuccess: {policy: DeleteCluster}, onFailure: {policy: DeleteNone}}
```

# Passes
```yaml
spec:
  shutdownAfterJobFinishes: true
  deletionStrategy: {onSuccess: {policy: DeleteCluster}, onFailure: {policy: DeleteCluster}}
```
",
    |cx, job, findings| {
        if !job.flag("shutdownAfterJobFinishes") {
            return;
        }
        for (path, policy) in policies(cx, job).filter(|(_, policy)| *policy == "DeleteNone") {
            findings.push(
                Finding::new(path, format!("{} with shutdown, one keeps the cluster", quoted(policy))).fix(
                    "set shutdownAfterJobFinishes to false and ttlSecondsAfterFinished to 0, or use DeleteCluster",
                ),
            );
        }
    },
);
