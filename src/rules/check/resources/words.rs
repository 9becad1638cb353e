//! Resources and their places, for messages.

use std::borrow::Cow;

use crate::diag::quoted;
use crate::ray::container::Slot;
use crate::ray::facts::pods_at_most;
use crate::ray::{Container, Pod, Role, Workload, flyte};
use crate::rules::Finding;

/// How a message speaks of a container: by its pod alone where it is the Ray container.
pub(in crate::rules::check) fn place(pod: &Pod<'_>, container: &Container<'_>) -> String {
    let kind = match container.slot {
        Slot::Main if container.index == 0 => return pod.title(),
        Slot::Main | Slot::Autoscaler | Slot::Collector | Slot::DefaultSubmitter => "container",
        Slot::Init | Slot::WaitForHead => "init container",
        Slot::Ephemeral => "ephemeral container",
    };
    format!("{}, {kind} {}", pod.title(), quoted(container.name))
}

/// How a message names a resource: as it is where its characters are those of a resource name, else quoted.
pub(in crate::rules::check) fn named(key: &str) -> Cow<'_, str> {
    let is_plain = key.len() <= 80
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/'));
    if is_plain { key.into() } else { quoted(key).into() }
}

/// What to change in Flyte for a container's resource: flytekit's `requests` and `limits` are the Ray container's, any
/// other stands in the pod template.
pub(in crate::rules::check) fn setting(
    pod: &Pod<'_>,
    container: &Container<'_>,
    block: &str,
    key: &str,
    quantity: &str,
) -> String {
    if container.slot != Slot::Main || container.index > 0 {
        return flyte::setting(pod, "pod_template=PodTemplate(…)");
    }
    flyte::resource_setting(pod, block, key, quantity)
}

/// Whether Kubernetes wants a resource's limit to equal its request: devices and huge pages are not overcommitted.
pub(in crate::rules::check) fn is_exact(key: &str) -> bool {
    key.contains('/') || key.starts_with("hugepages-")
}

/// The finding that a job asks for `sum`, more than `cap`: at the group that takes the most of it.
pub(in crate::rules::check) fn over_budget(
    job: &Workload<'_>,
    sum: &str,
    cap: &str,
    weight: i64,
    each: impl Fn(&Pod<'_>) -> i64,
) -> Option<Finding> {
    let share = |pod: &Pod<'_>| each(pod).saturating_mul(pods_at_most(job, pod));
    let mut most: Option<(&Pod<'_>, i64)> = None;
    for pod in job.all_pods() {
        let share = share(pod);
        if most.is_none_or(|(_, least)| share > least) {
            most = Some((pod, share));
        }
    }
    let (pod, _) = most?;
    let (path, setting) = match pod.role {
        Role::Worker if job.autoscales() => (pod.group_path().then_key("maxReplicas"), "max_replicas=…"),
        Role::Worker => (pod.group_path().then_key("replicas"), "replicas=…"),
        Role::Head | Role::Submitter => (job.nearest(pod.template_path()), "requests=Resources(…)"),
    };
    let when = if job.autoscales() {
        " at the autoscaler's most"
    } else {
        ""
    };
    Some(
        Finding::new(
            path,
            format!(
                "{sum}{when}, one {} may have {cap}; most are those of {}",
                job.kind.word,
                pod.title()
            ),
        )
        .fix(format!("ask for at most {cap} in all"))
        .flyte(flyte::setting(pod, setting))
        .weight(weight),
    )
}
