//! # What it does
//! Finds images that none of the patterns in `limits.allowedImages` covers, in every container and init container of every pod.
//! Without that limit it finds nothing. An image that is no reference at all is RG602's.
//!
//! # Why it is bad
//! Code that nobody has looked at runs with the job's secrets and data; an image from the public hub also counts against its pull
//! limits. Every KubeRay release.
//!
//! # What fixes it
//! `@task(container_image="ghcr.io/my-org/ray:2.52.1")`. A pattern covers the whole reference with what is left out filled in:
//! `python` is `docker.io/library/python`.
//!
//! # Fails
//! ```yaml
//! policy: {limits: {allowedImages: ["ghcr.io/my-org/**"]}}
//! spec: {rayClusterSpec: {headGroupSpec: {template: {spec: {containers: [{image: "ghcr.io/other-org/ray:2.52.1"}]}}}}}
//! ```
//!
//! # Passes
//! ```yaml
//! policy: {limits: {allowedImages: ["ghcr.io/my-org/**", "docker.io/rayproject/ray:*"]}}
//! spec: {rayClusterSpec: {headGroupSpec: {template: {spec: {containers: [{image: "rayproject/ray:2.52.1"}]}}}}}
//! ```

use std::collections::BTreeMap;

use crate::k8s::image::{Image, ImagePattern};
use crate::k8s::text::quoted;
use crate::policy::settings::Action;
use crate::ray::RayJob;
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG601",
    title: "an image that is not allowed",
    action: Action::Deny,
    fixes: false,
    versions: Versions::ALL,
    page: include_str!("allowed.rs"),
    run,
};

fn run(cx: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    let Some(allowed) = &cx.policy.limits.allowed_images else {
        return;
    };
    let patterns: Vec<ImagePattern> = allowed
        .iter()
        .filter_map(|text| ImagePattern::parse(text).ok())
        .collect();
    let mut known: BTreeMap<&str, bool> = BTreeMap::new();
    for pod in &job.pods {
        for container in &pod.containers {
            let image = super::image(container);
            let is_refused = *known.entry(image).or_insert_with(|| {
                Image::parse(image).is_ok_and(|image| !patterns.iter().any(|pattern| pattern.matches(&image)))
            });
            if is_refused {
                findings.push(
                    Finding::new(
                        pod.container_path(container).then_key("image"),
                        format!("{}: image {} is not allowed here", pod.title(), quoted(image)),
                    )
                    .fix("use an image that limits.allowedImages covers")
                    .flyte(super::flyte_setting(pod, container)),
                );
            }
        }
    }
}
