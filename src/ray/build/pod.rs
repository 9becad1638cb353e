//! The head pod and the pods of worker groups (KubeRay 1.7, `common/pod.go`; 1.6 differs where `is_since` asks).

use serde_json::{Value, json};

use crate::json::Json;
use crate::k8s::json::{child, given as given_json, items, text as text_json};
use crate::ray::told;
use crate::ray::version::KubeRay;

use super::cluster::{Cluster, checked_label, checked_name, tls_mount};
use super::values::{
    Fields, append, env, exactly, field_env, given, has, missing_env, put_list, shell, take_list, take_object, text,
};

/// The init container that waits for the head.
const WAIT_FOR_HEAD: &str = "wait-gcs-ready";
/// The init container that waits for the pod's address in its certificate.
const WAIT_FOR_TLS: &str = "wait-for-tls-ip-san";

/// A pod that KubeRay makes.
#[derive(Debug)]
pub(super) struct Built {
    /// The pod.
    pub(super) pod: Value,
    /// How many init containers stand before those of the template.
    pub(super) init_before: usize,
    /// Whether the last init container waits for the head.
    pub(super) waits_for_head: bool,
    /// The positions of the containers that KubeRay adds, by their names.
    pub(super) added: Vec<(usize, &'static str)>,
    /// Whether KubeRay makes the service account of the pod.
    pub(super) has_new_account: bool,
}

/// A pod under construction, in parts.
struct Pod<'c, 'a> {
    cluster: &'c Cluster<'a>,
    metadata: Fields,
    spec: Fields,
    ray: Fields,
    others: Vec<Fields>,
    init: Vec<Value>,
}

/// The head pod; `None` where the template has no container.
pub(super) fn head(cluster: &Cluster<'_>, submitter: Option<Fields>) -> Option<Built> {
    let group = cluster.head();
    let mut pod = Pod::of(cluster, group)?;
    let mut has_new_account = false;
    pod.metadata
        .insert("generateName".to_owned(), pod_name(&cluster.name, "head").into());
    pod.label("head", "headgroup", group);
    if let Some(submitter) = submitter {
        pod.others.push(submitter);
        pod.spec.insert("restartPolicy".to_owned(), "Never".into());
    }
    if cluster.autoscales() {
        has_new_account = text(&pod.spec, "serviceAccountName").is_none();
        let account = text(&pod.spec, "serviceAccountName").unwrap_or(&cluster.name);
        let account = checked_name(account);
        pod.spec.insert("serviceAccountName".to_owned(), account.into());
        let autoscaler = pod.autoscaler();
        pod.others.push(autoscaler);
        match cluster.autoscaler_version() {
            Some("v2") => {
                env(&mut pod.ray, "RAY_enable_autoscaler_v2", "true");
                pod.spec.insert("restartPolicy".to_owned(), "Never".into());
            }
            Some("v1") if cluster.is_since(KubeRay::V1_7) => env(&mut pod.ray, "RAY_enable_autoscaler_v2", "false"),
            _ => {}
        }
    }
    pod.set_fault_tolerance(true);
    pod.finish("head", group);
    let mut built = pod.built("head", group);
    built.has_new_account = has_new_account;
    Some(built)
}

/// A pod of a worker group; `None` where the template has no container.
pub(super) fn worker(cluster: &Cluster<'_>, group: Json<'_>) -> Option<Built> {
    let mut pod = Pod::of(cluster, group)?;
    let name = text_json(group, "groupName").unwrap_or_default();
    let prefix = pod_name(&format!("{}-{name}", cluster.name), "worker");
    pod.metadata.insert("generateName".to_owned(), prefix.into());
    pod.metadata.remove("name");
    let wait = pod.wait_for_head();
    pod.init.push(wait);
    pod.label("worker", name, group);
    if cluster.gate("RayMultiHostIndexing") {
        let hosts = child(group, "numOfHosts").as_i64().unwrap_or(1);
        let mut labels = take_object(&mut pod.metadata, "labels");
        labels.insert("ray.io/worker-group-replica-index".to_owned(), "0".into());
        if hosts > 1 {
            let replica = format!("{name}-xxxxx");
            labels.insert("ray.io/worker-group-replica-name".to_owned(), replica.into());
            labels.insert("ray.io/replica-host-index".to_owned(), "0".into());
        }
        pod.metadata.insert("labels".to_owned(), labels.into());
    }
    pod.set_fault_tolerance(false);
    if cluster.autoscales() && cluster.autoscaler_version() == Some("v2") {
        pod.spec.insert("restartPolicy".to_owned(), "Never".into());
    }
    pod.finish("worker", group);
    Some(pod.built("worker", group))
}

/// `generateName` of a pod (`utils.PodName`).
fn pod_name(prefix: &str, role: &str) -> String {
    let cut = prefix.get(..50).unwrap_or(prefix);
    format!("{cut}-{role}-").to_lowercase()
}

impl<'c, 'a> Pod<'c, 'a> {
    fn of(cluster: &'c Cluster<'a>, group: Json<'_>) -> Option<Pod<'c, 'a>> {
        let Value::Object(mut template) = child(group, "template").to_value() else {
            return None;
        };
        let mut metadata = take_object(&mut template, "metadata");
        metadata.insert("namespace".to_owned(), cluster.namespace.clone().into());
        let mut spec = take_object(&mut template, "spec");
        let mut containers = Vec::new();
        for container in take_list(&mut spec, "containers") {
            match container {
                Value::Object(container) => containers.push(container),
                _ => return None,
            }
        }
        let mut containers = containers.into_iter();
        Some(Pod {
            cluster,
            metadata,
            ray: containers.next()?,
            others: containers.collect(),
            init: take_list(&mut spec, "initContainers"),
            spec,
        })
    }

