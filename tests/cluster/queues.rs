//! The real Kueue manager and the real KubeRay operator next to raygate, with queues for a handful of GPUs.
//!
//! Both programs come from their Go modules, each with the dependencies that its own `go.sum` fixes: `go install` builds
//! them once below the target folder.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::api::ApplyYaml;
use crate::cluster::{Cluster, NAMESPACE, free_ports};
use crate::gate::{Gate, Hook, run};
use crate::http;
use crate::nodes;
use crate::pretend::{Dashboard, Nodes, owned};
use crate::process::{Daemon, wait_for};
use crate::reach::{KUEUE, OPERATOR};

/// The module of a program, and the package that is the program.
struct Module {
    path: &'static str,
    version: &'static str,
    package: &'static str,
    /// What is built, and how long it takes.
    told: &'static str,
}

const KUEUE_MODULE: Module = Module {
    path: "sigs.k8s.io/kueue",
    version: "v0.19.2",
    package: "cmd/kueue",
    told: "Kueue with Go: once, some 15 minutes on two cores",
};

const KUBERAY_MODULE: Module = Module {
    path: "github.com/ray-project/kuberay/ray-operator",
    version: "v1.6.2",
    package: "",
    told: "KubeRay's operator with Go: once, some 5 minutes on two cores",
};

impl Module {
    /// The folder of its sources.
    fn folder(&self) -> PathBuf {
        let module = format!("{}@{}", self.path, self.version);
        let said = run(Command::new("go").args(["mod", "download", "-json", &module]));
        let said: Value = serde_json::from_str(&said).expect("what `go mod download` says");
        PathBuf::from(said["Dir"].as_str().expect("the folder of a module"))
    }

    /// Builds the program, unless that has been done before.
    fn program(&self) -> PathBuf {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let package = Path::new(self.path).join(self.package);
        let name = package.file_name().expect("the name of a package");
        let folder = target.with_file_name("kueue").join(name).join(self.version);
        fs::create_dir_all(&folder).expect("create the program's folder");
        let lock = File::create(folder.join("lock")).expect("create the build's lock file");
        lock.lock().expect("lock the build");
        let program = folder.join(name);
        if !program.is_file() {
            eprintln!("building {}", self.told);
            let mut command = Command::new("go");
            command.args(["install", "-trimpath", "-ldflags", "-s -w"]);
            command.arg(format!("{}@{}", package.display(), self.version));
            run(command.env("GOBIN", &folder));
        }
        program
    }
}

/// The webhooks of Kueue that matter here. The others are for kinds that nobody installed, or need a kubelet.
const HOOKED: [&str; 9] = [
    "rayjobs",
    "rayclusters",
    "rayservices",
    "jobs",
    "workloads",
    "workloads/status",
    "clusterqueues",
    "localqueues",
    "resourceflavors",
];

/// A cluster with raygate, Kueue, KubeRay, and stand-ins for the rest. The fields are dropped in this order.
pub(crate) struct Queues<'a> {
    cluster: &'a Cluster,
    kueue: Daemon,
    operator: Daemon,
    _dashboard: Dashboard,
    _nodes: Nodes,
    gate: Option<Gate<'a>>,
}

impl<'a> Queues<'a> {
    /// Starts everything. The library's policy for Kueue decides which queue an object goes to.
    pub(crate) fn open(cluster: &'a Cluster) -> Self {
        let gate = open_gate(cluster);
        apply_ray_crds(cluster);
        // No controller runs that would make it, and KubeRay wants to see the account of an autoscaler.
        let account = json!({"metadata": {"name": "default"}});
        cluster
            .api
            .post(&format!("/api/v1/namespaces/{NAMESPACE}/serviceaccounts"), &account);
        let dashboard = Dashboard::serve(cluster);
        let nodes = Nodes::run(cluster);
        let operator = start_operator(cluster, &dashboard);
        let kueue = start_kueue(cluster, &[]);
        let queues = Self {
            cluster,
            kueue,
            operator,
            _dashboard: dashboard,
            _nodes: nodes,
            gate: Some(gate),
        };
        queues.clear();
        queues.create_queues();
        queues
    }

