//! Finds containers, the autoscaler and ephemeral ones too, that are `privileged`, set `allowPrivilegeEscalation` to
//! true, or add capabilities.

use crate::diag::{listed, quoted};
use crate::json::{Array, Json};
use crate::k8s::json::items;
use crate::policy::settings::Action;
use crate::ray::{Kinds, Place, Workload, flyte};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG606",
    title: "Containers should not have privileges that they do not need",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("privileged.md"),
    evidence: &[Evidence::Reason(
        "a privileged container controls the node, but some platforms need one",
    )],
    run,
};

/// The most capabilities that one message names.
const SHOWN: usize = 5;

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for place in job.places() {
        let Place::Container(pod, container) = place else {
            continue;
        };
        let Some(context) = container.value.get("securityContext") else {
            continue;
        };
        let at = || pod.container_path(container).then_key("securityContext");
        let mut report = |path, what: String| {
            findings.push(
                Finding::new(
                    path,
                    format!("{}: container {} {what}", pod.title(), quoted(container.name)),
                )
                .fix("leave it out of the container's securityContext")
                .flyte(flyte::setting(pod, "pod_template=PodTemplate(…)")),
            );
        };
        if context.get("privileged").and_then(Json::as_bool) == Some(true) {
            report(
                at().key("privileged"),
                "is privileged, which makes it root on the node".to_owned(),
            );
        }
        if context.get("allowPrivilegeEscalation").and_then(Json::as_bool) == Some(true) {
            report(
                at().key("allowPrivilegeEscalation"),
                "may become root by allowPrivilegeEscalation".to_owned(),
            );
        }
        let added = context
            .get("capabilities")
            .map_or(Array::EMPTY, |capabilities| items(capabilities, "add"));
        if !added.is_empty() {
            let names: Vec<String> = added.iter().filter_map(Json::as_str).take(SHOWN).map(quoted).collect();
            report(
                at().keys(["capabilities", "add"]),
                format!("adds the capabilities {}", listed(&names)),
            );
        }
    }
}
