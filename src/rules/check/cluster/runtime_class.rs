//! Finds a pod whose runtime class is not in the cluster.

use crate::facts::Fact;
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Findings};

use super::missing::{Field, find};

/// The check.
pub const CHECK: Check = Check {
    code: "RG812",
    title: "Runtime classes must exist in the cluster",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("runtime_class.md"),
    evidence: &[
        Evidence::Source(
            "Kubernetes 1.37.2",
            "plugin/pkg/admission/runtimeclass/admission.go",
            &[158],
        ),
        Evidence::Test("tests/facts.rs", "the_api_server_agrees"),
    ],
    run,
};

const FIELD: Field = Field {
    key: "runtimeClassName",
    fact: Fact::RuntimeClass,
    word: "runtime class",
    built_in: &[],
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    if job.runs_elsewhere() {
        return;
    }
    let Some(classes) = cx.facts.runtime_classes() else {
        return;
    };
    find(&FIELD, cx, job, classes.keys().map(String::as_str), findings);
}
