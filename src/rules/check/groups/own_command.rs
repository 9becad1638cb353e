//! Finds a RayJob with the annotation `ray.io/overwrite-container-cmd: "true"`.

use crate::json::Json;
use crate::k8s::json::items;
use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::told::{self, OWN_COMMAND};
use crate::ray::{Container, Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG515",
    title: "rayStartParams should have an effect",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("own_command.md"),
    evidence: &[Evidence::Source(
        "KubeRay 1.7.0",
        "ray-operator/controllers/ray/common/pod.go",
        &[62],
    )],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    if !told::overwrites_command(job) {
        return;
    }
    let lost = job.ray_pods().find(|pod| {
        let has_parameters = pod.start_params().is_some_and(|params| !params.is_empty());
        has_parameters && pod.main().is_some_and(|ray| !runs_generated_command(ray))
    });
    if let Some(pod) = lost {
        findings.push(
            Finding::new(
                Path::of(["metadata", "annotations"]).name(OWN_COMMAND),
                format!(
                    "{}: start parameters have no effect, the container runs a command of its own",
                    pod.title()
                ),
            )
            .fix("run $KUBERAY_GEN_RAY_START_CMD in the command, or leave the annotation out"),
        );
    }
}

fn runs_generated_command(ray: &Container<'_>) -> bool {
    ["command", "args"]
        .iter()
        .flat_map(|key| items(ray.value, key))
        .filter_map(Json::as_str)
        .any(|word| word.contains("KUBERAY_GEN_RAY_START_CMD"))
}
