//! The RayJobs that KubeRay creates for a RayCronJob.

use serde_json::{Value, json};

use crate::json::Json;
use crate::k8s::json::{child, text};

use super::kind::RAY_JOB;
use super::workload::{CRON_JOB_LABEL, Workload};

/// What KubeRay puts behind the name of a RayCronJob: the minute of the run since 1970 (`getRayJobName`).
const A_RUN: &str = "-29000000";

/// A RayJob as KubeRay creates it for a RayCronJob: the job template with a name, a label and an annotation of KubeRay's. It
/// gets no label or annotation of the RayCronJob (KubeRay 1.6 and 1.7, `raycronjob_controller.go`, `constructRayJob`).
pub fn ray_job(cron_job: &Workload<'_>) -> Value {
    let name = cron_job.name();
    json!({
        "apiVersion": "ray.io/v1",
        "kind": RAY_JOB.name,
        "metadata": {
            "name": format!("{name}{A_RUN}"),
            "namespace": text(child(cron_job.object, "metadata"), "namespace"),
            "labels": {CRON_JOB_LABEL: name},
            "annotations": {"ray.io/cronjob-scheduled-timestamp": "2025-02-20T21:20:00Z"},
            "ownerReferences": [{
                "apiVersion": "ray.io/v1",
                "kind": cron_job.kind.name,
                "name": name,
                "uid": "",
                "controller": true,
                "blockOwnerDeletion": true,
            }],
        },
        "spec": Json::to_value(cron_job.spec),
    })
}
