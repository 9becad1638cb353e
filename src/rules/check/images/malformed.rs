//! Finds containers without an image, and images that are no reference.

use crate::diag::{placeholder, quoted};
use crate::k8s::image::Image;
use crate::policy::settings::Action;
use crate::ray::{Kinds, Place, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG602",
    title: "Images must be present and valid",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("malformed.md"),
    evidence: &[
        Evidence::Source("Kubernetes 1.37.2", "pkg/apis/core/validation/validation.go", &[4012]),
        Evidence::Test("tests/quantity_go.rs", "image_references_are_what_the_kubelet_says"),
    ],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let mut last = "";
    for place in job.places() {
        let Place::Container(pod, container) = place else {
            continue;
        };
        let image = super::image(container);
        // KubeRay has images for the containers that it adds itself.
        if image.is_empty() && container.slot.is_kuberays() {
            continue;
        }
        let message = if image.is_empty() {
            format!("{}: container {} has no image", pod.title(), quoted(container.name))
        } else if image == last {
            continue;
        } else if let Err(error) = Image::parse(image) {
            match placeholder(image) {
                Some(variable) => format!(
                    "{}: the image has the variable {} that nobody filled in",
                    pod.title(),
                    quoted(variable)
                ),
                None => format!("{}: {error}", pod.title()),
            }
        } else {
            last = image;
            continue;
        };
        findings.push(
            Finding::new(pod.container_path(container).then_key("image"), message)
                .fix("write it like ghcr.io/my-org/ray:2.52.1")
                .flyte(super::flyte_setting(pod, container)),
        );
    }
}
