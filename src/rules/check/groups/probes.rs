//! Finds a Ray container with only one of `livenessProbe` and `readinessProbe`, and a probe of Ray's health endpoints
//! on a container that is not Ray's, and a command of the author that opens another port than KubeRay's probes ask.

use crate::diag::quoted;
use crate::json::Json;
use crate::k8s::json::text;
use crate::policy::settings::Action;
use crate::ray::{Container, Kinds, Workload, flyte, told};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG513",
    title: "Liveness and readiness probes belong together, on the Ray container",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("probes.md"),
    evidence: &[Evidence::Source(
        "KubeRay 1.7.0",
        "ray-operator/controllers/ray/common/pod.go",
        &[732],
    )],
    run,
};

/// The option and the start parameter for the port of the dashboard agent, which all probes of KubeRay ask.
const AGENT: &str = "dashboard-agent-listen-port";
const PROBES: [&str; 2] = ["livenessProbe", "readinessProbe"];

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in job.ray_pods() {
        let Some(ray) = pod.main() else { continue };
        let missing = match PROBES.map(|key| probe(ray, key).is_some()) {
            [true, false] => Some("readinessProbe"),
            [false, true] => Some("livenessProbe"),
            _ => None,
        };
        let asked = pod
            .start_param(AGENT)
            .and_then(|port| port.parse().ok())
            .unwrap_or(told::AGENT_PORT);
        if told::starts_ray_itself(job, pod)
            && PROBES.iter().any(|key| probe(ray, key).is_none())
            && let Some(opened) = told::port_of_command(ray, AGENT)
            && opened != asked
        {
            findings.push(
                Finding::new(
                    pod.container_path(ray),
                    format!(
                        "{}: the command sets {AGENT} {opened}, and KubeRay's probes ask port {asked}; the pod never becomes ready",
                        pod.title()
                    ),
                )
                .fix(format!(
                    "give both probes, or set the start parameter {AGENT} to \"{opened}\", which KubeRay 1.6 and later read"
                ))
                .flyte(flyte::setting(pod, "pod_template=PodTemplate(…)")),
            );
        }
        if let Some(key) = missing {
            findings.push(
                Finding::new(
                    pod.container_path(ray).then_key(key),
                    format!(
                        "{}: no {key} beside the other probe, KubeRay adds one that needs wget",
                        pod.title()
                    ),
                )
                .fix("give both probes, or none")
                .flyte(flyte::setting(pod, "pod_template=PodTemplate(…)")),
            );
        }
        for other in pod.running().skip(1) {
            for key in PROBES {
                let path = probe(other, key).and_then(|probe| text(probe.get("httpGet")?, "path"));
                if path.is_some_and(|path| path.contains("raylet_healthz") || path.contains("gcs_healthz")) {
                    findings.push(
                        Finding::new(
                            pod.container_path(other).then_key(key),
                            format!(
                                "{}: container {} has Ray's {key}, KubeRay looks only at the first container",
                                pod.title(),
                                quoted(other.name)
                            ),
                        )
                        .fix("give the probes to the first container")
                        .flyte(flyte::setting(pod, "pod_template=PodTemplate(…)")),
                    );
                }
            }
        }
    }
}

fn probe<'a>(container: &Container<'a>, key: &str) -> Option<Json<'a>> {
    container.value.get(key).filter(|probe| !probe.is_null())
}
