//! `raygate doctor` tells what is wrong with a live raygate, and prints what repairs it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::{SignedDuration, Timestamp};
use raygate::ray::kind::RAY_CLUSTER;
use serde_json::{Value, json};

use crate::api::ApplyYaml;
use crate::cluster::{Cluster, NAMESPACE, object_path, objects_path};
use crate::denial::assert_denied;
use crate::fleet::SYSTEM;
use crate::gate::{APPLIED, Gate, Hook, raygate, run};
use crate::install;
use crate::process::wait_for;
use crate::rayjobs::{as_kind, load, named, with_duplicate_group_of};

const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/raygate-system/deployments/raygate";

fn doctor(kubeconfig: &Path, arguments: &[&str]) -> Output {
    Command::new(raygate())
        .env_clear()
        .args(["doctor", "--namespace", NAMESPACE, "--kubeconfig"])
        .arg(kubeconfig)
        .args(arguments)
        .output()
        .expect("run raygate doctor")
}

fn text(output: &Output) -> String {
    String::from_utf8([output.stdout.as_slice(), &output.stderr].concat()).expect("text")
}

/// The exit code and the findings of each check.
#[derive(Debug)]
pub(crate) struct Report {
    code: Option<i32>,
    findings: Vec<Value>,
}

impl Report {
    pub(crate) fn of(cluster: &Cluster) -> Self {
        let output = doctor(&cluster.kubeconfig(), &["--output", "json"]);
        let document: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output)));
        Self {
            code: output.status.code(),
            findings: document["findings"].as_array().expect("findings").clone(),
        }
    }

    /// The levels of a check.
    fn levels(&self, check: &str) -> Vec<&str> {
        let findings = self.findings.iter().filter(|finding| finding["check"] == check);
        findings.filter_map(|finding| finding["level"].as_str()).collect()
    }

    /// The command that repairs what a check says in these words; panics where it does not say so.
    #[track_caller]
    fn repair(&self, check: &str, level: &str, words: &str) -> &str {
        self.find(check, level, words)
            .unwrap_or_else(|| panic!("no {level} of {check} with `{words}`: {:#?}", self.findings))
    }

    pub(crate) fn find(&self, check: &str, level: &str, words: &str) -> Option<&str> {
        let found = self.findings.iter().find(|finding| {
            let seen = finding["seen"].as_str().unwrap_or_default();
            finding["check"] == check && finding["level"] == level && seen.contains(words)
        })?;
        found["repair"].as_str()
    }
}

/// Waits until the API server has taken notice of a change, and a check says so.
fn wait_for_repair(cluster: &Cluster, check: &str, words: &str) -> Report {
    wait_for("the doctor's finding", || {
        let report = Report::of(cluster);
        match report.find(check, "error", words) {
            Some(_) => Ok(report),
            None => Err(format!("{:#?}", report.findings)),
        }
    })
}

/// Does what a printed `kubectl patch` would do.
fn apply(gate: &Gate<'_>, hook: Hook, command: &str) {
    let start = match hook {
        Hook::Mutating => "kubectl patch mutatingwebhookconfiguration admission.raygate.dev --type json -p '",
        Hook::Validating => "kubectl patch validatingwebhookconfiguration admission.raygate.dev --type json -p '",
    };
    let patch = command.strip_prefix(start).and_then(|rest| rest.strip_suffix('\''));
    let patch = patch.unwrap_or_else(|| panic!("not a patch: {command}"));
    gate.reconfigure(hook, &serde_json::from_str(patch).expect("a JSON Patch"));
}

pub(crate) fn a_healthy_gate_has_no_findings(cluster: &Cluster) {
    let _gate = Gate::open(cluster);
    let report = Report::of(cluster);
    assert_eq!(report.code, Some(0), "{:#?}", report.findings);
    for check in [
        "api-server",
        "clock",
        "kuberay",
        "kuberay-release",
        "mutating",
        "validating",
    ] {
        assert_eq!(report.levels(check), ["ok"], "{check}: {:#?}", report.findings);
    }
    // One object of each kind comes back completed, and one is rejected.
    assert_eq!(report.levels("admission"), ["ok"; 8], "{:#?}", report.findings);
    assert_eq!(report.levels("kinds"), [""; 0]);
    // raygate runs beside this cluster: it has no Secret and no Deployment here.
    assert_eq!(report.levels("certificate"), ["ok", "note", "ok", "note"]);
    assert_eq!(report.levels("deployment"), ["note"]);
    let output = text(&doctor(&cluster.kubeconfig(), &[]));
    assert!(output.contains("\n19 checks, 0 errors, 0 warnings\n"), "{output}");
}

