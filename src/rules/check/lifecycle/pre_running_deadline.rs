//! # What it does
//! Finds a `preRunningDeadlineSeconds` above `limits.maxPreRunningDeadlineSeconds`, or none at all while that limit is set.
//! Without the limit it finds nothing. KubeRay 1.6 and later; older releases drop the field without a word.
//!
//! # Why it is bad
//! A cluster that cannot become ready (an image that cannot be pulled, a GPU that no node has, a probe that never answers)
//! waits for ever, and the pods that did start hold their GPUs.
//!
//! # What fixes it
//! The repair sets the limit, or the platform's lower default where the job has no such deadline. Flyte itself never sets
//! this field.
//!
//! # Fails
//! ```yaml
//! policy: {limits: {maxPreRunningDeadlineSeconds: 3600}}
//! spec: {preRunningDeadlineSeconds: 7200}
//! ```
//!
//! # Passes
//! ```yaml
//! policy: {limits: {maxPreRunningDeadlineSeconds: 3600}}
//! spec: {preRunningDeadlineSeconds: 3600}
//! ```

use crate::policy::settings::Action;
use crate::ray::KubeRay;
use crate::rules::check::{Check, Versions};

/// The check.
pub const CHECK: Check = Check {
    code: "RG403",
    title: "preRunningDeadlineSeconds is above the limit, or missing",
    action: Action::Fix,
    fixes: true,
    versions: Versions::since(KubeRay::V1_6),
    page: include_str!("pre_running_deadline.rs"),
    run: |cx, job, findings| {
        let default = super::default_of(cx, |lifecycle| lifecycle.pre_running_deadline_seconds.as_ref());
        let most = cx.policy.limits.max_pre_running_deadline_seconds;
        super::deadline(
            job,
            "preRunningDeadlineSeconds",
            "the cluster may take to start",
            most,
            default,
            findings,
        );
    },
};
