//! Readiness without wget, or a wget for images that have none.
//!
//! KubeRay probes Ray with `wget` unless it knows a Ray of 2.53 or later, and Flyte never says which Ray it runs
//! (KubeRay 1.6, `common/pod.go`). In an image without wget the cluster never becomes ready and holds its nodes. Each
//! probe that the author wrote stands; KubeRay adds whichever of the two is missing, so both are filled in.

use serde_json::{Value, json};

use crate::json::Json;
use crate::k8s::json::{items, text};
use crate::k8s::path::Path;
use crate::policy::settings::Readiness;
use crate::ray::container::WAIT_FOR_HEAD;
use crate::ray::kind::RAY_SERVICE;
use crate::ray::{Container, Kinds, Pod, Role, Workload, told};

use super::Injector;
use crate::rules::edit::Plan;
use crate::rules::{Chosen, Cx};

/// The injector.
pub const INJECTOR: Injector = Injector {
    name: "readiness",
    doc: "Gives head and workers probes that need no tool, or the wget that KubeRay's own probes call.",
    settings: &["readiness", "wget"],
    kinds: Kinds::All,
    plan,
};

/// The dashboard's port on the head.
const DASHBOARD_PORT: u16 = 8265;
/// Whether the raylet of this node is alive; served by the agent of every Ray 2.
const RAYLET_HEALTH: &str = "/api/local_raylet_healthz";
/// Whether the cluster's control store is alive; served by the dashboard of every Ray 2.
const GCS_HEALTH: &str = "/api/gcs_healthz";

fn plan(cx: &Cx<'_>, job: &Workload<'_>, plan: &mut Plan) {
    let Some(mode) = cx.setting("readiness", |s| s.readiness.as_ref()) else {
        return;
    };
    if *mode.value == Readiness::KubeRay {
        return;
    }
    // KubeRay adds its check of the Serve proxy to the workers of a RayService only if they have no probe. It calls wget
    // (KubeRay 1.7, `common/pod.go`, `initLivenessAndReadinessProbe`).
    let serves = |pod: &Pod<'_>| job.kind.is(&RAY_SERVICE) && pod.role == Role::Worker;
    let is_left_alone = |pod: &Pod<'_>| serves(pod) && *mode.value != Readiness::Wget;
    let pods = job.ray_pods().filter(|pod| !told::starts_ray_itself(job, pod));
    for pod in pods.filter(|pod| !is_left_alone(pod)) {
        let Some(ray) = pod.main() else { continue };
        if has(ray, "readinessProbe") && has(ray, "livenessProbe") {
            continue;
        }
        match (mode.value, Ports::of(pod)) {
            (Readiness::Http, Some(ports)) => probes(pod, ray, &ports, http, &mode, plan),
            (Readiness::Python, Some(ports)) => probes(pod, ray, &ports, python, &mode, plan),
            _ => wget(cx, pod, ray, &mode, plan),
        }
    }
}

fn has(container: &Container<'_>, probe: &str) -> bool {
    container.value.get(probe).is_some_and(|probe| !probe.is_null())
}

/// Where the health endpoints listen.
struct Ports {
    agent: u16,
    dashboard: Option<u16>,
}

impl Ports {
    /// Reads `rayStartParams`. `None` where nothing is sure to answer on the pod's address: a loopback address, a
    /// port that is no number, a dashboard turned off.
    fn of(pod: &Pod<'_>) -> Option<Ports> {
        let port = |param: &str, absent: u16| {
            pod.start_param(param)
                .map_or(Some(absent), |text| text.parse().ok().filter(|port| *port != 0))
        };
        let is_loopback = |param: &str| pod.start_param(param).is_some_and(told::is_loopback);
        if is_loopback("node-ip-address") {
            return None;
        }
        let agent = port("dashboard-agent-listen-port", told::AGENT_PORT)?;
        if pod.role != Role::Head {
            return Some(Ports { agent, dashboard: None });
        }
        if is_loopback("dashboard-host") || pod.start_param("include-dashboard") == Some("false") {
            return None;
        }
        Some(Ports {
            agent,
            dashboard: Some(port("dashboard-port", DASHBOARD_PORT)?),
        })
    }
}

