//! Finds an image for one architecture in a pod that is sent to nodes of another.

use crate::diag::quoted;
use crate::json::Json;
use crate::k8s::image::Image;
use crate::k8s::json::{below, items, text};
use crate::policy::settings::Action;
use crate::ray::release::architecture;
use crate::ray::{Kinds, Pod, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG620",
    title: "Images must be built for the architecture of their nodes",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("architecture.md"),
    evidence: &[Evidence::Reason(
        "the name of a tag says what an image is built for, and does not prove it (ray-project/kuberay#2698)",
    )],
    run,
};

/// The labels with which the kubelet names the architecture of its node; the second is deprecated.
const LABELS: [&str; 2] = ["kubernetes.io/arch", "beta.kubernetes.io/arch"];

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in &job.pods {
        let nodes = architectures(pod);
        if nodes.is_empty() {
            continue;
        }
        for container in &pod.containers {
            let image = super::image(container);
            let built = Image::parse(image).ok().and_then(|image| architecture(image.tag()?));
            let Some(built) = built.filter(|built| !nodes.contains(built)) else {
                continue;
            };
            findings.push(
                Finding::new(
                    pod.container_path(container).then_key("image"),
                    format!(
                        "{}: image {} is for {built}, and the pod selects nodes with {}; it fails with `exec format error`",
                        pod.title(),
                        quoted(image),
                        nodes.join(" or "),
                    ),
                )
                .fix(format!("take an image for {}, or select nodes with {built}", nodes.join(" or ")))
                .flyte(super::flyte_setting(pod, container)),
            );
        }
    }
}

/// The architectures of the nodes that a pod selects; empty where it does not say.
fn architectures<'a>(pod: &Pod<'a>) -> Vec<&'a str> {
    let selector = below(pod.spec, &["nodeSelector"]);
    if let Some(one) = LABELS.iter().find_map(|label| text(selector, label)) {
        return vec![one];
    }
    let required = below(
        pod.spec,
        &[
            "affinity",
            "nodeAffinity",
            "requiredDuringSchedulingIgnoredDuringExecution",
        ],
    );
    let mut all = Vec::new();
    for term in items(required, "nodeSelectorTerms").iter() {
        let named = items(term, "matchExpressions").iter().find(|one| {
            text(*one, "operator") == Some("In") && text(*one, "key").is_some_and(|key| LABELS.contains(&key))
        });
        // A term that names none allows nodes of any architecture.
        let Some(named) = named else { return Vec::new() };
        all.extend(items(named, "values").iter().filter_map(Json::as_str));
    }
    all
}