    /// Labels and annotations (`labelPod`, `mergeLabels`, `initTemplateAnnotations`).
    fn label(&mut self, role: &str, group_name: &str, group: Json<'_>) {
        let name = &self.cluster.name;
        let mut labels = Fields::from_iter(
            [
                ("ray.io/is-ray-node", "yes".to_owned()),
                ("ray.io/cluster", name.clone()),
                ("ray.io/node-type", role.to_owned()),
                ("ray.io/group", group_name.to_owned()),
                ("ray.io/identifier", checked_label(&format!("{name}-{role}"))),
                ("app.kubernetes.io/name", "kuberay".to_owned()),
                ("app.kubernetes.io/created-by", "kuberay-operator".to_owned()),
            ]
            .map(|(key, value)| (key.to_owned(), value.into())),
        );
        let given = take_object(&mut self.metadata, "labels");
        let of_group = child(group, "labels").to_value();
        let of_group = of_group.as_object().cloned().unwrap_or_default();
        let of_group = of_group.into_iter().filter(|_| self.cluster.is_since(KubeRay::V1_5));
        for (key, value) in given.into_iter().chain(of_group) {
            if !matches!(&*key, "ray.io/node-type" | "ray.io/group" | "ray.io/cluster") {
                labels.insert(key, value);
            }
        }
        self.metadata.insert("labels".to_owned(), labels.into());
        if self.cluster.is_annotated(told::OWN_COMMAND) {
            self.annotate(told::OWN_COMMAND, "true");
        }
    }

    fn annotate(&mut self, key: &str, value: &str) {
        let mut annotations = take_object(&mut self.metadata, "annotations");
        annotations.insert(key.to_owned(), value.into());
        self.metadata.insert("annotations".to_owned(), annotations.into());
    }

    /// The fields of the Ray container that containers of KubeRay's copy.
    fn copied(&self, keys: &[&str]) -> Fields {
        let copy = |key: &&str| Some(((*key).to_owned(), given(&self.ray, key)?.clone()));
        keys.iter().filter_map(copy).collect()
    }

