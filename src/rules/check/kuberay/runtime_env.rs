//! The rule on `runtimeEnvYAML` (KubeRay 1.1 to 1.7, `UnmarshalRuntimeEnvYAML`): `sigs.k8s.io/yaml` must be able to read
//! it into a map.
//!
//! What that reader makes of a text, [`go_yaml`] says.

use crate::k8s::path::Path;
use crate::ray::job::text;
use crate::ray::{RayJob, go_yaml};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};
use crate::yaml::Limits;

use super::refusal;

/// The bounds within which it is read. A longer one is let pass: only KubeRay can tell.
const LIMITS: Limits = Limits {
    bytes: 1 << 18,
    nodes: 20_000,
    depth: 64,
    lookahead: 1 << 18,
};

/// K30.
pub const NOT_A_MAPPING: Check = refusal(
    "RG130",
    "the runtime environment is no YAML mapping",
    Versions::ALL,
    "# What it does
Finds a `runtimeEnvYAML` that is not YAML, or is YAML of something else than a mapping: a list, a text, a number. An empty
one is fine, and so are repeated keys, merge keys and keys that are numbers; after `---` nothing is read. What the keys
mean is not asked here, but by RG705.

# Why it is bad
KubeRay refuses the RayJob after it exists, and the job never starts.

# What fixes it
`RayJobConfig(runtime_env={\"pip\": [\"numpy\"]})`: Flyte writes the YAML.

# Fails
```yaml
spec: {runtimeEnvYAML: \"- numpy\"}
```

# Passes
```yaml
spec: {runtimeEnvYAML: \"pip: [numpy]\"}
```
",
    not_a_mapping,
);

fn not_a_mapping(_: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    let Some(problem) = text(job.spec, "runtimeEnvYAML").and_then(problem) else {
        return;
    };
    findings.push(
        Finding::new(
            Path::of(["spec", "runtimeEnvYAML"]),
            format!("runtimeEnvYAML {problem}, KubeRay never starts the job"),
        )
        .fix("write a YAML mapping, such as `pip: [numpy]`")
        .flyte("RayJobConfig(runtime_env={…})"),
    );
}

/// Why KubeRay cannot read a text into a map, in words that repeat nothing of it: it may hold secrets.
fn problem(text: &str) -> Option<String> {
    let document = match go_yaml::read(text, &LIMITS) {
        Ok(document) => document?,
        Err(refusal) => return Some(refusal.to_string()),
    };
    match document.root().kind() {
        "null" | "a mapping" => None,
        kind => Some(format!("is {kind}, not a mapping")),
    }
}

#[cfg(test)]
mod tests;
