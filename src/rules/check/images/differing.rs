//! # What it does
//! Finds workers, and in `K8sJobMode` a submitter, whose image is not the head's: another repository, tag or digest. Two images
//! of Ray itself of one release, such as `ray:2.52.1` and `ray:2.52.1-gpu`, count as the same.
//!
//! # Why it is bad
//! Ray and Python must be of the same version everywhere: a worker of another one leaves with `Version mismatch`
//! (ray-project/ray#44063), and code that was serialized in one image may not load in the other. Every KubeRay release.
//!
//! # What fixes it
//! Use one image for all pods, as Flyte does, or images that were built from the same Ray.
//!
//! # Fails
//! ```yaml
//! spec: {rayClusterSpec: {workerGroupSpecs: [{template: {spec: {containers: [{image: "ghcr.io/my-org/ray:2.51.0"}]}}}]}}
//! ```
//!
//! # Passes
//! ```yaml
//! spec: {rayClusterSpec: {workerGroupSpecs: [{template: {spec: {containers: [{image: "ghcr.io/my-org/ray:2.52.1-gpu"}]}}}]}}
//! ```

use crate::k8s::image::Image;
use crate::k8s::text::quoted;
use crate::policy::settings::Action;
use crate::ray::release::Release;
use crate::ray::{RayJob, Role};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG603",
    title: "the pods run different images",
    action: Action::Warn,
    fixes: false,
    versions: Versions::ALL,
    page: include_str!("differing.rs"),
    run,
};

fn run(_: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    let Some(head) = job.head().and_then(|head| head.main()).map(super::image) else {
        return;
    };
    let Ok(of_head) = Image::parse(head) else { return };
    let submits = job.submission_mode() == "K8sJobMode";
    for pod in job.pods.iter().filter(|pod| pod.role != Role::Head) {
        let Some(main) = pod.main().filter(|_| pod.role == Role::Worker || submits) else {
            continue;
        };
        let image = super::image(main);
        if image == head || Image::parse(image).map_or(true, |image| is_same(&of_head, &image)) {
            continue;
        }
        findings.push(
            Finding::new(
                pod.container_path(main).then_key("image"),
                format!(
                    "{}: image {} is not the head's {}, Ray's versions may differ",
                    pod.title(),
                    quoted(image),
                    quoted(head)
                ),
            )
            .fix("use one image for all pods, or images built from the same Ray")
            .flyte(super::flyte_setting(pod, main)),
        );
    }
}

fn is_same(a: &Image<'_>, b: &Image<'_>) -> bool {
    let release = |image: &Image<'_>| Release::of_image(image.repository(), image.tag()?);
    a == b || release(a).is_some_and(|release_of_a| release(b) == Some(release_of_a))
}