    fn wait_for_head(&self) -> Value {
        let mut container = self.copied(&["image", "imagePullPolicy", "securityContext", "env", "volumeMounts"]);
        let address = format!("{}:{}", self.cluster.host(), self.cluster.head_port());
        container.insert("name".to_owned(), WAIT_FOR_HEAD.into());
        container.insert("command".to_owned(), shell(""));
        container.insert(
            "args".to_owned(),
            json!([format!("ray health-check --address {address}")]),
        );
        container.insert("resources".to_owned(), exactly("200m", "256Mi"));
        Value::Object(container)
    }

    /// The autoscaler (`BuildAutoscalerContainer`, `mergeAutoscalerOverrides`).
    fn autoscaler(&self) -> Fields {
        const START: &str =
            "ray kuberay-autoscaler --cluster-name $(RAY_CLUSTER_NAME) --cluster-namespace $(RAY_CLUSTER_NAMESPACE)";
        let mut container = self.copied(&["image"]);
        container.insert("name".to_owned(), "autoscaler".into());
        container.insert("imagePullPolicy".to_owned(), "IfNotPresent".into());
        Cluster::set_identity(&mut container);
        field_env(&mut container, "RAY_HEAD_POD_NAME", "metadata.name");
        env(&mut container, "KUBERAY_CRD_VER", "v1");
        if self.cluster.is_since(KubeRay::V1_7) {
            env(&mut container, "KUBERAY_GEN_AUTOSCALER_START_CMD", START);
        }
        container.insert("command".to_owned(), shell(""));
        container.insert("args".to_owned(), json!([START]));
        container.insert("resources".to_owned(), exactly("500m", "512Mi"));
        if self.cluster.has_auth() {
            self.cluster.set_auth(&mut container);
        }
        if self.cluster.has_tls() {
            Cluster::set_tls(&mut container);
        }
        let options = child(self.cluster.spec, "autoscalerOptions");
        let mut replaced = vec!["resources", "image", "imagePullPolicy", "securityContext"];
        if self.cluster.is_since(KubeRay::V1_7) {
            replaced.extend(["command", "args"]);
        }
        for key in replaced {
            let is_empty = |value: &Json<'_>| value.as_array().is_some_and(|list| list.is_empty());
            if let Some(value) = given_json(options, key).filter(|value| !is_empty(value)) {
                container.insert(key.to_owned(), value.to_value());
            }
        }
        for key in ["env", "envFrom", "volumeMounts"] {
            let more = items(options, key).iter().map(Json::to_value);
            append(&mut container, key, more);
        }
        container
    }

    /// The history server's collector (`BuildCollectorContainer`).
    fn collector(&self, options: Json<'_>, role: &str) -> Fields {
        let given = |key| given_json(options, key).map(Json::to_value);
        let mut container = Fields::new();
        let resources = json!({
            "limits": {"cpu": "200m", "memory": "256Mi"},
            "requests": {"cpu": "50m", "memory": "64Mi"},
        });
        let policy = || "IfNotPresent".into();
        container.insert("name".to_owned(), "ray-history-collector".into());
        container.insert("image".to_owned(), given("image").unwrap_or_else(|| "".into()));
        container.insert(
            "imagePullPolicy".to_owned(),
            given("imagePullPolicy").unwrap_or_else(policy),
        );
        container.insert("resources".to_owned(), given("resources").unwrap_or(resources));
        field_env(&mut container, "POD_IP", "status.podIP");
        env(&mut container, "RAY_CLUSTER_NAME", &self.cluster.name);
        env(&mut container, "RAY_CLUSTER_NAMESPACE", &self.cluster.namespace);
        env(
            &mut container,
            "RAY_ROLE",
            if role == "head" { "Head" } else { "Worker" },
        );
        env(&mut container, "EVENTS_PORT", "8084");
        env(&mut container, "FQ_RAY_IP", &self.cluster.host());
        append(&mut container, "env", items(options, "env").iter().map(Json::to_value));
        if self.cluster.has_auth() {
            self.cluster.set_auth(&mut container);
        }
        container
    }