pub(crate) fn a_deleted_configuration_is_missed(cluster: &Cluster) {
    let _gate = Gate::open(cluster);
    cluster.api.delete(&Hook::Validating.configuration());
    let report = wait_for_repair(cluster, "admission", "was let in");
    assert_eq!(report.code, Some(1));
    let repair = report.repair("validating", "error", "there is no ValidatingWebhookConfiguration");
    // Without a Deployment in the cluster, raygate does not register webhooks that nobody may answer.
    assert!(repair.contains("install raygate: deploy/README.md"), "{repair}");
    assert_eq!(report.levels("mutating"), ["ok"]);
}

pub(crate) fn a_foreign_ca_is_told_by_what_fails(cluster: &Cluster) {
    let gate = Gate::open(cluster);
    let folder = cluster.folder().join("foreign-ca");
    let made = Command::new(raygate())
        .args(["certs", "--name", "127.0.0.1", "--out"])
        .arg(&folder)
        .output()
        .expect("run raygate certs");
    assert!(made.status.success(), "{}", text(&made));
    let ca = std::fs::read(folder.join("ca.crt")).expect("read the CA");
    let path = "/webhooks/0/clientConfig/caBundle";
    gate.reconfigure(
        Hook::Validating,
        &json!([{"op": "replace", "path": path, "value": BASE64.encode(ca)}]),
    );
    let report = wait_for_repair(
        cluster,
        "admission",
        "the caBundle and the served certificate do not fit",
    );
    assert_eq!(report.code, Some(1));
}

pub(crate) fn an_edited_failure_policy_is_set_right_by_the_printed_patch(cluster: &Cluster) {
    let gate = Gate::open(cluster);
    let path = "/webhooks/0/failurePolicy";
    gate.reconfigure(
        Hook::Validating,
        &json!([{"op": "replace", "path": path, "value": "Ignore"}]),
    );
    let report = Report::of(cluster);
    assert_eq!(report.code, Some(0), "a warning only: {:#?}", report.findings);
    let seen = "failurePolicy of webhook rayjob.raygate.dev is \"Ignore\", not \"Fail\"";
    apply(&gate, Hook::Validating, report.repair("validating", "warning", seen));
    assert_eq!(Report::of(cluster).levels("validating"), ["ok"]);
}

pub(crate) fn a_wider_scope_is_set_right_by_the_printed_patch(cluster: &Cluster) {
    let gate = Gate::open(cluster);
    let wide = json!([
        {"op": "replace", "path": "/webhooks/0/rules/0/resources", "value": ["rayjobs", "rayjobs/status"]},
        {"op": "remove", "path": "/webhooks/0/namespaceSelector"},
    ]);
    gate.reconfigure(Hook::Mutating, &wide);
    let report = Report::of(cluster);
    assert_eq!(report.code, Some(1), "{:#?}", report.findings);
    let rules = report.repair(
        "mutating",
        "error",
        "webhooks[0].rules[0].resources[1] is `rayjobs/status`",
    );
    let selector = report.repair(
        "mutating",
        "warning",
        "namespaceSelector of webhook rayjob.raygate.dev is absent",
    );
    apply(&gate, Hook::Mutating, rules);
    apply(&gate, Hook::Mutating, selector);
    assert_eq!(Report::of(cluster).levels("mutating"), ["ok"]);
}

