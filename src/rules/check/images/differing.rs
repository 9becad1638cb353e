//! Finds workers, and in `K8sJobMode` a submitter, whose image is not the head's.

use crate::diag::quoted;
use crate::k8s::image::Image;
use crate::policy::settings::Action;
use crate::ray::release::Release;
use crate::ray::{Kinds, Role, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG603",
    title: "Pods of a cluster should use the same image",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("differing.md"),
    evidence: &[Evidence::Reason(
        "a worker with another version of Ray or Python leaves the cluster with `Version mismatch` (ray-project/ray#44063)",
    )],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
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