    /// Fault tolerance of the GCS (`configureGCSFaultTolerance`).
    fn set_fault_tolerance(&mut self, is_head: bool) {
        let is_on = self.cluster.is_fault_tolerant();
        if is_head {
            self.annotate("ray.io/ft-enabled", if is_on { "true" } else { "false" });
        }
        if !is_on {
            return;
        }
        if !is_head {
            missing_env(&mut self.ray, "RAY_gcs_rpc_server_reconnect_timeout_s", "600");
            return;
        }
        let options = self.cluster.fault_tolerance().unwrap_or(Json::NULL);
        let is_embedded = text_json(options, "backend") == Some("rocksdb");
        if is_embedded && self.cluster.is_since(KubeRay::V1_7) {
            return self.set_embedded_store(options);
        }
        let namespace = text_json(options, "externalStorageNamespace")
            .filter(|namespace| !namespace.is_empty())
            .or_else(|| self.cluster.annotation("ray.io/external-storage-namespace"))
            .unwrap_or("00000000-0000-0000-0000-000000000000");
        self.annotate("ray.io/external-storage-namespace", namespace);
        missing_env(&mut self.ray, "RAY_external_storage_namespace", namespace);
        if options.is_object() {
            let address = text_json(options, "redisAddress").unwrap_or_default();
            env(&mut self.ray, "RAY_REDIS_ADDRESS", address);
            for (key, name) in [("redisUsername", "REDIS_USERNAME"), ("redisPassword", "REDIS_PASSWORD")] {
                let Some(Value::Object(mut variable)) = given_json(options, key).map(Json::to_value) else {
                    continue;
                };
                variable.retain(|key, _| matches!(&**key, "value" | "valueFrom"));
                variable.insert("name".to_owned(), name.into());
                append(&mut self.ray, "env", [Value::Object(variable)]);
            }
        } else if let Some(password) = text_json(child(self.cluster.head(), "rayStartParams"), "redis-password") {
            missing_env(&mut self.ray, "REDIS_PASSWORD", password);
        }
    }

    /// The GCS's own store on a volume (`configureEmbeddedFT`).
    fn set_embedded_store(&mut self, options: Json<'_>) {
        const VOLUME: &str = "gcs-storage";
        const PATH: &str = "/data/gcs";
        missing_env(&mut self.ray, "RAY_gcs_storage", "rocksdb");
        missing_env(&mut self.ray, "RAY_gcs_storage_path", PATH);
        let storage = child(options, "storage");
        let mut mount = json!({"name": VOLUME, "mountPath": PATH});
        if let (Some(path), Some(mount)) = (text_json(storage, "subPath"), mount.as_object_mut()) {
            mount.insert("subPath".to_owned(), path.into());
        }
        append(&mut self.ray, "volumeMounts", [mount]);
        let claim = text_json(storage, "claimName").filter(|claim| !claim.is_empty());
        let claim = claim.map_or_else(|| format!("{}-gcs-pvc", self.cluster.name), str::to_owned);
        let volume = json!({"name": VOLUME, "persistentVolumeClaim": {"claimName": claim}});
        append(&mut self.spec, "volumes", [volume]);
    }

    /// What both roles get after that, up to `BuildPod`.
    fn finish(&mut self, role: &str, _: Json<'_>) {
        if !has(&self.ray, "ports", "name", "metrics") {
            append(
                &mut self.ray,
                "ports",
                [json!({"name": "metrics", "containerPort": 8080})],
            );
        }
        if self.cluster.has_auth() {
            self.cluster.set_auth(&mut self.ray);
            self.cluster.add_token_volume(&mut self.spec);
            let cluster = self.cluster;
            self.each_waiting(|container| cluster.set_auth(container));
        }
        if self.cluster.has_tls() {
            self.cluster.add_tls_volume(&mut self.spec, role);
            Cluster::set_tls(&mut self.ray);
            self.each_waiting(Cluster::set_tls);
            self.wait_for_tls();
        }
        if let Some(options) = self.cluster.collector() {
            let collector = self.collector(options, role);
            self.others.push(collector);
        }
    }

    /// Edits the init containers that are called as KubeRay's.
    fn each_waiting(&mut self, edit: impl Fn(&mut Fields)) {
        let init = self.init.iter_mut().filter_map(Value::as_object_mut);
        init.filter(|container| text(container, "name") == Some(WAIT_FOR_HEAD))
            .for_each(edit);
    }

