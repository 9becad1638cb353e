//! Finds a port or an address of Serve that KubeRay does not probe or expose.

use crate::diag::quoted;
use crate::k8s::json::{below, given};
use crate::policy::settings::Action;
use crate::ray::{Kinds, Pod, Role, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::{config_path, serve_port};

/// The check.
pub const CHECK: Check = Check {
    code: "RG720",
    title: "Serve must listen on the port and address that KubeRay uses",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::Only(&["RayService"]),
    versions: Versions::ALL,
    page: include_str!("port.md"),
    evidence: &[
        Evidence::Source("KubeRay 1.7.0", "ray-operator/controllers/ray/common/pod.go", &[823]),
        Evidence::Source(
            "KubeRay 1.7.0",
            "ray-operator/controllers/ray/common/service.go",
            &[442],
        ),
    ],
    run,
};

/// Ray's port of Serve, and KubeRay's where no container port is named `serve`.
const DEFAULT: i64 = 8000;

/// Whether an address is reached from its own pod only.
fn is_loopback(host: &str) -> bool {
    matches!(host, "localhost" | "::1") || host.starts_with("127.")
}

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let config = job.serve_config();
    let host = config
        .and_then(|config| config.host.as_deref())
        .filter(|host| is_loopback(host));
    findings.extend(host.map(|host| {
        let message = format!(
            "http_options.host is {}: Serve listens inside each pod only, no Service reaches it",
            quoted(host)
        );
        Finding::new(config_path(), message).fix("remove the host, or set it to 0.0.0.0")
    }));
    let Some(port) = config.and_then(|config| config.port) else {
        return;
    };
    let has_service = below(job.object, &["spec", "serveService"]).is_object();
    let is_used = |pod: &&Pod<'_>| match pod.role {
        Role::Head => !has_service,
        _ => pod
            .main()
            .is_some_and(|ray| given(ray.value, "readinessProbe").is_none()),
    };
    let other = job
        .ray_pods()
        .filter(is_used)
        .map(|pod| (pod, serve_port(pod).unwrap_or(DEFAULT)))
        .find(|(_, used)| *used != port);
    if let Some((pod, used)) = other {
        findings.push(
            Finding::new(
                config_path(),
                format!("Serve listens on port {port}, KubeRay uses {used} for {}", pod.title()),
            )
            .fix(format!(
                "give container port {port} of head and workers the name `serve`, or remove the port"
            )),
        );
    }
}
