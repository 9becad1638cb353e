//! Finds topology spread constraints that Kubernetes cannot read.

use std::collections::BTreeSet;

use crate::diag::{quoted, suggest};
use crate::k8s::json::{child, given, items, text};
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Findings};

use super::fault::in_each_pod;
use super::selector;

/// The check.
pub const CHECK: Check = Check {
    code: "RG915",
    title: "Topology spread constraints must be valid",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("topology_spread.md"),
    evidence: &[
        Evidence::Source("Kubernetes 1.37.2", "pkg/apis/core/validation/validation.go", &[9171]),
        Evidence::Test("tests/pods.rs", "no_pod_is_rejected_that_kubernetes_accepts"),
    ],
    run,
};

const WHEN: [&str; 2] = ["DoNotSchedule", "ScheduleAnyway"];

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    in_each_pod(job, findings, |faults| {
        let mut seen = BTreeSet::new();
        for (index, constraint) in items(faults.pod.spec, "topologySpreadConstraints").iter().enumerate() {
            if !constraint.is_object() {
                continue;
            }
            let at = faults
                .pod
                .spec_path()
                .then_key("topologySpreadConstraints")
                .then_index(index);
            let key = text(constraint, "topologyKey").unwrap_or_default();
            let when = text(constraint, "whenUnsatisfiable").unwrap_or_default();
            if key.is_empty() {
                let what = "a topology spread constraint has no topologyKey";
                faults.report(at.key("topologyKey"), what, "write the key of a node's label");
            }
            if child(constraint, "maxSkew").as_i64().unwrap_or_default() < 1 {
                let what = format!("the topology spread of {} has no positive maxSkew", quoted(key));
                faults.report(at.key("maxSkew"), &what, "set maxSkew to 1 or more");
            }
            if !WHEN.contains(&when) {
                let what = format!(
                    "the topology spread of {} has the unknown whenUnsatisfiable {}",
                    quoted(key),
                    quoted(when)
                );
                let fix = suggest(when, WHEN).map_or_else(
                    || "write DoNotSchedule or ScheduleAnyway".to_owned(),
                    |near| format!("did you mean {near}?"),
                );
                faults.report(at.key("whenUnsatisfiable"), &what, &fix);
            } else if !seen.insert((key, when)) {
                let what = format!(
                    "two topology spread constraints have the key {} and {when}",
                    quoted(key)
                );
                faults.report(at.clone(), &what, "keep one of them");
            }
            if let Some(domains) = given(constraint, "minDomains").map(|domains| domains.as_i64().unwrap_or_default()) {
                let wrong = match when {
                    _ if domains < 1 => "minDomains must be 1 or more",
                    "ScheduleAnyway" => "minDomains needs whenUnsatisfiable: DoNotSchedule",
                    _ => "",
                };
                if !wrong.is_empty() {
                    let what = format!("the topology spread of {}: {wrong}", quoted(key));
                    faults.report(at.key("minDomains"), &what, "leave minDomains out");
                }
            }
            let whose = format!("the topology spread of {}", quoted(key));
            selector::look(
                faults,
                &whose,
                child(constraint, "labelSelector"),
                &at.key("labelSelector"),
            );
        }
    });
}
