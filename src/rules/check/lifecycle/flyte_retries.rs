//! # What it does
//! Finds a `backoffLimit` above 0 on a RayJob that Flyte made. KubeRay 1.2 and later.
//!
//! # Why it is bad
//! Between two attempts KubeRay says `Retrying`, which Flyte does not know: its plugin reports an error instead of waiting
//! (flyteplugins, `ray.go`). Each retry is a new cluster, too.
//!
//! # What fixes it
//! Let Flyte retry: `@task(retries=2)`. Flyte never sets `backoffLimit`, so a policy or another webhook has.
//!
//! # Fails
//! ```yaml
//! metadata: {labels: {project: ml, domain: production, task-name: train}}
//! spec: {backoffLimit: 1}
//! ```
//!
//! # Passes
//! ```yaml
//! metadata: {labels: {project: ml, domain: production, task-name: train}}
//! spec: {backoffLimit: 0}
//! ```

use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::{KubeRay, RayJob, flyte};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG406",
    title: "KubeRay retries a job of Flyte's",
    action: Action::Warn,
    fixes: false,
    versions: Versions::since(KubeRay::V1_2),
    page: include_str!("flyte_retries.rs"),
    run,
};

fn run(_: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    let retries = job.number("backoffLimit").unwrap_or(0);
    if retries > 0 && flyte::made_by_flyte(job) {
        findings.push(
            Finding::new(
                Path::of(["spec", "backoffLimit"]),
                format!("backoffLimit {retries}: Flyte does not know KubeRay's status Retrying and reports an error"),
            )
            .fix("leave backoffLimit out")
            .flyte("@task(retries=…)")
            .weight(retries),
        );
    }
}
