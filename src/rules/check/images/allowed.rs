//! Finds images that none of the patterns in `limits.allowedImages` covers.

use std::collections::BTreeMap;

use crate::diag::quoted;
use crate::k8s::image::{Image, ImagePattern};
use crate::policy::settings::Action;
use crate::ray::kind::SERVE_CONFIG;
use crate::ray::{Kinds, Place, Workload, flyte};
use crate::rules::check::resources::place as place_of;
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG601",
    title: "Images must come from an allowed registry",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("allowed.md"),
    evidence: &[Evidence::Limit("allowedImages")],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(allowed) = &cx.policy.limits.allowed_images else {
        return;
    };
    let patterns: Vec<ImagePattern> = allowed
        .iter()
        .filter_map(|text| ImagePattern::parse(text).ok())
        .collect();
    let mut known: BTreeMap<String, bool> = BTreeMap::new();
    for place in job.places() {
        let Ok(images) = place.images() else {
            let (field, setting) = named(place);
            findings.push(told(
                Finding::new(
                    place.image_path(),
                    format!("{field}: raygate cannot read it, so it may hide an image that is not allowed"),
                )
                .fix("write plain YAML, with each key once and without merge keys or tags"),
                setting,
            ));
            continue;
        };
        for image in images {
            let is_refused = match known.get(&*image) {
                Some(is_refused) => *is_refused,
                None => {
                    let is_refused = match Image::parse(&image) {
                        Ok(image) => !patterns.iter().any(|pattern| pattern.matches(&image)),
                        // RG602 refuses a container's. Ray and the kubelet may still read another one in their own way.
                        Err(_) => !matches!(place, Place::Container(..)),
                    };
                    known.insert(image.clone().into_owned(), is_refused);
                    is_refused
                }
            };
            if is_refused {
                findings.push(finding(&image, place));
            }
        }
    }
}

fn finding(image: &str, place: Place<'_, '_>) -> Finding {
    let (whose, setting) = named(place);
    told(
        Finding::new(
            place.image_path(),
            format!("{whose}: image {} is not allowed here", quoted(image)),
        )
        .fix("use an image that limits.allowedImages covers"),
        setting,
    )
}

/// How a message names a place, and where the author sets it in Flyte.
fn named(place: Place<'_, '_>) -> (String, Option<String>) {
    match place {
        Place::Container(pod, container) => (place_of(pod, container), Some(super::flyte_setting(pod, container))),
        Place::Volume(pod, ..) | Place::Pod(pod) => (
            format!("{}, image volume", pod.title()),
            Some(flyte::setting(pod, "pod_template=PodTemplate(…)")),
        ),
        Place::RuntimeEnv(..) => (
            "runtimeEnvYAML".to_owned(),
            Some("RayJobConfig(runtime_env={…})".to_owned()),
        ),
        Place::ServeConfig(_) => (SERVE_CONFIG.to_owned(), None),
    }
}

fn told(finding: Finding, setting: Option<String>) -> Finding {
    match setting {
        Some(setting) => finding.flyte(setting),
        None => finding,
    }
}
