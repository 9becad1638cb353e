//! RG4xx: times, clean-up and cost.

pub mod active_deadline;
pub mod backoff_limit;
pub mod flyte_retries;
pub mod kept_for_ever;
pub mod leaking_rules;
pub mod no_deadline;
pub mod pre_running_deadline;
pub mod ttl;

use crate::ray::Workload;
use crate::rules::edit::Op;
use crate::rules::{Check, Cx, Finding, Findings};

/// The family, in the order of its codes.
pub static CHECKS: &[&Check] = &[
    &ttl::CHECK,
    &active_deadline::CHECK,
    &pre_running_deadline::CHECK,
    &backoff_limit::CHECK,
    &no_deadline::CHECK,
    &flyte_retries::CHECK,
    &leaking_rules::CHECK,
    &kept_for_ever::CHECK,
];

/// A deadline that is absent, which is infinite, or above the most that is allowed. The repair takes the platform's
/// own default where that is lower.
fn deadline(
    job: &Workload<'_>,
    key: &'static str,
    what: &str,
    most: Option<i64>,
    default: Option<i64>,
    findings: &mut Findings,
) {
    let Some(most) = most.filter(|_| job.spec.is_object()) else {
        return;
    };
    let seen = job.number(key);
    let (message, weight) = match seen {
        Some(seconds) if seconds <= most => return,
        Some(seconds) => (format!("{key} of {seconds} s is above the limit of {most} s"), seconds),
        None => (format!("no {key}: {what} for ever, the limit is {most} s"), i64::MAX),
    };
    let seconds = match seen {
        Some(_) => most,
        None => default.unwrap_or(most).min(most),
    };
    findings.push(
        Finding::new(job.job_path(key), message)
            .fix(format!("set {key} to at most {most}"))
            .weight(weight)
            .repair(
                format!("{key} set to {seconds}"),
                job.job_path(key),
                Op::Set(seconds.into()),
            ),
    );
}

/// The platform's own default of a time.
fn default_of(cx: &Cx<'_>, read: fn(&crate::policy::settings::Lifecycle) -> Option<&i64>) -> Option<i64> {
    read(&cx.policy.force.lifecycle)
        .or_else(|| read(&cx.policy.defaults.lifecycle))
        .copied()
}
