//! Rules on the RayCronJob itself: its schedule and time zone (KubeRay 1.6 and 1.7, `validation.go`, `ValidateRayCronJobSpec`,
//! and `raycronjob_controller.go`). Its job template has the rules of a RayJob.

pub mod gate_off;
pub mod never;
pub mod schedule;
pub mod schedule_zone;
pub mod time_zone;
pub mod too_often;

use crate::json::{Json, View};
use crate::k8s::json::below;
use crate::k8s::path::Path;
use crate::ray::Workload;

/// The schedule as KubeRay reads it: a missing one is empty. `None` for what the API server rejects.
fn schedule<'a>(job: &Workload<'a>) -> Option<&'a str> {
    let spec = below(job.object, &["spec"]);
    match spec.get("schedule").map(Json::view) {
        Some(View::String(schedule)) => Some(schedule),
        None | Some(View::Null) => spec.is_object().then_some(""),
        Some(_) => None,
    }
}

fn schedule_path() -> Path {
    Path::of(["spec", "schedule"])
}
