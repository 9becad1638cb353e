//! Stand-ins for what the run with Kueue has no room for: kubelets, Kubernetes' controllers, and the dashboard of Ray.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use axum::Router;
use axum::http::{Method, Uri};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::api::Api;
use crate::cluster::{Cluster, NAMESPACE, pods};

/// The paths of everything that Ray's and Kueue's controllers own in the namespace, and of its owners.
pub(crate) fn owned() -> [String; 5] {
    [
        format!("/apis/ray.io/v1/namespaces/{NAMESPACE}/rayclusters"),
        format!("/apis/batch/v1/namespaces/{NAMESPACE}/jobs"),
        format!("/api/v1/namespaces/{NAMESPACE}/services"),
        format!("/apis/kueue.x-k8s.io/v1beta2/namespaces/{NAMESPACE}/workloads"),
        pods(),
    ]
}

/// Runs pods, lists them behind the Services of applications, and removes what has lost its owner, until dropped.
pub(crate) struct Nodes {
    stops: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Nodes {
    pub(crate) fn run(cluster: &Cluster) -> Self {
        let stops = Arc::new(AtomicBool::new(false));
        let (api, stop) = (cluster.as_user("admin", &["system:masters"]), Arc::clone(&stops));
        let thread = thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                collect_garbage(&api);
                run_pods(&api);
                list_endpoints(&api);
                thread::sleep(Duration::from_millis(100));
            }
        });
        Self {
            stops,
            thread: Some(thread),
        }
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        self.stops.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn list(api: &Api, path: &str) -> Vec<Value> {
    let answer = api.try_get(path).ok().filter(|answer| answer.code == 200);
    let items = answer.map(|mut answer| answer.body["items"].take());
    items.and_then(|items| items.as_array().cloned()).unwrap_or_default()
}

/// Deletes each object whose controller is gone. A Flyte workflow is no controller here: nobody runs it.
fn collect_garbage(api: &Api) {
    let controllers: HashMap<&str, String> = [
        ("RayJob", format!("/apis/ray.io/v1/namespaces/{NAMESPACE}/rayjobs")),
        (
            "RayCluster",
            format!("/apis/ray.io/v1/namespaces/{NAMESPACE}/rayclusters"),
        ),
        (
            "RayService",
            format!("/apis/ray.io/v1/namespaces/{NAMESPACE}/rayservices"),
        ),
        ("Job", format!("/apis/batch/v1/namespaces/{NAMESPACE}/jobs")),
    ]
    .into();
    for path in owned() {
        for object in list(api, &path) {
            let owners = object["metadata"]["ownerReferences"].as_array();
            let orphan = owners.into_iter().flatten().any(|owner| {
                let (kind, name) = (owner["kind"].as_str().unwrap_or_default(), &owner["name"]);
                controllers.get(kind).is_some_and(|path| {
                    let found = api.try_get(&format!("{path}/{}", name.as_str().unwrap_or_default()));
                    found.is_ok_and(|found| found.code == 404 || found.body["metadata"]["uid"] != owner["uid"])
                })
            });
            if orphan && object["metadata"]["deletionTimestamp"].is_null() {
                delete(api, &path, &object, "?propagationPolicy=Background");
            }
        }
    }
}

/// Says of each bound pod that it runs and is ready, and lets go of those that are to end.
fn run_pods(api: &Api) {
    for pod in list(api, &pods()) {
        if pod["metadata"]["deletionTimestamp"].is_string() {
            if !serves(api, &pod) {
                delete(api, &pods(), &pod, "?gracePeriodSeconds=0");
            }
        } else if pod["spec"]["nodeName"].is_string() && pod["status"]["phase"] != "Running" {
            let ready =
                |kind: &str| json!({"type": kind, "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"});
            let conditions = ["PodScheduled", "Initialized", "ContainersReady", "Ready"].map(ready);
            let status = json!({"status": {
                "phase": "Running",
                "podIP": "10.1.0.1",
                "podIPs": [{"ip": "10.1.0.1"}],
                "hostIP": "10.2.0.1",
                "startTime": "2026-01-01T00:00:00Z",
                "conditions": conditions,
            }});
            let name = pod["metadata"]["name"].as_str().unwrap_or_default();
            // A pod that is gone meanwhile is no loss.
            let _ = api.try_merge_patch(&format!("{}/{name}/status", pods()), &status);
        }
    }
}

