//! # What it does
//! Compares `rayVersion` with the tag of the head's image, where that is an image of Ray itself (`ray`, `ray-ml`, `ray-llm`) and
//! both name a release.
//!
//! # Why it is bad
//! KubeRay decides by `rayVersion` what it may ask of Ray: from 1.6 on, with 2.53.0 or later it probes an endpoint that older
//! images do not have, and the pods never become ready. Every release checks other fields against it.
//!
//! # What fixes it
//! Set `rayVersion` to the image's, or leave it out, as Flyte does.
//!
//! # Fails
//! ```yaml
//! spec: {rayClusterSpec: {rayVersion: 2.53.0}}
//! ```
//!
//! # Passes
//! ```yaml
//! spec: {rayClusterSpec: {rayVersion: 2.52.1}}
//! ```

use crate::k8s::image::Image;
use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::RayJob;
use crate::ray::job::text;
use crate::ray::release::Release;
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG608",
    title: "rayVersion is not the image's",
    action: Action::Warn,
    fixes: false,
    versions: Versions::ALL,
    page: include_str!("ray_version.rs"),
    run,
};

fn run(_: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    let Some(said) = job
        .cluster
        .and_then(|cluster| Release::leading(text(cluster, "rayVersion")?))
    else {
        return;
    };
    let Some(image) = job.head().and_then(|head| head.main()).map(super::image) else {
        return;
    };
    let of_image = Image::parse(image)
        .ok()
        .and_then(|image| Release::of_image(image.repository(), image.tag()?));
    if let Some(of_image) = of_image.filter(|of_image| *of_image != said) {
        findings.push(
            Finding::new(
                Path::of(["spec", "rayClusterSpec", "rayVersion"]),
                format!("rayVersion {said} is not the head image's {of_image}"),
            )
            .fix(format!("set rayVersion to {of_image}, or leave it out")),
        );
    }
}
