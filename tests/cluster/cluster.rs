//! A Kubernetes control plane for the tests: etcd, kube-apiserver and kube-scheduler on loopback, with the RayJob API.

use std::env;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use raygate::ray::kind::{KINDS, Kind};
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::api::{Answer, Api, ApplyYaml};
use crate::binaries::Binaries;
use crate::process::{Daemon, Group, wait_for};

/// The namespace of the Flyte project `mlplatform` in the domain `production`, where all RayJobs of the tests live.
pub(crate) const NAMESPACE: &str = "mlplatform-production";

const TOKEN: &str = "cluster-tests";

/// The name of the API server in its certificate for webhooks, too.
pub(crate) const API_SERVER: &str = "kube-apiserver";

/// A running control plane; gone when dropped. The fields are dropped in this order.
pub(crate) struct Cluster {
    pub(crate) api: Api,
    /// The API server, with the command that starts it again.
    api_server: Mutex<(Daemon, Command)>,
    daemons: Vec<Daemon>,
    port: u16,
    pub(crate) has_scheduler: bool,
    pub(crate) group: Group,
    folder: TempDir,
}

impl Cluster {
    /// Starts everything, and waits until it serves RayJobs.
    pub(crate) fn start(binaries: &Binaries) -> Self {
        // No controller runs that would create the service accounts which pods name.
        Self::start_with(binaries, &["--disable-admission-plugins=ServiceAccount"])
    }

    /// The same with other arguments of the API server.
    pub(crate) fn start_with(binaries: &Binaries, arguments: &[&str]) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("cluster-")
            .tempdir_in(env!("CARGO_TARGET_TMPDIR"))
            .expect("create a folder for the control plane");
        let group = Group::new().expect("start the leader of the process group");
        let path = folder.path();
        let [etcd_port, peer_port, port] = free_ports();
        let etcd = Daemon::start(&group, "etcd", &mut etcd(binaries, path, etcd_port, peer_port), path);
        let mut command = api_server(binaries, path, etcd_port, port);
        command.args(arguments);
        let api_server = Daemon::start(&group, API_SERVER, &mut command, path);
        let mut daemons = vec![etcd, api_server];

