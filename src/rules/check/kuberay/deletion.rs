//! Rules on what is deleted at the end (KubeRay 1.6, `validation.go`, `validateDeletionConfiguration` and
//! `validateLegacyDeletionPolicies`).
//!
//! KubeRay 1.3 and 1.4 have `deletionPolicy`, one policy for every end; 1.5 has `deletionStrategy` instead, with a policy
//! for success and one for failure, or a list of rules. A release's CRD takes away the field that it does not know.

pub mod rules;

use serde_json::Value;

use crate::k8s::path::Path;
use crate::k8s::text::quoted;
use crate::ray::job::{items, text};
use crate::ray::{KubeRay, RayJob};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::{DELETION_GATE, given, refusal};

/// `deletionStrategy`, unless it is missing or null.
fn strategy<'a>(job: &RayJob<'a>) -> Option<&'a Value> {
    given(job.spec, "deletionStrategy")
}

fn strategy_path(key: &'static str) -> Path {
    Path::of(["spec", "deletionStrategy", key])
}

fn has_ends(strategy: &Value) -> bool {
    ENDS.iter().any(|end| given(strategy, end).is_some())
}

fn has_rules(strategy: &Value) -> bool {
    !items(strategy, "deletionRules").is_empty()
}

/// The ends of a job for which the older style names a policy.
const ENDS: [&str; 2] = ["onSuccess", "onFailure"];

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
        Some((strategy_path(end).key("policy"), policy))
    });
    old.into_iter().chain(new)
}

/// K06.
pub const GATE_OFF: Check = refusal(
    "RG106",
    "a deletion policy without its feature gate",
    Versions::since(KubeRay::V1_3).gated(DELETION_GATE, false),
    "# What it does
Finds a `deletionStrategy` (KubeRay 1.3 and 1.4: `deletionPolicy`) where KubeRay's feature gate `RayJobDeletionPolicy` is
off, as it is by default before 1.6.

# Why it is bad
KubeRay refuses the RayJob after it exists, and the job never starts.

# What fixes it
Use `shutdownAfterJobFinishes` and `ttlSecondsAfterFinished`, or have the gate turned on.

# Fails
```yaml
spec:
  deletionStrategy: {onSuccess: {policy: DeleteCluster}, onFailure: {policy: DeleteCluster}}
```

# Passes
```yaml
spec: {deletionStrategy: null}
```
",
    |cx, job, findings| {
        let field = if cx.kuberay() < KubeRay::V1_5 {
            "deletionPolicy"
        } else {
            "deletionStrategy"
        };
        if given(job.spec, field).is_some() {
            findings.push(
                Finding::new(
                    Path::of(["spec", field]),
                    format!("{field} needs the feature gate {DELETION_GATE}, which is off here"),
                )
                .fix(format!(
                    "remove {field}, and use shutdownAfterJobFinishes and ttlSecondsAfterFinished"
                )),
            );
        }
    },
);

/// K07.
pub const RULES_WITH_SHUTDOWN: Check = refusal(
    "RG107",
    "deletion rules beside shutdown",
    Versions::since(KubeRay::V1_5),
    "# What it does
Finds `deletionRules` in a RayJob with `shutdownAfterJobFinishes: true`.

# Why it is bad
The rules say when the cluster goes, and so does shutdown. KubeRay refuses the RayJob after it exists.

# What fixes it
Set `shutdownAfterJobFinishes` to false and leave `ttlSecondsAfterFinished` out, or remove the rules.

# Fails
```yaml
spec:
  shutdownAfterJobFinishes: true
  deletionStrategy: {deletionRules: [{policy: DeleteCluster, condition: {jobStatus: SUCCEEDED, ttlSeconds: 60}}]}
```

# Passes
```yaml
spec:
  shutdownAfterJobFinishes: false
  ttlSecondsAfterFinished: 0
  deletionStrategy: {deletionRules: [{policy: DeleteCluster, condition: {jobStatus: SUCCEEDED, ttlSeconds: 60}}]}
```
",
    |_, job, findings| {
        if job.flag("shutdownAfterJobFinishes") && strategy(job).is_some_and(has_rules) {
            findings.push(
                Finding::new(
                    Path::of(["spec", "shutdownAfterJobFinishes"]),
                    "shutdown beside deletionRules, KubeRay takes only one",
                )
                .fix("set shutdownAfterJobFinishes to false and ttlSecondsAfterFinished to 0, or remove deletionRules"),
            );
        }
    },
);

