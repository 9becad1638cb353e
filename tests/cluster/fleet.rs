//! Replicas of the shipped binary that keep their certificates themselves, behind a balancer, with the rights of the
//! shipped roles and no others.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::api::{Api, ApplyYaml};
use crate::balancer::{Backend, Balancer, is_ready};
use crate::cluster::Cluster;
use crate::gate::{APPLIED, CONFIGURATION, Hook, harmless, raygate, run, serving_line};
use crate::http;
use crate::install::path_of;
use crate::process::{Daemon, wait_for};

/// raygate's own namespace.
pub(crate) const SYSTEM: &str = "raygate-system";

/// raygate's own account.
pub(crate) const ACCOUNT: &str = "system:serviceaccount:raygate-system:raygate";

/// Where the Secret is.
pub(crate) const SECRET: &str = "/api/v1/namespaces/raygate-system/secrets/raygate-certificates";

/// Where the shipped roles are bound to raygate.
pub(crate) const BINDINGS: [&str; 2] = [
    "/apis/rbac.authorization.k8s.io/v1/namespaces/raygate-system/rolebindings/raygate-certificates",
    "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/raygate-ca-bundle",
];

const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";

/// One replica.
pub(crate) struct Replica {
    pub(crate) daemon: Daemon,
    backend: Backend,
}

impl Replica {
    /// What `/readyz?verbose` says.
    pub(crate) fn readyz(&self) -> String {
        http::get(&self.backend.metrics, "/readyz?verbose").unwrap_or_else(|error| error.to_string())
    }

    pub(crate) fn is_ready(&self) -> bool {
        is_ready(&self.backend.metrics)
    }

    /// Waits until it is ready.
    fn wait_ready(&mut self) {
        wait_for("a replica to be ready", || {
            self.daemon.assert_running();
            if self.is_ready() { Ok(()) } else { Err(self.readyz()) }
        });
    }

    /// The value of a series of a metric, or none.
    pub(crate) fn metric(&self, series: &str) -> Option<f64> {
        let text = http::get(&self.backend.metrics, "/metrics").ok()?;
        let start = format!("{series} ");
        text.lines()
            .find_map(|line| line.strip_prefix(&start))
            .and_then(|value| value.trim().parse().ok())
    }
}

/// How the API server finds the replicas.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// By their address, which is this machine's own, so that it speaks HTTP/2 with them.
    Url,
    /// By their Service, as in a cluster: over HTTP/1.1.
    Service,
}

/// All replicas. On drop they are unregistered and killed, and their Secret is deleted.
pub(crate) struct Fleet<'a> {
    cluster: &'a Cluster,
    pub(crate) replicas: Vec<Replica>,
    /// Those that were told to end, and may still be draining.
    leaving: Vec<Replica>,
    started: usize,
    pub(crate) balancer: Balancer,
    way: Way,
    kubeconfig: PathBuf,
    flags: Vec<String>,
    folder: PathBuf,
}

