//! Finds pods whose resource claims are not there.

use crate::diag::{listed, quoted};
use crate::facts::Fact;
use crate::k8s::json::{items, text};
use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload, flyte};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::missing::fix;

/// The check.
pub const CHECK: Check = Check {
    code: "RG816",
    title: "Resource claims and their device classes must exist",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("claims.md"),
    evidence: &[Evidence::Reason(
        "The API server accepts the pod, which waits until somebody creates the claim, the template or the class",
    )],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    if job.runs_elsewhere() {
        return;
    }
    for pod in &job.pods {
        for (index, claim) in items(pod.spec, "resourceClaims").iter().enumerate() {
            let at = |key: &'static str| {
                pod.spec_path()
                    .then_key("resourceClaims")
                    .then_index(index)
                    .then_key(key)
            };
            let mut find = |path: Path, what: String, fix: String| {
                let message = format!("{}: {what}, so the pods stay pending", pod.title());
                findings.push(
                    Finding::new(path, message)
                        .fix(fix)
                        .flyte(flyte::setting(pod, "pod_template=PodTemplate(…)")),
                );
            };
            let place = format!("does not exist in namespace {}", quoted(cx.namespace));
            if let (Some(name), Some(claims)) = (text(claim, "resourceClaimName"), cx.facts.claims())
                && !claims.contains(name)
            {
                let key = "resourceClaimName";
                let names = claims.iter().map(String::as_str);
                find(
                    at(key),
                    format!("ResourceClaim {} {place}", quoted(name)),
                    fix(name, names, Fact::ResourceClaim.name(), key),
                );
            }
            let (Some(name), Some(templates)) = (text(claim, "resourceClaimTemplateName"), cx.facts.claim_templates())
            else {
                continue;
            };
            let key = "resourceClaimTemplateName";
            let Some(template) = templates.get(name) else {
                let names = templates.keys().map(String::as_str);
                find(
                    at(key),
                    format!("ResourceClaimTemplate {} {place}", quoted(name)),
                    fix(name, names, Fact::ResourceClaimTemplate.name(), key),
                );
                continue;
            };
            let Some(classes) = cx.facts.device_classes() else {
                continue;
            };
            let is_missing = |name: &String| !classes.contains_key(name);
            for request in template.classes.iter().filter(|request| request.iter().all(is_missing)) {
                let wanted: Vec<String> = request.iter().map(|name| quoted(name)).collect();
                let first = request.first().map(String::as_str).unwrap_or_default();
                find(
                    at(key),
                    format!(
                        "ResourceClaimTemplate {} requests a device of DeviceClass {}, which does not exist in this cluster",
                        quoted(name),
                        listed(&wanted)
                    ),
                    fix(first, classes.keys().map(String::as_str), Fact::DeviceClass.name(), key),
                );
            }
        }
    }
}
