//! Finds workers, and in `K8sJobMode` a submitter, whose image is not the head's.

use crate::diag::quoted;
use crate::k8s::image::Image;
use crate::policy::settings::Action;
use crate::ray::release::{cuda, is_rays_own, python};
use crate::ray::{Container, Kinds, Pod, Role, Workload, told};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::inject::submitter::runs_no_driver;
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
        // A submitter with a command of its own may need no Ray.
        if pod.role == Role::Submitter && !runs_no_driver(main.value) {
            continue;
        }
        let image = super::image(main);
        let Ok(of_pod) = Image::parse(image) else { continue };
        let difference = match (is_same(&of_head, &of_pod), pythons(&of_head, &of_pod)) {
            (_, Some((of_head, of_pod))) if pod.role == Role::Worker => {
                format!("Python 3.{of_pod} does not join a head with 3.{of_head}")
            }
            (true, _) => {
                findings.extend(other_cuda(job, pod, main));
                continue;
            }
            (false, _) => "Ray's versions may differ".to_owned(),
        };
        findings.push(
            Finding::new(
                pod.container_path(main).then_key("image"),
                format!(
                    "{}: image {} is not the head's {}; {difference}",
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

/// Whether two images are one, or Ray's own ones of one release: their tags begin alike, as `nightly` and `nightly-gpu`.
fn is_same(a: &Image<'_>, b: &Image<'_>) -> bool {
    let release = |image: &Image<'_>| {
        let release = tag(image)?.split('-').next().unwrap_or_default().to_owned();
        Some(release).filter(|_| is_rays_own(image.repository()))
    };
    let is_one = match (a.digest(), b.digest()) {
        // A digest says what an image is, whatever its tag and its registry.
        (Some(a), Some(b)) => a == b,
        (None, None) => has_same_name(a, b) && tag(a) == tag(b),
        _ => has_same_name(a, b) && a.tag().is_some() && a.tag() == b.tag(),
    };
    is_one || release(a).is_some_and(|release_of_a| release(b) == Some(release_of_a))
}

fn has_same_name(a: &Image<'_>, b: &Image<'_>) -> bool {
    a.registry() == b.registry() && a.repository() == b.repository()
}

/// What is found where a pod with GPUs has an image of Ray's for another CUDA than the first pod with GPUs.
fn other_cuda(job: &Workload<'_>, pod: &Pod<'_>, main: &Container<'_>) -> Option<Finding> {
    let of = |main: &Container<'_>| {
        let image = Image::parse(super::image(main)).ok().filter(|_| told::gpus(main) > 0)?;
        cuda(image.tag().filter(|_| is_rays_own(image.repository()))?)
    };
    let mine = of(main)?;
    let (first, other) = job.ray_pods().find_map(|pod| Some((pod, of(pod.main()?)?)))?;
    (mine != other).then(|| {
        Finding::new(
            pod.container_path(main).then_key("image"),
            format!(
                "{}: image {} has CUDA {mine}, and {} has CUDA {other}; libraries that connect their GPUs may fail",
                pod.title(),
                quoted(super::image(main)),
                first.title()
            ),
        )
        .fix("use images with the same CUDA for all pods with GPUs")
        .flyte(super::flyte_setting(pod, main))
    })
}

/// The tag of an image. Without one and without a digest it is the latest.
fn tag<'i>(image: &'i Image<'_>) -> Option<&'i str> {
    image.tag().or(image.digest().is_none().then_some("latest"))
}

/// The minor releases of Python 3 in two of Ray's own images, where their tags name different ones.
fn pythons(a: &Image<'_>, b: &Image<'_>) -> Option<(u8, u8)> {
    let minor = |image: &Image<'_>| {
        let tag = image.tag().filter(|_| is_rays_own(image.repository()))?;
        python(tag).map(|(_, minor)| minor)
    };
    Some((minor(a)?, minor(b)?)).filter(|(a, b)| a != b)
}