    fn wait_for_tls(&mut self) {
        let is_there = |container: &Value| container.get("name").is_some_and(|name| name == WAIT_FOR_TLS);
        if self.init.iter().any(is_there) {
            return;
        }
        let mut container = self.copied(&["image", "imagePullPolicy", "securityContext"]);
        container.insert("name".to_owned(), WAIT_FOR_TLS.into());
        container.insert("command".to_owned(), json!(["sh", "-c"]));
        container.insert("args".to_owned(), json!(["wait"]));
        field_env(&mut container, "POD_IP", "status.podIP");
        append(&mut container, "volumeMounts", [tls_mount()]);
        container.insert("resources".to_owned(), exactly("50m", "64Mi"));
        self.init.insert(0, Value::Object(container));
    }

    /// The pod (`BuildPod`).
    fn built(mut self, role: &str, group: Json<'_>) -> Built {
        let is_service = self.cluster.creator == "RayService";
        if is_service {
            let mut labels = take_object(&mut self.metadata, "labels");
            let serves = if role == "head" { "false" } else { "true" };
            labels.insert("ray.io/serve".to_owned(), serves.into());
            self.metadata.insert("labels".to_owned(), labels.into());
        }
        if given_json(child(group, "rayStartParams"), "plasma-directory").is_none() {
            add_empty_dir(&mut self.spec, &mut self.ray, "shared-mem", "/dev/shm", "Memory");
        }
        for (name, reads_logs) in [
            ("autoscaler", role == "head" && self.cluster.autoscales()),
            ("ray-history-collector", self.cluster.collector().is_some()),
        ] {
            let reader = self.others.iter_mut().find(|other| text(other, "name") == Some(name));
            if let Some(reader) = reader.filter(|_| reads_logs) {
                for container in [&mut self.ray, reader] {
                    add_empty_dir(&mut self.spec, container, "ray-logs", "/tmp/ray", "");
                }
            }
        }
        self.set_command(role);
        for container in self.init.iter_mut().filter_map(Value::as_object_mut) {
            self.cluster.set_host(container);
        }
        self.set_environment(role);
        self.set_probes(role, group);
        let count = |name: &'static str| {
            let at = self.others.iter().rposition(|other| text(other, "name") == Some(name));
            at.map(|at| (at + 1, name))
        };
        let names = ["autoscaler", "ray-history-collector", "ray-job-submitter"];
        let added = names.into_iter().filter_map(count).collect();
        let starts_with = |name: &str, init: Option<&Value>| init.is_some_and(|init| init["name"] == name);
        let init_before = usize::from(self.cluster.has_tls() && starts_with(WAIT_FOR_TLS, self.init.first()));
        let waits_for_head = role == "worker" && starts_with(WAIT_FOR_HEAD, self.init.last());
        let containers = std::iter::once(self.ray).chain(self.others).map(Value::Object);
        put_list(&mut self.spec, "containers", containers.collect());
        put_list(&mut self.spec, "initContainers", self.init);
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": self.metadata, "spec": self.spec});
        Built {
            pod,
            init_before,
            waits_for_head,
            added,
            has_new_account: false,
        }
    }

    fn set_command(&mut self, role: &str) {
        let words = ["command", "args"]
            .iter()
            .filter_map(|key| self.ray.get(*key)?.as_array());
        let words: Vec<&str> = words.flatten().filter_map(Value::as_str).collect();
        let written = words.join(" ");
        let annotations = self.metadata.get("annotations");
        let own = annotations.and_then(|annotations| annotations.get(told::OWN_COMMAND)?.as_str());
        let is_own = own.is_some_and(|own| own.eq_ignore_ascii_case("true")) || written.contains("ray start");
        if !is_own {
            let start = if role == "head" {
                "ray start --head"
            } else {
                "ray start"
            };
            let before = if written.is_empty() {
                written
            } else {
                format!("{written} && ")
            };
            self.ray.insert("command".to_owned(), shell(""));
            self.ray.insert("args".to_owned(), json!([format!("{before}{start}")]));
        }
    }

