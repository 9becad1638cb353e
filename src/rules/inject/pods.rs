//! What a platform puts on the pods: start parameters, labels, annotations, variables, classes, secrets, scheduler;
//! and on the RayJob itself: a queue's labels.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::json::{Json, Tree};
use crate::k8s::json::{items, text};
use crate::k8s::nodes;
use crate::k8s::path::Path;
use crate::k8s::toleration;
use crate::policy::Leaf;
use crate::policy::merge::Group;
use crate::policy::settings::{PodSettings, Settings};
use crate::ray::container::DEFAULT_SUBMITTER;
use crate::ray::facts::pods_at_most;
use crate::ray::{Kinds, Pod, Role, Workload};

use super::Injector;
use crate::rules::Cx;
use crate::rules::check::systems::serve::needs;
use crate::rules::edit::Plan;

/// Texts by key: labels, annotations, node labels.
type Texts = BTreeMap<String, String>;

/// The injector.
pub const INJECTOR: Injector = Injector {
    name: "pods",
    doc: "Sets start parameters, metadata, variables, classes, secrets and scheduler of the pods, and labels of the job.",
    settings: &["job", "head", "workers", "submitter", "pods"],
    kinds: Kinds::All,
    plan,
};

/// How Kueue's own labels and annotations begin.
const KUEUE: &str = "kueue.x-k8s.io/";

fn plan(cx: &Cx<'_>, job: &Workload<'_>, plan: &mut Plan) {
    for (key, map) in [
        ("labels", job_labels as fn(&Settings) -> &Texts),
        ("annotations", job_annotations),
    ] {
        let at = Path::of(["metadata"]).name(key);
        map_entries(
            cx,
            at.get(job.object),
            &at,
            |forced| Leaf::new(forced, format!("job.{key}")),
            map,
            // Kueue would suspend a job that runs on an existing cluster, and KubeRay rejects such a job when suspended.
            &|_, key, _| job.selects_cluster() && key.starts_with(KUEUE),
            plan,
        );
    }
    for pod in &job.pods {
        match pod.role {
            Role::Head => one(cx, job, pod, &HEAD, plan),
            Role::Worker => one(cx, job, pod, &WORKERS, plan),
            Role::Submitter => {
                follow_head_image(job, pod, plan);
                one(cx, job, pod, &SUBMITTER, plan);
            }
        }
    }
    default_submitter(cx, job, plan);
}

/// The annotation of a submitter template that raygate wrote in place of KubeRay's own. While it is there, the image
/// follows the image of the head.
pub const SUBMITTER_ANNOTATION: &str = "raygate.dev/submitter";

/// Writes the template of the submitter that KubeRay would make, where a policy sets something on that pod. KubeRay takes
/// the image from the cluster (KubeRay 1.7, `common/job.go`, `GetSubmitterTemplate`), so a selected cluster has none here.
fn default_submitter(cx: &Cx<'_>, job: &Workload<'_>, plan: &mut Plan) {
    let (Some(default), Some(image)) = (&job.default_submitter, head_image(job)) else {
        return;
    };
    if job.selects_cluster() {
        return;
    }
    let container = DEFAULT_SUBMITTER.value;
    let template = json!({
        "metadata": {"annotations": {SUBMITTER_ANNOTATION: "default"}},
        "spec": {
            "containers": [{
                "name": DEFAULT_SUBMITTER.name,
                "image": image,
                "resources": container.get("resources").unwrap_or(Json::NULL).to_value(),
            }],
            "restartPolicy": "Never",
        },
    });
    let Ok(tree) = Tree::of(&template) else { return };
    let pod = Pod::of(job.kind, Role::Submitter, 0, job.spec, tree.root());
    let mut on_pod = Plan::default();
    one(cx, job, &pod, &SUBMITTER, &mut on_pod);
    let on_pod = on_pod.into_edits();
    let forced = &cx.policy.force.submitter;
    let by_size =
        || (!forced.requests.is_empty() && !forced.limits.is_empty()).then(|| SUBMITTER.leaf(true, "requests"));
    let by_restarts = || {
        let restarts = forced.restart_policy.as_deref().filter(|policy| *policy != "Never");
        restarts.map(|_| SUBMITTER.leaf(true, "restartPolicy"))
    };
    let mut leaves = on_pod.iter().filter_map(|edit| edit.leaf.as_ref());
    let by_force = leaves.clone().find(|leaf| leaf.group == Group::Force).cloned();
    // What is forced also acts where the rest does not: it needs the template.
    if let Some(leaf) = by_force
        .or_else(by_size)
        .or_else(by_restarts)
        .or_else(|| leaves.next().cloned())
    {
        plan.set(default.template_path(), template, &leaf);
        plan.extend(on_pod);
    }
}

