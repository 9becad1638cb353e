//! Rules on `deletionRules` (KubeRay 1.6, `validation.go`, `validateDeletionRules`). A rule that is wrong by itself is
//! left out when rules are compared with each other, whatever their order.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::k8s::path::Path;
use crate::k8s::text::quoted;
use crate::ray::job::{items, text};
use crate::ray::{KubeRay, RayJob};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::{given, refusal};
use super::policies::selected_cluster;
use super::{strategy, strategy_path};

/// An element of `deletionRules`.
#[derive(Clone, Copy)]
pub(super) struct Rule<'a> {
    index: usize,
    value: &'a Value,
}

/// What a rule waits for: the field, and the status in it.
type Condition<'a> = (&'static str, &'a str);

/// The policies by how much they delete; their TTLs must not fall along it.
const BY_REACH: [&str; 3] = ["DeleteWorkers", "DeleteCluster", "DeleteSelf"];

/// The elements of `deletionRules`.
pub(super) fn all<'a>(job: &RayJob<'a>) -> impl Iterator<Item = Rule<'a>> {
    strategy(job)
        .map_or(&[][..], |strategy| items(strategy, "deletionRules"))
        .iter()
        .enumerate()
        .map(|(index, value)| Rule { index, value })
}

impl<'a> Rule<'a> {
    /// Where it stands.
    pub(super) fn path(self) -> Path {
        strategy_path("deletionRules").index(self.index)
    }

    /// Its policy, empty where it has none.
    pub(super) fn policy(self) -> &'a str {
        text(self.value, "policy").unwrap_or_default()
    }

    fn status(self, key: &str) -> Option<&'a Value> {
        given(given(self.value, "condition")?, key)
    }

    fn ttl(self) -> i64 {
        self.status("ttlSeconds").and_then(Value::as_i64).unwrap_or(0)
    }

    /// The one status that it waits for. KubeRay 1.5 knows only `jobStatus`.
    fn condition(self, kuberay: KubeRay) -> Option<Condition<'a>> {
        let status = |key| self.status(key).map(|status| status.as_str().unwrap_or_default());
        match (status("jobStatus"), status("jobDeploymentStatus")) {
            (job, _) if kuberay < KubeRay::V1_6 => Some(("jobStatus", job.unwrap_or_default())),
            (Some(job), None) => Some(("jobStatus", job)),
            (None, Some(deployment)) => Some(("jobDeploymentStatus", deployment)),
            _ => None,
        }
    }

    /// Whether it deletes what a selected cluster would lose.
    fn deletes_cluster(self) -> bool {
        matches!(self.policy(), "DeleteCluster" | "DeleteWorkers")
    }
}

/// The rules that are right by themselves, each with what it waits for.
fn sound<'a>(cx: &Cx<'_>, job: &RayJob<'a>) -> impl Iterator<Item = (Rule<'a>, Condition<'a>)> {
    let (kuberay, selects, autoscales) = (cx.kuberay(), job.selects_cluster(), job.autoscales());
    all(job).filter_map(move |rule| {
        let condition = rule.condition(kuberay)?;
        let is_sound = rule.ttl() >= 0
            && !(selects && rule.deletes_cluster())
            && !(autoscales && rule.policy() == "DeleteWorkers");
        is_sound.then_some((rule, condition))
    })
}

