//! Finds a pod whose Ray container is not the first.

use crate::diag::quoted;
use crate::k8s::image::Image;
use crate::k8s::json::{child, items, text};
use crate::policy::settings::Action;
use crate::ray::release::is_rays_own;
use crate::ray::{Container, Kinds, Role, Workload, flyte, told};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::edit::Op;
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG502",
    title: "The Ray container must be the first container",
    action: Action::Fix,
    fixes: true,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("container_order.md"),
    evidence: &[Evidence::Source(
        "KubeRay 1.7.0",
        "ray-operator/controllers/ray/utils/constant.go",
        &[51],
    )],
    run,
};

/// Images that never run Ray, by the last part of their repository.
const SIDECARS: [&str; 24] = [
    "alpine",
    "busybox",
    "cloud-sql-proxy",
    "curl",
    "dcgm-exporter",
    "envoy",
    "filebeat",
    "fluent-bit",
    "fluentbit",
    "fluentd",
    "git-sync",
    "haproxy",
    "nginx",
    "node-exporter",
    "oauth2-proxy",
    "opentelemetry-collector",
    "opentelemetry-collector-contrib",
    "pause",
    "promtail",
    "proxyv2",
    "redis",
    "statsd-exporter",
    "telegraf",
    "vector",
];

/// The ports of a head's Ray container: GCS, dashboard and client.
const HEAD_PORTS: [i64; 3] = [6379, 8265, 10001];

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in &job.pods {
        let is_named = |name: &str| match pod.role {
            Role::Head => name == "ray-head",
            Role::Worker => name == "ray-worker",
            Role::Submitter => {
                name == "ray-job-submitter" || name == "primary" || (name == job.name() && !name.is_empty())
            }
        };
        let Some(first) = pod.main() else { continue };
        let named = pod.running().find(|container| is_named(container.name));
        let (ray, is_certain) = match named {
            Some(ray) => (ray, true),
            None if pod.role == Role::Submitter || looks_like_rays(first) => continue,
            None => {
                let mut like_rays = pod.running().skip(1).filter(|container| looks_like_rays(container));
                let (Some(ray), None) = (like_rays.next(), like_rays.next()) else {
                    continue;
                };
                (ray, never_runs_ray(first))
            }
        };
        if ray.index == 0 {
            continue;
        }
        let finding = Finding::new(
            pod.container_path(first).then_key("name"),
            format!(
                "{}: container {} stands before {}; KubeRay runs Ray in the first one",
                pod.title(),
                quoted(first.name),
                quoted(ray.name)
            ),
        )
        .fix("list the Ray container first")
        .flyte(flyte::setting(pod, "pod_template=PodTemplate(…)"));
        findings.push(if is_certain {
            finding.repair(
                format!("{}: container {} moved to the front", pod.title(), quoted(ray.name)),
                pod.spec_path().then_key("containers"),
                Op::ToFront(ray.index),
            )
        } else {
            finding.warn_only()
        });
    }
}

/// Whether image, ports or command of a container are those of a Ray container.
fn looks_like_rays(container: &Container<'_>) -> bool {
    let ports = items(container.value, "ports");
    let has_port = ports.iter().any(|port| {
        child(port, "containerPort")
            .as_i64()
            .is_some_and(|port| HEAD_PORTS.contains(&port))
    });
    repository(container).is_some_and(|repository| is_rays_own(&repository))
        || has_port
        || told::runs_ray_start(container)
}

fn never_runs_ray(container: &Container<'_>) -> bool {
    let name = |repository: String| repository.rsplit('/').next().map(str::to_owned);
    repository(container)
        .and_then(name)
        .is_some_and(|name| SIDECARS.contains(&name.as_str()))
}

fn repository(container: &Container<'_>) -> Option<String> {
    let image = Image::parse(text(container.value, "image")?).ok()?;
    Some(image.repository().to_owned())
}
