//! Finds the annotation `ray.io/external-storage-namespace` beside `gcsFaultToleranceOptions`.

use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::Check;
use crate::rules::{Cx, Finding, Findings};

use super::super::{CLUSTER_RULES, validation};
use super::{annotation, options};

/// The check.
pub const CHECK: Check = Check {
    code: "RG156",
    title: "The external storage namespace must not be an annotation",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: CLUSTER_RULES,
    page: include_str!("namespace_annotation.md"),
    evidence: &[validation(&[184])],
    run,
};

const NAMESPACE: &str = "ray.io/external-storage-namespace";

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    if let Some(path) = annotation(job, NAMESPACE).filter(|_| options(job).is_some()) {
        findings.push(
            Finding::new(
                path,
                format!("{NAMESPACE} beside gcsFaultToleranceOptions, KubeRay takes one"),
            )
            .fix("move it to gcsFaultToleranceOptions.externalStorageNamespace"),
        );
    }
}
