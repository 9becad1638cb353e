//! Self-managed certificates: several replicas, one Secret, and an API server that trusts what they serve.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::api::Answer;
use crate::cluster::{Cluster, rayjob, rayjobs};
use crate::fleet::{BINDINGS, Fleet, SECRET, SYSTEM, Way, ca_bundle, grant, secret_data};
use crate::gate::{APPLIED, CONFIGURATION, Hook, harmless};
use crate::process::wait_for;
use crate::rayjobs::{named, with_duplicate_group};

const HOOKS: [Hook; 2] = [Hook::Mutating, Hook::Validating];

fn fleet_of<'a>(cluster: &'a Cluster, replicas: usize, flags: &[&str]) -> Fleet<'a> {
    let mut fleet = Fleet::new(cluster, Way::Url, flags);
    fleet.register();
    for _ in 0..replicas {
        fleet.add();
    }
    fleet.wait_ready();
    fleet.wait_in_force();
    fleet
}

/// Everything at once, as `kubectl apply -k` does it: configurations without a CA, no Secret, and two replicas.
pub(crate) fn an_empty_cluster_gets_one_ca(cluster: &Cluster) {
    let mut fleet = Fleet::new(cluster, Way::Url, &[]);
    fleet.register();
    let start = Instant::now();
    fleet.add();
    fleet.add();
    fleet.wait_ready();
    let took = start.elapsed();
    eprintln!("two replicas were ready {took:.1?} after the first was started");
    assert!(took < Duration::from_secs(10), "{took:?}");
    fleet.wait_in_force();

    let bundle = secret_data(cluster, "ca.crt");
    assert_eq!(bundle.matches("BEGIN CERTIFICATE").count(), 1, "{bundle}");
    for hook in HOOKS {
        assert_eq!(ca_bundle(cluster, hook), bundle);
        let configuration = cluster.api.get(&hook.configuration()).expect(200);
        assert_eq!(owned_by_raygate(&configuration), ["f:caBundle"]);
    }
    let made: f64 = (fleet.replicas.iter())
        .filter_map(|replica| replica.metric(r#"raygate_certificates_issued_total{certificate="ca"}"#))
        .sum();
    assert!((made - 1.0).abs() < 0.5, "{made} CAs were made");
    for replica in &fleet.replicas {
        let readyz = replica.readyz();
        assert!(
            readyz.contains("[+] caBundle: both webhook configurations trust"),
            "{readyz}"
        );
        let left = |certificate: &str| {
            let series = format!(r#"raygate_certificate_seconds_left{{certificate="{certificate}"}}"#);
            replica.metric(&series).expect("a gauge")
        };
        assert!(left("serving") > 80.0 * 86_400.0 && left("ca") > 360.0 * 86_400.0);
    }
}

/// The fields of the webhook that belong to the field manager `raygate`.
fn owned_by_raygate(configuration: &Value) -> Vec<String> {
    let managers = configuration["metadata"]["managedFields"].as_array().expect("managers");
    let raygate = managers
        .iter()
        .find(|entry| entry["manager"] == "raygate")
        .expect("raygate among them");
    let mut leaves = Vec::new();
    collect_leaves("", &raygate["fieldsV1"], &mut leaves);
    leaves.retain(|leaf| leaf != "." && !leaf.starts_with("k:"));
    leaves
}

fn collect_leaves(name: &str, value: &Value, leaves: &mut Vec<String>) {
    match value.as_object().filter(|fields| !fields.is_empty()) {
        Some(fields) => fields
            .iter()
            .for_each(|(name, value)| collect_leaves(name, value, leaves)),
        None => leaves.push(name.to_owned()),
    }
}

/// The replicas of all these tests have the shipped roles only, so what they need is in them. This is about the rest.
pub(crate) fn the_shipped_roles_allow_nothing_else(cluster: &Cluster) {
    grant(cluster);
    let may = |verb: &str, group: &str, resource: &str, namespace: &str, name: &str| {
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": format!("system:serviceaccount:{SYSTEM}:raygate"),
                "groups": ["system:serviceaccounts", format!("system:serviceaccounts:{SYSTEM}"), "system:authenticated"],
                "resourceAttributes": {
                    "verb": verb, "group": group, "resource": resource, "namespace": namespace, "name": name,
                },
            },
        });
        let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
        let answer = cluster.api.post(path, &review).expect(201);
        answer["status"]["allowed"] == true
    };
    let admission = "admissionregistration.k8s.io";
    let configurations = ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"];
    wait_for("the roles to be in force", || {
        if may("get", "", "secrets", SYSTEM, "raygate-certificates") {
            Ok(())
        } else {
            Err("not yet")
        }
    });
    for (verb, allowed) in [
        ("get", true),
        ("update", true),
        ("patch", false),
        ("delete", false),
        ("list", false),
    ] {
        assert_eq!(
            may(verb, "", "secrets", SYSTEM, "raygate-certificates"),
            allowed,
            "{verb}"
        );
        assert!(!may(verb, "", "secrets", SYSTEM, "another"), "{verb}");
        assert!(!may(verb, "", "secrets", "default", "raygate-certificates"), "{verb}");
    }
    for resource in configurations {
        for (verb, allowed) in [
            ("get", true),
            ("patch", true),
            ("update", false),
            ("delete", false),
            ("create", false),
        ] {
            assert_eq!(
                may(verb, admission, resource, "", CONFIGURATION),
                allowed,
                "{verb} {resource}"
            );
            assert!(!may(verb, admission, resource, "", "another"), "{verb} {resource}");
        }
    }
    assert!(may("create", "", "secrets", SYSTEM, ""));
    assert!(!may("create", "", "secrets", "default", ""));
    assert!(!may("get", "ray.io", "rayjobs", "default", "a"));
}