/// K08.
pub const TWO_STYLES: Check = refusal(
    "RG108",
    "two styles of deletion at once",
    Versions::since(KubeRay::V1_5),
    "# What it does
Finds `deletionRules` beside `onSuccess` or `onFailure` in `deletionStrategy`.

# Why it is bad
The CRD refuses it, and so does KubeRay.

# What fixes it
Keep the rules; `onSuccess` and `onFailure` are to be removed from KubeRay.

# Fails
```yaml
spec:
  deletionStrategy:
    onSuccess: {policy: DeleteCluster}
    onFailure: {policy: DeleteCluster}
    deletionRules: [{policy: DeleteCluster, condition: {jobStatus: SUCCEEDED}}]
```

# Passes
```yaml
spec:
  deletionStrategy:
    onSuccess: {policy: DeleteCluster}
    onFailure: {policy: DeleteCluster}
```
",
    |_, job, findings| {
        if strategy(job).is_some_and(|strategy| has_rules(strategy) && has_ends(strategy)) {
            findings.push(
                Finding::new(
                    strategy_path("deletionRules"),
                    "deletionRules beside onSuccess or onFailure, KubeRay takes one style",
                )
                .fix("remove onSuccess and onFailure, or deletionRules"),
            );
        }
    },
);

/// K09.
pub const EMPTY_STRATEGY: Check = refusal(
    "RG109",
    "an empty deletion strategy",
    Versions::since(KubeRay::V1_5),
    "# What it does
Finds a `deletionStrategy` with neither `deletionRules` nor `onSuccess` and `onFailure`.

# Why it is bad
The CRD refuses it, and so does KubeRay.

# What fixes it
Fill it in, or leave it out.

# Fails
```yaml
spec: {deletionStrategy: {}}
```

# Passes
```yaml
spec: {deletionStrategy: {onSuccess: {policy: DeleteCluster}, onFailure: {policy: DeleteCluster}}}
```
",
    |_, job, findings| {
        if strategy(job).is_some_and(|strategy| !has_rules(strategy) && !has_ends(strategy)) {
            findings.push(
                Finding::new(
                    Path::of(["spec", "deletionStrategy"]),
                    "deletionStrategy is empty, KubeRay refuses that",
                )
                .fix("set deletionRules, or leave deletionStrategy out"),
            );
        }
    },
);

/// K10.
pub const HALF_A_STRATEGY: Check = refusal(
    "RG110",
    "a deletion strategy for one end only",
    Versions::since(KubeRay::V1_5),
    "# What it does
Finds a `deletionStrategy` with only one of `onSuccess` and `onFailure`.

# Why it is bad
The CRD refuses it, and so does KubeRay.

# What fixes it
Say both.

# Fails
```yaml
spec: {deletionStrategy: {onSuccess: {policy: DeleteCluster}}}
```

# Passes
```yaml
spec: {deletionStrategy: {onSuccess: {policy: DeleteCluster}, onFailure: {policy: DeleteCluster}}}
```
",
    |_, job, findings| {
        let Some(strategy) = strategy(job).filter(|strategy| has_ends(strategy) && !has_rules(strategy)) else {
            return;
        };
        for end in ENDS.into_iter().filter(|end| given(strategy, end).is_none()) {
            findings.push(
                Finding::new(
                    strategy_path(end),
                    format!("deletionStrategy lacks {end}, KubeRay needs both ends"),
                )
                .fix(format!("set deletionStrategy.{end}.policy")),
            );
        }
    },
);

/// K11.
pub const NO_POLICY: Check = refusal(
    "RG111",
    "an end without a deletion policy",
    Versions::since(KubeRay::V1_5),
    "# What it does
Finds an `onSuccess` or `onFailure` without `policy`.

# Why it is bad
The CRD lets it pass, and KubeRay refuses the RayJob after it exists.

# What fixes it
Set `policy` to `DeleteCluster`, `DeleteWorkers`, `DeleteSelf` or `DeleteNone`.

# Fails
```yaml
spec: {deletionStrategy: {onSuccess: {policy: DeleteCluster}, onFailure: {}}}
```

# Passes
```yaml
spec: {deletionStrategy: {onSuccess: {policy: DeleteCluster}, onFailure: {policy: DeleteCluster}}}
```
",
    |_, job, findings| {
        let Some(strategy) = strategy(job) else { return };
        for end in ENDS {
            if given(strategy, end).is_some_and(|end| given(end, "policy").is_none()) {
                findings.push(
                    Finding::new(
                        strategy_path(end).key("policy"),
                        format!("deletionStrategy.{end} has no policy, KubeRay refuses that"),
                    )
                    .fix(format!("set deletionStrategy.{end}.policy")),
                );
            }
        }
    },
);

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

fn selected_cluster(path: Path, policy: &str) -> Finding {
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