/// A narrower scope that nobody has chosen has a repair, and says what it leaves open.
pub(crate) fn kinds_that_do_not_come_are_reported(cluster: &Cluster) {
    let gate = Gate::open_with_kinds(cluster, "RayJob,RayService");
    let report = Report::of(cluster);
    assert_eq!(report.code, Some(0), "a warning only: {:#?}", report.findings);
    let repair = report.repair("kinds", "warning", "does not judge RayCluster, RayCronJob: ");
    assert!(
        repair.contains("raygate scan --policies DIR --kinds RayCluster,RayCronJob "),
        "{repair}"
    );
    assert_eq!(report.levels("admission"), ["ok"; 4], "{:#?}", report.findings);
    for (check, hook) in [("mutating", Hook::Mutating), ("validating", Hook::Validating)] {
        apply(
            &gate,
            hook,
            report.repair(check, "warning", "rules of webhook rayjob.raygate.dev is"),
        );
    }
    let report = Report::of(cluster);
    assert_eq!(report.levels("kinds"), [""; 0], "{:#?}", report.findings);
    assert_eq!(report.levels("validating"), ["ok"]);
}

/// An upgrade as deploy/README.md describes it: what would be denied is listed before the kind comes to raygate, and while it
/// is in Preview.
pub(crate) fn a_new_kind_is_scanned_previewed_and_enforced(cluster: &Cluster) {
    let broken = with_duplicate_group_of(&RAY_CLUSTER, as_kind(&RAY_CLUSTER, &named(load("seed-02"), "old")));
    let scanned = || {
        let output = Command::new(raygate())
            .env_clear()
            .args(["scan", "--kinds", "RayCluster", "--kubeconfig"])
            .arg(cluster.kubeconfig())
            .output()
            .expect("run raygate scan");
        text(&output)
    };
    let create = || cluster.api.post(&objects_path(&RAY_CLUSTER), &broken);
    let path = object_path(&RAY_CLUSTER, "old");

    let gate = Gate::open_with_kinds(cluster, "RayJob");
    create().expect(201);
    Report::of(cluster).repair("kinds", "warning", "does not judge RayCluster, ");
    assert!(scanned().contains("RG501"), "{}", scanned());
    cluster.api.delete(&path).expect(200);
    drop(gate);

    let gate = Gate::open_with_flags(cluster, &["--preview=RayCluster".to_owned()]);
    let stored = create().expect(201);
    assert_eq!(stored["metadata"]["annotations"][APPLIED], Value::Null);
    assert!(gate.log().contains("Platform:RG501:Deny"), "{}", gate.log());
    assert!(scanned().contains("RG501"), "{}", scanned());
    drop(gate);

    let _gate = Gate::open(cluster);
    // What is stored stays, and is judged for what an update adds.
    let label = json!({"metadata": {"labels": {"team": "ml"}}});
    cluster.api.merge_patch(&path, &label).expect(200);
    cluster.api.delete(&path).expect(200);
    assert_denied(&create());
}

pub(crate) fn a_killed_raygate_is_told_by_what_fails(cluster: &Cluster) {
    let mut gate = Gate::open(cluster);
    gate.kill();
    let report = wait_for_repair(cluster, "admission", "nobody listens where the webhook calls");
    assert_eq!(report.code, Some(1));
    assert_eq!(report.levels("validating"), ["ok"]);
}

pub(crate) fn an_emergency_asks_nobody(cluster: &Cluster) {
    let nowhere = cluster.folder().join("no-such-kubeconfig");
    let output = doctor(&nowhere, &["--emergency"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let text = text(&output);
    let delete = "kubectl delete validatingwebhookconfiguration,mutatingwebhookconfiguration admission.raygate.dev";
    assert!(text.contains(delete), "{text}");

    let gate = Gate::open(cluster);
    let patches: Vec<_> = text
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("kubectl patch"))
        .collect();
    let policy = || {
        let configuration = cluster.api.get(&Hook::Validating.configuration()).expect(200);
        configuration["webhooks"][0]["failurePolicy"].clone()
    };
    for (patch, after) in patches.iter().zip(["Ignore", "Fail"]) {
        apply(&gate, Hook::Validating, patch);
        assert_eq!(policy(), after);
    }
    assert_eq!(patches.len(), 2, "{text}");
}

pub(crate) fn no_cluster_is_no_finding(cluster: &Cluster) {
    let known = std::fs::read_to_string(cluster.kubeconfig()).expect("read the kubeconfig");
    let mut config: Value = serde_json::from_str(&known).expect("JSON");
    config["clusters"][0]["cluster"]["server"] = json!("https://127.0.0.1:1");
    let nowhere = cluster.folder().join("nowhere");
    std::fs::write(&nowhere, config.to_string()).expect("write a kubeconfig");
    let output = doctor(&nowhere, &[]);
    assert_eq!(output.status.code(), Some(4), "{}", text(&output));
    assert!(
        text(&output).contains("is this the right cluster?"),
        "{}",
        text(&output)
    );
}

/// Everything that `raygate manifests` prints is in the cluster, and nothing of it runs: nodes and controllers are played
/// here. On drop it is gone, but for the namespace.
struct Installed<'a> {
    cluster: &'a Cluster,
    paths: Vec<String>,
}

