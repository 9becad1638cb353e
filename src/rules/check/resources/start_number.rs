//! # What it does
//! Finds a `num-cpus`, `num-gpus`, `memory` or `object-store-memory` among `rayStartParams` that `ray start` does not
//! accept: not a whole number, negative, or an object store below 75 MiB.
//!
//! # Why it is bad
//! These are plain numbers, memory in bytes; Kubernetes' units mean nothing to them. `ray start` ends with a usage error,
//! and the pod restarts for ever. KubeRay passes them on unread, in every release. A value with a `$` is left to the
//! shell, and the author's own command (`ray.io/overwrite-container-cmd`) may not use them at all: then it warns.
//!
//! # What fixes it
//! Write whole numbers: `num-cpus: "2"`, `memory: "34359738368"`. Better, leave them out: KubeRay derives them from the
//! container. In Flyte: `HeadNodeConfig(ray_start_params={"num-cpus": "0"})`.
//!
//! # Fails
//! ```yaml
//! spec: {rayClusterSpec: {headGroupSpec: {rayStartParams: {num-cpus: 500m}}}}
//! ```
//!
//! # Passes
//! ```yaml
//! spec: {rayClusterSpec: {headGroupSpec: {rayStartParams: {num-cpus: "0"}}}}
//! ```

use crate::k8s::quantity::Quantity;
use crate::k8s::text::quoted;
use crate::policy::settings::Action;
use crate::ray::told::{self, LEAST_OBJECT_STORE, NUMBERS, Number};
use crate::ray::{RayJob, flyte};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG210",
    title: "a start parameter is not the number that Ray needs",
    action: Action::Deny,
    fixes: false,
    versions: Versions::ALL,
    page: include_str!("start_number.rs"),
    run,
};

fn run(_: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    for pod in job.ray_pods().filter(|pod| pod.start_params().is_some()) {
        for key in NUMBERS {
            let (what, example) = match told::number(pod, key) {
                Some(Number::Malformed(text)) => (format!("{} is no whole number", quoted(text)), meant(key, text)),
                Some(Number::Whole(number)) if number < 0 => (format!("{number} is negative"), None),
                Some(Number::Whole(bytes)) if key == "object-store-memory" && bytes < LEAST_OBJECT_STORE => (
                    format!("{bytes} bytes is below the least of {LEAST_OBJECT_STORE}"),
                    Some(LEAST_OBJECT_STORE),
                ),
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
