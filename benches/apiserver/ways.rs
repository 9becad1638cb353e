//! The ways that are compared, each registered for a namespace of its own.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use raygate::engine::admit::answer_mutate;
use raygate::engine::document::Patch;
use raygate::engine::{Bundle, Document, Operation, Request};
use raygate::json::Tree;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::api::Answer;
use crate::cluster::Cluster;
use crate::process::{Daemon, wait_for};
use crate::{floor, peer};

const REGISTRATION: &str = "/apis/admissionregistration.k8s.io/v1";
const JOB: &str = "tests/rayjobs/seed-01-gpu-training.json";
const POLICIES: &str = include_str!("native.yaml");

/// One way to complete and judge a RayJob.
pub(crate) struct Way {
    pub(crate) name: &'static str,
    pub(crate) told: &'static str,
    namespace: &'static str,
    /// What is created.
    pub(crate) job: Value,
    /// The process of its webhooks, where it has any.
    pub(crate) server: Option<u32>,
}

impl Way {
    pub(crate) fn rayjobs(&self) -> String {
        format!("/apis/ray.io/v1/namespaces/{}/rayjobs", self.namespace)
    }
}

/// All ways that this machine has.
pub(crate) struct Ways {
    ways: Vec<Way>,
    _servers: Vec<Daemon>,
    _folder: TempDir,
}

struct Registrar<'a> {
    cluster: &'a Cluster,
    folder: &'a Path,
    authority: String,
    servers: Vec<Daemon>,
    ways: Vec<Way>,
    raw: Value,
    completed: Value,
}

impl Ways {
    pub(crate) fn register(cluster: &Cluster) -> Self {
        let folder = TempDir::with_prefix_in("ways-", env!("CARGO_TARGET_TMPDIR")).expect("create a folder");
        let pair = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("make a certificate");
        let write = |name: &str, text: String| fs::write(folder.path().join(name), text).expect("write a file");
        write("tls.crt", pair.cert.pem());
        write("tls.key", pair.signing_key.serialize_pem());
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(JOB)).expect("read a RayJob");
        let mut raw: Value = serde_json::from_str(&text).expect("parse a RayJob");
        let metadata = raw["metadata"].as_object_mut().expect("metadata");
        // The namespace is the way's.
        metadata.remove("namespace");
        let document = completed(&raw);
        let json = |patch: Patch<'_>| serde_json::to_value(patch).expect("a patch in JSON");
        for (shape, patch) in [
            ("as-sent", json(document.cheapest_patch())),
            ("edit-by-edit", json(document.patch())),
            ("one-edit", one_edit()),
        ] {
            fs::create_dir(folder.path().join(shape)).expect("create a folder");
            for file in ["tls.crt", "tls.key"] {
                fs::copy(folder.path().join(file), folder.path().join(shape).join(file)).expect("copy a file");
            }
            write(&format!("{shape}/patch"), BASE64.encode(patch.to_string()));
        }
        let mut registrar = Registrar {
            cluster,
            folder: folder.path(),
            authority: BASE64.encode(pair.cert.pem()),
            servers: Vec::new(),
            ways: Vec::new(),
            raw,
            completed: document.value().to_value(),
        };
        registrar.all();
        let Registrar { servers, ways, .. } = registrar;
        Self {
            ways,
            _servers: servers,
            _folder: folder,
        }
    }

    pub(crate) fn all(&self) -> &[Way] {
        &self.ways
    }
}

