//! A queue controller's request without what it does for scheduling.

use crate::engine::compare::{counterpart, is_empty};
use crate::engine::document::Document;
use crate::json::Json;
use crate::k8s::json::{below, text};
use crate::k8s::path::Path;
use crate::ray::{Kind, Pod, Workload};
use crate::rules::{Edit, Op};

use super::part::Part;

/// Brings the scheduling of a queue controller's request back to what is stored, so that the rest can be judged: node
/// selectors, tolerations, scheduling gates, labels and annotations of the pod templates, and a default submitter where
/// there was none (Kueue 0.19, `pkg/podset` and `jobs/rayjob`).
pub fn without_scheduling(old: Json<'_>, new: &mut Document) {
    let kind = Kind::of(new.value());
    let submitter = Part::Submitter.path(kind);
    let had_submitter = submitter.get(old).is_some_and(|template| !template.is_null());
    let mut edits: Vec<Edit> = Vec::new();
    let mut plan = |path: Path, op: Op| edits.push(Edit { path, op, leaf: None });
    if !had_submitter && is_default_submitter(new.value()) {
        plan(submitter.clone(), Op::Remove);
    }
    let groups = 0..kind.groups(new.value()).len();
    let groups = groups.map(|index| Part::Group(index).path(kind).then_key("template"));
    let mut templates: Vec<Path> = groups.collect();
    templates.push(Part::Head.path(kind).then_key("template"));
    if had_submitter {
        templates.push(submitter);
    }
    for template in templates {
        for place in [
            template.keys(["spec", "nodeSelector"]),
            template.keys(["spec", "tolerations"]),
            template.keys(["spec", "schedulingGates"]),
            template.keys(["metadata", "labels"]),
            template.keys(["metadata", "annotations"]),
        ] {
            match (counterpart(place.steps(), new.value(), old), place.get(new.value())) {
                (Some(was), is) if is != Some(was) => plan(place, Op::Set(was.to_value())),
                (None, Some(_)) => plan(place, Op::Remove),
                _ => {}
            }
        }
    }
    for edit in edits {
        // A template that is no object stays as it is, and is judged so.
        let _ = new.apply(vec![edit]);
    }
}

/// Whether the submitter is the one that KubeRay would make (KubeRay 1.7, `common/job.go`, `GetDefaultSubmitterTemplate`):
/// one container, with the image of the head, and nothing but resources.
fn is_default_submitter(object: Json<'_>) -> bool {
    let has_only = |value: Json<'_>, keys: &[&str]| {
        value
            .as_object()
            .is_some_and(|map| map.iter().all(|(key, value)| keys.contains(&key) || is_empty(value)))
    };
    let job = Workload::of(object);
    fn image<'a>(pod: &Pod<'a>) -> Option<&'a str> {
        text(pod.main()?.value, "image")
    }
    let (Some(submitter), Some(head)) = (job.submitter(), job.head()) else {
        return false;
    };
    let pod = [
        "containers",
        "restartPolicy",
        "nodeSelector",
        "tolerations",
        "schedulingGates",
    ];
    let container = ["name", "image", "resources"];
    let counted = |key: &str| matches!(key, "cpu" | "memory");
    has_only(submitter.spec, &pod)
        && submitter.containers.len() == 1
        && submitter.containers.iter().all(|one| {
            has_only(one.value, &container)
                && has_only(below(one.value, &["resources"]), &["requests", "limits"])
                && one.asked().all(|resource| counted(resource.key))
        })
        && image(submitter) == image(head)
}
