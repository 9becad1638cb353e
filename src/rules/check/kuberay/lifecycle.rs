//! Rules on times, suspension, the selected cluster and retries (KubeRay 1.6, `validation.go`, `ValidateRayJobSpec`).

use crate::k8s::path::Path;
use crate::ray::job::text;
use crate::ray::{KubeRay, RayJob};
use crate::rules::check::{Check, Versions};
use crate::rules::{Finding, Findings};

use super::{given, refusal};

/// The key of `clusterSelector` that KubeRay reads.
const CLUSTER_LABEL: &str = "ray.io/cluster";

/// K03.
pub const SUSPEND_WITHOUT_SHUTDOWN: Check = refusal(
    "RG103",
    "suspended, and not shut down at the end",
    Versions::ALL,
    "# What it does
Finds a RayJob with `suspend: true` that does not shut its cluster down.

# Why it is bad
KubeRay suspends a job by deleting its cluster, and refuses to do so for a job that keeps it: the job never starts, even
when it is resumed. Kueue suspends every RayJob that it queues.

# What fixes it
`RayJobConfig(shutdown_after_job_finishes=True)`.

# Fails
```yaml
spec: {suspend: true, shutdownAfterJobFinishes: false, ttlSecondsAfterFinished: 0}
```

# Passes
```yaml
spec: {suspend: true, shutdownAfterJobFinishes: true}
```
",
    |_, job, findings| {
        if job.flag("suspend") && !job.flag("shutdownAfterJobFinishes") {
            findings.push(
                Finding::new(
                    Path::of(["spec", "shutdownAfterJobFinishes"]),
                    "suspended without shutdown, KubeRay never starts the job",
                )
                .fix("set shutdownAfterJobFinishes to true")
                .flyte("RayJobConfig(shutdown_after_job_finishes=True)"),
            );
        }
    },
);

/// K04.
pub const TTL_NEGATIVE: Check = refusal(
    "RG104",
    "a negative TTL",
    Versions::since(KubeRay::V1_4),
    "# What it does
Finds a `ttlSecondsAfterFinished` below 0.

# Why it is bad
KubeRay refuses the RayJob after it exists, and the job never starts.

# What fixes it
`RayJobConfig(ttl_seconds_after_finished=300)`; 0 deletes the cluster at once.

# Fails
```yaml
spec: {ttlSecondsAfterFinished: -1}
```

# Passes
```yaml
spec: {ttlSecondsAfterFinished: 0}
```
",
    |_, job, findings| {
        below(
            job,
            "ttlSecondsAfterFinished",
            0,
            findings,
            Some("RayJobConfig(ttl_seconds_after_finished=300)"),
        );
    },
);

