//! Rules on times, deletion and suspension (KubeRay 1.6, `validation.go`, `ValidateRayJobSpec`).

use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::KubeRay;
use crate::rules::Finding;
use crate::rules::check::{Check, Versions};

/// K05.
pub const TTL_WITHOUT_SHUTDOWN: Check = Check {
    code: "RG105",
    title: "a TTL without shutdown",
    action: Action::Deny,
    fixes: false,
    versions: Versions::since(KubeRay::V1_4),
    page: "# What it does
Finds a RayJob with a `ttlSecondsAfterFinished` above 0 that does not shut its cluster down.

# Why it is bad
KubeRay refuses it after it exists, and the job never starts. In Flyte it comes from a platform configuration with
shutdown off and the TTL left at its default of 3600.

# What fixes it
`RayJobConfig(shutdown_after_job_finishes=True, ttl_seconds_after_finished=300)`, or no TTL.

# Fails
```yaml
spec: {shutdownAfterJobFinishes: false, ttlSecondsAfterFinished: 60}
```

# Passes
```yaml
spec: {shutdownAfterJobFinishes: true, ttlSecondsAfterFinished: 60}
```
",
    run: |_, job, findings| {
        let ttl = job.number("ttlSecondsAfterFinished").unwrap_or(0);
        if ttl > 0 && !job.flag("shutdownAfterJobFinishes") {
            findings.push(
                Finding::new(
                    Path::of(["spec", "ttlSecondsAfterFinished"]),
                    format!("a TTL of {ttl} s without shutdown, KubeRay never starts the job"),
                )
                .fix("set shutdownAfterJobFinishes to true, or leave the TTL out")
                .flyte("RayJobConfig(shutdown_after_job_finishes=True)"),
            );
        }
    },
};
