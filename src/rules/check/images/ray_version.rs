//! Compares `rayVersion` with the tag of the head's image, where that is an image of Ray itself (`ray`, `ray-ml`,
//! `ray-llm`) and both name a release.

use crate::k8s::image::Image;
use crate::k8s::json::text;
use crate::policy::settings::Action;
use crate::ray::release::Release;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG608",
    title: "rayVersion should be the version of the image",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("ray_version.md"),
    evidence: &[Evidence::Source(
        "KubeRay 1.7.0",
        "ray-operator/controllers/ray/common/pod.go",
        &[721],
    )],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
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
                job.cluster_path("rayVersion"),
                format!("rayVersion {said} is not the head image's {of_image}"),
            )
            .fix(format!("set rayVersion to {of_image}, or leave it out")),
        );
    }
}
