//! Finds a schedule that KubeRay cannot read.

use crate::diag::quoted;
use crate::policy::settings::Action;
use crate::ray::schedule::Schedule;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;
use super::{schedule, schedule_path};

/// The check.
pub const CHECK: Check = Check {
    code: "RG189",
    title: "Schedules must be valid cron expressions",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Only(&["RayCronJob"]),
    versions: Versions::since(KubeRay::V1_6).failing_before(),
    page: include_str!("schedule.md"),
    evidence: &[validation(&[980])],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(schedule) = schedule(job).filter(|schedule| cx.kuberay() < KubeRay::V1_7 || !schedule.contains("TZ"))
    else {
        return;
    };
    if let Err(problem) = Schedule::parse(schedule) {
        findings.push(
            Finding::new(
                schedule_path(),
                format!("schedule {} is invalid: {problem}", quoted(schedule)),
            )
            .fix("write five fields such as `0 3 * * *`, or a name such as `@daily`"),
        );
    }
}