        let api = connect(&mut daemons, path, port);
        let api_server = daemons.pop().expect("the API server was the last to start");
        write_kubeconfig(&kubeconfig_file(path), port, "admin", TOKEN);
        let scheduler = scheduler(binaries, path);
        let has_scheduler = scheduler.is_some();
        if let Some(mut command) = scheduler {
            daemons.push(Daemon::start(&group, "kube-scheduler", &mut command, path));
        }
        let cluster = Self {
            api,
            api_server: Mutex::new((api_server, command)),
            daemons,
            port,
            has_scheduler,
            group,
            folder,
        };
        cluster.create_namespace();
        cluster.install_ray_api();
        cluster
    }

    /// A folder for the files of a test, which ends with the cluster.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The CA of the certificate that the API server has for webhooks.
    pub(crate) fn webhook_client_ca(&self) -> PathBuf {
        webhook_client_ca_file(self.folder())
    }

    /// The kubeconfig file of whoever has all rights.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        kubeconfig_file(self.folder())
    }

    /// Nothing while all parts run; the last words of one that has died.
    pub(crate) fn last_words(&mut self) -> Option<String> {
        let api_server = self.api_server.get_mut().unwrap_or_else(PoisonError::into_inner);
        let daemons = self.daemons.iter_mut().chain([&mut api_server.0]);
        daemons.into_iter().find_map(Daemon::last_words)
    }

    /// Kills the API server, starts it again after `meanwhile`, and waits until it answers.
    pub(crate) fn without_api_server(&self, meanwhile: impl FnOnce()) {
        let mut api_server = self.api_server.lock().expect("nobody else stops the API server");
        let (daemon, command) = &mut *api_server;
        daemon.kill();
        meanwhile();
        *daemon = Daemon::start(&self.group, API_SERVER, command, self.folder());
        wait_for("the API server to be ready again", || {
            daemon.assert_running();
            match self.api.try_get("/readyz") {
                Ok(answer) if answer.code == 200 => Ok(()),
                Ok(answer) => Err(answer.to_string()),
                Err(error) => Err(error.to_string()),
            }
        });
    }

    /// A kubeconfig file for the bearer of a token.
    pub(crate) fn kubeconfig_of(&self, user: &str, token: &str) -> PathBuf {
        let path = self.folder().join(format!("kubeconfig-{user}"));
        write_kubeconfig(&path, self.port, user, token);
        path
    }

    /// A kubeconfig file for a program that speaks for a user with all rights.
    pub(crate) fn kubeconfig_as(&self, name: &str, user: &str) -> PathBuf {
        let path = self.kubeconfig_of(name, TOKEN);
        let text = fs::read_to_string(&path).expect("read the kubeconfig");
        let mut kubeconfig: Value = serde_json::from_str(&text).expect("a kubeconfig in JSON");
        let credentials = &mut kubeconfig["users"][0]["user"];
        credentials["as"] = json!(user);
        credentials["as-groups"] = json!(["system:masters"]);
        fs::write(&path, kubeconfig.to_string()).expect("write the kubeconfig");
        path
    }

    /// A client that speaks for another user, with that user's own rights, or with all where the user is in the group
    /// `system:masters`.
    pub(crate) fn as_user(&self, user: &str, groups: &[&str]) -> Api {
        let runtime = Runtime::new().expect("start a runtime for a client");
        Api::with(runtime, self.port, &certificate_file(self.folder()), |config| {
            config.auth_info.token = Some(TOKEN.to_owned().into());
            config.auth_info.impersonate = Some(user.to_owned());
            let groups = groups.iter().map(|group| (*group).to_owned()).collect::<Vec<_>>();
            config.auth_info.impersonate_groups = Some(groups).filter(|groups| !groups.is_empty());
        })
    }

    /// Leaves the folder with its logs behind, and says where.
    pub(crate) fn keep_logs(&mut self) -> PathBuf {
        self.folder.disable_cleanup(true);
        self.folder.path().to_owned()
    }

    /// Removes the objects and pods that a test has left.
    pub(crate) fn clear(&self) {
        // After a test that failed, its webhooks may be asked for a moment longer, and answer no more.
        wait_for("the namespace to be empty", || {
            // The API server answers 429 until the storage of a new resource is ready.
            let answered = |answer: Answer| match answer.code {
                200 => Ok(answer.body),
                _ => Err(answer.to_string()),
            };
            let items = |path: &str| answered(self.api.get(path)).map(|mut list| list["items"].take());
            let count = |path: &str| items(path).map(|items| items.as_array().map_or(0, Vec::len));
            let mut left = 0;
            for kind in KINDS {
                for object in items(&objects_path(kind))?.as_array().into_iter().flatten() {
                    let name = object["metadata"]["name"]
                        .as_str()
                        .expect("the name of a listed object");
                    let path = object_path(kind, name);
                    self.api.merge_patch(&path, &json!({"metadata": {"finalizers": null}}));
                }
                answered(self.api.delete(&objects_path(kind)))?;
                left += count(&objects_path(kind))?;
            }
            // No kubelet runs that would confirm the end of a bound pod.
            answered(self.api.delete(&format!("{}?gracePeriodSeconds=0", pods())))?;
            match (left, count(&pods())?) {
                (0, 0) => Ok(()),
                (objects, pods) => Err(format!("{objects} objects and {pods} pods are left")),
            }
        });
    }

    fn create_namespace(&self) {
        let namespace = json!({"metadata": {"name": NAMESPACE}});
        self.api.post("/api/v1/namespaces", &namespace).expect(201);
    }

    /// Applies KubeRay's own CRDs from the folder that `RAYGATE_RAY_CRDS` names, and our own small ones of other kinds.
    fn install_ray_api(&self) {
        let folder = env::var_os("RAYGATE_RAY_CRDS").map(PathBuf::from);
        for kind in KINDS {
            let file = folder
                .iter()
                .map(|folder| folder.join(format!("ray.io_{}.yaml", kind.resource)));
            let crd = match file.into_iter().find(|file| file.is_file()) {
                Some(file) => {
                    eprintln!("applying {}", file.display());
                    fs::read_to_string(&file).unwrap_or_else(|error| panic!("read {}: {error}", file.display()))
                }
                None => own_crd(kind).to_string(),
            };
            let path = format!(
                "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{}.ray.io",
                kind.resource
            );
            self.api.apply_yaml(&path, &crd, ApplyYaml::Store).expect(201);
        }
        wait_for("the API server to serve all kinds", || {
            let paths = KINDS.map(objects_path).into_iter().chain([rayjobs_in("v1alpha1")]);
            let answers: Vec<u16> = paths.map(|path| self.api.get(&path).code).collect();
            if answers.iter().all(|code| *code == 200) {
                Ok(())
            } else {
                Err(format!("answers {answers:?}"))
            }
        });
    }

    /// The stored RayJob of that name.
    pub(crate) fn rayjob(&self, name: &str) -> Answer {
        self.api.get(&rayjob(name))
    }
}

