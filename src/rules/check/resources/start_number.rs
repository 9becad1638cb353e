//! Finds a `num-cpus`, `num-gpus`, `memory` or `object-store-memory` among `rayStartParams` that `ray start` does not
//! accept.

use crate::diag::quoted;
use crate::k8s::quantity::Quantity;
use crate::policy::settings::Action;
use crate::ray::told::{self, LEAST_OBJECT_STORE, NUMBERS, Number};
use crate::ray::{Kinds, Pod, Workload, flyte};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG210",
    title: "Numeric start parameters must be numbers that Ray accepts",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("start_number.md"),
    evidence: &[
        Evidence::Source("Ray 2.52.1", "python/ray/scripts/scripts.py", &[454]),
        Evidence::Source("Ray 2.52.1", "python/ray/_private/resource_and_label_spec.py", &[112]),
        Evidence::Source("Ray 2.52.1", "python/ray/_private/services.py", &[2175]),
    ],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in job.ray_pods().filter(|pod| pod.start_params().is_some()) {
        for key in NUMBERS {
            let (what, example) = match told::number(pod, key) {
                Some(Number::Malformed(text)) => (format!("{} is no whole number", quoted(text)), meant(key, text)),
                Some(Number::Whole(number)) if number < 0 => (format!("{number} is negative"), None),
                Some(Number::Whole(bytes)) if key == "object-store-memory" && bytes < LEAST_OBJECT_STORE => (
                    format!("{bytes} bytes is below the least of {LEAST_OBJECT_STORE}"),
                    Some(LEAST_OBJECT_STORE),
                ),
                Some(Number::Unknown) if is_unreadable(job, pod, key) => {
                    findings.push(
                        Finding::new(
                            pod.group_path().keys(["rayStartParams"]).name(key),
                            format!(
                                "{}: the autoscaler cannot read {key}, which bash evaluates; it adds no workers",
                                pod.title()
                            ),
                        )
                        .fix(format!("set rayStartParams.{key} to a whole number, or remove it"))
                        .flyte(flyte::setting(pod, &format!("ray_start_params={{\"{key}\": …}}")))
                        .warn_only(),
                    );
                    continue;
                }
                _ => continue,
            };
            let number = example.map_or_else(|| "a whole number".to_owned(), |number| format!("\"{number}\""));
            let unit = if key.ends_with("memory") { ", in bytes" } else { "" };
            let finding = Finding::new(
                pod.group_path().keys(["rayStartParams"]).name(key),
                format!("{}: {key} {what}, `ray start` refuses it", pod.title()),
            )
            .fix(format!("set rayStartParams.{key} to {number}{unit}, or leave it out"))
            .flyte(flyte::setting(
                pod,
                &format!(
                    "ray_start_params={{\"{key}\": {}}}",
                    example.map_or_else(|| "…".to_owned(), |n| format!("\"{n}\""))
                ),
            ));
            findings.push(if told::overwrites_command(job) {
                finding.warn_only()
            } else {
                finding
            });
        }
    }
}

/// Whether Ray's autoscaler reads a parameter that only bash can evaluate (Ray 2.52, `autoscaler/_private/kuberay`:
/// `int(ray_start_params["num-cpus"])`).
fn is_unreadable(job: &Workload<'_>, pod: &Pod<'_>, key: &str) -> bool {
    job.autoscales()
        && key != "object-store-memory"
        && pod.start_param(key).is_some_and(|value| value.contains(['$', '`']))
}

/// The number that a Kubernetes quantity stands for, where the author wrote one.
fn meant(key: &str, text: &str) -> Option<i64> {
    let quantity = Quantity::parse(text.trim_matches(['"', '\'', ' '])).ok()?;
    let number = quantity.value();
    let least = if key == "object-store-memory" {
        LEAST_OBJECT_STORE
    } else {
        0
    };
    (number >= least && !quantity.is_negative()).then_some(number)
}