    /// Panics if Kueue or the operator has ended.
    pub(crate) fn assert_running(&mut self) {
        self.kueue.assert_running();
        self.operator.assert_running();
    }

    /// From now on nobody answers for raygate.
    pub(crate) fn kill_raygate(&mut self) {
        self.gate.as_mut().expect("raygate runs").kill();
    }

    /// raygate was never installed.
    pub(crate) fn remove_raygate(&mut self) {
        self.gate = None;
    }

    /// raygate is there again.
    pub(crate) fn restore_raygate(&mut self) {
        drop(self.gate.take());
        self.gate = Some(open_gate(self.cluster));
    }

    /// What Kueue has logged.
    pub(crate) fn kueue_log(&self) -> String {
        self.kueue.log()
    }

    /// Waits until nothing is left of an earlier test.
    fn clear(&self) {
        wait_for("the namespace to be empty", || {
            let roots = ["rayjobs", "rayservices"].map(|kind| format!("/apis/ray.io/v1/namespaces/{NAMESPACE}/{kind}"));
            let mut left = Vec::new();
            for path in roots.iter().chain(&owned()) {
                let items = self.cluster.api.get(path).body["items"].take();
                for object in items.as_array().into_iter().flatten() {
                    let name = object["metadata"]["name"].as_str().expect("a name").to_owned();
                    if name != "kubernetes" {
                        self.cluster.api.delete(&format!("{path}/{name}"));
                        left.push(name);
                    }
                }
            }
            if left.is_empty() { Ok(()) } else { Err(left.join(", ")) }
        });
    }

    /// Two queues, as the library's README describes them: `ray-gpu` has eight GPUs and room for the rest of the job
    /// elsewhere, `ray-cpu` has none.
    fn create_queues(&self) {
        let flavor = |name: &str, spec: Value| self.apply("ResourceFlavor", name, &json!({"spec": spec}));
        let taint = json!({"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"});
        flavor("plain", json!({}));
        flavor(
            "a100",
            json!({
                "nodeLabels": {"nvidia.com/gpu.product": nodes::GPU_PRODUCT},
                "nodeTaints": [taint],
                "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
            }),
        );
        let class = json!({"value": 1000, "description": "tests"});
        self.apply("WorkloadPriorityClass", "urgent", &class);
        let plain = json!({"name": "plain", "resources": [
            {"name": "cpu", "nominalQuota": "200"},
            {"name": "memory", "nominalQuota": "1500Gi"},
        ]});
        let gpus = json!({"name": "a100", "resources": [{"name": "nvidia.com/gpu", "nominalQuota": "4"}]});
        let groups = |gpus: &Value| {
            let plain = json!({"coveredResources": ["cpu", "memory"], "flavors": [plain]});
            let gpus = gpus
                .is_object()
                .then(|| json!({"coveredResources": ["nvidia.com/gpu"], "flavors": [gpus]}));
            let groups: Vec<Value> = [Some(plain), gpus].into_iter().flatten().collect();
            json!({
                "namespaceSelector": {},
                "resourceGroups": groups,
                "preemption": {"withinClusterQueue": "LowerPriority"},
            })
        };
        for (name, gpus) in [("ray-gpu", &gpus), ("ray-cpu", &Value::Null)] {
            self.apply("ClusterQueue", name, &json!({"spec": groups(gpus)}));
            let queue = json!({
                "apiVersion": "kueue.x-k8s.io/v1beta2",
                "kind": "LocalQueue",
                "metadata": {"name": name},
                "spec": {"clusterQueue": name},
            });
            let path = format!("/apis/kueue.x-k8s.io/v1beta2/namespaces/{NAMESPACE}/localqueues/{name}");
            self.store(&path, &queue);
        }
        wait_for("both queues to be active", || {
            let active = |name: &str| {
                let queue = self
                    .cluster
                    .api
                    .get(&format!("/apis/kueue.x-k8s.io/v1beta2/clusterqueues/{name}"));
                let conditions = queue.body["status"]["conditions"]
                    .as_array()
                    .cloned()
                    .unwrap_or_default();
                conditions
                    .iter()
                    .any(|it| it["type"] == "Active" && it["status"] == "True")
            };
            if active("ray-gpu") && active("ray-cpu") {
                Ok(())
            } else {
                Err("not yet")
            }
        });
    }

