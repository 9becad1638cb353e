//! What a RayService serves: the config that KubeRay sends to Ray Serve, and the ports.

pub mod ignored;
pub mod needs;
pub mod port;
pub mod rejected;
pub mod service_port;

use crate::k8s::json::{items, text};
use crate::k8s::path::Path;
use crate::ray::kind::SERVE_CONFIG;
use crate::ray::release::Release;
use crate::ray::serve_config::{Place, Problem};
use crate::ray::{Pod, Workload};
use crate::rules::Finding;

fn config_path() -> Path {
    Path::of(["spec", SERVE_CONFIG])
}

/// A finding about a place of the config.
fn at(place: &Place, found: &str) -> Finding {
    Finding::new(config_path(), format!("{SERVE_CONFIG} line {}: {found}", place.line)).within(place.line, place.column)
}

/// A problem of the config as a finding, with its line.
fn finding(problem: &Problem) -> Finding {
    let Problem { place, found, fix, .. } = problem;
    let mut rest = fix.chars();
    let fix: String = rest
        .next()
        .into_iter()
        .flat_map(char::to_lowercase)
        .chain(rest)
        .collect();
    at(place, found).fix(fix)
}

/// The release of Ray that the author names.
fn release(job: &Workload<'_>) -> Option<Release> {
    Release::leading(job.cluster_field("rayVersion")?.as_str()?)
}

/// The port of a pod's Ray container with the name `serve`.
fn serve_port(pod: &Pod<'_>) -> Option<i64> {
    let ports = items(pod.main()?.value, "ports").iter();
    let mut named = ports.filter(|port| text(*port, "name") == Some("serve"));
    named.next()?.get("containerPort")?.as_i64()
}