/// Whether a pod is the head of a service that KubeRay believes to be ready. A head takes its time to end, and KubeRay
/// 1.6.2 needs that time: once the head is gone, the status of the service does not change any more
/// (`rayservice_controller.go`, `updateHeadPodServeLabel`).
fn serves(api: &Api, pod: &Value) -> bool {
    let labels = &pod["metadata"]["labels"];
    let get = |kind: &str, name: &Value| {
        let name = name.as_str().unwrap_or_default();
        let found = api.try_get(&format!("/apis/ray.io/v1/namespaces/{NAMESPACE}/{kind}/{name}"));
        found.map(|found| found.body).unwrap_or_default()
    };
    let cluster = get("rayclusters", &labels["ray.io/cluster"]);
    let labels_of = &cluster["metadata"]["labels"];
    labels["ray.io/node-type"] == "head" && labels_of["ray.io/originated-from-crd"] == "RayService" && {
        let service = get("rayservices", &labels_of["ray.io/originated-from-cr-name"]);
        service["metadata"]["deletionTimestamp"].is_null() && service["status"]["serviceStatus"] == "Running"
    }
}

/// Lists the pods behind each Service of applications: KubeRay counts them.
fn list_endpoints(api: &Api) {
    let slices = format!("/apis/discovery.k8s.io/v1/namespaces/{NAMESPACE}/endpointslices");
    for service in list(api, &format!("/api/v1/namespaces/{NAMESPACE}/services")) {
        let name = service["metadata"]["name"].as_str().unwrap_or_default();
        let Some(selector) = service["spec"]["selector"]
            .as_object()
            .filter(|_| name.ends_with("-serve-svc"))
        else {
            continue;
        };
        let behind = |pod: &Value| {
            let labels = &pod["metadata"]["labels"];
            pod["status"]["phase"] == "Running"
                && pod["metadata"]["deletionTimestamp"].is_null()
                && selector.iter().all(|(key, value)| labels[key] == *value)
        };
        let endpoint = |pod: &Value| {
            let target = json!({"kind": "Pod", "name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"]});
            json!({"addresses": ["10.1.0.1"], "conditions": {"ready": true}, "targetRef": target})
        };
        let pods = list(api, &pods());
        let endpoints: Vec<Value> = pods.iter().filter(|pod| behind(pod)).map(endpoint).collect();
        let slice = json!({
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": name, "labels": {"kubernetes.io/service-name": name}},
            "addressType": "IPv4",
            "endpoints": endpoints,
            "ports": [{"name": "serve", "port": 8000}],
        });
        // KubeRay waits until it is there, and so does the test.
        let _ = api.try_apply(&format!("{slices}/{name}"), &slice);
    }
}

fn delete(api: &Api, path: &str, object: &Value, options: &str) {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let _ = api.try_delete(&format!("{path}/{name}{options}"));
}

/// The dashboards of all Ray clusters, as an HTTP proxy: KubeRay asks for them by names that nobody resolves. Every job
/// runs, and so does the application `app`, until dropped.
pub(crate) struct Dashboard {
    pub(crate) address: String,
    server: tokio::task::JoinHandle<()>,
}

impl Dashboard {
    pub(crate) fn serve(cluster: &Cluster) -> Self {
        let runtime = &cluster.api.runtime;
        let listener = runtime
            .block_on(TcpListener::bind("127.0.0.1:0"))
            .expect("bind a loopback port");
        let address = listener.local_addr().expect("a bound address").to_string();
        let server = runtime.spawn(async move {
            let _ = axum::serve(listener, Router::new().fallback(answer)).await;
        });
        Self { address, server }
    }
}

impl Drop for Dashboard {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(method: Method, uri: Uri) -> String {
    let application = json!({"name": "app", "status": "RUNNING", "route_prefix": "/", "deployments": {}});
    let job = |id: &str| json!({"submission_id": id, "status": "RUNNING", "entrypoint": "true"});
    let body = match (method, uri.path().trim_matches('/')) {
        (Method::GET, "api/serve/applications") => json!({"applications": {"app": application}}),
        (Method::GET, path) if path.starts_with("api/jobs/") => job(path.trim_start_matches("api/jobs/")),
        (Method::POST, path) if path.ends_with("/stop") => json!({"stopped": true}),
        _ => json!({}),
    };
    body.to_string()
}
