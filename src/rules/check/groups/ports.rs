//! Looks at the ports of the head's Ray container, where it declares any.

use serde_json::json;

use crate::diag::quoted;
use crate::json::Json;
use crate::k8s::json::{items, text};
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload, flyte, told};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::edit::Op;
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG512",
    title: "The head's port names must not hide its dashboard",
    action: Action::Fix,
    fixes: true,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("ports.md"),
    evidence: &[
        Evidence::Source("KubeRay 1.7.0", "ray-operator/controllers/ray/utils/util.go", &[1043]),
        Evidence::Source(
            "KubeRay 1.7.0",
            "ray-operator/controllers/ray/common/service.go",
            &[412],
        ),
    ],
    run,
};

const DASHBOARD: &str = "dashboard";
const DASHBOARD_PORT: i64 = 8265;
const METRICS: &str = "metrics";
const METRICS_PORT: i64 = 8080;

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(head) = job.head() else { return };
    let Some(ray) = head.main() else { return };
    let ports = items(ray.value, "ports");
    if ports.is_empty() {
        return;
    }
    let at = head.container_path(ray).then_key("ports");
    let flyte = flyte::setting(head, "pod_template=PodTemplate(…)");
    let wanted = match head.start_param("dashboard-port") {
        None => Some(DASHBOARD_PORT),
        // Another number is no port, and the API server would reject it here.
        Some(port) => port.trim().parse().ok().filter(|port| (1..=65535).contains(port)),
    };
    let dashboard = ports.iter().position(|port| text(port, "name") == Some(DASHBOARD));
    let Some(wanted) = wanted else { return };
    let with_number = ports
        .iter()
        .position(|port| number(port) == Some(wanted) && is_tcp(port));
    match (dashboard, with_number) {
        (Some(named), _) if told::starts_ray_itself(job, head) || ports.get(named).and_then(number) == Some(wanted) => {
        }
        (Some(named), taken) => {
            let path = at.index(named).key("containerPort");
            let finding = Finding::new(
                path.clone(),
                format!("head: the port named dashboard is not its dashboard-port {wanted}"),
            )
            .fix(format!("set containerPort to {wanted}"))
            .flyte(flyte.clone());
            findings.push(match taken {
                Some(_) => finding,
                None => finding.repair(
                    format!("head: port dashboard set to {wanted}"),
                    path,
                    Op::Set(wanted.into()),
                ),
            });
        }
        (None, Some(unnamed)) => {
            let path = at.index(unnamed).key("name");
            findings.push(
                Finding::new(
                    path.clone(),
                    format!("head: port {wanted} is not named dashboard, KubeRay would wait for it indefinitely"),
                )
                .fix("name the port dashboard")
                .flyte(flyte.clone())
                .repair(
                    format!("head: port {wanted} named dashboard"),
                    path,
                    Op::Set(DASHBOARD.into()),
                ),
            );
        }
        (None, None) => findings.push(
            Finding::new(
                at.clone(),
                "head: no port is named dashboard, KubeRay would wait for it indefinitely",
            )
            .fix(format!(
                "declare the port {wanted} with the name dashboard, or no ports at all"
            ))
            .flyte(flyte.clone())
            .repair(
                format!("head: port dashboard {wanted} declared"),
                at.clone(),
                Op::Append(json!({"name": DASHBOARD, "containerPort": wanted})),
            ),
        ),
    }
    if ports.iter().any(|port| text(port, "name") == Some(METRICS)) {
        return;
    }
    let doubled = ports
        .iter()
        .position(|port| number(port) == Some(METRICS_PORT) && is_tcp(port));
    if let Some(index) = doubled {
        let name = ports.get(index).and_then(|port| text(port, "name")).unwrap_or_default();
        findings.push(
            Finding::new(
                at.index(index).key("name"),
                format!(
                    "head: port 8080 is named {}, KubeRay adds it again and its Service is refused",
                    quoted(name)
                ),
            )
            .fix("name the port metrics if it is Ray's, or give it another number")
            .flyte(flyte),
        );
    }
}

fn number(port: Json<'_>) -> Option<i64> {
    port.get("containerPort").and_then(Json::as_i64)
}

fn is_tcp(port: Json<'_>) -> bool {
    text(port, "protocol").is_none_or(|protocol| protocol == "TCP")
}
