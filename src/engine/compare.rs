//! What an update changes, and whether it makes anything worse.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::k8s::path::{Path, Step, step_into};
use crate::ray::job::text;

use super::judge::{Finder, Judged};

/// What an update does to the spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compared {
    /// Nothing: metadata, finalizers, a deletion.
    SameSpec,
    /// It suspends or resumes the job, and changes at most what Kueue changes then: labels, annotations, node
    /// selectors, tolerations, affinity and scheduling gates of the pod templates, and the submitter's template where
    /// there was none (KubeRay 1.6 and Kueue, `jobs/rayjob`).
    Resumed,
    /// Anything else.
    Changed,
}

/// Compares the specs of two objects.
pub fn compare(old: &Value, new: &Value) -> Compared {
    let (old, new) = (
        old.get("spec").unwrap_or(&Value::Null),
        new.get("spec").unwrap_or(&Value::Null),
    );
    if old == new {
        return Compared::SameSpec;
    }
    let suspended = |spec: &Value| spec.get("suspend").and_then(Value::as_bool).unwrap_or(false);
    let submitter = |spec: &Value| {
        spec.get("submitterPodTemplate")
            .is_some_and(|template| !template.is_null())
    };
    let submitter_stays = submitter(old) == submitter(new) || (submitter(new) && is_plain(new));
    if suspended(old) != suspended(new)
        && submitter_stays
        && without_scheduling(old, new) == without_scheduling(new, old)
    {
        return Compared::Resumed;
    }
    Compared::Changed
}

/// Whether a submitter's template grants nothing: no volumes, no host's namespaces, no security context of its own. Kueue
/// fills in such a one where there was none.
fn is_plain(spec: &Value) -> bool {
    let pod = spec
        .get("submitterPodTemplate")
        .and_then(|template| template.get("spec"))
        .unwrap_or(&Value::Null);
    let absent = |value: &Value, keys: &[&str]| keys.iter().all(|key| value.get(*key).is_none_or(Value::is_null));
    absent(
        pod,
        &[
            "volumes",
            "hostNetwork",
            "hostPID",
            "hostIPC",
            "securityContext",
            "initContainers",
        ],
    ) && crate::ray::job::items(pod, "containers")
        .iter()
        .all(|container| absent(container, &["securityContext"]))
}

/// A spec without what may change when a job is suspended or resumed.
fn without_scheduling(spec: &Value, other: &Value) -> Value {
    let mut spec = spec.clone();
    let submitter_is_new = spec.get("submitterPodTemplate").is_none() || other.get("submitterPodTemplate").is_none();
    let Some(map) = spec.as_object_mut() else { return spec };
    map.remove("suspend");
    if submitter_is_new {
        map.remove("submitterPodTemplate");
    }
    if let Some(template) = map.get_mut("submitterPodTemplate") {
        strip_template(template);
    }
    if let Some(cluster) = map.get_mut("rayClusterSpec") {
        if let Some(template) = cluster
            .get_mut("headGroupSpec")
            .and_then(|head| head.get_mut("template"))
        {
            strip_template(template);
        }
        let groups = cluster.get_mut("workerGroupSpecs").and_then(Value::as_array_mut);
        for template in groups
            .into_iter()
            .flatten()
            .filter_map(|group| group.get_mut("template"))
        {
            strip_template(template);
        }
    }
    spec
}

fn strip_template(template: &mut Value) {
    if let Some(metadata) = template.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("labels");
        metadata.remove("annotations");
    }
    if template
        .get("metadata")
        .is_some_and(|metadata| metadata.as_object().is_some_and(serde_json::Map::is_empty))
        && let Some(template) = template.as_object_mut()
    {
        template.remove("metadata");
    }
    if let Some(spec) = template.get_mut("spec").and_then(Value::as_object_mut) {
        for key in ["nodeSelector", "tolerations", "affinity", "schedulingGates"] {
            spec.remove(key);
        }
    }
}

/// The findings of the old object, by code and place.
#[derive(Debug)]
pub struct Before<'a> {
    findings: BTreeMap<(String, String), &'a Judged>,
    old: &'a Value,
}

impl<'a> Before<'a> {
    /// The findings of `old`.
    pub fn of(findings: &'a [Judged], old: &'a Value) -> Before<'a> {
        let placed = |judged: &'a Judged| (place(judged, old), judged);
        Before {
            findings: findings.iter().map(placed).collect(),
            old,
        }
    }

    /// Whether a finding of the new object is new: the old one had none of its code at its place, by names, or one of
    /// another value or less weight.
    pub fn lacks(&self, judged: &Judged, new: &Value) -> bool {
        let Some(known) = self.findings.get(&place(judged, new)) else {
            return true;
        };
        // What a rule is about is in its message, which is part of the place.
        if matches!(judged.finder, Finder::Rule(_)) {
            return false;
        }
        if judged.finding.weight == 0 && known.finding.weight == 0 {
            known.finding.path.get(self.old) != judged.finding.path.get(new)
        } else {
            judged.finding.weight > known.finding.weight
        }
    }
}

/// The code of a finding and where it stands; of a rule's, the message too, because many may stand at one place.
fn place(judged: &Judged, document: &Value) -> (String, String) {
    let mut place = by_names(&judged.finding.path, document);
    if matches!(judged.finder, Finder::Rule(_)) {
        place.push('\n');
        place.push_str(&judged.finding.message);
    }
    (judged.code().to_owned(), place)
}

/// A path in which elements of lists go by their names, so that it stays the same when the list is reordered.
fn by_names(path: &Path, document: &Value) -> String {
    let mut out = String::new();
    let mut value = Some(document);
    for step in path.steps() {
        value = value.and_then(|value| step_into(value, step));
        match step {
            Step::Key(key) => {
                out.push('.');
                out.push_str(key);
            }
            Step::Index(index) => {
                let name = value.and_then(|value| {
                    ["groupName", "name", "mountPath", "key"]
                        .into_iter()
                        .find_map(|key| text(value, key))
                });
                match name {
                    Some(name) => out.push_str(&format!("[{name:?}]")),
                    None => out.push_str(&format!("[{index}]")),
                }
            }
        }
    }
    out
}
