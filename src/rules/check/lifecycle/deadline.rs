//! Deadlines and their defaults.

use crate::ray::Workload;
use crate::rules::edit::Op;
use crate::rules::{Cx, Finding, Findings};

/// A deadline that is absent, which is infinite, or above the most that is allowed. The repair takes the platform's
/// own default where that is lower.
pub(super) fn deadline(
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
        None => (
            format!("no {key}: {what} indefinitely, the limit is {most} s"),
            i64::MAX,
        ),
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
pub(super) fn default_of(cx: &Cx<'_>, read: fn(&crate::policy::settings::Lifecycle) -> Option<&i64>) -> Option<i64> {
    read(&cx.policy.force.lifecycle)
        .or_else(|| read(&cx.policy.defaults.lifecycle))
        .copied()
}
