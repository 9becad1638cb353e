//! Finds an `activeDeadlineSeconds` above `limits.maxActiveDeadlineSeconds`, or none at all while that limit is set.

use crate::policy::settings::Action;
use crate::ray::Kinds;
use crate::rules::check::{Check, Evidence, Versions};

/// The check.
pub const CHECK: Check = Check {
    code: "RG402",
    title: "activeDeadlineSeconds must be set and must not exceed the policy's limit",
    action: Action::Fix,
    fixes: true,
    kinds: Kinds::Jobs,
    versions: Versions::ALL,
    page: include_str!("active_deadline.md"),
    evidence: &[Evidence::Limit("maxActiveDeadlineSeconds")],
    run: |cx, job, findings| {
        let default = super::default_of(cx, |lifecycle| lifecycle.active_deadline_seconds.as_ref());
        let most = cx.policy.limits.max_active_deadline_seconds;
        super::deadline(job, "activeDeadlineSeconds", "the job may run", most, default, findings);
    },
};
