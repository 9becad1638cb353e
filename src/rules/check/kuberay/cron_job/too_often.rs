//! Finds an interval of less than a minute.

use crate::policy::settings::Action;
use crate::ray::schedule::Schedule;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::{schedule, schedule_path};

/// The check.
pub const CHECK: Check = Check {
    code: "RG194",
    title: "Schedules should not run more than once a minute",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::Only(&["RayCronJob"]),
    versions: Versions::since(KubeRay::V1_7),
    page: include_str!("too_often.md"),
    evidence: &[Evidence::Reason(
        "the name of each RayJob ends in the minute of its run, so KubeRay creates at most one a minute",
    )],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    if let Some(Ok(Schedule::Every {
        seconds: seconds @ ..60,
    })) = schedule(job).map(Schedule::parse)
    {
        findings.push(
            Finding::new(
                schedule_path(),
                format!("schedule asks for a run every {seconds} s, KubeRay starts at most one a minute"),
            )
            .fix("write `@every 1m` or more"),
        );
    }
}