/// K05.
pub const TTL_WITHOUT_SHUTDOWN: Check = refusal(
    "RG105",
    "a TTL without shutdown",
    Versions::since(KubeRay::V1_4),
    "# What it does
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
    |_, job, findings| {
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
);

/// K20.
pub const SUSPEND_WITH_SELECTOR: Check = refusal(
    "RG120",
    "suspended on a selected cluster",
    Versions::ALL,
    "# What it does
Finds a RayJob with `suspend: true` that selects an existing cluster.

# Why it is bad
KubeRay suspends a job by deleting its cluster, and never deletes one that it did not make. It refuses the RayJob.

# What fixes it
Let the job make its own cluster, or do not suspend it.

# Fails
```yaml
spec: {suspend: true, clusterSelector: {ray.io/cluster: shared}}
```

# Passes
```yaml
spec: {suspend: false, clusterSelector: {ray.io/cluster: shared}}
```
",
    |_, job, findings| {
        if job.flag("suspend") && job.selects_cluster() {
            findings.push(
                Finding::new(
                    Path::of(["spec", "suspend"]),
                    "suspended on a selected cluster, KubeRay refuses that",
                )
                .fix("remove clusterSelector, or set suspend to false"),
            );
        }
    },
);

/// K21.
pub const NO_CLUSTER: Check = refusal(
    "RG121",
    "neither a cluster nor a selector for one",
    Versions::ALL,
    "# What it does
Finds a RayJob with neither `rayClusterSpec` nor `clusterSelector`.

# Why it is bad
There is no cluster to run on, and KubeRay refuses the RayJob after it exists. With both, the selector wins.

# What fixes it
Describe the cluster. Flyte always does.

# Fails
```yaml
spec: {rayClusterSpec: null}
```

# Passes
```yaml
spec: {rayClusterSpec: null, clusterSelector: {ray.io/cluster: shared}}
```
",
    |_, job, findings| {
        if given(job.spec, "rayClusterSpec").is_none() && !job.selects_cluster() {
            findings.push(
                Finding::new(
                    Path::of(["spec", "rayClusterSpec"]),
                    "neither rayClusterSpec nor clusterSelector is set, there is nothing to run on",
                )
                .fix("set rayClusterSpec"),
            );
        }
    },
);

/// K22.
pub const EMPTY_SELECTOR: Check = refusal(
    "RG122",
    "a cluster selector without a cluster's name",
    Versions::since(KubeRay::V1_5),
    "# What it does
Finds a `clusterSelector` without a value for `ray.io/cluster`.

# Why it is bad
That is the only key that KubeRay reads. Since 1.5 it refuses the RayJob; earlier releases tried again for ever.

# What fixes it
Name the cluster: `clusterSelector: {ray.io/cluster: shared}`.

# Fails
```yaml
spec: {clusterSelector: {cluster: shared}}
```

# Passes
```yaml
spec: {clusterSelector: {ray.io/cluster: shared}}
```
",
    |_, job, findings| {
        let selector = given(job.spec, "clusterSelector").filter(|_| job.selects_cluster());
        if selector.is_some_and(|selector| text(selector, CLUSTER_LABEL).unwrap_or_default().is_empty()) {
            findings.push(
                Finding::new(
                    Path::of(["spec", "clusterSelector", CLUSTER_LABEL]),
                    "clusterSelector names no cluster, KubeRay reads only ray.io/cluster",
                )
                .fix("set clusterSelector[\"ray.io/cluster\"] to the name of a RayCluster"),
            );
        }
    },
);

/// K24.
pub const RETRIES_WITH_SELECTOR: Check = refusal(
    "RG124",
    "retries on a selected cluster",
    Versions::since(KubeRay::V1_6),
    "# What it does
Finds a `backoffLimit` above 0 beside a `clusterSelector`.

# Why it is bad
A retry is a new cluster, and a selected one is not KubeRay's to make. Since 1.6 it refuses the RayJob.

# What fixes it
Leave `backoffLimit` out, and let Flyte retry: `@task(retries=2)`.

# Fails
```yaml
spec: {backoffLimit: 1, clusterSelector: {ray.io/cluster: shared}}
```

# Passes
```yaml
spec: {backoffLimit: 0, clusterSelector: {ray.io/cluster: shared}}
```
",
    |_, job, findings| {
        let limit = job.number("backoffLimit").unwrap_or(0);
        if limit > 0 && job.selects_cluster() {
            findings.push(
                Finding::new(
                    Path::of(["spec", "backoffLimit"]),
                    format!("backoffLimit {limit} with clusterSelector, KubeRay refuses that"),
                )
                .fix("set backoffLimit to 0")
                .flyte(format!("@task(retries={limit})")),
            );
        }
    },
);

/// K31.
pub const ACTIVE_DEADLINE: Check = refusal(
    "RG131",
    "a deadline that is not positive",
    Versions::ALL,
    "# What it does
Finds an `activeDeadlineSeconds` of 0 or less.

# Why it is bad
KubeRay refuses the RayJob after it exists. 0 does not mean \"no deadline\".

# What fixes it
Set the seconds after which the job is to be given up, or leave the field out.

# Fails
```yaml
spec: {activeDeadlineSeconds: 0}
```

# Passes
```yaml
spec: {activeDeadlineSeconds: 1}
```
",
    |_, job, findings| below(job, "activeDeadlineSeconds", 1, findings, None),
);

/// K32.
pub const PRE_RUNNING_DEADLINE: Check = refusal(
    "RG132",
    "a deadline before running that is not positive",
    Versions::since(KubeRay::V1_6),
    "# What it does
Finds a `preRunningDeadlineSeconds` of 0 or less.

# Why it is bad
The CRD of KubeRay 1.6 refuses it, and so does KubeRay itself.

# What fixes it
Set the seconds that the cluster may take to become ready, or leave the field out.

# Fails
```yaml
spec: {preRunningDeadlineSeconds: 0}
```

# Passes
```yaml
spec: {preRunningDeadlineSeconds: 1}
```
",
    |_, job, findings| below(job, "preRunningDeadlineSeconds", 1, findings, None),
);

/// K33.
pub const BACKOFF_NEGATIVE: Check = refusal(
    "RG133",
    "a negative number of retries",
    Versions::since(KubeRay::V1_2),
    "# What it does
Finds a `backoffLimit` below 0.

# Why it is bad
KubeRay refuses the RayJob after it exists. Its message asks for a positive number, but 0 is fine.

# What fixes it
Leave `backoffLimit` out, and let Flyte retry: `@task(retries=2)`.

# Fails
```yaml
spec: {backoffLimit: -1}
```

# Passes
```yaml
spec: {backoffLimit: 0}
```
",
    |_, job, findings| below(job, "backoffLimit", 0, findings, None),
);

fn below(job: &RayJob<'_>, key: &'static str, least: i64, findings: &mut Findings, flyte: Option<&str>) {
    let Some(seen) = job.number(key).filter(|seen| *seen < least) else {
        return;
    };
    let mut finding = Finding::new(
        Path::of(["spec", key]),
        format!("{key} {seen} is below {least}, KubeRay never starts the job"),
    )
    .fix(format!("set {key} to at least {least}, or leave it out"));
    if let Some(setting) = flyte {
        finding = finding.flyte(setting);
    }
    findings.push(finding);
}
