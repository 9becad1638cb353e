//! Rules on the RayJob's name (KubeRay 1.6, `validation.go`, `ValidateRayJobMetadata`).

use crate::k8s::names::dns1035_label;
use crate::k8s::path::Path;
use crate::k8s::text::quoted;
use crate::ray::{KubeRay, RayJob};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::refusal;

/// The longest name in bytes, so that the cluster's and its Service's names fit.
const LONGEST: usize = 47;

/// K01.
pub const NAME_TOO_LONG: Check = refusal(
    "RG101",
    "the RayJob's name is too long",
    Versions::since(KubeRay::V1_4),
    "# What it does
Finds a RayJob whose name has more than 47 characters.

# Why it is bad
KubeRay makes the names of the cluster and its Service from it, and refuses a longer one only after the RayJob exists:
its status stays empty and the job never starts. Seen in ray-project/kuberay#3980 and kubernetes-sigs/kueue#13413,
where such jobs held the quota of 18 GPUs for weeks. Before KubeRay 1.4 the names were cut silently
(ray-project/kuberay#2169).

# What fixes it
Flyte makes the name of execution, node and attempt; start the execution with a shorter name.

# Fails
```yaml
metadata: {name: a-name-of-forty-eight-characters-is-one-too-long}
```

# Passes
```yaml
metadata: {name: a-name-of-forty-seven-characters-just-about-fit}
```
",
    |cx, job, findings| {
        let name = job.name();
        if cx.named && name.len() > LONGEST {
            findings.push(
                Finding::new(
                    Path::of(["metadata", "name"]),
                    format!(
                        "the RayJob's name {} has {} characters, KubeRay takes at most {LONGEST}",
                        quoted(name),
                        name.len()
                    ),
                )
                .fix(format!("use a name of at most {LONGEST} characters"))
                .flyte("a shorter execution name")
                .weight(i64::try_from(name.len()).unwrap_or(i64::MAX)),
            );
        }
    },
);

/// K02.
pub const NAME_FORM: Check = refusal(
    "RG102",
    "the RayJob's name is no Service name",
    Versions::since(KubeRay::V1_4),
    "# What it does
Finds a RayJob whose name does not begin with a letter, or has other characters than lower-case letters, digits and
dashes.

# Why it is bad
Kubernetes lets such a name pass, and KubeRay refuses it after the RayJob exists, because a Service cannot carry it.

# What fixes it
Use a name such as `train-7`.

# Fails
```yaml
metadata: {name: 7-train}
```

# Passes
```yaml
metadata: {name: train-7}
```
",
    name_form,
);

fn name_form(cx: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    let name = job.name();
    if !cx.named || name.len() > LONGEST {
        return;
    }
    if let Err(error) = dns1035_label(name) {
        findings.push(
            Finding::new(
                Path::of(["metadata", "name"]),
                format!("RayJob name {} is not a valid DNS label: {error}", quoted(name)),
            )
            .fix("start with a letter, and use lowercase letters, digits and `-`")
            .flyte("another execution name"),
        );
    }
}
