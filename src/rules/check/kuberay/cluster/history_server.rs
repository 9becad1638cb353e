//! Finds `historyServerOptions` that KubeRay cannot set up. Values of variables may be secrets and are never repeated.

use std::collections::BTreeMap;

use crate::json::Json;
use crate::k8s::json::{given, items, text};
use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::{gate_off, validation};

/// The check.
pub const CHECK: Check = Check {
    code: "RG168",
    title: "The history server's collector must be complete",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::since(KubeRay::V1_7),
    page: include_str!("history_server.md"),
    evidence: &[validation(&[262, 265, 272, 1034, 1060, 1066])],
    run,
};

const GATE: &str = "RayClusterHistoryServer";

/// The container that KubeRay adds.
const CONTAINER: &str = "ray-history-collector";

/// The variables that it sets in it.
const RESERVED: [&str; 8] = [
    "POD_IP",
    "FQ_RAY_IP",
    "RAY_CLUSTER_NAME",
    "RAY_CLUSTER_NAMESPACE",
    "RAY_ROLE",
    "OWNER_KIND",
    "OWNER_NAME",
    "EVENTS_PORT",
];

const BACKEND: &str = "STORAGE_BACKEND";

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(history) = job.cluster_field("historyServerOptions") else {
        return;
    };
    let path = job.cluster_path("historyServerOptions");
    if !cx.gate(GATE) {
        findings.push(gate_off(
            cx,
            path.clone(),
            "historyServerOptions",
            GATE,
            "remove historyServerOptions",
        ));
    }
    let path = path.key("collectorOptions");
    match given(history, "collectorOptions") {
        None => missing(path, "collectorOptions", findings),
        Some(options) => options_of(options, &path, findings),
    }
    for pod in job.ray_pods() {
        for container in pod.running().filter(|container| container.name == CONTAINER) {
            findings.push(
                Finding::new(
                    pod.container_path(container).then_key("name"),
                    format!("{}: the container {CONTAINER} is KubeRay's own", pod.title()),
                )
                .fix("remove the container, or historyServerOptions"),
            );
        }
    }
}

fn missing(path: Path, what: &str, findings: &mut Findings) {
    findings.push(Finding::new(path, format!("history server: {what} is missing")).fix(format!("set {what}")));
}

fn options_of(options: Json<'_>, path: &Path, findings: &mut Findings) {
    if text(options, "image").is_none_or(str::is_empty) {
        missing(path.key("image"), "collectorOptions.image", findings);
    }
    let path = path.key("env");
    // As in KubeRay, the last variable of a name counts.
    let variables: BTreeMap<&str, (usize, Json<'_>)> = items(options, "env")
        .iter()
        .enumerate()
        .filter_map(|(index, variable)| Some((text(variable, "name")?, (index, variable))))
        .collect();
    for name in RESERVED {
        if let Some((index, _)) = variables.get(name) {
            findings.push(
                Finding::new(path.index(*index), format!("history server: {name} is KubeRay's own"))
                    .fix(format!("remove {name} from collectorOptions.env")),
            );
        }
    }
    let plain = |name: &str| variables.get(name).and_then(|(_, variable)| text(*variable, "value"));
    let is_set = |name: &str| {
        plain(name).is_some_and(|value| !value.is_empty())
            || variables
                .get(name)
                .is_some_and(|(_, variable)| given(*variable, "valueFrom").is_some())
    };
    let Some(backend) = plain(BACKEND).filter(|value| !value.is_empty()) else {
        return missing(path, &format!("{BACKEND} as plain text"), findings);
    };
    let azure_mode = plain("AZURE_STORAGE_AUTH_MODE").unwrap_or_default();
    for either in needed(backend, azure_mode) {
        if !either.iter().any(|name| is_set(name)) {
            missing(path.clone(), &either.join(" or "), findings);
        }
    }
}

/// The variables that a backend needs, one of each list. The names for Aliyun changed during development, either is taken.
fn needed(backend: &str, azure_mode: &str) -> &'static [&'static [&'static str]] {
    match backend.to_uppercase().as_str() {
        "GCS" => &[&["GCS_BUCKET"]],
        "S3" => &[&["S3_REGION"]],
        "AZUREBLOB" => match azure_mode.trim().to_lowercase().as_str() {
            "connection_string" => &[&["AZURE_STORAGE_CONNECTION_STRING"]],
            "workload_identity" | "default" => &[&["AZURE_STORAGE_ACCOUNT_URL"]],
            _ => &[&["AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_ACCOUNT_URL"]],
        },
        "ALIYUNOSS" => &[
            &["ALIYUN_BUCKET", "OSS_BUCKET"],
            &["ALIYUN_ENDPOINT", "OSS_ENDPOINT"],
            &["ALIYUN_REGION", "OSS_REGION"],
        ],
        _ => &[],
    }
}