/// Creates a job that must be let in completed, and tries one that must be refused.
fn create(cluster: &Cluster, nth: usize) -> Vec<String> {
    let name = format!("good-{nth}");
    let good = cluster.api.post(&rayjobs(), &named(harmless(), &name));
    let bad = cluster.api.post(
        &rayjobs(),
        &with_duplicate_group(named(harmless(), &format!("bad-{nth}"))),
    );
    let mut failures = Vec::new();
    let is_completed = |answer: &Answer| answer.body["metadata"]["annotations"][APPLIED].is_string();
    if good.code != 201 || !is_completed(&good) {
        failures.push(format!("not created and completed: {good}"));
    }
    if !(400..500).contains(&bad.code) {
        failures.push(format!("not refused: {bad}"));
    }
    cluster.api.delete(&rayjob(&name));
    failures
}

/// Garbage in the Secret changes nothing that is served, and is replaced.
pub(crate) fn a_damaged_secret_is_made_anew(cluster: &Cluster) {
    let fleet = fleet_of(cluster, 2, &["--certificate-life", "60s"]);
    let good = secret_data(cluster, "ca.crt");
    // A line from the middle of the CA's key.
    let secret_word = secret_data(cluster, "ca.key").lines().nth(1).expect("a key").to_owned();
    let cases = [
        (json!({"tls.key": "Z2FyYmFnZQ=="}), "tls.key"),
        (json!({"tls.crt": ""}), "tls.crt"),
        (json!({"ca.crt": "Z2FyYmFnZQ=="}), "ca.crt"),
        (json!({"ca.key": null}), "ca.key"),
    ];
    for (data, word) in cases {
        cluster.api.merge_patch(SECRET, &json!({"data": data})).expect(200);
        wait_for("the Secret to be made anew", || {
            let damaged = data.as_object().expect("keys").iter().any(|(key, value)| {
                let secret = cluster.api.get(SECRET);
                &secret.body["data"][key] == value || secret.body["data"][key].is_null()
            });
            if damaged { Err("it is as it was") } else { Ok(()) }
        });
        let line = wait_for(&format!("a line that names {word}"), || {
            let logs: String = fleet.replicas.iter().map(|replica| replica.daemon.log()).collect();
            let mut lines = logs.lines();
            let line = lines.find(|line| line.contains("certificates in the Secret") && line.contains(word));
            line.map(str::to_owned).ok_or(logs)
        });
        assert!(!line.contains(&secret_word), "a key is in the log: {line}");
        assert!(create(cluster, 0).is_empty());
    }
    assert_ne!(secret_data(cluster, "ca.crt"), good, "a CA that is gone was made anew");
    for replica in &fleet.replicas {
        wait_for("the replica to be ready", || {
            if replica.is_ready() {
                Ok(())
            } else {
                Err(replica.readyz())
            }
        });
    }
    fleet.wait_in_force();
}

/// A Secret that raygate did not make is never written, and a replica without a certificate waits for a better one.
pub(crate) fn the_secret_of_someone_else_is_left_alone(cluster: &Cluster) {
    let mut fleet = Fleet::new(cluster, Way::Url, &[]);
    let theirs = json!({"metadata": {"name": "raygate-certificates"}, "data": {"tls.crt": "dGhlaXJz"}});
    let secrets = format!("/api/v1/namespaces/{SYSTEM}/secrets");
    let stored = cluster.api.post(&secrets, &theirs).expect(201);
    fleet.add();
    fleet.wait_metric(
        0,
        r#"raygate_cluster_failures_total{object="secret",cause="foreign"}"#,
        2.0,
    );
    let readyz = fleet.replicas[0].readyz();
    assert!(readyz.starts_with("HTTP/1.1 503 "), "{readyz}");
    assert!(readyz.contains("is not raygate's"), "{readyz}");
    let kept = cluster.api.get(SECRET).expect(200);
    assert_eq!(
        kept["metadata"]["resourceVersion"],
        stored["metadata"]["resourceVersion"]
    );
    cluster.api.delete(SECRET).expect(200);
    fleet.wait_ready();
}

