//! The shipped binary with the shipped policies, registered with the shipped webhook configurations.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::api::{Answer, ApplyYaml};
use crate::cluster::{Cluster, rayjobs};
use crate::http;
use crate::process::{Daemon, wait_for};
use crate::rayjobs::{load, named, with_duplicate_group};

/// What both webhook configurations are called.
pub(crate) const CONFIGURATION: &str = "admission.raygate.dev";
/// What the webhook is called in both, and so in every denial that a client gets.
pub(crate) const WEBHOOK: &str = "rayjob.raygate.dev";
/// Where a stored RayJob says what raygate did to it.
pub(crate) const APPLIED: &str = "raygate.dev/applied";

const REGISTRATION: &str = "/apis/admissionregistration.k8s.io/v1";

/// The two kinds of webhook configuration, as they are named in paths.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hook {
    Mutating,
    Validating,
}

impl Hook {
    pub(crate) fn of_kind(kind: &str) -> Self {
        match kind {
            "MutatingWebhookConfiguration" => Self::Mutating,
            "ValidatingWebhookConfiguration" => Self::Validating,
            other => panic!("a webhook configuration of unknown kind `{other}`"),
        }
    }

    /// The path of all configurations of this kind.
    pub(crate) fn configurations(self) -> String {
        match self {
            Self::Mutating => format!("{REGISTRATION}/mutatingwebhookconfigurations"),
            Self::Validating => format!("{REGISTRATION}/validatingwebhookconfigurations"),
        }
    }

    /// The path of raygate's own configuration of this kind.
    pub(crate) fn configuration(self) -> String {
        format!("{}/{CONFIGURATION}", self.configurations())
    }
}

/// A running raygate that the API server asks. On drop it is unregistered and killed.
pub(crate) struct Gate<'a> {
    cluster: &'a Cluster,
    server: Daemon,
    webhook: String,
    metrics: String,
    folder: PathBuf,
}

impl<'a> Gate<'a> {
    /// raygate as shipped.
    pub(crate) fn open(cluster: &'a Cluster) -> Self {
        Self::open_with_policies(cluster, &[])
    }

    /// raygate with policies of these folders, instead of those that it embeds.
    pub(crate) fn open_with_policies(cluster: &'a Cluster, policies: &[PathBuf]) -> Self {
        Self::serve(cluster, policies, &[], &[])
    }

    /// raygate with further flags of `serve`.
    pub(crate) fn open_with_flags(cluster: &'a Cluster, flags: &[String]) -> Self {
        Self::serve(cluster, &[], &[], flags)
    }

    /// The same without waiting for the webhooks to be in force.
    pub(crate) fn register_only(cluster: &'a Cluster, flags: &[String]) -> Self {
        let gate = Self::start(cluster, &[], flags);
        gate.register(&[]);
        gate
    }

    /// raygate with webhooks for these kinds only.
    pub(crate) fn open_with_kinds(cluster: &'a Cluster, kinds: &str) -> Self {
        Self::serve(cluster, &[], &["--kinds", kinds], &[])
    }

    fn serve(cluster: &'a Cluster, policies: &[PathBuf], manifests: &[&str], flags: &[String]) -> Self {
        let gate = Self::start(cluster, policies, flags);
        gate.register(manifests);
        gate.wait_in_force();
        gate
    }

    fn start(cluster: &'a Cluster, policies: &[PathBuf], flags: &[String]) -> Self {
        // It ends with the folder of the cluster, whose logs are kept after a failure.
        let folder = TempDir::with_prefix_in("gate-", cluster.folder())
            .expect("create a folder for raygate")
            .keep();
        run(Command::new(raygate())
            .args(["certs", "--name", "127.0.0.1", "--out"])
            .arg(&folder));
        let mut command = Command::new(raygate());
        command.args(["serve", "--bind", "127.0.0.1:0", "--metrics-bind", "127.0.0.1:0"]);
        command.arg("--tls-cert").arg(folder.join("tls.crt"));
        command.arg("--tls-key").arg(folder.join("tls.key"));
        for policy in policies {
            command.arg("--policies").arg(policy);
        }
        command.args(flags);
        // Every flag has a variable, and this process may have some of them set.
        command.env_clear().env("RAYGATE_LOG_FORMAT", "json");
        let mut server = Daemon::start(&cluster.group, "raygate", &mut command, &folder);

        let serving = wait_for("raygate to serve", || {
            server.assert_running();
            serving_line(&server.log()).ok_or("no line says `serving` yet")
        });
        let address = |field: &str| {
            serving[field]
                .as_str()
                .expect("an address in the line `serving`")
                .to_owned()
        };
        let metrics = address("metrics");
        wait_for("raygate to be ready", || match http::get(&metrics, "/readyz") {
            Ok(answer) if answer.starts_with("HTTP/1.1 200 ") => Ok(()),
            Ok(answer) => Err(answer),
            Err(error) => Err(error.to_string()),
        });
        Self {
            cluster,
            server,
            webhook: address("webhook"),
            metrics,
            folder,
        }
    }

