//! Clean-up and deadlines of a job.
//!
//! KubeRay 1.6, `rayjob_controller.go` and `validation.go`: nothing is deleted for a selected cluster; a deletion
//! strategy goes before the rest, so it is left alone unless a policy forces `shutdownAfterJobFinishes: true`: then one that
//! keeps the cluster, or keeps it for longer, is taken away; a TTL without shutdown is refused. The API hides a `false` and a `0`, so both count
//! as left out, and `shutdownAfterJobFinishes` and the TTL are set together or not at all. `preRunningDeadlineSeconds`
//! is a field of KubeRay 1.6: older CRDs drop it, so it is set only where the Platform names that release or a later one.

use crate::json::Json;
use crate::k8s::json::given;
use crate::ray::deletion::{always_deletes, has_rules};
use crate::ray::{Kinds, KubeRay, Workload};

use super::Injector;
use crate::rules::Cx;
use crate::rules::edit::Plan;

/// The injector.
pub const INJECTOR: Injector = Injector {
    name: "lifecycle",
    doc: "Sets clean-up after the job's end and its deadlines, where the job has none.",
    settings: &["lifecycle"],
    kinds: Kinds::Jobs,
    plan,
};

fn plan(cx: &Cx<'_>, job: &Workload<'_>, plan: &mut Plan) {
    if !job.spec.is_object() || job.selects_cluster() {
        return;
    }
    clean_up(cx, job, plan);
    let deadline = cx.setting("lifecycle.activeDeadlineSeconds", |s| {
        s.lifecycle.active_deadline_seconds.as_ref()
    });
    let pre_running = cx.setting("lifecycle.preRunningDeadlineSeconds", |s| {
        s.lifecycle.pre_running_deadline_seconds.as_ref()
    });
    let since_1_6 = cx.platform.names_kuberay && cx.kuberay() >= KubeRay::V1_6;
    let limits = &cx.policy.limits;
    for (key, setting, limit) in [
        ("activeDeadlineSeconds", deadline, limits.max_active_deadline_seconds),
        (
            "preRunningDeadlineSeconds",
            pre_running.filter(|_| since_1_6),
            limits.max_pre_running_deadline_seconds,
        ),
    ] {
        let Some(setting) = setting else { continue };
        let missing = job.spec.get(key).is_none_or(Json::is_null);
        if missing || setting.forced {
            plan.set(job.job_path(key), within(*setting.value, limit), &setting.leaf);
        }
    }
}

fn clean_up(cx: &Cx<'_>, job: &Workload<'_>, plan: &mut Plan) {
    let shuts_down = job.flag("shutdownAfterJobFinishes");
    let wanted = cx.setting("lifecycle.shutdownAfterJobFinishes", |s| {
        s.lifecycle.shutdown_after_job_finishes.as_ref()
    });
    let wanted_ttl = cx.setting("lifecycle.ttlSecondsAfterFinished", |s| {
        s.lifecycle.ttl_seconds_after_finished.as_ref()
    });
    for key in ["deletionStrategy", "deletionPolicy"] {
        let Some(strategy) = given(job.spec, key) else { continue };
        let Some(setting) = wanted.as_ref().filter(|setting| setting.forced && *setting.value) else {
            return;
        };
        let most = wanted_ttl.as_ref().filter(|ttl| ttl.forced).map(|ttl| *ttl.value);
        if !always_deletes(strategy, cx.kuberay(), most) {
            plan.remove(job.job_path(key), &setting.leaf);
        } else if has_rules(strategy) {
            // KubeRay refuses them beside `shutdownAfterJobFinishes`.
            return;
        }
    }
    let will_shut_down = match &wanted {
        Some(setting) if setting.forced || !shuts_down => *setting.value,
        _ => shuts_down,
    };
    if let Some(setting) = &wanted
        && will_shut_down != shuts_down
    {
        plan.set(job.job_path("shutdownAfterJobFinishes"), will_shut_down, &setting.leaf);
    }
    let ttl = job.number("ttlSecondsAfterFinished").unwrap_or(0);
    if let Some(setting) = wanted.as_ref().filter(|_| !will_shut_down && shuts_down && ttl != 0) {
        // KubeRay refuses a TTL without shutdown.
        plan.set(job.job_path("ttlSecondsAfterFinished"), 0, &setting.leaf);
    }
    if let Some(setting) = wanted_ttl
        && will_shut_down
        && (ttl == 0 || setting.forced)
    {
        let value = within(*setting.value, cx.policy.limits.max_ttl_seconds);
        if ttl != value {
            plan.set(job.job_path("ttlSecondsAfterFinished"), value, &setting.leaf);
        }
    }
}

/// A setting does not go beyond the limit that another policy sets.
fn within(seconds: i64, limit: Option<i64>) -> i64 {
    limit.map_or(seconds, |limit| seconds.min(limit))
}