    /// Another queue, whose only flavor has GPUs and everything else.
    pub(crate) fn create_mixed_queue(&self) {
        let resources: Vec<Value> = [("cpu", "8"), ("memory", "64Gi"), ("nvidia.com/gpu", "1")]
            .map(|(name, quota)| json!({"name": name, "nominalQuota": quota}))
            .to_vec();
        let group = json!({
            "coveredResources": ["cpu", "memory", "nvidia.com/gpu"],
            "flavors": [{"name": "a100", "resources": resources}],
        });
        let spec = json!({"spec": {"namespaceSelector": {}, "resourceGroups": [group]}});
        self.apply("ClusterQueue", "ray-mixed", &spec);
    }

    /// Stores an object of Kueue that is in no namespace. `fields` are those besides its metadata.
    fn apply(&self, kind: &str, name: &str, fields: &Value) {
        let mut object = json!({"apiVersion": "kueue.x-k8s.io/v1beta2", "kind": kind, "metadata": {"name": name}});
        let fields = fields.as_object().expect("the fields of an object");
        object.as_object_mut().expect("an object").extend(fields.clone());
        let resource = match kind {
            "WorkloadPriorityClass" => "workloadpriorityclasses".to_owned(),
            _ => format!("{}s", kind.to_lowercase()),
        };
        self.store(&format!("/apis/kueue.x-k8s.io/v1beta2/{resource}/{name}"), &object);
    }

    /// Kueue's webhooks may not be in force yet.
    fn store(&self, path: &str, object: &Value) {
        wait_for(path, || {
            let answer = self.cluster.api.apply_yaml(path, &object.to_string(), ApplyYaml::Store);
            if answer.code < 300 { Ok(()) } else { Err(answer) }
        });
    }
}

impl Drop for Queues<'_> {
    fn drop(&mut self) {
        for hook in [Hook::Mutating, Hook::Validating] {
            let (_, name) = kueue_configuration(hook);
            self.cluster.api.delete(&format!("{}/{name}", hook.configurations()));
        }
    }
}

fn open_gate(cluster: &Cluster) -> Gate<'_> {
    let policies = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    Gate::open_with_policies(
        cluster,
        &[policies.join("default.yaml"), policies.join("library/kueue")],
    )
}

/// The kind of a configuration in Kueue's manifests, and the name that an installation gives it.
fn kueue_configuration(hook: Hook) -> (&'static str, &'static str) {
    match hook {
        Hook::Mutating => ("MutatingWebhookConfiguration", "kueue-mutating-webhook-configuration"),
        Hook::Validating => (
            "ValidatingWebhookConfiguration",
            "kueue-validating-webhook-configuration",
        ),
    }
}

fn start_operator(cluster: &Cluster, dashboard: &Dashboard) -> Daemon {
    let [probes] = free_ports();
    let mut command = Command::new(KUBERAY_MODULE.program());
    command
        .args(["--enable-leader-election=false", "--metrics-addr=0"])
        .arg("--feature-gates=RayCronJob=true,RayJobDeletionPolicy=true")
        .arg(format!("--health-probe-bind-address=127.0.0.1:{probes}"))
        .env("KUBECONFIG", cluster.kubeconfig_as("operator", OPERATOR))
        .env("HTTP_PROXY", format!("http://{}", dashboard.address));
    start(cluster, "kuberay-operator", &mut command, probes)
}