/// K15.
pub const CONDITION: Check = refusal(
    "RG115",
    "a deletion rule that waits for none or two states",
    Versions::since(KubeRay::V1_6),
    "# What it does
Finds a deletion rule whose condition has not exactly one of `jobStatus` and `jobDeploymentStatus`.

# Why it is bad
The CRD refuses it, and so does KubeRay.

# What fixes it
One rule for each state. A job that fails by its deadline has no failed `jobStatus`: add a rule with
`jobDeploymentStatus: Failed` (ray-project/kuberay#5184).

# Fails
```yaml
spec:
  deletionStrategy:
    deletionRules: [{policy: DeleteCluster, condition: {jobStatus: FAILED, jobDeploymentStatus: Failed}}]
```

# Passes
```yaml
spec:
  deletionStrategy:
    deletionRules: [{policy: DeleteCluster, condition: {jobDeploymentStatus: Failed}}]
```
",
    |cx, job, findings| {
        for rule in all(job).filter(|rule| rule.condition(cx.kuberay()).is_none()) {
            let seen = match rule.status("jobStatus") {
                Some(_) => "both jobStatus and jobDeploymentStatus",
                None => "neither jobStatus nor jobDeploymentStatus",
            };
            findings.push(
                Finding::new(
                    rule.path().key("condition"),
                    format!("deletion rule {} has {seen}", rule.index + 1),
                )
                .fix("set exactly one of jobStatus and jobDeploymentStatus"),
            );
        }
    },
);

/// K16.
pub const TTL_NEGATIVE: Check = refusal(
    "RG116",
    "a deletion rule with a negative TTL",
    Versions::since(KubeRay::V1_5),
    "# What it does
Finds a deletion rule with a `ttlSeconds` below 0.

# Why it is bad
The CRD refuses it, and so does KubeRay.

# What fixes it
0 deletes at once.

# Fails
```yaml
spec:
  deletionStrategy:
    deletionRules: [{policy: DeleteCluster, condition: {jobStatus: FAILED, ttlSeconds: -1}}]
```

# Passes
```yaml
spec:
  deletionStrategy:
    deletionRules: [{policy: DeleteCluster, condition: {jobStatus: FAILED, ttlSeconds: 0}}]
```
",
    |_, job, findings| {
        for rule in all(job).filter(|rule| rule.ttl() < 0) {
            findings.push(
                Finding::new(
                    rule.path().keys(["condition", "ttlSeconds"]),
                    format!("deletion rule {} has a TTL of {} s", rule.index + 1, rule.ttl()),
                )
                .fix("set ttlSeconds to at least 0"),
            );
        }
    },
);

/// K17.
pub const SELECTED_CLUSTER: Check = refusal(
    "RG117",
    "a rule would delete a selected cluster",
    Versions::since(KubeRay::V1_5),
    "# What it does
Finds a deletion rule with the policy `DeleteCluster` or `DeleteWorkers` beside a `clusterSelector`.

# Why it is bad
KubeRay never deletes a cluster that it did not make, and refuses the RayJob.

# What fixes it
`DeleteNone` or `DeleteSelf`.

# Fails
```yaml
spec:
  clusterSelector: {ray.io/cluster: shared}
  deletionStrategy: {deletionRules: [{policy: DeleteCluster, condition: {jobStatus: SUCCEEDED}}]}
```

# Passes
```yaml
spec:
  clusterSelector: {ray.io/cluster: shared}
  deletionStrategy: {deletionRules: [{policy: DeleteSelf, condition: {jobStatus: SUCCEEDED}}]}
```
",
    |_, job, findings| {
        for rule in all(job).filter(|rule| job.selects_cluster() && rule.deletes_cluster()) {
            findings.push(selected_cluster(rule.path().key("policy"), rule.policy()));
        }
    },
);

/// K18.
pub const DUPLICATE: Check = refusal(
    "RG118",
    "two deletion rules say the same",
    Versions::since(KubeRay::V1_5),
    "# What it does
Finds a deletion rule with the state and the policy of an earlier one, whatever their TTLs.

# Why it is bad
It is not clear which TTL counts. KubeRay refuses the RayJob after it exists.

# What fixes it
Keep one of the two.

# Fails
```yaml
spec:
  deletionStrategy:
    deletionRules:
      - {policy: DeleteCluster, condition: {jobStatus: FAILED, ttlSeconds: 60}}
      - {policy: DeleteCluster, condition: {jobStatus: FAILED, ttlSeconds: 90}}
```

# Passes
```yaml
spec:
  deletionStrategy:
    deletionRules:
      - {policy: DeleteCluster, condition: {jobStatus: FAILED, ttlSeconds: 60}}
      - {policy: DeleteSelf, condition: {jobStatus: FAILED, ttlSeconds: 90}}
```
",
    |cx, job, findings| {
        let mut seen = BTreeSet::new();
        for (rule, (field, status)) in sound(cx, job) {
            if !seen.insert((field, status, rule.policy())) {
                findings.push(
                    Finding::new(
                        rule.path(),
                        format!(
                            "deletion rule {} repeats {} for {field} {}",
                            rule.index + 1,
                            quoted(rule.policy()),
                            quoted(status)
                        ),
                    )
                    .fix("keep one of the two rules"),
                );
            }
        }
    },
);

/// K19.
pub const ORDER: Check = refusal(
    "RG119",
    "deletion rules in the wrong order",
    Versions::since(KubeRay::V1_5),
    "# What it does
Finds deletion rules for the same state where the one that deletes more has the shorter TTL: the workers must not go
after the cluster, nor the cluster after the RayJob itself. The order in the list does not matter.

# Why it is bad
The later rule would find nothing to delete. KubeRay refuses the RayJob after it exists.

# What fixes it
`DeleteWorkers` first, then `DeleteCluster`, then `DeleteSelf`; equal TTLs are fine.

# Fails
```yaml
spec:
  deletionStrategy:
    deletionRules:
      - {policy: DeleteSelf, condition: {jobStatus: FAILED, ttlSeconds: 60}}
      - {policy: DeleteCluster, condition: {jobStatus: FAILED, ttlSeconds: 90}}
```

# Passes
```yaml
spec:
  deletionStrategy:
    deletionRules:
      - {policy: DeleteSelf, condition: {jobStatus: FAILED, ttlSeconds: 90}}
      - {policy: DeleteCluster, condition: {jobStatus: FAILED, ttlSeconds: 90}}
```
",
    order,
);

fn order(cx: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    let mut by_condition: BTreeMap<Condition<'_>, [Option<Rule<'_>>; BY_REACH.len()]> = BTreeMap::new();
    for (rule, condition) in sound(cx, job) {
        let reach = BY_REACH.iter().position(|policy| *policy == rule.policy());
        let slots = by_condition.entry(condition).or_default();
        if let Some(slot) = reach.and_then(|reach| slots.get_mut(reach)) {
            slot.get_or_insert(rule);
        }
    }
    for slots in by_condition.into_values() {
        let mut before: Option<Rule<'_>> = None;
        for rule in slots.into_iter().flatten() {
            if let Some(before) = before.filter(|before| rule.ttl() < before.ttl()) {
                findings.push(
                    Finding::new(
                        rule.path().keys(["condition", "ttlSeconds"]),
                        format!(
                            "{} after {} s comes before {} after {} s",
                            rule.policy(),
                            rule.ttl(),
                            before.policy(),
                            before.ttl()
                        ),
                    )
                    .fix(format!("set ttlSeconds to at least {}", before.ttl())),
                );
            }
            before = Some(rule);
        }
    }
}
