//! What a platform puts on the pods: start parameters, labels, annotations, variables, classes, secrets, scheduler;
//! and on the RayJob itself: a queue's labels.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::k8s::path::Path;
use crate::k8s::toleration;
use crate::policy::settings::{PodSettings, Settings};
use crate::ray::RayJob;
use crate::ray::job::{Pod, Role, items, text};

use super::Injector;
use crate::rules::Cx;
use crate::rules::edit::Plan;

/// The injector.
pub const INJECTOR: Injector = Injector {
    name: "pods",
    doc: "Sets start parameters, metadata, variables, classes, secrets and scheduler of the pods, and labels of the job.",
    settings: &["job", "head", "workers", "submitter", "pods"],
    plan,
};

fn plan(cx: &Cx<'_>, job: &RayJob<'_>, plan: &mut Plan) {
    if cx.skips(job, INJECTOR.name) {
        return;
    }
    entries(
        cx,
        job.object,
        &Path::of(["metadata", "labels"]),
        "job.labels",
        |s| &s.job.labels,
        plan,
    );
    entries(
        cx,
        job.object,
        &Path::of(["metadata", "annotations"]),
        "job.annotations",
        |s| &s.job.annotations,
        plan,
    );
    for pod in &job.pods {
        match pod.role {
            Role::Head => one(cx, job, pod, &HEAD, plan),
            Role::Worker => one(cx, job, pod, &WORKERS, plan),
            Role::Submitter => one(cx, job, pod, &SUBMITTER, plan),
        }
    }
}

/// A text of the pod's spec: its leaf, its key, and how it is read.
type TextField = (&'static str, &'static str, fn(&PodSettings) -> Option<&String>);

/// The names of a section's leaves, and how it is read.
struct Section {
    read: fn(&Settings) -> &PodSettings,
    start_params: &'static str,
    labels: &'static str,
    annotations: &'static str,
    node_selector: &'static str,
    env: &'static str,
    pull_secrets: &'static str,
    tolerations: &'static str,
    texts: [TextField; 4],
}

