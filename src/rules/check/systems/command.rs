//! The command of a container.

use crate::ray::workload::{K8S_JOB_MODE, SIDECAR_MODE};
use crate::ray::{KubeRay, Workload};
use crate::rules::Cx;

/// Whether KubeRay's own submit command runs, and bash reads it: in a submitter of KubeRay 1.3 and later whose template
/// has no command of its own (KubeRay 1.6, `common/job.go`).
pub(super) fn passes_a_shell(cx: &Cx<'_>, job: &Workload<'_>) -> bool {
    cx.kuberay() >= KubeRay::V1_3 && submits_by_command(job)
}

/// Whether the job is submitted by KubeRay's `ray job submit`, not by KubeRay itself or by somebody else.
pub(super) fn submits_by_command(job: &Workload<'_>) -> bool {
    matches!(job.submission_mode(), K8S_JOB_MODE | SIDECAR_MODE) && runs_kuberays_command(job)
}

/// Whether KubeRay writes the submitter's command: it has none of its own.
pub(super) fn runs_kuberays_command(job: &Workload<'_>) -> bool {
    job.submission_mode() != K8S_JOB_MODE
        || job
            .submitter()
            .and_then(|submitter| submitter.main())
            .is_none_or(|main| crate::k8s::json::items(main.value, "command").is_empty())
}