    /// Changes one of the registered configurations.
    pub(crate) fn reconfigure(&self, hook: Hook, patch: &Value) {
        self.cluster.api.json_patch(&hook.configuration(), patch).expect(200);
    }

    /// Everything that raygate has logged.
    pub(crate) fn log(&self) -> String {
        self.server.log()
    }

    /// How many reviews raygate has answered.
    pub(crate) fn reviews(&self) -> u64 {
        let metrics = http::get(&self.metrics, "/metrics").expect("read the metrics");
        let series = metrics
            .lines()
            .filter(|line| line.starts_with("raygate_requests_total{"));
        series
            .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
            .sum()
    }

    /// SIGKILL: from now on nobody answers the webhook.
    pub(crate) fn kill(&mut self) {
        self.server.kill();
    }

    /// SIGTERM; returns once raygate has ended, with whether it ended well.
    pub(crate) fn terminate(&mut self) -> bool {
        self.server.terminate();
        self.server.wait().success()
    }

    /// Creates the webhook configurations that `raygate manifests` prints.
    fn register(&self, arguments: &[&str]) {
        let ca = self.folder.join("ca.crt");
        let manifests = run(Command::new(raygate())
            .args(["manifests", "--only", "webhooks", "--ca-file"])
            .arg(ca)
            .args(arguments));
        let documents: Vec<_> = manifests.split("\n---\n").filter(|it| it.contains("kind:")).collect();
        assert_eq!(
            documents.len(),
            2,
            "one mutating and one validating configuration:\n{manifests}"
        );
        for document in documents {
            let kind = document
                .lines()
                .find_map(|line| line.strip_prefix("kind: "))
                .expect("a line with the kind");
            let hook = Hook::of_kind(kind.trim());
            // The API server reads the YAML: it would refuse what it cannot use, and it fills in its defaults.
            let parsed = self
                .cluster
                .api
                .apply_yaml(&hook.configuration(), document, ApplyYaml::DryRun);
            let configuration = self.reachable(parsed.expect(201));
            self.cluster
                .api
                .post(&hook.configurations(), &configuration)
                .expect(201);
        }
    }

    fn wait_in_force(&self) {
        wait_for("both webhooks to be in force", || {
            let good = self.probe(&harmless());
            let bad = self.probe(&with_duplicate_group(harmless()));
            let applied = good.body["metadata"]["annotations"][APPLIED].is_string();
            if applied && (400..500).contains(&bad.code) {
                Ok(())
            } else {
                Err(format!("{good}\n{bad}"))
            }
        });
    }

    /// Creates a RayJob without storing it. Its name must be free all the same.
    pub(crate) fn probe(&self, job: &Value) -> Answer {
        self.cluster.api.post(&format!("{}?dryRun=All", rayjobs()), job)
    }

    /// The configuration with the addresses of a cluster's service replaced by that of this process.
    fn reachable(&self, mut configuration: Value) -> Value {
        for webhook in configuration["webhooks"].as_array_mut().expect("webhooks") {
            let client = &webhook["clientConfig"];
            let path = client["service"]["path"].as_str().expect("the webhook's path");
            let url = format!("https://{}{path}", self.webhook);
            webhook["clientConfig"] = json!({"url": url, "caBundle": client["caBundle"]});
        }
        let name = &configuration["metadata"]["name"];
        configuration["metadata"] = json!({"name": name, "labels": configuration["metadata"]["labels"]});
        configuration
    }
}

impl Drop for Gate<'_> {
    fn drop(&mut self) {
        for hook in [Hook::Mutating, Hook::Validating] {
            self.cluster.api.delete(&hook.configuration());
        }
        if !std::thread::panicking() {
            wait_for("both webhooks to be gone", || {
                let bad = self.probe(&with_duplicate_group(harmless()));
                let applied = bad.body["metadata"]["annotations"][APPLIED].is_string();
                if bad.code == 201 && !applied { Ok(()) } else { Err(bad) }
            });
        }
    }
}

/// A RayJob that every policy of the tests lets in: it has no GPUs.
pub(crate) fn harmless() -> Value {
    named(load("seed-06"), "probe")
}

pub(crate) fn raygate() -> &'static str {
    env!("CARGO_BIN_EXE_raygate")
}

/// Runs a command to its end, and returns what it printed.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{command:?} ended with {}:\n{errors}",
        output.status
    );
    String::from_utf8(output.stdout).expect("text on standard output")
}

/// The fields of the log line that says where raygate listens.
pub(crate) fn serving_line(log: &str) -> Option<Value> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut fields = lines.map(|line| line.get("fields").cloned().unwrap_or(line));
    fields.find(|fields| fields["message"] == "serving")
}
