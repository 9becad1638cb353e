//! Finds a schedule that matches no date.

use crate::diag::quoted;
use crate::policy::settings::Action;
use crate::ray::schedule::Schedule;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::{schedule, schedule_path};

/// The check.
pub const CHECK: Check = Check {
    code: "RG192",
    title: "Schedules must match at least one date",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::Only(&["RayCronJob"]),
    versions: Versions::since(KubeRay::V1_6),
    page: include_str!("never.md"),
    evidence: &[Evidence::Reason(
        "the operator creates a RayJob immediately if its cron library finds no next time (read in the source, not run)",
    )],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let parsed = schedule(job).map(|schedule| (schedule, Schedule::parse(schedule)));
    if let Some((schedule, Ok(parsed))) = parsed
        && parsed.is_never()
    {
        findings.push(
            Finding::new(
                schedule_path(),
                format!(
                    "schedule {} matches no date, KubeRay starts the job immediately",
                    quoted(schedule)
                ),
            )
            .fix("choose a day that the month has"),
        );
    }
}
