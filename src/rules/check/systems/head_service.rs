//! Finds a `headService` or `serveService` with `externalIPs`, or of a type other than `ClusterIP`.

use crate::diag::{listed, quoted};
use crate::json::Json;
use crate::k8s::json::{below, child, items, text};
use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::kind::RAY_SERVICE;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG717",
    title: "Services must not open the head to other networks",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("head_service.md"),
    evidence: &[Evidence::Reason(
        "the head is reachable from other networks, but some platforms need this",
    )],
    run,
};

const HEAD_SERVICE: &str = "headService";
const SERVE_SERVICE: &str = "serveService";

/// The most addresses that the message names.
const SHOWN: usize = 5;

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    if let Some(head) = job.head() {
        let service = child(head.group, HEAD_SERVICE);
        opened(
            service,
            &head.group_path().then_key(HEAD_SERVICE),
            "head: headService",
            Opens::Head,
            findings,
        );
    }
    if job.kind.is(&RAY_SERVICE) {
        let service = below(job.object, &["spec", SERVE_SERVICE]);
        let opens = if serves_only(service) {
            Opens::Serve
        } else {
            Opens::Head
        };
        opened(
            service,
            &Path::of(["spec", SERVE_SERVICE]),
            SERVE_SERVICE,
            opens,
            findings,
        );
    }
}

/// What clients of a Service reach.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Opens {
    /// Every port of the head.
    Head,
    /// The applications of Ray Serve alone.
    Serve,
}

/// Whether a Service has no other ports than those for Ray Serve, which KubeRay calls `serve` or `serve-*` and adds itself
/// where there are none (KubeRay 1.6.2, `controllers/ray/common/service.go` lines 255 to 264).
fn serves_only(service: Json<'_>) -> bool {
    let ports = items(child(service, "spec"), "ports");
    ports
        .iter()
        .all(|port| text(port, "name").is_some_and(|name| name == "serve" || name.starts_with("serve-")))
}

fn opened(service: Json<'_>, path: &Path, name: &str, opens: Opens, findings: &mut Findings) {
    let (spec, at) = (child(service, "spec"), path.key("spec"));
    let effect = match text(spec, "type") {
        Some(kind @ ("NodePort" | "LoadBalancer")) => {
            let what = if opens == Opens::Serve { "Ray Serve" } else { "the head" };
            Some(format!("type {kind}, which opens {what} outside the cluster"))
        }
        Some(kind @ "ExternalName") => Some(format!("type {kind}, which sends its clients to another host")),
        _ => None,
    };
    if let Some(effect) = effect {
        let message = format!("{name} has the {effect}");
        let finding = Finding::new(at.key("type"), message).fix("leave the type out");
        // Applications are often meant to be reached from outside.
        findings.push(if opens == Opens::Serve {
            finding.warn_only()
        } else {
            finding
        });
    }
    let addresses = items(spec, "externalIPs").iter().filter_map(|address| address.as_str());
    let addresses: Vec<String> = addresses.map(quoted).take(SHOWN).collect();
    if !addresses.is_empty() {
        let message = format!("{name} takes the traffic for {}", listed(&addresses));
        findings.push(Finding::new(at.key("externalIPs"), message).fix("leave externalIPs out"));
    }
}
