//! Rules on autoscaling (KubeRay 1.6 and 1.7, `validation.go`). KubeRay calls the autoscaler v2 where
//! `autoscalerOptions.version` says so; the variable in the head counts for the groups' settings only.

pub mod restart_policy;

use serde_json::Value;

use crate::k8s::path::Path;
use crate::ray::job::text;
use crate::ray::{KubeRay, RayJob};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::ray_version::RayVersion;
use super::{CLUSTER_RULES, cluster_field, cluster_path, given, head_container, head_variable, position, refusal};

/// The variable of the head that turns the autoscaler v2 on.
const V2_VARIABLE: &str = "RAY_enable_autoscaler_v2";

/// The field that does.
const V2_FIELD: &str = "set autoscalerOptions.version to v2";

fn options<'a>(job: &RayJob<'a>) -> Option<&'a Value> {
    cluster_field(job, "autoscalerOptions")
}

fn version<'a>(job: &RayJob<'a>) -> Option<&'a str> {
    text(options(job)?, "version")
}

fn is_v2(job: &RayJob<'_>) -> bool {
    version(job) == Some("v2")
}

/// Where the head's variable turns v2 on.
fn v2_variable(job: &RayJob<'_>) -> Option<Path> {
    let (_, container) = head_container(job)?;
    let value = text(container.env(V2_VARIABLE)?, "value")?;
    let path = head_variable(job, V2_VARIABLE)?;
    matches!(value, "1" | "true").then(|| path.key("value"))
}

/// K49.
pub const GROUP_IDLE_TIMEOUT: Check = refusal(
    "RG149",
    "a group's idle timeout that the autoscaler does not know",
    Versions::since(KubeRay::V1_6),
    "# What it does
Finds a worker group whose `idleTimeoutSeconds` is negative, or set without the autoscaler v2: neither
`autoscalerOptions.version: v2` nor the head's variable `RAY_enable_autoscaler_v2` of `1` or `true`.

# Why it is bad
KubeRay refuses the RayJob after it exists. It does so too where Ray would choose v2 by itself.

# What fixes it
`autoscalerOptions: {version: v2}`, or `autoscalerOptions.idleTimeoutSeconds` for all groups.

# Fails
```yaml
spec: {rayClusterSpec: {enableInTreeAutoscaling: true, workerGroupSpecs: [{idleTimeoutSeconds: 60}]}}
```

# Passes
```yaml
spec:
  rayClusterSpec:
    enableInTreeAutoscaling: true
    autoscalerOptions: {version: v2}
    workerGroupSpecs: [{idleTimeoutSeconds: 60}]
```
",
    group_idle_timeout,
);

fn group_idle_timeout(_: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    let is_v2 = is_v2(job) || v2_variable(job).is_some();
    for pod in job.workers() {
        let Some(seconds) = given(pod.group, "idleTimeoutSeconds").and_then(Value::as_i64) else {
            continue;
        };
        let (problem, fix) = match (seconds < 0, is_v2) {
            (true, _) => ("is below 0", "set idleTimeoutSeconds to at least 0"),
            (false, false) => ("needs the autoscaler v2", V2_FIELD),
            (false, true) => continue,
        };
        findings.push(
            Finding::new(
                pod.group_path().then_key("idleTimeoutSeconds"),
                format!("{}: idleTimeoutSeconds {seconds} {problem}", pod.title()),
            )
            .fix(fix),
        );
    }
}

/// K50.
pub const GROUP_PRIORITY: Check = refusal(
    "RG150",
    "a group's priority that the autoscaler does not know",
    Versions::since(KubeRay::V1_7),
    "# What it does
Finds a worker group with a `priority` other than 0 where `rayVersion` is missing, cannot be read or is below 2.56, or the
autoscaler is not v2: neither `autoscalerOptions.version: v2` nor the head's variable `RAY_enable_autoscaler_v2` of `1` or
`true`.

# Why it is bad
KubeRay refuses the RayJob after it exists.

# What fixes it
Set `rayVersion` to that of the image, and `autoscalerOptions: {version: v2}`.

# Fails
```yaml
spec: {rayClusterSpec: {rayVersion: 2.55.1, autoscalerOptions: {version: v2}, workerGroupSpecs: [{priority: 1}]}}
```

# Passes
```yaml
spec: {rayClusterSpec: {rayVersion: 2.56.0, autoscalerOptions: {version: v2}, workerGroupSpecs: [{priority: 1}]}}
```
",
    group_priority,
);

fn group_priority(_: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    let is_known = RayVersion::of(job).at_least(2, 56);
    let is_v2 = is_v2(job) || v2_variable(job).is_some();
    if is_known && is_v2 {
        return;
    }
    for pod in job.workers() {
        let priority = given(pod.group, "priority").and_then(Value::as_i64).unwrap_or(0);
        if priority == 0 {
            continue;
        }
        let (problem, fix) = if is_known {
            ("needs the autoscaler v2", V2_FIELD)
        } else {
            (
                "needs a rayVersion of 2.56.0 or later",
                "set rayVersion to that of the image",
            )
        };
        findings.push(
            Finding::new(
                pod.group_path().then_key("priority"),
                format!("{}: priority {priority} {problem}", pod.title()),
            )
            .fix(fix),
        );
    }
}