/// The path of all RayJobs of the namespace, in the storage version.
pub(crate) fn rayjobs() -> String {
    rayjobs_in("v1")
}

/// The path of all RayJobs of the namespace, in a version of the API.
pub(crate) fn rayjobs_in(version: &str) -> String {
    format!("/apis/ray.io/{version}/namespaces/{NAMESPACE}/rayjobs")
}

/// The path of one RayJob.
pub(crate) fn rayjob(name: &str) -> String {
    format!("{}/{name}", rayjobs())
}

/// The path of all objects of a kind in the namespace.
pub(crate) fn objects_path(kind: &Kind) -> String {
    format!("/apis/ray.io/v1/namespaces/{NAMESPACE}/{}", kind.resource)
}

/// The path of one object.
pub(crate) fn object_path(kind: &Kind, name: &str) -> String {
    format!("{}/{name}", objects_path(kind))
}

/// Our own CRD of a kind: that of RayJobs, with its parts where the kind has them.
fn own_crd(kind: &Kind) -> Value {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cluster/crd.yaml"));
    let mut crd: Value = serde_saphyr::from_str(&text.expect("read our CRD")).expect("a CRD in YAML");
    let place = "/spec/versions/0/schema/openAPIV3Schema/properties/spec";
    let job = crd.pointer(place).expect("the schema of a RayJobSpec").clone();
    let cluster = &job["properties"]["rayClusterSpec"];
    let of = |key: &str, schema: &Value| json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": {key: schema}});
    let spec = match kind.name {
        "RayJob" => return crd,
        "RayCluster" => cluster.clone(),
        "RayService" => of("rayClusterConfig", cluster),
        "RayCronJob" => of("jobTemplate", &job),
        other => panic!("no CRD of the kind {other}"),
    };
    *crd.pointer_mut(place).expect("a schema") = spec;
    crd["spec"]["versions"].as_array_mut().expect("versions").truncate(1);
    let (name, resource) = (kind.name, kind.resource);
    crd["metadata"]["name"] = json!(format!("{resource}.ray.io"));
    let singular = name.to_lowercase();
    crd["spec"]["names"] =
        json!({"kind": name, "listKind": format!("{name}List"), "plural": resource, "singular": singular});
    crd
}

/// The path of all pods of the namespace.
pub(crate) fn pods() -> String {
    format!("/api/v1/namespaces/{NAMESPACE}/pods")
}

/// Ports of the loopback interface that nobody listens on, held together so that they differ.
pub(crate) fn free_ports<const N: usize>() -> [u16; N] {
    let listeners = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").expect("bind a loopback port"));
    listeners.map(|listener| listener.local_addr().expect("a bound port").port())
}

/// A loopback URL that nobody answers.
pub(crate) fn dead_url() -> String {
    let [port] = free_ports();
    format!("https://127.0.0.1:{port}")
}

fn etcd(binaries: &Binaries, folder: &Path, port: u16, peer_port: u16) -> Command {
    let mut command = binaries.command("etcd").expect("etcd is located");
    let (client, peer) = (
        format!("http://127.0.0.1:{port}"),
        format!("http://127.0.0.1:{peer_port}"),
    );
    command
        .arg(format!("--data-dir={}", folder.join("etcd").display()))
        .arg(format!("--listen-client-urls={client}"))
        .arg(format!("--advertise-client-urls={client}"))
        .arg(format!("--listen-peer-urls={peer}"))
        .arg(format!("--initial-advertise-peer-urls={peer}"))
        .arg(format!("--initial-cluster=default={peer}"))
        // Nobody needs these data after a crash.
        .arg("--unsafe-no-fsync");
    command
}

