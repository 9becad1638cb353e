//! Finds a pod whose priority class is not in the cluster.

use crate::facts::Fact;
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Findings};

use super::missing::{Field, find};

/// The check.
pub const CHECK: Check = Check {
    code: "RG809",
    title: "Priority classes must exist in the cluster",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("priority_class.md"),
    evidence: &[
        Evidence::Source(
            "Kubernetes 1.37.2",
            "plugin/pkg/admission/priority/admission.go",
            &[363],
        ),
        Evidence::Test("tests/facts.rs", "the_api_server_agrees"),
    ],
    run,
};

const FIELD: Field = Field {
    key: "priorityClassName",
    fact: Fact::PriorityClass,
    word: "priority class",
    built_in: &["system-node-critical", "system-cluster-critical"],
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(classes) = cx.facts.priority_classes() else {
        return;
    };
    find(&FIELD, cx, job, classes.keys().map(String::as_str), findings);
}