impl<'a> Installed<'a> {
    fn new(cluster: &'a Cluster, ca: &Path) -> Self {
        Self::of(cluster, &["--ca-file", ca.to_str().expect("a path in UTF-8")])
    }

    /// What `raygate manifests` prints with these arguments.
    fn of(cluster: &'a Cluster, arguments: &[&str]) -> Self {
        let mut command = Command::new(raygate());
        let objects = install::documents(&run(command.arg("manifests").args(arguments)));
        install::store_namespace(cluster, &objects);
        let mut installed = Self {
            cluster,
            paths: Vec::new(),
        };
        for object in objects.iter().filter(|object| object["kind"] != "Namespace") {
            let path = install::path_of(object);
            let stored = cluster.api.apply_yaml(&path, &object.to_string(), ApplyYaml::Store);
            assert!([200, 201].contains(&stored.code), "{stored}");
            installed.paths.push(path);
        }
        installed
    }

    fn create(&mut self, collection: &str, object: &Value) {
        self.create_at(&format!("/api/v1/namespaces/{SYSTEM}/{collection}"), object);
    }

    fn create_at(&mut self, path: &str, object: &Value) {
        self.cluster.api.post(path, object).expect(201);
        let name = object["metadata"]["name"].as_str().expect("a name");
        // No kubelet is there to end a pod.
        self.paths.push(format!("{path}/{name}?gracePeriodSeconds=0"));
    }

    /// A Secret with the pair of that folder.
    fn create_secret(&mut self, name: &str, folder: &Path) {
        let file = |name: &str| BASE64.encode(std::fs::read(folder.join(name)).expect("read a file of the pair"));
        let data = json!({"tls.crt": file("tls.crt"), "tls.key": file("tls.key")});
        let secret = json!({"metadata": {"name": name}, "type": "kubernetes.io/tls", "data": data});
        self.create("secrets", &secret);
    }

    fn create_pod(&mut self, name: &str, image: &str) {
        let mut pod = self.pod(name);
        pod["spec"]["containers"][0]["image"] = image.into();
        self.create("pods", &pod);
    }

    /// A pod of the Deployment, as it would make one.
    fn pod(&self, name: &str) -> Value {
        let mut pod = self.cluster.api.get(DEPLOYMENT).expect(200)["spec"]["template"].take();
        pod["metadata"]["name"] = name.into();
        pod
    }
}

impl Drop for Installed<'_> {
    fn drop(&mut self) {
        for path in self.paths.iter().rev() {
            self.cluster.api.delete(path);
        }
    }
}

fn made_certs(cluster: &Cluster, name: &str, arguments: &[&str]) -> PathBuf {
    let folder = cluster.folder().join(name);
    let mut command = Command::new(raygate());
    run(command.args(["certs", "--out"]).arg(&folder).args(arguments));
    folder
}