/// Fills in the probes that are missing. A startup probe holds the other two back while Ray starts, so it comes only
/// with both.
fn probes(
    pod: &Pod<'_>,
    ray: &Container<'_>,
    ports: &Ports,
    probe: fn(u16, &str) -> Value,
    mode: &Chosen<'_, Readiness>,
    plan: &mut Plan,
) {
    let (ready_port, ready_path) = match ports.dashboard {
        Some(port) => (port, GCS_HEALTH),
        None => (ports.agent, RAYLET_HEALTH),
    };
    let alive = |period: u32, failures: u32| timed(probe(ports.agent, RAYLET_HEALTH), period, failures);
    let both = !has(ray, "readinessProbe") && !has(ray, "livenessProbe");
    let at = pod.container_path(ray);
    if both && !has(ray, "startupProbe") {
        plan.set(at.key("startupProbe"), alive(5, 180), &mode.leaf);
    }
    if !has(ray, "livenessProbe") {
        plan.set(at.key("livenessProbe"), alive(10, 60), &mode.leaf);
    }
    if !has(ray, "readinessProbe") {
        plan.set(
            at.key("readinessProbe"),
            timed(probe(ready_port, ready_path), 5, 10),
            &mode.leaf,
        );
    }
}

fn timed(mut probe: Value, period: u32, failures: u32) -> Value {
    if let Value::Object(probe) = &mut probe {
        probe.insert("periodSeconds".into(), period.into());
        probe.insert("timeoutSeconds".into(), 5.into());
        probe.insert("failureThreshold".into(), failures.into());
    }
    probe
}

fn http(port: u16, path: &str) -> Value {
    json!({"httpGet": {"path": path, "port": port}})
}

/// The same request from Python, which a proxy in the environment does not divert.
fn python(port: u16, path: &str) -> Value {
    let script = format!(
        "import urllib.request as r; \
         body = r.build_opener(r.ProxyHandler({{}})).open('http://localhost:{port}{path}', timeout=4).read(); \
         raise SystemExit(b'success' not in body)"
    );
    json!({"exec": {"command": ["python", "-c", script]}})
}

/// The volume, the mount and the init container that bring a wget into a Ray container.
const WGET: &str = "raygate-wget";
/// Where a shell finds it.
const WGET_PATH: &str = "/usr/local/bin/wget";

