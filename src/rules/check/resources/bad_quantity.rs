//! Finds a container resource that Kubernetes cannot read, that is negative, or that asks for a part of a device.

use crate::diag::{placeholder, quoted};
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::{is_exact, named, place, setting};

/// The check.
pub const CHECK: Check = Check {
    code: "RG205",
    title: "Quantities must be valid, at least 0, and whole for devices",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("bad_quantity.md"),
    evidence: &[Evidence::Source(
        "Kubernetes 1.37.2",
        "pkg/apis/core/validation/validation.go",
        &[380, 8550],
    )],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in &job.pods {
        for container in pod.authored() {
            for (block, resources) in [("requests", &container.requests), ("limits", &container.limits)] {
                for resource in resources {
                    let key = resource.key;
                    let (what, fix) = match resource.quantity() {
                        None if resource.value.as_str().and_then(placeholder).is_some() => (
                            "is a variable that nobody filled in",
                            "write a number with a unit, like 8, 500m or 32Gi",
                        ),
                        None => ("is no quantity", "write a number with a unit, like 8, 500m or 32Gi"),
                        Some(quantity) if quantity.is_negative() => ("is negative", "write a positive quantity"),
                        Some(quantity) if is_exact(key) && !quantity.is_integer() => {
                            ("is not a whole number of devices", "write a whole number")
                        }
                        Some(_) => continue,
                    };
                    findings.push(
                        Finding::new(
                            pod.container_path(container).keys(["resources", block]).name(key),
                            format!(
                                "{}: {} {} {} {what}, no pod can be created",
                                place(pod, container),
                                named(key),
                                block.trim_end_matches('s'),
                                quoted(&resource.seen())
                            ),
                        )
                        .fix(fix)
                        .flyte(setting(pod, container, block, key, example(key))),
                    );
                }
            }
        }
    }
}

/// A quantity of the right size for a resource.
fn example(key: &str) -> &'static str {
    match key {
        "memory" | "ephemeral-storage" => "32Gi",
        _ => "1",
    }
}