pub(crate) fn what_is_installed_is_judged(cluster: &Cluster) {
    let pair = made_certs(cluster, "doctor-pair", &[]);
    let mut installed = Installed::new(cluster, &pair.join("ca.crt"));
    let report = Report::of(cluster);
    let repair = report.repair(
        "certificate",
        "error",
        "there is no Secret raygate-tls in raygate-system",
    );
    assert!(repair.starts_with("raygate certs --out certs/new"), "{repair}");
    report.repair(
        "deployment",
        "error",
        "0 of 2 replicas of raygate-system/raygate are ready",
    );

    installed.create_secret("raygate-tls", &pair);
    let ready = |ready: u32| json!({"status": {"replicas": 2, "readyReplicas": ready}});
    let status = format!("{DEPLOYMENT}/status");
    cluster.api.merge_patch(&status, &ready(1)).expect(200);
    let report = Report::of(cluster);
    assert_eq!(report.levels("certificate"), ["ok"; 5], "{:#?}", report.findings);
    report.repair("deployment", "warning", "1 of 2 replicas");

    let path = "/webhooks/0/failurePolicy";
    let ignore = json!([{"op": "replace", "path": path, "value": "Ignore"}]);
    cluster
        .api
        .json_patch(&Hook::Validating.configuration(), &ignore)
        .expect(200);
    assert_eq!(Report::of(cluster).levels("validating"), ["warning"]);
    let chosen = json!([{
        "op": "add",
        "path": "/spec/template/spec/containers/0/env/-",
        "value": {"name": "RAYGATE_FAIL_OPEN", "value": "true"},
    }]);
    cluster.api.json_patch(DEPLOYMENT, &chosen).expect(200);
    assert_eq!(Report::of(cluster).levels("validating"), ["ok"]);

    let platform = "kind: Platform\nspec: {queue: {controllers: [queue-controller]}}\n";
    let policies = format!("/api/v1/namespaces/{SYSTEM}/configmaps/raygate-policies");
    let name = |platform: Value| {
        let data = json!({"data": {"platform.yaml": platform}});
        cluster.api.merge_patch(&policies, &data).expect(200);
        Report::of(cluster)
    };
    let report = name(platform.into());
    let repair = report.repair(
        "validating",
        "warning",
        "matchConditions of webhook rayjob.raygate.dev is",
    );
    assert!(repair.contains("queue-controller"), "{repair}");
    report.repair(
        "mutating",
        "warning",
        "matchConditions of webhook rayjob.raygate.dev is",
    );
    assert_eq!(name(Value::Null).levels("mutating"), ["ok"]);

    cluster.api.merge_patch(&status, &ready(2)).expect(200);
    let report = Report::of(cluster);
    assert_eq!(report.levels("deployment"), ["ok"], "{:#?}", report.findings);

    let budget = format!("/apis/policy/v1/namespaces/{SYSTEM}/poddisruptionbudgets/raygate");
    cluster.api.delete(&budget).expect(200);
    let report = Report::of(cluster);
    let repair = report.repair("deployment", "warning", "no PodDisruptionBudget in raygate-system");
    assert!(repair.contains("create poddisruptionbudget raygate"), "{repair}");

    installed.create_pod("of-this-version", &format!("raygate:{}", env!("CARGO_PKG_VERSION")));
    let report = Report::of(cluster);
    assert!(
        report
            .find("deployment", "warning", "judges by what that one ships")
            .is_none()
    );
    installed.create_pod("of-another", "registry.example.com/raygate:9.9.9");
    let report = Report::of(cluster);
    report.repair("deployment", "warning", "pods of several images run side by side");
    let repair = report.repair("deployment", "warning", "pods run registry.example.com/raygate:9.9.9");
    assert!(repair.contains("the doctor of version 9.9.9"), "{repair}");
}

pub(crate) fn the_secret_of_the_deployment_is_judged(cluster: &Cluster) {
    let pair = made_certs(cluster, "doctor-mounted", &[]);
    let mut installed = Installed::new(cluster, &pair.join("ca.crt"));
    installed.create_secret("raygate-tls", &pair);
    let mount = |name: &str| {
        let path = "/spec/template/spec/volumes/0/secret/secretName";
        let patch = json!([
            {"op": "test", "path": "/spec/template/spec/volumes/0/name", "value": "tls"},
            {"op": "replace", "path": path, "value": name},
        ]);
        cluster.api.json_patch(DEPLOYMENT, &patch).expect(200);
    };
    mount("ours");
    Report::of(cluster).repair("certificate", "error", "there is no Secret ours in raygate-system");
    installed.create_secret("ours", &pair);
    let report = Report::of(cluster);
    assert_eq!(report.levels("certificate"), ["ok"; 5], "{:#?}", report.findings);

    // A pair for another Service: no bundle helps, where its CA is trusted.
    let elsewhere = made_certs(cluster, "doctor-elsewhere", &["--service", "elsewhere"]);
    installed.create_secret("elsewhere", &elsewhere);
    mount("elsewhere");
    let ca = BASE64.encode(std::fs::read(elsewhere.join("ca.crt")).expect("read the CA"));
    let patch = json!([{"op": "replace", "path": "/webhooks/0/clientConfig/caBundle", "value": ca}]);
    cluster
        .api
        .json_patch(&Hook::Mutating.configuration(), &patch)
        .expect(200);
    let report = Report::of(cluster);
    let repair = report.repair(
        "certificate",
        "error",
        "not valid for name \"raygate.raygate-system.svc\"",
    );
    assert!(repair.starts_with("raygate certs --out certs/new"), "{repair}");
    let of_another_ca = "caBundle of the ValidatingWebhookConfiguration admission.raygate.dev does not verify";
    let repair = report.repair("certificate", "error", of_another_ca);
    assert!(
        repair.starts_with("kubectl patch validatingwebhookconfiguration"),
        "{repair}"
    );
}