impl Registrar<'_> {
    fn all(&mut self) {
        let itself = std::env::current_exe().expect("the path of this program");
        let raygate = Path::new(env!("CARGO_BIN_EXE_raygate"));
        let serve = |command: &mut Command, folder: &Path, port: u16| {
            command.args([
                "serve",
                "--metrics-bind",
                "127.0.0.1:0",
                "--bind",
                &format!("127.0.0.1:{port}"),
            ]);
            command.arg("--tls-cert").arg(folder.join("tls.crt"));
            command.arg("--tls-key").arg(folder.join("tls.key"));
        };
        self.way("none", "no webhook", false);
        for (namespace, floor, shape, told, is_completed) in [
            ("null", "null", "", "webhooks that answer a constant", false),
            (
                "hard-coded",
                "patch",
                "as-sent",
                "webhooks that answer raygate's patch as a constant",
                false,
            ),
            (
                "edit-by-edit",
                "patch",
                "edit-by-edit",
                "the same with a patch that says every edit on its own",
                false,
            ),
            (
                "one-edit",
                "patch",
                "one-edit",
                "the same with a patch of one edit that is not deep",
                false,
            ),
            ("null-completed", "null", "", "null, a RayJob that needs nothing", true),
        ] {
            self.webhooks(namespace, told, is_completed, &itself, |command, folder, port| {
                command.args([floor::FLAG, floor]).arg(folder.join(shape));
                command.args([&format!("127.0.0.1:{port}"), "127.0.0.1:0"]);
            });
        }
        self.webhooks("raygate", "the binary with the shipped policies", false, raygate, serve);
        self.webhooks(
            "raygate-completed",
            "raygate, a RayJob that needs nothing",
            true,
            raygate,
            serve,
        );
        if let Some(peer) = peer::build() {
            self.webhooks(
                "go",
                "a webhook on controller-runtime (benches/peers)",
                false,
                &peer,
                |command, folder, port| {
                    command.args(["--port", &port.to_string(), "--cert-dir"]).arg(folder);
                },
            );
        }
        self.native();
    }

    /// A namespace in which the way alone is asked.
    fn way(&mut self, name: &'static str, told: &'static str, is_completed: bool) {
        let namespace = json!({"metadata": {"name": name}});
        self.cluster.api.post("/api/v1/namespaces", &namespace).expect(201);
        let job = if is_completed { &self.completed } else { &self.raw };
        self.ways.push(Way {
            name,
            told,
            namespace: name,
            job: job.clone(),
            server: None,
        });
    }

    /// A server, asked by a mutating and a validating webhook.
    fn webhooks(
        &mut self,
        name: &'static str,
        told: &'static str,
        is_completed: bool,
        program: &Path,
        arguments: impl Fn(&mut Command, &Path, u16),
    ) {
        self.way(name, told, is_completed);
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind a loopback port");
        let port = listener.local_addr().expect("a bound port").port();
        drop(listener);
        let mut command = Command::new(program);
        command.env_clear();
        arguments(&mut command, self.folder, port);
        let daemon = Daemon::start(&self.cluster.group, name, &mut command, self.folder);
        wait_for(name, || std::net::TcpStream::connect(("127.0.0.1", port)));
        self.ways.last_mut().expect("a way").server = Some(daemon.id());
        self.servers.push(daemon);
        for (path, kind) in [
            ("mutate", "mutatingwebhookconfigurations"),
            ("validate", "validatingwebhookconfigurations"),
        ] {
            let configuration = json!({"metadata": {"name": name}, "webhooks": [{
                "name": format!("{name}.benches.raygate.dev"),
                "clientConfig": {"url": format!("https://127.0.0.1:{port}/{path}"), "caBundle": self.authority},
                "rules": [{
                    "apiGroups": ["ray.io"], "apiVersions": ["v1"], "resources": ["rayjobs"], "operations": ["CREATE"],
                }],
                "namespaceSelector": selector(name),
                "admissionReviewVersions": ["v1"],
                "sideEffects": "None",
                "failurePolicy": "Fail",
                "timeoutSeconds": 10,
            }]});
            let created = self.cluster.api.post(&format!("{REGISTRATION}/{kind}"), &configuration);
            created.expect(201);
        }
        self.until_asked(name, is_completed);
    }

    /// The API server takes a moment to ask a new webhook. Where it changes nothing this cannot be seen; the creations that
    /// are not measured are time enough.
    fn until_asked(&self, name: &'static str, is_completed: bool) {
        let way = self.ways.last().expect("a way");
        if is_completed || name == "null" {
            return;
        }
        let untouched = self.dry_run(&self.ways[0]).body["spec"].clone();
        wait_for(name, || {
            let answer = self.dry_run(way);
            if answer.code == 201 && answer.body["spec"] != untouched {
                Ok(())
            } else {
                Err(answer)
            }
        });
    }

    fn dry_run(&self, way: &Way) -> Answer {
        let path = format!("{}?dryRun=All", way.rayjobs());
        self.cluster.api.post(&path, &way.job)
    }

    /// Policies that the API server evaluates itself.
    fn native(&mut self) {
        self.way(
            "native",
            "MutatingAdmissionPolicy and ValidatingAdmissionPolicy, a part of the work",
            false,
        );
        for document in POLICIES.split("\n---\n") {
            let kind = document
                .lines()
                .find_map(|line| line.strip_prefix("kind: "))
                .expect("a kind");
            let plural = match kind.strip_suffix('y') {
                Some(stem) => format!("{}ies", stem.to_lowercase()),
                None => format!("{}s", kind.to_lowercase()),
            };
            let name = "native.benches.raygate.dev";
            let path = format!("{REGISTRATION}/{plural}/{name}");
            let answer = self
                .cluster
                .api
                .apply_yaml(&path, document, crate::api::ApplyYaml::Store);
            if answer.code != 201 {
                eprintln!("SKIPPED: the native policies are left out: {answer}");
                self.ways.pop();
                return;
            }
        }
        self.until_asked("native", false);
    }
}

fn selector(namespace: &str) -> Value {
    json!({"matchLabels": {"kubernetes.io/metadata.name": namespace}})
}

/// The least that a patch can do, and be seen to have done.
fn one_edit() -> Value {
    json!([{"op": "add", "path": "/spec/activeDeadlineSeconds", "value": 86400}])
}

/// The job as raygate leaves it.
fn completed(raw: &Value) -> Document<'static> {
    let request = Request {
        operation: Operation::Create,
        namespace: "raygate".to_owned(),
        user: "admin".to_owned(),
        object: Tree::of(raw).expect("a document"),
        old: None,
        now: jiff::Timestamp::now(),
        facts: raygate::facts::Facts::none(),
    };
    answer_mutate(&Bundle::embedded(), request).document
}