impl<'a> Fleet<'a> {
    /// No replica yet, and neither Secret nor webhook configurations; `flags` go to each replica.
    pub(crate) fn new(cluster: &'a Cluster, way: Way, flags: &[&str]) -> Self {
        let folder = TempDir::with_prefix_in("fleet-", cluster.folder())
            .expect("create a folder for the replicas")
            .keep();
        grant(cluster);
        let account = format!("/api/v1/namespaces/{SYSTEM}/serviceaccounts/raygate/token");
        let wish = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}});
        let token = cluster.api.post(&account, &wish).expect(201);
        let token = token["status"]["token"].as_str().expect("a token");
        if way == Way::Service {
            // Nobody routes the address of a Service here, but one of another kind leads to any host.
            let service =
                json!({"metadata": {"name": "raygate"}, "spec": {"type": "ExternalName", "externalName": "127.0.0.1"}});
            let services = format!("/api/v1/namespaces/{SYSTEM}/services");
            cluster.api.post(&services, &service).expect(201);
        }
        Self {
            cluster,
            replicas: Vec::new(),
            leaving: Vec::new(),
            started: 0,
            balancer: Balancer::start(),
            way,
            kubeconfig: cluster.kubeconfig_of("raygate", token),
            flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
            folder,
        }
    }

    /// Starts a replica, and waits until it listens: not until it is ready.
    pub(crate) fn add(&mut self) {
        let replica = self.start();
        self.replicas.push(replica);
        self.publish();
    }

    /// Does what a Deployment with `maxUnavailable: 0` does: starts another replica, waits until it is ready, and only
    /// then tells this one to end.
    pub(crate) fn roll(&mut self, at: usize) {
        let mut former = self.replace(at);
        former.daemon.terminate();
        self.leaving.push(former);
        self.publish();
    }

    /// SIGKILL, and then another replica in its place. Returns when that one is ready, and sent to.
    pub(crate) fn kill(&mut self, at: usize) {
        self.replicas[at].daemon.kill();
        drop(self.replace(at));
        self.publish();
        self.balancer.wait_heard(&self.replicas[at].backend);
    }

    /// Waits until all replicas that were told to end have ended well.
    pub(crate) fn wait_gone(&mut self) {
        for mut replica in self.leaving.drain(..) {
            let status = replica.daemon.wait();
            assert!(status.success(), "{status}:\n{}", replica.daemon.log());
        }
        self.publish();
    }

    /// Starts a replica in the place of another, waits until it is ready, and returns that other one.
    fn replace(&mut self, at: usize) -> Replica {
        let mut replica = self.start();
        replica.wait_ready();
        std::mem::replace(&mut self.replicas[at], replica)
    }

    fn start(&mut self) -> Replica {
        let name = format!("raygate-{}", self.started);
        self.started += 1;
        let mut command = Command::new(raygate());
        command.args(["serve", "--bind", "127.0.0.1:0", "--metrics-bind", "127.0.0.1:0"]);
        command.arg("--self-managed").args(self.url_flags()).args(&self.flags);
        command.arg("--kubeconfig").arg(&self.kubeconfig);
        command.env_clear().env("RAYGATE_LOG_FORMAT", "json");
        let mut daemon = Daemon::start(&self.cluster.group, &name, &mut command, &self.folder);
        let serving = wait_for("a replica to serve", || {
            daemon.assert_running();
            serving_line(&daemon.log()).ok_or("no line says `serving` yet")
        });
        let address = |field: &str| serving[field].as_str().expect("an address").to_owned();
        let backend = Backend {
            webhook: address("webhook"),
            metrics: address("metrics"),
        };
        Replica { daemon, backend }
    }

    /// Tells the balancer of all replicas.
    fn publish(&self) {
        let replicas = self.replicas.iter().chain(&self.leaving);
        let backends = replicas.map(|replica| replica.backend.clone());
        self.balancer.set_backends(backends.collect());
    }

    /// Creates both webhook configurations as `raygate manifests` prints them, without any CA.
    pub(crate) fn register(&self) {
        self.register_with(|_| ());
    }

    /// The same after a change.
    pub(crate) fn register_with(&self, change: impl Fn(&mut Value)) {
        let url_flags = self.url_flags();
        let flags = ["--only", "webhooks"].into_iter();
        let flags: Vec<_> = flags.chain(url_flags.iter().map(String::as_str)).collect();
        for mut object in manifests(&flags) {
            if self.way == Way::Service {
                object["webhooks"][0]["clientConfig"]["service"]["port"] = self.balancer.address().port().into();
            }
            change(&mut object);
            let hook = Hook::of_kind(object["kind"].as_str().expect("a kind"));
            self.cluster.api.post(&hook.configurations(), &object).expect(201);
        }
    }

    /// Waits until each replica is ready.
    pub(crate) fn wait_ready(&mut self) {
        self.replicas.iter_mut().for_each(Replica::wait_ready);
    }

    /// Waits until RayJobs are completed and judged.
    pub(crate) fn wait_in_force(&self) {
        wait_for("both webhooks to be in force", || {
            let path = format!("{}?dryRun=All", crate::cluster::rayjobs());
            let answer = self.cluster.api.post(&path, &harmless());
            if answer.body["metadata"]["annotations"][APPLIED].is_string() {
                Ok(())
            } else {
                Err(answer)
            }
        });
    }

    /// Waits until the log of a replica has a line with all these words.
    pub(crate) fn wait_logged(&self, replica: usize, words: &[&str]) {
        let replica = &self.replicas[replica];
        wait_for(&format!("a log line with {words:?}"), || {
            let log = replica.daemon.log();
            let found = log.lines().any(|line| words.iter().all(|word| line.contains(word)));
            if found { Ok(()) } else { Err(log) }
        });
    }

    /// Waits until a series of a replica has this value.
    pub(crate) fn wait_metric(&self, replica: usize, series: &str, wanted: f64) {
        let replica = &self.replicas[replica];
        wait_for(&format!("{series} {wanted}"), || match replica.metric(series) {
            Some(value) if (value - wanted).abs() < 0.5 => Ok(()),
            other => Err(format!("{other:?}")),
        });
    }

    fn url_flags(&self) -> Vec<String> {
        match self.way {
            Way::Url => vec!["--url".to_owned(), format!("https://{}", self.balancer.address())],
            Way::Service => Vec::new(),
        }
    }
}

