//! Finds a head whose ports include none for Serve.

use crate::json::Json;
use crate::k8s::json::{below, items, text};
use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG724",
    title: "The head of a RayService needs a port named serve",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::Only(&["RayService"]),
    versions: Versions::ALL,
    page: include_str!("service_port.md"),
    evidence: &[Evidence::Source(
        "KubeRay 1.7.0",
        "ray-operator/controllers/ray/common/service.go",
        &[229],
    )],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let has_service = below(job.object, &["spec", "serveService"]).is_object();
    let Some((head, ray)) = job
        .head()
        .and_then(|head| Some((head, head.main()?)))
        .filter(|_| !has_service)
    else {
        return;
    };
    let ports = items(ray.value, "ports");
    let is_for_serve = |port: Json<'_>| {
        let name = text(port, "name").unwrap_or_default();
        name == "serve" || cx.kuberay() >= KubeRay::V1_6 && name.starts_with("serve-")
    };
    if !ports.is_empty() && !ports.iter().any(is_for_serve) {
        findings.push(
            Finding::new(
                head.container_path(ray).then_key("ports"),
                "head: no port is named `serve`, KubeRay cannot create the Service for the applications",
            )
            .fix("add {name: serve, containerPort: 8000}, or remove all ports"),
        );
    }
}