/// A wget of bash's own: one GET over `/dev/tcp`, no proxy, success only on a 200. It takes the options that KubeRay
/// gives and reads the last argument as the address.
const WGET_SCRIPT: &str = r#"#!/bin/bash
for url; do :; done
rest=${url#http://}
host=${rest%%/*}
path=/${rest#*/}
exec 3<>"/dev/tcp/${host%:*}/${host##*:}" || exit 4
printf 'GET %s HTTP/1.0\r\nHost: %s\r\nConnection: close\r\n\r\n' "$path" "$host" >&3
IFS= read -r -t 5 status <&3 || exit 4
[[ $status == *' 200 '* ]] || exit 8
while IFS= read -r -t 5 line <&3 && [[ ${line%$'\r'} ]]; do :; done
cat <&3
"#;

/// Brings a wget in through an init container of the size of KubeRay's own, so that a LimitRange takes the one as the other: a script made in the Ray image itself, or a busybox copied from the
/// carrier image that the policy names. The mount is a single file, so that nothing of the image is hidden.
fn wget(cx: &Cx<'_>, pod: &Pod<'_>, ray: &Container<'_>, mode: &Chosen<'_, Readiness>, plan: &mut Plan) {
    let taken = pod.volume(WGET).is_some()
        || ray.mount_at(WGET_PATH).is_some()
        || items(pod.spec, "initContainers")
            .iter()
            .any(|container| text(container, "name") == Some(WGET));
    let carrier = cx.setting("wget.image", |s| s.wget.image.as_ref());
    let image = carrier
        .as_ref()
        .map(|carrier| carrier.value.as_str())
        .or_else(|| text(ray.value, "image"));
    let Some(image) = image.filter(|_| !taken) else { return };
    let command = match carrier {
        Some(_) => json!(["/bin/busybox", "cp", "/bin/busybox", "/raygate/wget"]),
        None => json!([
            "/bin/bash",
            "-c",
            "printf '%s' \"$0\" > /raygate/wget && chmod 0755 /raygate/wget",
            WGET_SCRIPT
        ]),
    };
    let mut init = json!({
        "name": WGET,
        "image": image,
        "command": command,
        "env": [{"name": "NVIDIA_VISIBLE_DEVICES", "value": "void"}],
        "resources": WAIT_FOR_HEAD.value.get("resources").map(Json::to_value),
        "securityContext": security_context(ray),
        "volumeMounts": [{"name": WGET, "mountPath": "/raygate"}],
    });
    if let (Value::Object(init), Some(policy)) = (&mut init, ray.value.get("imagePullPolicy")) {
        init.insert("imagePullPolicy".into(), policy.to_value());
    }
    let volume = json!({"name": WGET, "emptyDir": {"sizeLimit": "4Mi"}});
    let mount = json!({"name": WGET, "mountPath": WGET_PATH, "subPath": "wget", "readOnly": true});
    let spec: Path = pod.spec_path();
    plan.append(spec.key("volumes"), volume, &mode.leaf);
    plan.append(spec.key("initContainers"), init, &mode.leaf);
    plan.append(pod.container_path(ray).then_key("volumeMounts"), mount, &mode.leaf);
}

/// The Ray container's security context without its privileges: what a namespace demands of the one it demands of the
/// other. KubeRay copies it to its own init container (KubeRay 1.7, `common/pod.go`).
fn security_context(ray: &Container<'_>) -> Value {
    const KEPT: [&str; 5] = [
        "runAsNonRoot",
        "runAsUser",
        "runAsGroup",
        "seccompProfile",
        "seLinuxOptions",
    ];
    let mut context = json!({
        "allowPrivilegeEscalation": false,
        "readOnlyRootFilesystem": true,
        "capabilities": {"drop": ["ALL"]},
    });
    let given = ray.value.get("securityContext").and_then(Json::as_object);
    if let (Value::Object(context), Some(given)) = (&mut context, given) {
        for key in KEPT {
            if let Some(value) = given.get(key) {
                context.insert(key.to_owned(), value.to_value());
            }
        }
    }
    context
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::process::Command;

    /// The script is real tooling: it answers KubeRay's own probe command against a real socket.
    #[test]
    fn the_script_serves_kuberays_probe() {
        for (answer, succeeds) in [
            ("HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nsuccess", true),
            ("HTTP/1.1 503 Service Unavailable\r\n\r\nsuccess", false),
            ("HTTP/1.1 200 OK\r\n\r\nfailing", false),
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = listener.local_addr().unwrap().port();
            let server = std::thread::spawn(move || {
                let (mut socket, _) = listener.accept().unwrap();
                let mut request = Vec::new();
                let mut byte = [0];
                while !request.ends_with(b"\r\n\r\n") {
                    socket.read_exact(&mut byte).unwrap();
                    request.push(byte[0]);
                }
                socket.write_all(answer.as_bytes()).unwrap();
                String::from_utf8(request).unwrap()
            });
            let folder = tempfile::tempdir().unwrap();
            let wget = folder.path().join("wget");
            std::fs::write(&wget, WGET_SCRIPT).unwrap();
            let probe = format!(
                "bash {} --tries 1 -T 2 -q -O- http://127.0.0.1:{port}/api/local_raylet_healthz | grep success",
                wget.display()
            );
            let status = Command::new("bash")
                .args(["-o", "pipefail", "-c", &probe])
                .output()
                .unwrap()
                .status;
            assert!(
                server
                    .join()
                    .unwrap()
                    .starts_with("GET /api/local_raylet_healthz HTTP/1.0\r\n")
            );
            assert_eq!(status.success(), succeeds, "{answer}");
        }
    }
}
