//! Finds the annotation `ray.io/ft-enabled`, of any value but the empty one, beside `gcsFaultToleranceOptions`.

use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::Check;
use crate::rules::{Cx, Finding, Findings};

use super::super::{CLUSTER_RULES, validation};
use super::{ENABLED, annotation, options};

/// The check.
pub const CHECK: Check = Check {
    code: "RG151",
    title: "Fault tolerance must be configured in one place",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: CLUSTER_RULES,
    page: include_str!("annotation_and_options.md"),
    evidence: &[validation(&[154])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    if let Some(path) = annotation(job, ENABLED).filter(|_| options(job).is_some()) {
        findings.push(
            Finding::new(
                path,
                format!("{ENABLED} beside gcsFaultToleranceOptions, KubeRay takes one"),
            )
            .fix(format!("remove the annotation {ENABLED}")),
        );
    }
}
