//! # What it does
//! Finds an `activeDeadlineSeconds` above `limits.maxActiveDeadlineSeconds`, or none at all while that limit is set. Without
//! the limit it finds nothing.
//!
//! # Why it is bad
//! A job without a deadline ends only when its driver does. One that hangs holds its GPUs for ever: clusters were seen
//! alive for half a day after the work was done (flyteorg/flyte#3897).
//!
//! # What fixes it
//! The repair sets the limit, or the platform's lower default where the job has no deadline. Flyte itself never sets this
//! field. It counts from the start of each attempt, in every KubeRay release.
//!
//! # Fails
//! ```yaml
//! policy: {limits: {maxActiveDeadlineSeconds: 3600}}
//! spec: {activeDeadlineSeconds: 7200}
//! ```
//!
//! # Passes
//! ```yaml
//! policy: {limits: {maxActiveDeadlineSeconds: 3600}}
//! spec: {activeDeadlineSeconds: 3600}
//! ```

use crate::policy::settings::Action;
use crate::rules::check::{Check, Versions};

/// The check.
pub const CHECK: Check = Check {
    code: "RG402",
    title: "activeDeadlineSeconds is above the limit, or missing",
    action: Action::Fix,
    fixes: true,
    versions: Versions::ALL,
    page: include_str!("active_deadline.rs"),
    run: |cx, job, findings| {
        let default = super::default_of(cx, |lifecycle| lifecycle.active_deadline_seconds.as_ref());
        let most = cx.policy.limits.max_active_deadline_seconds;
        super::deadline(job, "activeDeadlineSeconds", "the job may run", most, default, findings);
    },
};
