//! Rules on authentication and the network policy (KubeRay 1.6 and 1.7, `validation.go`).

use std::collections::BTreeSet;

use serde_json::Value;

use crate::k8s::names::dns1123_label;
use crate::k8s::path::Path;
use crate::k8s::text::quoted;
use crate::ray::job::{items, text};
use crate::ray::{KubeRay, RayJob};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::ray_version::RayVersion;
use super::{cluster_field, cluster_path, given, refusal};

const AUTH: &str = "authOptions";
const POLICY: &str = "networkPolicy";

fn auth<'a>(job: &RayJob<'a>) -> Option<&'a Value> {
    cluster_field(job, AUTH)
}

fn is_by_token(auth: &Value) -> bool {
    text(auth, "mode") == Some("token")
}

fn is_by_kubernetes(auth: &Value) -> bool {
    given(auth, "enableK8sTokenAuth").and_then(Value::as_bool) == Some(true)
}

/// K29.
pub const KUBERNETES_TOKENS: Check = refusal(
    "RG129",
    "Kubernetes tokens in a RayJob",
    Versions::since(KubeRay::V1_6),
    "# What it does
Finds `authOptions.enableK8sTokenAuth: true`.

# Why it is bad
KubeRay offers it for RayClusters only, and refuses the RayJob after it exists.

# What fixes it
`authOptions: {mode: token}` alone.

# Fails
```yaml
spec: {rayClusterSpec: {authOptions: {mode: token, enableK8sTokenAuth: true}}}
```

# Passes
```yaml
spec: {rayClusterSpec: {authOptions: {mode: token, enableK8sTokenAuth: false}}}
```
",
    |_, job, findings| {
        if auth(job).is_some_and(is_by_kubernetes) {
            findings.push(
                Finding::new(
                    cluster_path(AUTH).then_key("enableK8sTokenAuth"),
                    "enableK8sTokenAuth in a RayJob, KubeRay refuses that",
                )
                .fix("remove enableK8sTokenAuth"),
            );
        }
    },
);

/// K69.
pub const TOKEN_VERSION: Check = refusal(
    "RG169",
    "token authentication without a Ray that has it",
    Versions::since(KubeRay::V1_5),
    "# What it does
Finds `authOptions.mode: token` where `rayVersion` is missing, cannot be read, or is below 2.52.

# Why it is bad
KubeRay refuses the RayJob after it exists. It reads `rayVersion` only, never the image; Flyte does not set it.

# What fixes it
Set `rayVersion` to that of the image: `2.52.1`. A `v` in front and anything after the numbers are fine.

# Fails
```yaml
spec: {rayClusterSpec: {rayVersion: 2.51.9, authOptions: {mode: token}}}
```

# Passes
```yaml
spec: {rayClusterSpec: {rayVersion: 2.52.0, authOptions: {mode: token}}}
```
",
    |_, job, findings| {
        let version = RayVersion::of(job);
        if version.at_least(2, 52) || !auth(job).is_some_and(is_by_token) {
            return;
        }
        let seen = match version {
            RayVersion::Unset => "is not set".to_owned(),
            RayVersion::Unreadable(text) => format!("{} cannot be read", quoted(text)),
            RayVersion::Known(text, _) => format!("{} is too old", quoted(text)),
        };
        findings.push(
            Finding::new(
                cluster_path("rayVersion"),
                format!("token authentication: rayVersion {seen}, it needs 2.52.0"),
            )
            .fix("set rayVersion to that of the image, 2.52.0 or later"),
        );
    },
);

/// K70.
pub const KUBERNETES_TOKEN_OPTIONS: Check = refusal(
    "RG170",
    "Kubernetes tokens with the wrong options",
    Versions::since(KubeRay::V1_6),
    "# What it does
Finds `authOptions.enableK8sTokenAuth: true` where the mode is not `token`, `secretName` is set too, or `rayVersion` is
below 2.55. A `rayVersion` that is missing or cannot be read is found by RG169, and that RayJobs cannot have it at all by
RG129.

# Why it is bad
KubeRay refuses the RayJob after it exists.

# What fixes it
Remove `enableK8sTokenAuth`.

# Fails
```yaml
spec: {rayClusterSpec: {rayVersion: 2.55.0, authOptions: {mode: token, enableK8sTokenAuth: true, secretName: mine}}}
```

# Passes
```yaml
spec: {rayClusterSpec: {rayVersion: 2.55.0, authOptions: {mode: token, enableK8sTokenAuth: true, secretName: \"\"}}}
```
",
    kubernetes_token_options,
);