/// Kueue with KubeRay's kinds, without KubeRay and without raygate. Its conditions say why a Workload waits.
pub(crate) fn kueue_alone(cluster: &Cluster) -> Daemon {
    apply_ray_crds(cluster);
    start_kueue(cluster, &["UnadmittedWorkloadsObservability"])
}

/// The version of Kueue.
pub(crate) fn kueue_version() -> &'static str {
    KUEUE_MODULE.version
}

fn apply_ray_crds(cluster: &Cluster) {
    for kind in ["rayjobs", "rayclusters", "rayservices", "raycronjobs"] {
        let crd = KUBERAY_MODULE
            .folder()
            .join(format!("config/crd/bases/ray.io_{kind}.yaml"));
        apply_crd(cluster, &fs::read_to_string(crd).expect("read a CRD of KubeRay"), None);
    }
}

/// Kueue as its manifests configure it, but on loopback, without leader election, for the kinds that are here, and with
/// these feature gates.
fn start_kueue(cluster: &Cluster, gates: &[&str]) -> Daemon {
    let folder = cluster.folder().join("kueue");
    fs::create_dir_all(&folder).expect("create a folder for Kueue");
    let [webhooks, probes] = free_ports();
    // Kueue renews certificates that are not for these names.
    let names = ["kueue-ca", "kueue-webhook-service.kueue-system.svc", "127.0.0.1"];
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).expect("make a key");
    let params = rcgen::CertificateParams::new(names.map(str::to_owned)).expect("names of a certificate");
    let certificate = params.self_signed(&pair).expect("make a certificate").pem();
    let key = rsa_pem(&pair);
    fs::write(folder.join("tls.crt"), &certificate).expect("write a certificate");
    fs::write(folder.join("tls.key"), &key).expect("write a key");
    // VisibilityOnDemand wants an API server of its own.
    let mut features = json!({"VisibilityOnDemand": false});
    for gate in gates {
        features[gate] = json!(true);
    }
    let configuration = json!({
        "apiVersion": "config.kueue.x-k8s.io/v1beta2",
        "kind": "Configuration",
        "namespace": "kueue-system",
        "health": {"healthProbeBindAddress": format!("127.0.0.1:{probes}")},
        "metrics": {"bindAddress": "0"},
        "webhook": {"host": "127.0.0.1", "port": webhooks, "certDir": folder},
        "leaderElection": {"leaderElect": false},
        "internalCertManagement": {
            "enable": true,
            "webhookServiceName": "kueue-webhook-service",
            "webhookSecretName": "kueue-webhook-server-cert",
        },
        "integrations": {"frameworks": ["batch/job", "ray.io/rayjob", "ray.io/raycluster", "ray.io/rayservice"]},
        "clientConnection": {"qps": 200, "burst": 400},
        "featureGates": features,
    });
    let file = folder.join("configuration.json");
    fs::write(&file, configuration.to_string()).expect("write Kueue's configuration");

    let api = &cluster.api;
    api.post("/api/v1/namespaces", &json!({"metadata": {"name": "kueue-system"}}));
    let secret = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "kueue-webhook-server-cert"},
        "stringData": {"ca.crt": certificate, "ca.key": key, "tls.crt": certificate, "tls.key": key},
    });
    let path = "/api/v1/namespaces/kueue-system/secrets/kueue-webhook-server-cert";
    let stored = api.apply_yaml(path, &secret.to_string(), ApplyYaml::Store);
    assert!(stored.code < 300, "{stored}");

    let components = KUEUE_MODULE.folder().join("config/components");
    let url = format!("https://127.0.0.1:{webhooks}");
    let bundle = BASE64.encode(&certificate);
    let client = |path: &str| json!({"url": format!("{url}{path}"), "caBundle": bundle});
    let bases = fs::read_dir(components.join("crd/bases")).expect("list Kueue's CRDs");
    for crd in bases {
        let path = crd.expect("an entry").path();
        let file = path.file_name().and_then(OsStr::to_str).expect("a file name in UTF-8");
        let patch = file.replace("kueue.x-k8s.io_", "webhook_in_");
        let is_converted = components.join("crd/patches").join(patch).is_file();
        let crd = fs::read_to_string(&path).expect("read a CRD of Kueue");
        apply_crd(cluster, &crd, is_converted.then(|| client("/convert")));
    }
    let manifests = fs::read_to_string(components.join("webhook/manifests.yaml")).expect("read Kueue's webhooks");
    for hook in [Hook::Mutating, Hook::Validating] {
        let (kind, name) = kueue_configuration(hook);
        let document = manifests
            .split("\n---\n")
            .find(|document| document.contains(kind))
            .expect("a webhook configuration of Kueue");
        let mut configuration: Value = serde_saphyr::from_str(document).expect("a configuration in YAML");
        configuration["metadata"] = json!({"name": name});
        let hooks = configuration["webhooks"].as_array_mut().expect("webhooks");
        hooks.retain(|webhook| {
            let mut resources = webhook["rules"][0]["resources"].as_array().into_iter().flatten();
            resources.any(|resource| HOOKED.iter().any(|hooked| resource == hooked))
        });
        for webhook in hooks {
            let path = webhook["clientConfig"]["service"]["path"]
                .as_str()
                .expect("a path")
                .to_owned();
            webhook["clientConfig"] = client(&path);
        }
        let path = format!("{}/{name}", hook.configurations());
        let stored = api.apply_yaml(&path, &configuration.to_string(), ApplyYaml::Store);
        assert!(stored.code < 300, "{stored}");
    }

    let mut command = Command::new(KUEUE_MODULE.program());
    command
        .arg(format!("--config={}", file.display()))
        .arg("--zap-log-level=3")
        .env("KUBECONFIG", cluster.kubeconfig_as("kueue", KUEUE));
    start(cluster, "kueue-controller-manager", &mut command, probes)
}

