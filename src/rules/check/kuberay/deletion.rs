//! Rules on what is deleted at the end (KubeRay 1.6, `validation.go`, `validateDeletionConfiguration` and
//! `validateLegacyDeletionPolicies`).
//!
//! KubeRay 1.3 and 1.4 have `deletionPolicy`, one policy for every end; 1.5 has `deletionStrategy` instead, with a policy
//! for success and one for failure, or a list of rules. A release's CRD takes away the field that it does not know.

pub mod policies;
pub mod rules;

use serde_json::Value;

use crate::k8s::path::Path;
use crate::ray::job::items;
use crate::ray::{KubeRay, RayJob};
use crate::rules::Finding;
use crate::rules::check::{Check, Versions};

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
                        strategy_path(end).then_key("policy"),
                        format!("deletionStrategy.{end} has no policy, KubeRay refuses that"),
                    )
                    .fix(format!("set deletionStrategy.{end}.policy")),
                );
            }
        }
    },
);