const fn texts(names: [&'static str; 4]) -> [TextField; 4] {
    [
        (names[0], "priorityClassName", |s| s.priority_class_name.as_ref()),
        (names[1], "runtimeClassName", |s| s.runtime_class_name.as_ref()),
        (names[2], "schedulerName", |s| s.scheduler_name.as_ref()),
        (names[3], "restartPolicy", |s| s.restart_policy.as_ref()),
    ]
}

static HEAD: Section = Section {
    read: |s| &s.head,
    start_params: "head.rayStartParams",
    labels: "head.labels",
    annotations: "head.annotations",
    node_selector: "head.nodeSelector",
    env: "head.env",
    pull_secrets: "head.imagePullSecrets",
    tolerations: "head.tolerations",
    texts: texts([
        "head.priorityClassName",
        "head.runtimeClassName",
        "head.schedulerName",
        "head.restartPolicy",
    ]),
};

static WORKERS: Section = Section {
    read: |s| &s.workers,
    start_params: "workers.rayStartParams",
    labels: "workers.labels",
    annotations: "workers.annotations",
    node_selector: "workers.nodeSelector",
    env: "workers.env",
    pull_secrets: "workers.imagePullSecrets",
    tolerations: "workers.tolerations",
    texts: texts([
        "workers.priorityClassName",
        "workers.runtimeClassName",
        "workers.schedulerName",
        "workers.restartPolicy",
    ]),
};

static SUBMITTER: Section = Section {
    read: |s| &s.submitter,
    start_params: "submitter.rayStartParams",
    labels: "submitter.labels",
    annotations: "submitter.annotations",
    node_selector: "submitter.nodeSelector",
    env: "submitter.env",
    pull_secrets: "submitter.imagePullSecrets",
    tolerations: "submitter.tolerations",
    texts: texts([
        "submitter.priorityClassName",
        "submitter.runtimeClassName",
        "submitter.schedulerName",
        "submitter.restartPolicy",
    ]),
};

fn one(cx: &Cx<'_>, job: &RayJob<'_>, pod: &Pod<'_>, section: &'static Section, plan: &mut Plan) {
    if pod.main().is_none() {
        return;
    }
    let (template, spec) = (pod.template_path(), pod.spec_path());
    let metadata = pod.template.get("metadata").unwrap_or(&Value::Null);
    let read = section.read;
    if pod.role != Role::Submitter {
        start_params(cx, job, pod, section, plan);
    }
    map_entries(
        cx,
        metadata.get("labels"),
        &template.keys(["metadata", "labels"]),
        section.labels,
        |s| &read(s).labels,
        plan,
    );
    let annotations = template.keys(["metadata", "annotations"]);
    map_entries(
        cx,
        metadata.get("annotations"),
        &annotations,
        section.annotations,
        |s| &read(s).annotations,
        plan,
    );
    let selector = spec.key("nodeSelector");
    map_entries(
        cx,
        pod.spec.get("nodeSelector"),
        &selector,
        section.node_selector,
        |s| &read(s).node_selector,
        plan,
    );
    for (leaf, key, get) in section.texts {
        if pod.role == Role::Submitter && key == "restartPolicy" {
            continue;
        }
        if let Some(setting) = cx.setting(leaf, |s| get(read(s))) {
            let given = text(pod.spec, key);
            if given.is_none() || (setting.forced && given != Some(setting.value)) {
                plan.set(spec.key(key), setting.value.as_str(), &setting.leaf);
            }
        }
    }
    if let (Role::Head, Some(setting)) = (
        pod.role,
        cx.setting("head.serviceType", |s| s.head.service_type.as_ref()),
    ) {
        let given = text(pod.group, "serviceType");
        if given.is_none() || (setting.forced && given != Some(setting.value)) {
            plan.set(
                pod.group_path().key("serviceType"),
                setting.value.as_str(),
                &setting.leaf,
            );
        }
    }
    named(
        cx,
        pod.main().map(|main| main.value),
        pod.main().map(|main| pod.container_path(main).key("env")),
        "env",
        section.env,
        |s| &read(s).env,
        plan,
    );
    named(
        cx,
        Some(pod.spec),
        Some(spec.key("imagePullSecrets")),
        "imagePullSecrets",
        section.pull_secrets,
        |s| &read(s).image_pull_secrets,
        plan,
    );
    for forced in [true, false] {
        let settings = if forced { &cx.policy.force } else { &cx.policy.defaults };
        for (key, wanted) in &read(settings).tolerations {
            if !items(pod.spec, "tolerations")
                .iter()
                .any(|given| toleration::implies(given, wanted))
            {
                let leaf = crate::policy::Leaf::new(forced, section.tolerations).entry(key);
                plan.append(spec.key("tolerations"), wanted.clone(), &leaf);
            }
        }
    }
}

/// Start parameters. `num-cpus: "0"` keeps work off the head; it is left out where it would leave no CPUs at all, or
/// where the group's `resources` exclude it (KubeRay 1.5 and later refuse both together).
fn start_params(cx: &Cx<'_>, job: &RayJob<'_>, pod: &Pod<'_>, section: &'static Section, plan: &mut Plan) {
    const EXCLUDED_BY_RESOURCES: [&str; 4] = ["num-cpus", "num-gpus", "memory", "resources"];
    let group_has_resources = pod
        .group
        .get("resources")
        .and_then(Value::as_object)
        .is_some_and(|resources| !resources.is_empty());
    let needs_head_cpus = job.workers().next().is_none()
        || job
            .spec
            .get("entrypointNumCpus")
            .and_then(Value::as_f64)
            .is_some_and(|cpus| cpus > 0.0);
    let at = pod.group_path().key("rayStartParams");
    let given = pod.start_params();
    for forced in [true, false] {
        let settings = if forced { &cx.policy.force } else { &cx.policy.defaults };
        for (key, value) in &(section.read)(settings).ray_start_params {
            let current = given.and_then(|params| params.get(key));
            let excluded = (group_has_resources && EXCLUDED_BY_RESOURCES.contains(&key.as_str()))
                || (pod.role == Role::Head && key == "num-cpus" && value == "0" && needs_head_cpus);
            let overruled = !forced && (section.read)(&cx.policy.force).ray_start_params.contains_key(key);
            let stands = current.is_some() && (!forced || current.and_then(Value::as_str) == Some(value));
            if !excluded && !overruled && !stands {
                let leaf = crate::policy::Leaf::new(forced, section.start_params).entry(key);
                plan.set(at.name(key), value.as_str(), &leaf);
            }
        }
    }
}

fn entries(
    cx: &Cx<'_>,
    object: &Value,
    at: &Path,
    leaf: &'static str,
    read: impl Fn(&Settings) -> &BTreeMap<String, String>,
    plan: &mut Plan,
) {
    map_entries(cx, at.get(object), at, leaf, read, plan);
}

/// The entries of a map that are missing, or that a forced setting wants otherwise.
fn map_entries(
    cx: &Cx<'_>,
    given: Option<&Value>,
    at: &Path,
    leaf: &'static str,
    read: impl Fn(&Settings) -> &BTreeMap<String, String>,
    plan: &mut Plan,
) {
    for forced in [true, false] {
        let settings = if forced { &cx.policy.force } else { &cx.policy.defaults };
        for (key, value) in read(settings) {
            let current = given.and_then(|given| given.get(key));
            let overruled = !forced && read(&cx.policy.force).contains_key(key);
            let stands = current.is_some() && (!forced || current.and_then(Value::as_str) == Some(value));
            if !overruled && !stands {
                plan.set(
                    at.name(key),
                    value.as_str(),
                    &crate::policy::Leaf::new(forced, leaf).entry(key),
                );
            }
        }
    }
}

/// The elements of a list with names that are missing, or that a forced setting wants otherwise.
fn named(
    cx: &Cx<'_>,
    holder: Option<&Value>,
    at: Option<Path>,
    list: &str,
    leaf: &'static str,
    read: impl Fn(&Settings) -> &BTreeMap<String, Value>,
    plan: &mut Plan,
) {
    let (Some(holder), Some(at)) = (holder, at) else { return };
    for forced in [true, false] {
        let settings = if forced { &cx.policy.force } else { &cx.policy.defaults };
        for (name, element) in read(settings) {
            let current = items(holder, list)
                .iter()
                .enumerate()
                .find(|(_, given)| text(given, "name") == Some(name.as_str()));
            let leaf = crate::policy::Leaf::new(forced, leaf).entry(name);
            match current {
                None if forced || !read(&cx.policy.force).contains_key(name) => {
                    plan.append(at.clone(), element.clone(), &leaf);
                }
                Some((index, given)) if forced && given != element => {
                    plan.set(at.index(index), element.clone(), &leaf);
                }
                _ => {}
            }
        }
    }
}