/// K62.
pub const V2_WITHOUT_AUTOSCALING: Check = refusal(
    "RG162",
    "the autoscaler v2 without autoscaling",
    Versions::since(KubeRay::V1_5),
    "# What it does
Finds the variable `RAY_enable_autoscaler_v2` of `1` or `true` in the head while `enableInTreeAutoscaling` is not true.

# Why it is bad
KubeRay refuses the RayJob after it exists.

# What fixes it
Remove the variable, or `RayJobConfig(enable_autoscaling=True)`.

# Fails
```yaml
spec:
  rayClusterSpec:
    headGroupSpec: {template: {spec: {containers: [{env: [{name: RAY_enable_autoscaler_v2, value: \"1\"}]}]}}}
```

# Passes
```yaml
spec:
  rayClusterSpec:
    headGroupSpec: {template: {spec: {containers: [{env: [{name: RAY_enable_autoscaler_v2, value: \"0\"}]}]}}}
```
",
    |_, job, findings| {
        if let Some(path) = v2_variable(job).filter(|_| !job.autoscales()) {
            findings.push(
                Finding::new(
                    path,
                    format!("head: {V2_VARIABLE} is on, and enableInTreeAutoscaling is not"),
                )
                .fix(format!("remove {V2_VARIABLE}, or set enableInTreeAutoscaling to true"))
                .flyte("RayJobConfig(enable_autoscaling=True)"),
            );
        }
    },
);

/// K63.
pub const VERSION_TWICE: Check = refusal(
    "RG163",
    "the autoscaler's version is given twice",
    CLUSTER_RULES,
    "# What it does
Finds `autoscalerOptions.version` beside the head's variable `RAY_enable_autoscaler_v2`, whatever their values, with
autoscaling.

# Why it is bad
KubeRay makes the variable of the field, and refuses a RayJob that has both.

# What fixes it
Remove the variable.

# Fails
```yaml
spec:
  rayClusterSpec:
    enableInTreeAutoscaling: true
    autoscalerOptions: {version: v2}
    headGroupSpec: {template: {spec: {containers: [{env: [{name: RAY_enable_autoscaler_v2, value: \"1\"}]}]}}}
```

# Passes
```yaml
spec:
  rayClusterSpec:
    enableInTreeAutoscaling: true
    autoscalerOptions: {version: v2}
```
",
    |_, job, findings| {
        let is_set = options(job).is_some_and(|options| given(options, "version").is_some());
        if let Some(path) = head_variable(job, V2_VARIABLE).filter(|_| is_set && job.autoscales()) {
            findings.push(
                Finding::new(
                    path,
                    format!("head: {V2_VARIABLE} beside autoscalerOptions.version, KubeRay takes one"),
                )
                .fix(format!("remove {V2_VARIABLE}")),
            );
        }
    },
);

/// K66.
pub const IDLE_TIMEOUT: Check = refusal(
    "RG166",
    "a negative idle timeout",
    Versions::since(KubeRay::V1_6),
    "# What it does
Finds an `autoscalerOptions.idleTimeoutSeconds` below 0, with or without autoscaling.

# Why it is bad
KubeRay refuses the RayJob after it exists.

# What fixes it
Set the seconds that a worker may be idle, or leave the field out: then it is a minute.

# Fails
```yaml
spec: {rayClusterSpec: {autoscalerOptions: {idleTimeoutSeconds: -1}}}
```

# Passes
```yaml
spec: {rayClusterSpec: {autoscalerOptions: {idleTimeoutSeconds: 0}}}
```
",
    |_, job, findings| {
        let seconds = options(job).and_then(|options| given(options, "idleTimeoutSeconds")?.as_i64());
        if let Some(seconds) = seconds.filter(|seconds| *seconds < 0) {
            findings.push(
                Finding::new(
                    cluster_path("autoscalerOptions").key("idleTimeoutSeconds"),
                    format!("autoscaler: idleTimeoutSeconds {seconds} is below 0"),
                )
                .fix("set idleTimeoutSeconds to at least 0"),
            );
        }
    },
);

/// K67.
pub const START_COMMAND: Check = refusal(
    "RG167",
    "the autoscaler's start command is overwritten",
    Versions::since(KubeRay::V1_7),
    "# What it does
Finds the variable `KUBERAY_GEN_AUTOSCALER_START_CMD` in `autoscalerOptions.env`.

# Why it is bad
KubeRay sets it itself, for arguments of your own to refer to. It refuses the RayJob after it exists.

# What fixes it
Remove the variable; a command of your own goes into `autoscalerOptions.command` and `args`.

# Fails
```yaml
spec: {rayClusterSpec: {autoscalerOptions: {env: [{name: KUBERAY_GEN_AUTOSCALER_START_CMD, value: x}]}}}
```

# Passes
```yaml
spec: {rayClusterSpec: {autoscalerOptions: {env: [{name: AUTOSCALER_START_CMD, value: x}]}}}
```
",
    |_, job, findings| {
        const VARIABLE: &str = "KUBERAY_GEN_AUTOSCALER_START_CMD";
        if let Some(index) = options(job).and_then(|options| position(options, VARIABLE)) {
            findings.push(
                Finding::new(
                    cluster_path("autoscalerOptions").key("env").index(index),
                    format!("autoscaler: {VARIABLE} is KubeRay's own"),
                )
                .fix(format!("remove {VARIABLE} from autoscalerOptions.env")),
            );
        }
    },
);