impl Drop for Fleet<'_> {
    fn drop(&mut self) {
        for hook in [Hook::Mutating, Hook::Validating] {
            self.cluster.api.delete(&hook.configuration());
        }
        self.replicas.clear();
        self.leaving.clear();
        self.cluster.api.delete(SECRET);
        if self.way == Way::Service {
            self.cluster
                .api
                .delete(&format!("/api/v1/namespaces/{SYSTEM}/services/raygate"));
        }
        if !std::thread::panicking() {
            wait_for("both webhooks to be gone", || {
                let answer = self
                    .cluster
                    .api
                    .post(&format!("{}?dryRun=All", crate::cluster::rayjobs()), &harmless());
                let applied = answer.body["metadata"]["annotations"][APPLIED].is_string();
                if answer.code == 201 && !applied {
                    Ok(())
                } else {
                    Err(answer)
                }
            });
        }
    }
}

/// Applies the objects of `raygate manifests` that give raygate its rights, and those that restrict them, and waits until
/// they are in force.
pub(crate) fn grant(cluster: &Cluster) {
    for object in manifests(&[]) {
        let kind = object["kind"].as_str().expect("a kind");
        let name = object["metadata"]["name"].as_str().expect("a name");
        let path = match kind {
            "Namespace" => format!("/api/v1/namespaces/{name}"),
            "ServiceAccount" => format!("/api/v1/namespaces/{SYSTEM}/serviceaccounts/{name}"),
            "Role" => format!("{RBAC}/namespaces/{SYSTEM}/roles/{name}"),
            "RoleBinding" => format!("{RBAC}/namespaces/{SYSTEM}/rolebindings/{name}"),
            "ClusterRole" => format!("{RBAC}/clusterroles/{name}"),
            "ClusterRoleBinding" => format!("{RBAC}/clusterrolebindings/{name}"),
            "ValidatingAdmissionPolicy" | "ValidatingAdmissionPolicyBinding" => path_of(&object),
            _ => continue,
        };
        let answer = cluster.api.apply_yaml(&path, &object.to_string(), ApplyYaml::Store);
        assert!([200, 201].contains(&answer.code), "{kind} {name}: {answer}");
    }
    wait_restricted(&cluster.as_user(ACCOUNT, &[]));
}

/// Waits until the admission policies restrict raygate's account.
pub(crate) fn wait_restricted(raygate: &Api) {
    wait_for("the account to be restricted", || {
        let wish = json!({"metadata": {"name": "probe"}});
        let answer = raygate.post(&format!("/api/v1/namespaces/{SYSTEM}/secrets?dryRun=All"), &wish);
        if answer
            .message()
            .contains("ValidatingAdmissionPolicy 'raygate-certificates'")
        {
            Ok(())
        } else {
            Err(answer)
        }
    });
}

/// The objects that `raygate manifests` prints for self-managed certificates.
fn manifests(flags: &[&str]) -> Vec<Value> {
    let text = run(Command::new(raygate())
        .args(["manifests", "--certificates", "self-managed"])
        .args(flags));
    serde_saphyr::from_multiple(&text).expect("YAML")
}

/// The Secret's data under a key, as text.
pub(crate) fn secret_data(cluster: &Cluster, key: &str) -> String {
    let secret = cluster.api.get(SECRET).expect(200);
    decode(&secret["data"][key])
}

/// The `caBundle` of raygate's webhook, as text.
pub(crate) fn ca_bundle(cluster: &Cluster, hook: Hook) -> String {
    let configuration = cluster.api.get(&hook.configuration()).expect(200);
    assert_eq!(configuration["metadata"]["name"], CONFIGURATION);
    decode(&configuration["webhooks"][0]["clientConfig"]["caBundle"])
}

fn decode(value: &Value) -> String {
    use base64::Engine as _;
    let bytes = base64::prelude::BASE64_STANDARD.decode(value.as_str().unwrap_or_default());
    String::from_utf8(bytes.expect("base64")).expect("text")
}
