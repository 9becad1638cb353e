//! A small submitter: it runs `ray job submit` and nothing else.
//!
//! Flyte 1 makes the submitter a copy of the task's own pod, so it reserves what the task asked for. Requests and
//! limits are replaced together: a request above a limit that was left behind would make the Job refused, while the
//! cluster stays up. What the author wrote into a template of their own stands.

use serde_json::{Map, Value};

use crate::json::{Array, Json};
use crate::k8s::json::text;
use crate::ray::{Kinds, Workload, flyte};

use super::Injector;
use crate::rules::Cx;
use crate::rules::edit::Plan;

/// The injector.
pub const INJECTOR: Injector = Injector {
    name: "submitter",
    doc: "Gives the submitter small requests and limits of its own, a restart policy and a container name.",
    settings: &["submitter.requests", "submitter.limits", "submitter.restartPolicy"],
    kinds: Kinds::Jobs,
    plan,
};

/// The container name of KubeRay's own submitter.
const CONTAINER_NAME: &str = "ray-job-submitter";

fn plan(cx: &Cx<'_>, job: &Workload<'_>, plan: &mut Plan) {
    let Some(submitter) = job.submitter() else { return };
    let Some(main) = submitter.main() else { return };
    if job.submission_mode() != "K8sJobMode" {
        return;
    }
    let at = submitter.container_path(main);
    let requests = cx.setting("submitter.requests", |s| {
        Some(&s.submitter.requests).filter(|map| !map.is_empty())
    });
    let limits = cx.setting("submitter.limits", |s| {
        Some(&s.submitter.limits).filter(|map| !map.is_empty())
    });
    // Beside the pod's own resources, larger ones of a container would make the API server reject the pod.
    if let (Some(requests), Some(limits)) = (&requests, &limits)
        && !submitter.has_own_resources()
    {
        let has_none = main.requests.is_empty() && main.limits.is_empty();
        let is_copy = flyte::submitter_is_task_copy(job, submitter) && runs_no_driver(main.value);
        if requests.forced || limits.forced || has_none || is_copy {
            let block = |map: &std::collections::BTreeMap<String, crate::k8s::quantity::Quantity>| {
                map.iter()
                    .map(|(key, quantity)| (key.clone(), Value::from(quantity.to_string())))
                    .collect::<Map<_, _>>()
            };
            // Two policies may say the two: a limit below its request would make the Job refused.
            let mut most = limits.value.clone();
            for (key, request) in requests.value {
                most.entry(key.clone())
                    .and_modify(|limit| *limit = limit.clone().max(request.clone()));
            }
            let given = main.value.get("resources").filter(|given| !given.is_null());
            let wanted = [
                ("requests", Value::from(block(requests.value)), &requests.leaf),
                ("limits", Value::from(block(&most)), &limits.leaf),
            ];
            let keys = given
                .and_then(Json::as_object)
                .into_iter()
                .flat_map(|given| given.keys());
            let others: Vec<&str> = keys.filter(|key| !matches!(*key, "requests" | "limits")).collect();
            let differs =
                |key: &str, value: &Value| given.and_then(|given| given.get(key)).is_none_or(|old| old != *value);
            if !others.is_empty() || wanted.iter().any(|(key, value, _)| differs(key, value)) {
                let holds_more = main.requests.iter().chain(&main.limits).any(|given| {
                    given
                        .quantity()
                        .is_some_and(|quantity| limits.value.get(given.key).is_some_and(|small| quantity > small))
                });
                if holds_more && let Some(seen) = main.limit("cpu").or_else(|| main.request("cpu")) {
                    plan.note(format!(
                        "submitter: the task's resources ({} CPU) replaced by small ones of its own",
                        seen.seen()
                    ));
                }
                for key in others {
                    plan.remove(at.key("resources").name(key), &requests.leaf);
                }
                for (key, value, leaf) in wanted {
                    if differs(key, &value) {
                        plan.set(at.keys(["resources", key]), value, leaf);
                    }
                }
            }
        }
    }
    if let Some(setting) = cx.setting("submitter.restartPolicy", |s| s.submitter.restart_policy.as_ref()) {
        let given = text(submitter.spec, "restartPolicy");
        let is_possible = setting.value != "Never" || !submitter.restarts_on_resize();
        if (is_possible && given.is_none()) || (setting.forced && given != Some(setting.value)) {
            plan.set(
                submitter.spec_path().then_key("restartPolicy"),
                setting.value.as_str(),
                &setting.leaf,
            );
        }
        if main.name.is_empty() {
            plan.set(at.key("name"), CONTAINER_NAME, &setting.leaf);
        }
    }
}

/// Whether KubeRay's own command runs in the container: then the task runs on the head, and nothing of it here.
pub fn runs_no_driver(container: Json<'_>) -> bool {
    container
        .get("command")
        .and_then(Json::as_array)
        .is_none_or(Array::is_empty)
}