/// What someone does to the configurations is seen within a minute, and nothing but the caBundle is put back.
pub(crate) fn edits_of_the_configurations_are_seen(cluster: &Cluster) {
    // The shipped lives, as the look at the cluster is more frequent with shorter ones.
    let fleet = fleet_of(cluster, 1, &[]);
    let [mutating, validating] = HOOKS.map(Hook::configuration);
    let series = |part: &str| {
        format!(r#"raygate_webhook_configuration_differences{{configuration="validating",part="{part}"}}"#)
    };
    let replace = |configuration: &str, path: &str, value: Value| {
        let operation = json!([{"op": "replace", "path": path, "value": value}]);
        cluster.api.json_patch(configuration, &operation).expect(200);
    };
    let seen_in_time = |edited: Instant| {
        let took = edited.elapsed();
        eprintln!("seen after {took:.1?}");
        assert!(took < Duration::from_secs(60), "{took:?}");
    };
    fleet.wait_metric(0, &series("failure_policy"), 0.0);
    let edits = [
        (
            "failure_policy",
            "/webhooks/0/failurePolicy",
            json!("Ignore"),
            "failurePolicy of webhook",
        ),
        (
            "scope",
            "/webhooks/0/rules/0/apiGroups",
            json!(["*"]),
            "rules of webhook",
        ),
        (
            "target",
            "/webhooks/0/clientConfig/url",
            json!("https://127.0.0.1:1/validate"),
            "clientConfig of webhook",
        ),
    ];
    let edited = Instant::now();
    for (_, path, value, _) in &edits {
        replace(&validating, path, value.clone());
    }
    for (part, _, _, words) in edits {
        fleet.wait_metric(0, &series(part), 1.0);
        fleet.wait_logged(0, &["ValidatingWebhookConfiguration", words]);
    }
    seen_in_time(edited);
    let kept = cluster.api.get(&validating).expect(200);
    assert_eq!(
        kept["webhooks"][0]["failurePolicy"], "Ignore",
        "an edit is told and not undone"
    );

    let bundle = ca_bundle(cluster, Hook::Validating);
    let edited = Instant::now();
    replace(&mutating, "/webhooks/0/clientConfig/caBundle", json!("b3RoZXI="));
    cluster.api.delete(&validating).expect(200);
    fleet.wait_metric(0, r#"raygate_ca_bundle_writes_total{configuration="mutating"}"#, 2.0);
    fleet.wait_logged(0, &["MutatingWebhookConfiguration", "someone changed the caBundle"]);
    assert_eq!(ca_bundle(cluster, Hook::Mutating), bundle, "it is put back");
    fleet.wait_metric(0, &series("missing"), 1.0);
    fleet.wait_logged(0, &["ValidatingWebhookConfiguration", "does not exist"]);
    seen_in_time(edited);
    assert!(fleet.replicas[0].is_ready(), "{}", fleet.replicas[0].readyz());
}

/// 403 for everything: what is served stays, the log and the metric say why, and nothing restarts.
pub(crate) fn a_refused_write_keeps_the_old_state(cluster: &Cluster) {
    let mut fleet = fleet_of(cluster, 1, &["--certificate-life", "60s"]);
    for binding in BINDINGS {
        cluster.api.delete(binding).expect(200);
    }
    fleet.wait_logged(0, &["is forbidden", "certificates cannot be kept up"]);
    let failures = || {
        let of = |object: &str| {
            let series = format!(r#"raygate_cluster_failures_total{{object="{object}",cause="forbidden"}}"#);
            fleet.replicas[0].metric(&series)
        };
        of("secret").or(of("mutating"))
    };
    wait_for("two counted failures", || match failures() {
        Some(count) if count > 1.5 => Ok(()),
        other => Err(format!("{other:?}")),
    });
    assert!(fleet.replicas[0].is_ready(), "{}", fleet.replicas[0].readyz());
    assert!(create(cluster, 0).is_empty());
    grant(cluster);
    fleet.wait_logged(0, &["the cluster answers again"]);
    fleet.replicas[0].daemon.assert_running();
}

/// The API server is away for a while and comes back: so does everything else, by itself.
pub(crate) fn raygate_recovers_from_an_outage_of_the_api_server(cluster: &Cluster) {
    let mut fleet = fleet_of(cluster, 2, &["--certificate-life", "60s"]);
    cluster.without_api_server(|| {
        for at in 0..2 {
            fleet.wait_logged(at, &["certificates cannot be kept up", r#""serving":true"#]);
            assert!(fleet.replicas[at].is_ready(), "{}", fleet.replicas[at].readyz());
        }
    });
    for at in 0..2 {
        fleet.wait_logged(at, &["the cluster answers again"]);
        fleet.replicas[at].daemon.assert_running();
    }
    fleet.wait_ready();
    fleet.wait_in_force();
    assert!(create(cluster, 0).is_empty());
}
