//! # What it does
//! Finds a memory volume at `/dev/shm` without a `sizeLimit`, or with one of 0, in a container without a memory limit.
//! Flyte's `shared_memory=True` writes 0.
//!
//! # Why it is bad
//! Nothing bounds it then but the node: a full object store takes the memory of the other pods there, and the kernel
//! chooses whom it kills. With a memory limit the kubelet sizes the volume by that.
//!
//! # What fixes it
//! A memory limit, `WorkerNodeConfig(limits=Resources(mem="32Gi"))`, or a size: `@task(shared_memory="16Gi")`.
//!
//! # Fails
//! ```yaml
//! spec: {rayClusterSpec: {headGroupSpec: {template: {spec: {
//!   volumes: [{name: fast, emptyDir: {medium: Memory}}],
//!   containers: [{resources: {limits: {memory: null}}, volumeMounts: [{name: fast, mountPath: /dev/shm}]}]}}}}}
//! ```
//!
//! # Passes
//! ```yaml
//! spec: {rayClusterSpec: {headGroupSpec: {template: {spec: {
//!   volumes: [{name: fast, emptyDir: {medium: Memory, sizeLimit: 8Gi}}],
//!   containers: [{resources: {limits: {memory: null}}, volumeMounts: [{name: fast, mountPath: /dev/shm}]}]}}}}}
//! ```

use crate::k8s::quantity::Quantity;
use crate::policy::settings::Action;
use crate::ray::memory::{Shm, shm, size_limit};
use crate::ray::{RayJob, flyte};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG309",
    title: "/dev/shm has no bound",
    action: Action::Warn,
    fixes: false,
    versions: Versions::ALL,
    page: include_str!("shm_without_bound.rs"),
    run,
};

fn run(cx: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    for pod in job.ray_pods() {
        let Some(ray) = pod.main().filter(|ray| ray.limit("memory").is_none()) else {
            continue;
        };
        let Shm::Memory(index, volume) = shm(pod, ray, cx.kuberay()) else {
            continue;
        };
        let is_bound =
            size_limit(volume).is_some_and(|size| !Quantity::from_json(size).is_ok_and(|size| size.is_zero()));
        if is_bound {
            continue;
        }
        let path = pod
            .spec_path()
            .key("volumes")
            .index(index)
            .keys(["emptyDir", "sizeLimit"]);
        findings.push(
            Finding::new(
                path,
                format!(
                    "{}: neither /dev/shm nor the container has a limit, it can take the node's memory",
                    pod.title()
                ),
            )
            .fix("set limits.memory, or the volume's emptyDir.sizeLimit")
            .flyte(flyte::resource_setting(pod, "limits", "memory", "32Gi")),
        );
    }
}
