//! RG7xx: Flyte, submission and the systems that schedule.

pub mod batch_scheduler;
pub mod entrypoint;
pub mod entrypoint_needs;
pub mod entrypoint_shell;
pub mod head_service;
pub mod interactive_flyte;
pub mod job_id;
pub mod job_metadata;
pub mod kai;
pub mod kueue;
pub mod mode;
pub mod node_ip;
pub mod open_service;
pub mod runtime_env;
pub mod selector_wins;
pub mod submitter;

use crate::ray::{KubeRay, RayJob};
use crate::rules::{Check, Cx};

/// The family, in the order of its codes.
pub static CHECKS: &[&Check] = &[
    &mode::CHECK,
    &submitter::CHECK,
    &entrypoint::CHECK,
    &entrypoint_shell::CHECK,
    &runtime_env::CHECK,
    &entrypoint_needs::CHECK,
    &job_id::CHECK,
    &selector_wins::CHECK,
    &kueue::CHECK,
    &kai::CHECK,
    &batch_scheduler::CHECK,
    &interactive_flyte::CHECK,
    &open_service::CHECK,
    &job_metadata::CHECK,
    &node_ip::CHECK,
    &head_service::CHECK,
];

/// Whether KubeRay's own submit command runs, and bash reads it: in a submitter of KubeRay 1.3 and later whose template
/// has no command of its own (KubeRay 1.6, `common/job.go`).
fn passes_a_shell(cx: &Cx<'_>, job: &RayJob<'_>) -> bool {
    cx.kuberay() >= KubeRay::V1_3
        && matches!(job.submission_mode(), "K8sJobMode" | "SidecarMode")
        && runs_kuberays_command(job)
}

/// Whether KubeRay writes the submitter's command: it has none of its own.
fn runs_kuberays_command(job: &RayJob<'_>) -> bool {
    job.submission_mode() != "K8sJobMode"
        || job
            .submitter()
            .and_then(|submitter| submitter.main())
            .is_none_or(|main| crate::ray::job::items(main.value, "command").is_empty())
}