fn kubernetes_token_options(_: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    let Some(auth) = auth(job).filter(|auth| is_by_kubernetes(auth)) else {
        return;
    };
    let mut wrong = |path: Path, problem: &str| {
        findings.push(
            Finding::new(path, format!("enableK8sTokenAuth {problem}"))
                .fix("remove enableK8sTokenAuth from authOptions"),
        );
    };
    if !is_by_token(auth) {
        return wrong(cluster_path(AUTH).then_key("mode"), "needs the mode token");
    }
    if let version @ RayVersion::Known(..) = RayVersion::of(job)
        && !version.at_least(2, 55)
    {
        wrong(cluster_path("rayVersion"), "needs a rayVersion of 2.55.0 or later");
    }
    if text(auth, "secretName").is_some_and(|name| !name.is_empty()) {
        wrong(
            cluster_path(AUTH).then_key("secretName"),
            "takes no token of a Secret, and secretName is set",
        );
    }
}

/// K71.
pub const NETWORK_POLICY: Check = refusal(
    "RG171",
    "the network policy contradicts itself",
    Versions::since(KubeRay::V1_7),
    "# What it does
With `networkPolicy`, finds that the feature gate `RayClusterNetworkPolicy` is off, that there are rules for a direction
that the mode does not restrict (`ingressRules` with `DenyAllEgress`, `egressRules` with `DenyAllIngress`), that a worker
group's name is no DNS label, or that an entry of `workerGroups` names no worker group.

# Why it is bad
KubeRay refuses the RayJob after it exists. The groups' names go into those of the policies, so capitals and underscores,
which are fine elsewhere, are not.

# What fixes it
Change or remove what the message names.

# Fails
```yaml
platform: {kuberay: {featureGates: {RayClusterNetworkPolicy: true}}}
spec: {rayClusterSpec: {networkPolicy: {workerGroups: [{groupName: others}]}}}
```

# Passes
```yaml
platform: {kuberay: {featureGates: {RayClusterNetworkPolicy: true}}}
spec: {rayClusterSpec: {networkPolicy: {workerGroups: [{groupName: workers}]}}}
```
",
    network_policy,
);

fn network_policy(cx: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    const GATE: &str = "RayClusterNetworkPolicy";
    let Some(policy) = cluster_field(job, POLICY) else {
        return;
    };
    if !cx.gate(GATE) {
        findings.push(
            Finding::new(
                cluster_path(POLICY),
                format!("networkPolicy needs the feature gate {GATE}, which is off here"),
            )
            .fix("remove networkPolicy, or have the gate turned on"),
        );
    }
    let mode = text(policy, "mode").unwrap_or("DenyAll");
    for part in ["head", "worker"] {
        if let Some(rules) = given(policy, part) {
            unrestricted(rules, mode, &cluster_path(POLICY).then_key(part), findings);
        }
    }
    let mut names = BTreeSet::new();
    for pod in job.workers() {
        let name = text(pod.group, "groupName").unwrap_or_default();
        names.insert(name);
        if let Err(error) = dns1123_label(name) {
            findings.push(
                Finding::new(
                    pod.group_path().then_key("groupName"),
                    format!(
                        "worker group name {} is not a valid DNS label, which its network policy needs: {error}",
                        quoted(name)
                    ),
                )
                .fix("name the group with lower-case letters, digits and dashes"),
            );
        }
    }
    for (index, group) in items(policy, "workerGroups").iter().enumerate() {
        let path = cluster_path(POLICY).then_key("workerGroups").index(index);
        unrestricted(group, mode, &path, findings);
        let name = text(group, "groupName").unwrap_or_default();
        if !names.contains(name) {
            findings.push(
                Finding::new(
                    path.key("groupName"),
                    format!("networkPolicy: there is no worker group {}", quoted(name)),
                )
                .fix("name one of workerGroupSpecs"),
            );
        }
    }
}

/// Finds rules for the direction that the mode leaves open.
fn unrestricted(rules: &Value, mode: &str, path: &Path, findings: &mut Findings) {
    let key = match mode {
        "DenyAllEgress" => "ingressRules",
        "DenyAllIngress" => "egressRules",
        _ => return,
    };
    if !items(rules, key).is_empty() {
        findings.push(
            Finding::new(
                path.key(key),
                format!("networkPolicy: {key} with {mode}, which leaves that way open"),
            )
            .fix(format!("remove {key}, or set mode to DenyAll")),
        );
    }
}