    /// The environment of the Ray container (`setContainerEnvVars`).
    fn set_environment(&mut self, role: &str) {
        let (cluster, ray) = (self.cluster, &mut self.ray);
        let mut host = "127.0.0.1".to_owned();
        if role == "worker" {
            host = cluster.host();
            cluster.set_host(ray);
        }
        Cluster::set_identity(ray);
        field_env(ray, "RAY_CLOUD_INSTANCE_ID", "metadata.name");
        field_env(ray, "RAY_NODE_TYPE_NAME", "metadata.labels['ray.io/group']");
        env(ray, "KUBERAY_GEN_RAY_START_CMD", "ray start");
        missing_env(ray, "RAY_PORT", cluster.head_port());
        if cluster.creator == "RayService" {
            missing_env(ray, "RAY_timeout_ms_task_wait_for_death_info", "0");
            missing_env(ray, "RAY_gcs_server_request_timeout_seconds", "5");
            missing_env(ray, "RAY_SERVE_KV_TIMEOUT_S", "5");
        }
        missing_env(ray, "RAY_ADDRESS", &format!("{host}:{}", cluster.head_port()));
        missing_env(ray, "RAY_USAGE_STATS_KUBERAY_IN_USE", "1");
        if role == "head" {
            let tags = format!("kuberay_crd={}", cluster.creator);
            env(ray, "RAY_USAGE_STATS_EXTRA_TAGS", &tags);
        }
        missing_env(ray, "RAY_DASHBOARD_ENABLE_K8S_DISK_USAGE", "1");
    }

    /// The probes that the Ray container lacks (`initLivenessAndReadinessProbe`).
    fn set_probes(&mut self, role: &str, group: Json<'_>) {
        let parameter = text_json(child(group, "rayStartParams"), "dashboard-agent-listen-port");
        let port = parameter.and_then(|port| port.parse::<i32>().ok()).unwrap_or(52365);
        let is_http = text_json(self.cluster.spec, "rayVersion").is_some_and(told::answers_one_probe);
        let exec = || json!({"command": ["bash", "-c", "wget --tries 1 -q -O- http://localhost:52365/api/local_raylet_healthz"]});
        let timeout = if role == "head" { 5 } else { 2 };
        let serves = role == "worker" && self.cluster.creator == "RayService";
        for (key, delay, failures) in [("livenessProbe", 30, 120), ("readinessProbe", 10, 10)] {
            if given(&self.ray, key).is_some() {
                continue;
            }
            let serves = serves && key == "readinessProbe";
            let (handler, action) = match is_http && !serves {
                true => ("httpGet", json!({"path": "/api/healthz", "port": port})),
                false => ("exec", exec()),
            };
            let probe = json!({
                handler: action,
                "initialDelaySeconds": delay,
                "timeoutSeconds": timeout,
                "periodSeconds": 5,
                "successThreshold": 1,
                "failureThreshold": if serves { 1 } else { failures },
            });
            self.ray.insert(key.to_owned(), probe);
        }
    }
}

/// Mounts an emptyDir, unless something is mounted there (`addEmptyDir`).
fn add_empty_dir(spec: &mut Fields, container: &mut Fields, name: &str, path: &str, medium: &str) {
    if has(container, "volumeMounts", "mountPath", path) {
        return;
    }
    if !has(spec, "volumes", "name", name) {
        let mut source = Fields::new();
        if !medium.is_empty() {
            source.insert("medium".to_owned(), medium.into());
            let memory = ["limits", "requests"].iter().find_map(|block| {
                let memory = container.get("resources")?.get(block)?.get("memory")?;
                Some(memory.clone())
            });
            source.extend(memory.map(|memory| ("sizeLimit".to_owned(), memory)));
        }
        append(spec, "volumes", [json!({"name": name, "emptyDir": source})]);
    }
    append(container, "volumeMounts", [json!({"name": name, "mountPath": path})]);
}
