//! Finds start parameters that `ray start` does not have.

use crate::diag::{quoted, suggest};
use crate::json::Json;
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload, flyte, told};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG516",
    title: "rayStartParams should be options of ray start",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("unknown_parameters.md"),
    evidence: &[Evidence::Reason(
        "`ray start` ends with `No such option`, and KubeRay writes every key as an option (KubeRay 1.7.0, `common/pod.go`)",
    )],
    run,
};

/// The options of `ray start` in any of Ray 2.9.3, 2.20.0, 2.35.0, 2.46.0, 2.52.1 and 2.60.0, in their order
/// (`ray.scripts.scripts.start.params`), and click's own `help`.
const OPTIONS: [&str; 56] = [
    "address",
    "autoscaling-config",
    "block",
    "cgroup-path",
    "dashboard-agent-grpc-port",
    "dashboard-agent-listen-port",
    "dashboard-grpc-port",
    "dashboard-host",
    "dashboard-port",
    "disable-usage-stats",
    "enable-object-reconstruction",
    "enable-resource-isolation",
    "gcs-server-port",
    "head",
    "help",
    "include-dashboard",
    "include-log-monitor",
    "labels",
    "labels-file",
    "log-color",
    "log-style",
    "max-worker-port",
    "memory",
    "metrics-export-port",
    "min-worker-port",
    "no-monitor",
    "no-redirect-output",
    "node-ip-address",
    "node-manager-port",
    "node-name",
    "num-cpus",
    "num-gpus",
    "object-manager-port",
    "object-spilling-directory",
    "object-store-memory",
    "plasma-directory",
    "plasma-store-socket-name",
    "port",
    "proxy-server-url",
    "ray-client-server-port",
    "ray-debugger-external",
    "raylet-socket-name",
    "redis-max-memory",
    "redis-password",
    "redis-shard-ports",
    "redis-username",
    "resources",
    "runtime-env-agent-port",
    "storage",
    "system-config",
    "system-reserved-cpu",
    "system-reserved-memory",
    "temp-dir",
    "tracing-startup-hook",
    "verbose",
    "worker-port-list",
];

/// The most findings of one pod. It bounds the memory of a review.
const MOST: usize = 20;

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in job.ray_pods().filter(|pod| !told::starts_ray_itself(job, pod)) {
        let Some(params) = pod.start_params() else { continue };
        let unknown = params.iter().filter(|(key, value)| is_unknown(key, *value));
        for (key, _) in unknown.take(MOST) {
            let fix = suggest(key, OPTIONS).map_or_else(
                || "leave it out of rayStartParams".to_owned(),
                |near| format!("did you mean {near}?"),
            );
            findings.push(
                Finding::new(
                    pod.group_path().then_key("rayStartParams").name(key),
                    format!(
                        "{}: `ray start` has no option {}, so Ray does not start",
                        pod.title(),
                        quoted(&format!("--{key}"))
                    ),
                )
                .fix(fix)
                .flyte(flyte::setting(pod, "ray_start_params={…}")),
            );
        }
    }
}

/// Whether KubeRay makes an unknown option of a parameter: it leaves out those that are `false`. What the shell may read in
/// another way than as one option is another check's.
fn is_unknown(key: &str, value: Json<'_>) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_written = value.as_str().is_some_and(|value| !value.eq_ignore_ascii_case("false"));
    is_written && !key.is_empty() && key.bytes().all(is_plain) && !OPTIONS.contains(&key)
}
