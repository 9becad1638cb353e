//! Finds a `timeZone` that KubeRay does not know.

use crate::diag::quoted;
use crate::k8s::json::{below, text};
use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::schedule::{is_zone, nearest_zone};
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;

/// The check.
pub const CHECK: Check = Check {
    code: "RG191",
    title: "timeZone must be a name of the IANA time zone database",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Only(&["RayCronJob"]),
    versions: Versions::since(KubeRay::V1_6).failing_before(),
    page: include_str!("time_zone.md"),
    evidence: &[validation(&[986, 989])],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(zone) = text(below(job.object, &["spec"]), "timeZone") else {
        return;
    };
    let path = Path::of(["spec", "timeZone"]);
    if cx.kuberay() < KubeRay::V1_7 {
        findings.push(
            Finding::new(
                path,
                "KubeRay 1.6 ignores timeZone and uses the time zone of the operator",
            )
            .fix("write the time zone into the schedule: `TZ=Europe/Berlin 0 3 * * *`")
            .warn_only(),
        );
    } else if zone.is_empty() {
        findings.push(
            Finding::new(path, "timeZone is empty").fix("name a time zone such as `Europe/Berlin`, or remove timeZone"),
        );
    } else if !is_zone(zone) {
        let fix = match nearest_zone(zone) {
            Some(meant) => format!("write `{meant}`; names are case-sensitive"),
            None => "use a name such as `Europe/Berlin`".to_owned(),
        };
        findings.push(Finding::new(path, format!("time zone {} is unknown", quoted(zone))).fix(fix));
    }
}
