//! Finds an `object-store-memory` that is not below the size of `/dev/shm`.

use crate::k8s::json::items;
use crate::k8s::quantity::Quantity;
use crate::policy::settings::Action;
use crate::ray::memory::{SLOW_STORE_LIMIT, memory_of, object_store_memory, shm_bytes};
use crate::ray::{Kinds, Workload, flyte, told};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG305",
    title: "object-store-memory must fit into /dev/shm",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("object_store_above_shm.md"),
    evidence: &[Evidence::Source(
        "Ray 2.52.1",
        "python/ray/_private/services.py",
        &[2123],
    )],
    run,
};

/// The variable that lets Ray put a large store on disk.
const ALLOW_SLOW: &str = "RAY_OBJECT_STORE_ALLOW_SLOW_STORAGE";

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in job.ray_pods() {
        let (Some(ray), Some(store)) = (pod.main(), object_store_memory(pod)) else {
            continue;
        };
        // With a directory of its own Ray does not compare the store with anything.
        if pod.start_param("plasma-directory").is_some() {
            continue;
        }
        let Some(shm) = shm_bytes(pod, ray, cx.kuberay()) else {
            continue;
        };
        let memory = memory_of(ray).unwrap_or(i64::MAX);
        if store < shm && store < memory {
            continue;
        }
        let aborts = store >= shm && store > SLOW_STORE_LIMIT && ray.env(ALLOW_SLOW).is_none();
        let shown = Quantity::from_bytes;
        let what = if store < shm {
            format!("does not fit into its memory of {}, it will be killed", shown(memory))
        } else if aborts {
            format!("does not fit into /dev/shm of {}, Ray does not start", shown(shm))
        } else {
            format!("does not fit into /dev/shm of {}, Ray puts it on disk", shown(shm))
        };
        let finding = Finding::new(
            pod.group_path().keys(["rayStartParams", "object-store-memory"]),
            format!("{}: object-store-memory {store} {what}", pod.title()),
        )
        .fix("lower object-store-memory, or give /dev/shm and limits.memory more")
        .flyte(flyte::setting(pod, "ray_start_params={\"object-store-memory\": \"…\"}"))
        .weight(store);
        // A command of the author may not read the parameter, and a Secret may hold the variable.
        let may_work = told::starts_ray_itself(job, pod) || !items(ray.value, "envFrom").is_empty();
        findings.push(if aborts && !may_work {
            finding
        } else {
            finding.warn_only()
        });
    }
}
