//! Finds a time zone in the schedule.

use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;
use super::{schedule, schedule_path};

/// The check.
pub const CHECK: Check = Check {
    code: "RG190",
    title: "Time zones belong in spec.timeZone, not in the schedule",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Only(&["RayCronJob"]),
    versions: Versions::since(KubeRay::V1_7),
    page: include_str!("schedule_zone.md"),
    evidence: &[validation(&[977])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    if schedule(job).is_some_and(|schedule| schedule.contains("TZ")) {
        findings.push(
            Finding::new(
                schedule_path(),
                "schedule contains `TZ`, KubeRay reads no time zone there",
            )
            .fix("set spec.timeZone, and remove the time zone from the schedule"),
        );
    }
}
