//! Finds tolerations that contradict themselves or have unknown words.

use crate::diag::{quoted, suggest};
use crate::json::Json;
use crate::k8s::json::{given, items, text};
use crate::k8s::names::{label_key, label_value};
use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::edit::Op;
use crate::rules::{Cx, Findings};

use super::fault::{Faults, in_each_pod};

/// The check.
pub const CHECK: Check = Check {
    code: "RG911",
    title: "Tolerations must be valid",
    action: Action::Fix,
    fixes: true,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("tolerations.md"),
    evidence: &[
        Evidence::Source(
            "Kubernetes 1.37.2",
            "pkg/apis/core/validation/validation.go",
            &[4509, 4521],
        ),
        Evidence::Test("tests/pods.rs", "no_pod_is_rejected_that_kubernetes_accepts"),
    ],
    run,
};

const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    in_each_pod(job, findings, |faults| {
        for (index, toleration) in items(faults.pod.spec, "tolerations").iter().enumerate() {
            if toleration.is_object() {
                let at = faults.pod.spec_path().then_key("tolerations").then_index(index);
                look(faults, toleration, &at);
            }
        }
    });
}

fn look(faults: &mut Faults<'_, '_, '_>, toleration: Json<'_>, at: &Path) {
    let [key, operator, value, effect] =
        ["key", "operator", "value", "effect"].map(|field| text(toleration, field).unwrap_or_default());
    let shown = match key {
        "" => "a toleration without a key".to_owned(),
        key => format!("the toleration of {}", quoted(key)),
    };
    if let Some(error) = label_key(key).err().filter(|_| !key.is_empty()) {
        faults.report(
            at.key("key"),
            &format!("{shown}: its key is invalid, {error}"),
            "write the key of the taint",
        );
    }
    if key.is_empty() && operator != "Exists" {
        let fix = "set the key of the taint, or operator: Exists to tolerate everything";
        faults.report(at.key("operator"), &format!("{shown} needs operator Exists"), fix);
    }
    match operator {
        "Exists" if !value.is_empty() => {
            let what = format!("{shown} has operator Exists and a value");
            let done = format!(
                "{}: {shown}: removed its value, because its operator is Exists",
                faults.pod.title()
            );
            let finding = faults.finding(None, at.key("value"), &what, "remove the value, or use operator: Equal");
            faults.push(finding.repair(done, at.key("value"), Op::Remove));
        }
        "Exists" => {}
        "" | "Equal" => {
            if let Err(error) = label_value(value) {
                let what = format!("{shown}: its value {} is invalid, {error}", quoted(value));
                faults.report(at.key("value"), &what, "write the value of the taint");
            }
        }
        "Lt" | "Gt" => {
            let what = format!("{shown} has the operator {operator}");
            let who = "Kubernetes without the feature gate TaintTolerationComparisonOperators";
            faults.warn(None, at.key("operator"), (&what, who), "use operator: Equal or Exists");
        }
        operator => {
            let what = format!("{shown}: its operator {} is unknown", quoted(operator));
            faults.report(at.key("operator"), &what, "write Exists or Equal");
        }
    }
    if !effect.is_empty() && !EFFECTS.contains(&effect) {
        let what = format!("{shown}: its effect {} is unknown", quoted(effect));
        let fix = suggest(effect, EFFECTS).map_or_else(
            || "write NoSchedule, PreferNoSchedule or NoExecute".to_owned(),
            |near| format!("did you mean {near}?"),
        );
        faults.report(at.key("effect"), &what, &fix);
    }
    if given(toleration, "tolerationSeconds").is_some() && effect != "NoExecute" {
        let what = format!("{shown} has tolerationSeconds without the effect NoExecute");
        faults.report(
            at.key("tolerationSeconds"),
            &what,
            "remove tolerationSeconds, or set effect: NoExecute",
        );
    }
}