/// An RSA key in the form that Kueue reads: that of PKCS #1, which that of PKCS #8 wraps in 26 bytes.
fn rsa_pem(key: &rcgen::KeyPair) -> String {
    let key = BASE64.encode(&key.serialized_der()[26..]);
    format!("-----BEGIN RSA PRIVATE KEY-----\n{key}\n-----END RSA PRIVATE KEY-----\n")
}

/// Starts a controller, and waits until it says that it is ready.
fn start(cluster: &Cluster, name: &str, command: &mut Command, probes: u16) -> Daemon {
    let mut daemon = Daemon::start(&cluster.group, name, command, cluster.folder());
    let address = format!("127.0.0.1:{probes}");
    wait_for(&format!("{name} to be ready"), || {
        daemon.assert_running();
        match http::get(&address, "/readyz") {
            Ok(answer) if answer.starts_with("HTTP/1.1 200 ") => Ok(()),
            Ok(answer) => Err(answer),
            Err(error) => Err(error.to_string()),
        }
    });
    daemon
}

/// Stores a CRD, whose versions a webhook may convert, and waits until its objects are served.
fn apply_crd(cluster: &Cluster, crd: &str, conversion: Option<Value>) {
    let mut crd: Value = serde_saphyr::from_str(crd).expect("a CRD in YAML");
    if let Some(client) = conversion {
        crd["spec"]["conversion"] = json!({
            "strategy": "Webhook",
            "webhook": {"clientConfig": client, "conversionReviewVersions": ["v1"]},
        });
    }
    let name = crd["metadata"]["name"].as_str().expect("the name of a CRD");
    let path = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}");
    let stored = cluster.api.apply_yaml(&path, &crd.to_string(), ApplyYaml::Store);
    assert!(stored.code < 300, "{stored}");
    wait_for(&format!("{name} to be established"), || {
        let conditions = cluster.api.get(&path).body["status"]["conditions"].take();
        let mut conditions = conditions.as_array().into_iter().flatten();
        if conditions.any(|it| it["type"] == "Established" && it["status"] == "True") {
            Ok(())
        } else {
            Err("not yet")
        }
    });
}