/// Keeps the image of a template that raygate wrote the image of the head.
fn follow_head_image(job: &Workload<'_>, submitter: &Pod<'_>, plan: &mut Plan) {
    let metadata = submitter.template.get("metadata").unwrap_or(Json::NULL);
    let is_ours = metadata
        .get("annotations")
        .is_some_and(|annotations| annotations.get(SUBMITTER_ANNOTATION).is_some());
    let (Some(image), Some(main)) = (head_image(job).filter(|_| is_ours), submitter.main()) else {
        return;
    };
    if text(main.value, "image") != Some(image) {
        plan.follow(submitter.container_path(main).then_key("image"), image);
    }
}

/// The image of the head's first container, which KubeRay takes for the submitter.
fn head_image<'a>(job: &Workload<'a>) -> Option<&'a str> {
    let first = items(job.head()?.spec, "containers").get(0)?;
    text(first, "image").filter(|image| !image.is_empty())
}

fn job_labels(settings: &Settings) -> &Texts {
    &settings.job.labels
}

fn job_annotations(settings: &Settings) -> &Texts {
    &settings.job.annotations
}

/// A section of the settings: its name, and how it is read.
struct Section {
    name: &'static str,
    read: fn(&Settings) -> &PodSettings,
}

static HEAD: Section = Section {
    name: "head",
    read: |s| &s.head,
};
static WORKERS: Section = Section {
    name: "workers",
    read: |s| &s.workers,
};
static SUBMITTER: Section = Section {
    name: "submitter",
    read: |s| &s.submitter,
};

impl Section {
    fn leaf(&self, forced: bool, key: &str) -> Leaf {
        Leaf::new(forced, format!("{}.{key}", self.name))
    }
}

