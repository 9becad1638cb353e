//! `raygate doctor` tells what is wrong with a live raygate, and prints what repairs it.

use std::path::Path;
use std::process::{Command, Output};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::cluster::{Cluster, NAMESPACE};
use crate::gate::{Gate, Hook, raygate};
use crate::process::wait_for;

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
struct Report {
    code: Option<i32>,
    findings: Vec<Value>,
}

impl Report {
    fn of(cluster: &Cluster) -> Self {
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

    fn find(&self, check: &str, level: &str, words: &str) -> Option<&str> {
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
    for check in ["api-server", "clock", "kuberay", "mutating", "validating"] {
        assert_eq!(report.levels(check), ["ok"], "{check}: {:#?}", report.findings);
    }
    assert_eq!(report.levels("admission"), ["ok", "ok"], "{:#?}", report.findings);
    // raygate runs beside this cluster: it has no Secret and no Deployment here.
    assert_eq!(report.levels("certificate"), ["ok", "note", "ok", "note"]);
    assert_eq!(report.levels("deployment"), ["note"]);
    let output = text(&doctor(&cluster.kubeconfig(), &[]));
    assert!(output.contains("\n12 checks, 0 errors, 0 warnings\n"), "{output}");
}

pub(crate) fn a_deleted_configuration_is_missed(cluster: &Cluster) {
    let _gate = Gate::open(cluster);
    cluster.api.delete(&Hook::Validating.configuration());
    let report = wait_for_repair(cluster, "admission", "was let in");
    assert_eq!(report.code, Some(1));
    let repair = report.repair("validating", "error", "there is no ValidatingWebhookConfiguration");
    assert!(repair.contains("raygate manifests --only webhooks"), "{repair}");
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
    let seen = "failurePolicy is \"Ignore\", shipped as \"Fail\"";
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
    let selector = report.repair("mutating", "warning", "does not exclude kube-system");
    apply(&gate, Hook::Mutating, rules);
    apply(&gate, Hook::Mutating, selector);
    assert_eq!(Report::of(cluster).levels("mutating"), ["ok"]);
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
