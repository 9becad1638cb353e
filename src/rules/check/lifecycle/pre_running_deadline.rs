//! Finds a `preRunningDeadlineSeconds` above `limits.maxPreRunningDeadlineSeconds`, or none at all while that limit is
//! set.

use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay};
use crate::rules::check::{Check, Evidence, Versions};

/// The check.
pub const CHECK: Check = Check {
    code: "RG403",
    title: "preRunningDeadlineSeconds must be set and must not exceed the policy's limit",
    action: Action::Fix,
    fixes: true,
    kinds: Kinds::Jobs,
    versions: Versions::since(KubeRay::V1_6),
    page: include_str!("pre_running_deadline.md"),
    evidence: &[Evidence::Limit("maxPreRunningDeadlineSeconds")],
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