pub(crate) fn an_unrestricted_account_is_restricted_by_the_printed_command(cluster: &Cluster) {
    const POLICIES: &str = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/raygate-certificates";
    const BINDING: &str = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/raygate-ca-bundle";
    let arguments = ["--certificates", "self-managed", "--only", "admission-policies"];
    let _installed = Installed::of(cluster, &arguments[..2]);
    assert_eq!(Report::of(cluster).levels("account"), ["ok"]);

    cluster.api.delete(BINDING).expect(200);
    let unrestricted = json!({"spec": {"failurePolicy": "Ignore"}});
    cluster.api.merge_patch(POLICIES, &unrestricted).expect(200);
    let report = Report::of(cluster);
    assert_eq!(report.code, Some(1), "{:#?}", report.findings);
    for words in [
        "there is no ValidatingAdmissionPolicyBinding raygate-ca-bundle",
        "the ValidatingAdmissionPolicy raygate-certificates is not as shipped",
    ] {
        let repair = report.repair("account", "error", words);
        let printed = format!("raygate manifests {} | kubectl apply -f -", arguments.join(" "));
        assert_eq!(repair, printed);
    }
    for object in install::documents(&run(Command::new(raygate()).arg("manifests").args(arguments))) {
        let path = install::path_of(&object);
        if cluster.api.merge_patch(&path, &object).code != 200 {
            let answer = cluster.api.apply_yaml(&path, &object.to_string(), ApplyYaml::Store);
            assert_eq!(answer.code, 201, "{answer}");
        }
    }
    assert_eq!(Report::of(cluster).levels("account"), ["ok"]);
}

pub(crate) fn the_clocks_of_the_nodes_are_judged(cluster: &Cluster) {
    const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
    let pair = made_certs(cluster, "doctor-clocks", &[]);
    let mut installed = Installed::new(cluster, &pair.join("ca.crt"));
    for node in ["right", "fast", "slow", "silent"] {
        let mut pod = installed.pod(node);
        pod["spec"]["nodeName"] = node.into();
        installed.create("pods", &pod);
    }
    // As kubelets do: each makes a Lease by its own clock, and renews it.
    for (node, ahead) in [("right", 0), ("fast", 600), ("slow", -600)] {
        let now = || format!("{:.6}", Timestamp::now() + SignedDuration::from_secs(ahead));
        let spec = json!({"holderIdentity": node, "leaseDurationSeconds": 40, "renewTime": now()});
        installed.create_at(LEASES, &json!({"metadata": {"name": node}, "spec": spec}));
        let path = format!("{LEASES}/{node}");
        let mut lease = cluster.api.get(&path).expect(200);
        lease["spec"]["renewTime"] = now().into();
        cluster.api.put(&path, &lease).expect(200);
    }
    let report = Report::of(cluster);
    let levels = ["ok", "warning", "ok", "note", "warning"];
    assert_eq!(report.levels("clock"), levels, "{:#?}", report.findings);
    for (node, side) in [("fast", "ahead"), ("slow", "behind")] {
        let words = format!("the clock of the node {node} and the API server's differ by ");
        let repair = report.repair("clock", "warning", &words);
        assert!(repair.starts_with(&format!("kubectl debug node/{node} ")), "{repair}");
        report.repair("clock", "warning", &format!("the node's is {side}"));
    }
}
