//! The observer: whether it runs, may read every kind of fact, and is the only container with its token.

use kube::Client;
use serde_json::Value;

use crate::cluster::objects;
use crate::diag::listed;
use crate::facts::Fact;

use super::workload::{self, Pair};
use super::{Findings, list};

const CHECK: &str = "observer";
/// The label of raygate's pods, as a query.
const PODS: &str = "labelSelector=app.kubernetes.io%2Fname%3Draygate";
const ROLE: &str = "/apis/rbac.authorization.k8s.io/v1/clusterroles/raygate-observer";
/// The setting that names the file with facts.
const FACTS: &str = "RAYGATE_FACTS";
/// Where a container finds the token of the pod's account.
const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Looks for the observer of raygate in this namespace.
pub(super) async fn judge(client: &Client, namespace: &str, findings: &mut Findings) {
    let Ok(Some(deployment)) = workload::deployment(client, namespace).await else {
        return;
    };
    let before = findings.0.len();
    if !judge_containers(namespace, &deployment, findings) {
        return;
    }
    match objects::get(client, ROLE).await {
        Ok(role) => judge_role(role.as_ref(), findings),
        Err(error) => findings.unreadable(CHECK, "the role of the observer", &error),
    }
    let path = format!("/api/v1/namespaces/{namespace}/pods?{PODS}");
    match list(client, &path, "Pod").await {
        Ok(pods) => {
            judge_pods(namespace, &pods, findings);
            for pod in running(&pods) {
                let path = format!("/api/v1/namespaces/{namespace}/pods/{pod}:8080/proxy/readyz?verbose");
                match objects::text(client, &path).await {
                    Ok(answer) => judge_answer(namespace, pod, &answer, findings),
                    Err(error) => findings.unreadable(CHECK, &format!("what the pod {pod} knows"), &error),
                }
            }
        }
        Err(error) => findings.unreadable(CHECK, "the pods", &error),
    }
    if findings.0.len() == before {
        findings.ok(CHECK, "it runs, and may read every kind of fact");
    }
}

fn items<'v>(value: &'v Value, pointer: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

fn is_observer(container: &Value) -> bool {
    items(container, "/args")
        .next()
        .is_some_and(|command| command == "observe")
}

fn has_token(container: &Value) -> bool {
    items(container, "/volumeMounts").any(|mount| mount.get("mountPath").is_some_and(|path| path == TOKEN))
}

/// Whether there is an observer, and whether the server reads its file.
fn judge_containers(namespace: &str, deployment: &Value, findings: &mut Findings) -> bool {
    let containers: Vec<&Value> = items(deployment, "/spec/template/spec/containers").collect();
    let reads = |container: &&&Value| {
        !is_observer(container) && items(container, "/env").any(|set| set.get("name").is_some_and(|name| name == FACTS))
    };
    let has_observer = containers.iter().any(|container| is_observer(container));
    let is_read = containers.iter().any(|container| reads(&container));
    match (has_observer, is_read) {
        (false, false) => {
            findings.note(
                CHECK,
                "no observer runs, so raygate does not find jobs that this cluster can never run: docs/facts.md",
            );
            return false;
        }
        (false, true) => findings.warning(
            CHECK,
            format!("the server reads {FACTS}, and no container of the pod writes the file"),
            "# docs/facts.md, In the server",
        ),
        (true, false) => findings.warning(
            CHECK,
            format!("an observer runs, and the server does not read its file: {FACTS} is not set"),
            "# docs/facts.md, In the server",
        ),
        (true, true) => {}
    }
    let is_automatic =
        deployment.pointer("/spec/template/spec/automountServiceAccountToken") != Some(&Value::Bool(false));
    let others = containers
        .iter()
        .any(|container| !is_observer(container) && has_token(container));
    if has_observer && (is_automatic || others) {
        let account =
            "the server container has a token of the same account, so it may read the facts from the cluster too";
        match Pair::of(deployment).is_some_and(|pair| pair.is_raygates) {
            // Self-managed certificates need the token.
            true => findings.note(CHECK, format!("{account}: self-managed certificates need it")),
            false => findings.warning(
                CHECK,
                account,
                format!(
                    "kubectl --namespace {namespace} patch deployment raygate --patch \
                     '{{\"spec\":{{\"template\":{{\"spec\":{{\"automountServiceAccountToken\":false}}}}}}}}'"
                ),
            ),
        }
    }
    true
}

/// Whether the observer may list and watch every kind.
fn judge_role(role: Option<&Value>, findings: &mut Findings) {
    let Some(role) = role else {
        return findings.warning(
            CHECK,
            "there is no ClusterRole raygate-observer, so every kind of fact may be unknown",
            "# install it again with the observer: docs/facts.md, In the server",
        );
    };
    let names = |rule: &Value, key: &str, wanted: &str| {
        let mut named = rule.get(key).and_then(Value::as_array).into_iter().flatten();
        named.any(|name| name == wanted || name == "*")
    };
    let missing: Vec<&str> = Fact::ALL
        .into_iter()
        // Its right is for one name in another namespace.
        .filter(|fact| *fact != Fact::AutoscalerStatus)
        .filter(|fact| {
            let Some((root, resource)) = fact.path().rsplit_once('/') else {
                return false;
            };
            let group = root.strip_prefix("/apis/").and_then(|group| group.split_once('/'));
            let group = group.map_or("", |(group, _)| group);
            !items(role, "/rules").any(|rule| {
                names(rule, "apiGroups", group)
                    && names(rule, "resources", resource)
                    && ["list", "watch"].iter().all(|verb| names(rule, "verbs", verb))
            })
        })
        .map(Fact::name)
        .collect();
    if !missing.is_empty() {
        findings.warning(
            CHECK,
            format!("its ClusterRole does not let it read {}", listed(&missing)),
            "# an older role: apply the one of this release, deploy/components/observer/rbac.yaml",
        );
    }
}

