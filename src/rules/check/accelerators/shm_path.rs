//! Finds a mount of `/dev/shm` in a Ray container that spells the path otherwise, such as `/dev/shm/`.

use crate::diag::quoted;
use crate::k8s::json::{items, text};
use crate::policy::settings::Action;
use crate::ray::container::same_path;
use crate::ray::memory::SHM_PATH;
use crate::ray::{Kinds, Workload, flyte};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::edit::Op;
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG306",
    title: "The mount path /dev/shm must be spelled exactly so",
    action: Action::Fix,
    fixes: true,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("shm_path.md"),
    evidence: &[Evidence::Source(
        "KubeRay 1.7.0",
        "ray-operator/controllers/ray/common/pod.go",
        &[1598],
    )],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in job.ray_pods() {
        let Some(ray) = pod.main() else { continue };
        let mounts = items(ray.value, "volumeMounts");
        let at_shm: Vec<usize> = mounts
            .iter()
            .enumerate()
            .filter(|(_, mount)| text(*mount, "mountPath").is_some_and(|path| same_path(path, SHM_PATH)))
            .map(|(index, _)| index)
            .collect();
        let path = |index: usize| {
            pod.container_path(ray)
                .key("volumeMounts")
                .index(index)
                .key("mountPath")
        };
        let spelled = |index: usize| {
            mounts
                .get(index)
                .and_then(|mount| text(mount, "mountPath"))
                .unwrap_or_default()
        };
        match at_shm.as_slice() {
            [only] if spelled(*only) != SHM_PATH => findings.push(
                Finding::new(
                    path(*only),
                    format!(
                        "{}: {} is mounted, KubeRay would mount {SHM_PATH} a second time",
                        pod.title(),
                        quoted(spelled(*only))
                    ),
                )
                .fix(format!("spell the path {SHM_PATH}"))
                .flyte(flyte::setting(pod, "pod_template=PodTemplate(…)"))
                .repair(
                    format!(
                        "{}: mount path {} spelled {SHM_PATH}",
                        pod.title(),
                        quoted(spelled(*only))
                    ),
                    path(*only),
                    Op::Set(SHM_PATH.into()),
                ),
            ),
            [_, second, ..] => findings.push(
                Finding::new(
                    path(*second),
                    format!("{}: two volumes are mounted at {SHM_PATH}", pod.title()),
                )
                .fix(format!("mount one volume at {SHM_PATH}"))
                .flyte(flyte::setting(pod, "pod_template=PodTemplate(…)")),
            ),
            _ => {}
        }
    }
}