/// A text of the pod's spec: its key, and how it is read.
type TextField = (&'static str, fn(&PodSettings) -> Option<&String>);

static TEXTS: &[TextField] = &[
    ("priorityClassName", |s| s.priority_class_name.as_ref()),
    ("runtimeClassName", |s| s.runtime_class_name.as_ref()),
    ("schedulerName", |s| s.scheduler_name.as_ref()),
    ("restartPolicy", |s| s.restart_policy.as_ref()),
];

fn one(cx: &Cx<'_>, job: &Workload<'_>, pod: &Pod<'_>, section: &'static Section, plan: &mut Plan) {
    let Some(main) = pod.main() else { return };
    let (template, spec) = (pod.template_path(), pod.spec_path());
    let metadata = pod.template.get("metadata").unwrap_or(Json::NULL);
    let read = section.read;
    if pod.role != Role::Submitter {
        start_params(cx, job, pod, section, plan);
    }
    let mut map =
        |key: &str, given: Option<Json<'_>>, at: Path, own: fn(&PodSettings) -> &Texts, leave_out: LeaveOut<'_>| {
            let leaf = |forced| section.leaf(forced, key);
            map_entries(cx, given, &at, leaf, |s| own(read(s)), leave_out, plan);
        };
    map(
        "labels",
        metadata.get("labels"),
        template.keys(["metadata", "labels"]),
        |s| &s.labels,
        &|_, _, _| false,
    );
    map(
        "annotations",
        metadata.get("annotations"),
        template.keys(["metadata", "annotations"]),
        |s| &s.annotations,
        &|_, _, _| false,
    );
    map(
        "nodeSelector",
        pod.spec.get("nodeSelector"),
        spec.key("nodeSelector"),
        |s| &s.node_selector,
        // A default chooses no nodes that the author excludes.
        &|forced, key, value| !forced && nodes::disagrees(pod.spec, key, value),
    );
    // The submitter's restart policy belongs to the injector of its own.
    for (key, get) in TEXTS
        .iter()
        .filter(|(key, _)| pod.role != Role::Submitter || *key != "restartPolicy")
    {
        let value = |s| get(read(s));
        let is_never = || {
            let setting = cx.setting(key, value);
            setting.is_some_and(|setting| !setting.forced && setting.value == "Never")
        };
        // Kubernetes rejects the two together from 1.33 on, so that a default stays out.
        if *key == "restartPolicy" && pod.restarts_on_resize() && is_never() {
            continue;
        }
        set_text(cx, pod.spec, &spec, section, key, value, plan);
    }
    if pod.role == Role::Head {
        set_text(
            cx,
            pod.group,
            &pod.group_path(),
            section,
            "serviceType",
            |s| read(s).service_type.as_ref(),
            plan,
        );
        head_service(cx, pod, section, plan);
        ingress(cx, pod, section, plan);
    }
    let env = pod.container_path(main).then_key("env");
    named(cx, main.value, "env", &env, section, |s| &read(s).env, plan);
    let secrets = spec.key("imagePullSecrets");
    named(
        cx,
        pod.spec,
        "imagePullSecrets",
        &secrets,
        section,
        |s| &read(s).image_pull_secrets,
        plan,
    );
    for forced in [true, false] {
        for (key, wanted) in &read(cx.settings(forced)).tolerations {
            if !items(pod.spec, "tolerations")
                .iter()
                .any(|given| toleration::implies(given, wanted))
            {
                plan.append(
                    spec.key("tolerations"),
                    wanted.clone(),
                    &section.leaf(forced, "tolerations").entry(key),
                );
            }
        }
    }
}

/// A text that is missing, or that a forced setting wants otherwise.
fn set_text<'a>(
    cx: &Cx<'a>,
    holder: Json<'_>,
    at: &Path,
    section: &Section,
    key: &'static str,
    read: impl Fn(&'a Settings) -> Option<&'a String>,
    plan: &mut Plan,
) {
    let Some(setting) = cx.setting(key, read) else { return };
    let given = text(holder, key);
    if given.is_none() || (setting.forced && given != Some(setting.value)) {
        plan.set(at.key(key), setting.value.as_str(), &section.leaf(setting.forced, key));
    }
}

/// The type in `headService`, which KubeRay prefers to `serviceType` (KubeRay 1.7, `common/service.go`,
/// `setServiceTypeForUserProvidedService`): only what is forced replaces it.
fn head_service(cx: &Cx<'_>, pod: &Pod<'_>, section: &'static Section, plan: &mut Plan) {
    let spec = pod.group.get("headService").and_then(|service| service.get("spec"));
    let given = spec.and_then(|spec| text(spec, "type")).filter(|kind| !kind.is_empty());
    let setting = cx.setting("serviceType", |s| (section.read)(s).service_type.as_ref());
    if let (Some(given), Some(setting)) = (given, setting.filter(|setting| setting.forced))
        && given != setting.value
    {
        plan.set(
            pod.group_path().keys(["headService", "spec", "type"]),
            setting.value.as_str(),
            &section.leaf(true, "serviceType"),
        );
    }
}

/// Whether the dashboard gets an Ingress; none is what a head has that says nothing.
fn ingress(cx: &Cx<'_>, pod: &Pod<'_>, section: &'static Section, plan: &mut Plan) {
    const KEY: &str = "enableIngress";
    let Some(setting) = cx.setting(KEY, |s| (section.read)(s).enable_ingress.as_ref()) else {
        return;
    };
    let given = pod.group.get(KEY).and_then(Json::as_bool);
    if (given.is_none() || setting.forced) && given.unwrap_or(false) != *setting.value {
        plan.set(
            pod.group_path().then_key(KEY),
            *setting.value,
            &section.leaf(setting.forced, KEY),
        );
    }
}

/// Start parameters. `num-cpus: "0"` keeps work off the head; it is left out where it would leave no CPUs at all, or
/// where the group's `resources` exclude it (KubeRay 1.5 and later refuse both together).
fn start_params(cx: &Cx<'_>, job: &Workload<'_>, pod: &Pod<'_>, section: &'static Section, plan: &mut Plan) {
    const EXCLUDED_BY_RESOURCES: [&str; 4] = ["num-cpus", "num-gpus", "memory", "resources"];
    let group_has_resources = pod
        .group
        .get("resources")
        .and_then(Json::as_object)
        .is_some_and(|resources| !resources.is_empty());
    let at = pod.group_path().then_key("rayStartParams");
    let given = pod.start_params();
    for forced in [true, false] {
        for (key, value) in &(section.read)(cx.settings(forced)).ray_start_params {
            let current = given.and_then(|params| params.get(key));
            let excluded = (group_has_resources && EXCLUDED_BY_RESOURCES.contains(&key.as_str()))
                || (pod.role == Role::Head && key == "num-cpus" && value == "0" && needs_head_cpus(job));
            let overruled = !forced && (section.read)(&cx.policy.force).ray_start_params.contains_key(key);
            let stands = current.is_some() && (!forced || current.and_then(Json::as_str) == Some(value));
            if !excluded && !overruled && !stands {
                plan.set(
                    at.name(key),
                    value.as_str(),
                    &section.leaf(forced, "rayStartParams").entry(key),
                );
            }
        }
    }
}

/// Whether the head must have CPUs for Ray: no worker will have any, the entrypoint asks for some, or no worker has what a
/// replica of Serve needs. It looks at every worker group, so it is asked for the head alone.
fn needs_head_cpus(job: &Workload<'_>) -> bool {
    job.driver_needs("entrypointNumCpus") > 0.0
        || job.workers().all(|group| pods_at_most(job, group) == 0)
        || needs::needs_head_cpus(job)
}

/// Whether to leave out an entry of a map: whether it is forced, its key and its value.
type LeaveOut<'a> = &'a dyn Fn(bool, &str, &str) -> bool;

/// The entries of a map that are missing, or that a forced setting wants otherwise, but for the keys to leave out.
fn map_entries(
    cx: &Cx<'_>,
    given: Option<Json<'_>>,
    at: &Path,
    leaf: impl Fn(bool) -> Leaf,
    read: impl Fn(&Settings) -> &Texts,
    leave_out: LeaveOut<'_>,
    plan: &mut Plan,
) {
    for forced in [true, false] {
        for (key, value) in read(cx.settings(forced)) {
            let current = given.and_then(|given| given.get(key));
            let overruled = !forced && read(&cx.policy.force).contains_key(key);
            let stands = current.is_some() && (!forced || current.and_then(Json::as_str) == Some(value));
            if !overruled && !stands && !leave_out(forced, key, value) {
                plan.set(at.name(key), value.as_str(), &leaf(forced).entry(key));
            }
        }
    }
}

/// The elements of a list with names that are missing, or that a forced setting wants otherwise.
fn named(
    cx: &Cx<'_>,
    holder: Json<'_>,
    list: &'static str,
    at: &Path,
    section: &Section,
    read: impl Fn(&Settings) -> &BTreeMap<String, Value>,
    plan: &mut Plan,
) {
    let given = items(holder, list);
    for forced in [true, false] {
        for (name, element) in read(cx.settings(forced)) {
            // Of several variables with one name Kubernetes takes the last.
            let current = given
                .iter()
                .rposition(|given| text(given, "name") == Some(name.as_str()));
            let leaf = || section.leaf(forced, list).entry(name);
            match current {
                None if forced || !read(&cx.policy.force).contains_key(name) => {
                    plan.append(at.clone(), element.clone(), &leaf());
                }
                Some(index) if forced && given.get(index).is_some_and(|given| given != *element) => {
                    plan.set(at.index(index), element.clone(), &leaf());
                }
                _ => {}
            }
        }
    }
}