fn api_server(binaries: &Binaries, folder: &Path, etcd_port: u16, port: u16) -> Command {
    let key = KeyPair::generate().expect("make the service accounts' key");
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).expect("write a file of the API server");
        path
    };
    let private_key = write("service-accounts.key", &key.serialize_pem());
    let public_key = write("service-accounts.pub", &key.public_key_pem());
    let tokens = write("tokens.csv", &format!("{TOKEN},admin,admin,\"system:masters\"\n"));
    let mut command = binaries.command("kube-apiserver").expect("kube-apiserver is located");
    command
        .arg(format!("--etcd-servers=http://127.0.0.1:{etcd_port}"))
        .arg("--bind-address=127.0.0.1")
        .arg(format!("--secure-port={port}"))
        .arg(format!("--cert-dir={}", folder.display()))
        .arg(format!("--token-auth-file={}", tokens.display()))
        .arg("--authorization-mode=RBAC")
        .arg("--service-account-issuer=https://kubernetes.default.svc")
        .arg(format!("--service-account-key-file={}", public_key.display()))
        .arg(format!("--service-account-signing-key-file={}", private_key.display()))
        .arg("--service-cluster-ip-range=10.0.0.0/24")
        .arg(format!(
            "--admission-control-config-file={}",
            admission_configuration(folder).display()
        ))
        // The server will not advertise a loopback address, and nobody needs its endpoints.
        .arg("--endpoint-reconciler-type=none");
    command
}

fn webhook_client_ca_file(folder: &Path) -> PathBuf {
    folder.join("webhook-client-ca.crt")
}

/// Makes a CA and a certificate for the API server, and returns the file for `--admission-control-config-file`, as
/// docs/guide/client-certificates.md shows it.
fn admission_configuration(folder: &Path) -> PathBuf {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("make a key");
    fs::write(
        webhook_client_ca_file(folder),
        authority.self_signed(&key).expect("sign the CA").pem(),
    )
    .expect("write the CA");
    let issuer = Issuer::new(authority, key);
    let mut client = CertificateParams::default();
    client.distinguished_name.push(DnType::CommonName, API_SERVER);
    client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate().expect("make a key");
    let certificate = client.signed_by(&key, &issuer).expect("sign the certificate").pem();
    let kubeconfig = folder.join("webhook-kubeconfig.yaml");
    // Here the webhooks are at addresses of this machine, which `*` names too.
    let text = format!(
        "apiVersion: v1\nkind: Config\nusers:\n- name: '*'\n  user:\n    client-certificate-data: {}\n    \
         client-key-data: {}\n",
        BASE64_STANDARD.encode(certificate),
        BASE64_STANDARD.encode(key.serialize_pem())
    );
    fs::write(&kubeconfig, text).expect("write the kubeconfig");
    let plugin = |name: &str| {
        format!(
            "- name: {name}\n  configuration:\n    apiVersion: apiserver.config.k8s.io/v1\n    \
             kind: WebhookAdmissionConfiguration\n    kubeConfigFile: {}\n",
            kubeconfig.display()
        )
    };
    let file = folder.join("admission.yaml");
    let text = format!(
        "apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins:\n{}{}",
        plugin("MutatingAdmissionWebhook"),
        plugin("ValidatingAdmissionWebhook")
    );
    fs::write(&file, text).expect("write the configuration");
    file
}

/// Waits for the API server to be ready, and returns a client of it.
fn connect(daemons: &mut [Daemon], folder: &Path, port: u16) -> Api {
    let runtime = Runtime::new().expect("start a runtime for the client");
    let certificate = certificate_file(folder);
    wait_for("the API server to write its certificate", || {
        daemons.iter_mut().for_each(Daemon::assert_running);
        fs::metadata(&certificate)
    });
    let api = Api::new(runtime, port, &certificate, TOKEN);
    wait_for("the API server to be ready", || {
        daemons.iter_mut().for_each(Daemon::assert_running);
        match api.try_get("/readyz") {
            Ok(answer) if answer.code == 200 => Ok(()),
            Ok(answer) => Err(answer.to_string()),
            Err(error) => Err(error.to_string()),
        }
    });
    api
}

/// The API server makes its own certificate, and puts that of its authority into the same file.
fn certificate_file(folder: &Path) -> PathBuf {
    folder.join("apiserver.crt")
}

fn write_kubeconfig(path: &Path, port: u16, user: &str, token: &str) {
    let folder = path.parent().expect("a file of the folder");
    let kubeconfig = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "tests", "cluster": {
            "server": format!("https://127.0.0.1:{port}"),
            "certificate-authority": certificate_file(folder),
        }}],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": user}}],
        "current-context": "tests",
    });
    fs::write(path, kubeconfig.to_string()).expect("write the kubeconfig");
}

fn kubeconfig_file(folder: &Path) -> PathBuf {
    folder.join("kubeconfig")
}

fn scheduler(binaries: &Binaries, folder: &Path) -> Option<Command> {
    let mut command = binaries.command("kube-scheduler")?;
    command
        .arg(format!("--kubeconfig={}", kubeconfig_file(folder).display()))
        .args(["--leader-elect=false", "--secure-port=0"]);
    Some(command)
}
