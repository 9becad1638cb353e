//! Rules on the name of the object (KubeRay 1.7, `validation.go`, `Validate…Metadata` and `ValidateRayCronJobSpec`).

pub mod not_a_label;
pub mod too_long;

use crate::ray::kind::{RAY_CLUSTER, RAY_CRON_JOB};
use crate::ray::{Kind, KubeRay};

/// The longest name in bytes, so that the names of what KubeRay makes of the object fit. KubeRay 1.6 checks no name of a
/// RayCronJob, but adds 6 characters and then rejects a RayJob with more than 47 (`raycronjob_controller.go`).
fn longest(kind: &Kind, kuberay: KubeRay) -> usize {
    if kind.is(&RAY_CLUSTER) {
        53
    } else if !kind.is(&RAY_CRON_JOB) {
        47
    } else if kuberay < KubeRay::V1_7 {
        41
    } else {
        36
    }
}