/// The pods whose server runs.
fn running(pods: &[Value]) -> impl Iterator<Item = &str> {
    let is_running = |pod: &&Value| pod.pointer("/status/phase").is_some_and(|phase| phase == "Running");
    let running = pods.iter().filter(is_running);
    running.filter_map(|pod| pod.pointer("/metadata/name")?.as_str())
}

fn judge_pods(namespace: &str, pods: &[Value], findings: &mut Findings) {
    for pod in pods {
        let name = pod
            .pointer("/metadata/name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        for status in items(pod, "/status/containerStatuses") {
            let is_named = status.get("name").is_some_and(|name| name == "observer");
            if is_named && status.pointer("/state/running").is_none() {
                findings.warning(
                    CHECK,
                    format!("it does not run in the pod {name}, and the facts become too old"),
                    format!("kubectl --namespace {namespace} logs {name} --container observer --previous"),
                );
            }
        }
    }
}

/// Whether the server uses the facts, by its own word.
fn judge_answer(namespace: &str, pod: &str, answer: &str, findings: &mut Findings) {
    let line = |mark: &str| answer.lines().find_map(|line| line.strip_prefix(mark));
    let logs = format!("kubectl --namespace {namespace} logs {pod} --container observer");
    if let Some(fault) = line("[!] facts: ") {
        return findings.warning(
            CHECK,
            format!("the server in the pod {pod} cannot use the facts: {fault}"),
            logs,
        );
    }
    match line("[+] facts: ") {
        None => findings.warning(CHECK, format!("the server in the pod {pod} has no facts"), logs),
        Some(known) => {
            let old: Vec<&str> = known
                .split(", ")
                .filter(|kind| kind.contains("which is too old"))
                .collect();
            if !old.is_empty() {
                let seen = format!("the facts of the pod {pod} are too old to be used: {}", listed(&old));
                findings.warning(CHECK, seen, logs);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Level;
    use super::*;

    fn levels(judge: impl FnOnce(&mut Findings)) -> Vec<(Level, String)> {
        let mut findings = Findings::default();
        judge(&mut findings);
        findings
            .0
            .into_iter()
            .map(|finding| (finding.level, finding.seen))
            .collect()
    }

    fn deployment(server: Value, observer: bool, automount: bool) -> Value {
        let mut containers = vec![server];
        if observer {
            containers.push(json!({"name": "observer", "args": ["observe"],
                "volumeMounts": [{"name": "observer-token", "mountPath": TOKEN}]}));
        }
        json!({"spec": {"template": {"spec": {"automountServiceAccountToken": automount, "containers": containers}}}})
    }

    #[test]
    fn the_containers_belong_together() {
        let reads = json!({"name": "raygate", "args": ["serve"], "env": [{"name": FACTS, "value": "/f"}]});
        let blind = json!({"name": "raygate", "args": ["serve"]});
        let found = |server: &Value, observer: bool, automount: bool| {
            levels(|findings| {
                judge_containers("ml", &deployment(server.clone(), observer, automount), findings);
            })
        };
        assert_eq!(found(&reads, true, false), []);
        for (server, observer, automount, level, words) in [
            (&blind, false, false, Level::Note, "no observer runs"),
            (&reads, false, false, Level::Warning, "no container of the pod writes"),
            (&blind, true, false, Level::Warning, "does not read its file"),
            (&reads, true, true, Level::Warning, "a token of the same account"),
        ] {
            let found = found(server, observer, automount);
            assert!(
                found.len() == 1 && found[0].0 == level && found[0].1.contains(words),
                "{found:?}"
            );
        }
    }

    #[test]
    fn the_shipped_role_is_complete_and_an_older_one_is_named() {
        let shipped = include_str!("../../../deploy/components/observer/rbac.yaml");
        let role = shipped.split("\n---\n").next().unwrap();
        let role: Value = serde_saphyr::from_str(role).unwrap();
        assert_eq!(levels(|findings| judge_role(Some(&role), findings)), []);
        let mut older = role.clone();
        older["rules"]
            .as_array_mut()
            .unwrap()
            .retain(|rule| rule["apiGroups"] != json!(["ray.io"]));
        let found = levels(|findings| judge_role(Some(&older), findings));
        assert!(found.len() == 1 && found[0].1.contains("RayCluster"), "{found:?}");
        assert_eq!(levels(|findings| judge_role(None, findings)).len(), 1);
    }

    #[test]
    fn the_servers_word_counts() {
        let found = |answer: &str| levels(|findings| judge_answer("ml", "raygate-1", answer, findings));
        assert_eq!(found("[+] policies: default\n[+] facts: Namespace 3 s old\n"), []);
        for (answer, words) in [
            ("[+] policies: default\n", "has no facts"),
            ("[!] facts: cannot read /f\n", "cannot use the facts: cannot read /f"),
            (
                "[+] facts: Namespace 3 s old, Node unknown (read 400 s ago, which is too old)\n",
                "too old",
            ),
        ] {
            let found = found(answer);
            assert!(found.len() == 1 && found[0].1.contains(words), "{found:?}");
        }
    }

    #[test]
    fn an_observer_that_ended_is_named() {
        let pod = |state: Value| {
            json!({"metadata": {"name": "raygate-1"},
            "status": {"containerStatuses": [{"name": "observer", "state": state}]}})
        };
        let found = |state: Value| levels(|findings| judge_pods("ml", &[pod(state)], findings));
        assert_eq!(found(json!({"running": {}})), []);
        assert_eq!(found(json!({"waiting": {"reason": "CrashLoopBackOff"}})).len(), 1);
    }
}
