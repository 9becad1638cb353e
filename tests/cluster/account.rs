//! What a token of raygate's own account can do in a cluster with self-managed certificates: write the caBundle of two
//! webhook configurations, keep one Secret, and nothing else.

use serde_json::{Value, json};

use crate::api::{Answer, Api};
use crate::cluster::Cluster;
use crate::fleet::{ACCOUNT, Fleet, SYSTEM, Way, grant};
use crate::gate::Hook;
use crate::process::wait_for;

const POLICY_BINDINGS: &str = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings";

/// JSON Patches of a webhook configuration that a thief of the token would like.
fn attacks(hook: Hook) -> Vec<Value> {
    let first = |operation: &str, field: &str, value: Value| json!([{"op": operation, "path": format!("/webhooks/0/{field}"), "value": value}]);
    let other = match hook {
        Hook::Mutating => "Fail",
        Hook::Validating => "Ignore",
    };
    let every_object = json!([{
        "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*/*"], "operations": ["*"], "scope": "*",
    }]);
    let more = json!({
        "name": "theft.raygate.dev", "clientConfig": {"url": "https://127.0.0.1:1/"}, "rules": every_object,
        "sideEffects": "None", "admissionReviewVersions": ["v1"],
    });
    let owner = json!([{"apiVersion": "v1", "kind": "Namespace", "name": "gone", "uid": "0"}]);
    let mut attacks = vec![
        first("replace", "rules", every_object),
        first("replace", "rules/0/operations", json!(["DELETE"])),
        first("replace", "rules/0/resources/0", json!("pods")),
        first(
            "add",
            "rules/-",
            json!({"apiGroups": [""], "apiVersions": ["v1"], "resources": ["secrets"], "operations": ["CREATE"]}),
        ),
        first("replace", "clientConfig", json!({"url": "https://127.0.0.1:1/"})),
        first("replace", "clientConfig/service/namespace", json!("default")),
        first("replace", "clientConfig/service/name", json!("theft")),
        first("replace", "clientConfig/service/path", json!("/theft")),
        first("replace", "clientConfig/service/port", json!(444)),
        first("replace", "namespaceSelector", json!({})),
        first("add", "objectSelector", json!({"matchLabels": {"a": "b"}})),
        first("replace", "failurePolicy", json!(other)),
        first("replace", "matchPolicy", json!("Exact")),
        first("replace", "timeoutSeconds", json!(1)),
        first("replace", "sideEffects", json!("NoneOnDryRun")),
        first("replace", "admissionReviewVersions", json!(["v1", "v1beta1"])),
        first("replace", "matchConditions/0/expression", json!("false")),
        first(
            "add",
            "matchConditions/-",
            json!({"name": "never", "expression": "false"}),
        ),
        first("replace", "name", json!("theft.raygate.dev")),
        json!([{"op": "remove", "path": "/webhooks/0/matchConditions"}]),
        json!([{"op": "remove", "path": "/webhooks/0"}]),
        json!([{"op": "add", "path": "/webhooks/-", "value": more}]),
        json!([
            {"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": BUNDLES[1]},
            {"op": "replace", "path": "/webhooks/0/failurePolicy", "value": other},
        ]),
        // The garbage collector deletes an object whose owner is gone.
        json!([{"op": "add", "path": "/metadata/ownerReferences", "value": owner}]),
        json!([{"op": "add", "path": "/metadata/finalizers", "value": ["raygate.dev/stay"]}]),
        json!([{"op": "add", "path": "/metadata/annotations", "value": {"cert-manager.io/inject-ca-from": "default/theft"}}]),
        json!([{"op": "remove", "path": "/metadata/labels"}]),
    ];
    if hook == Hook::Mutating {
        attacks.push(first("replace", "reinvocationPolicy", json!("Never")));
    }
    attacks
}

/// What raygate writes: the API server takes any bytes.
const BUNDLES: [&str; 2] = ["Zmlyc3Q=", "c2Vjb25k"];

/// Both configurations as they are shipped, for a Service, and nobody behind it.
fn registered(cluster: &Cluster) -> Fleet<'_> {
    let fleet = Fleet::new(cluster, Way::Service, &[]);
    fleet.register();
    fleet
}

/// The patch as raygate's account would make it; nothing is stored.
fn attack(raygate: &Api, hook: Hook, patch: &Value) -> Answer {
    raygate.json_patch(&format!("{}?dryRun=All", hook.configuration()), patch)
}

fn assert_denied(answer: &Answer, policy: &str, attack: &Value) {
    assert_eq!(answer.code, 403, "{attack}: {answer}");
    let words = format!("ValidatingAdmissionPolicy '{policy}'");
    assert!(answer.message().contains(&words), "{attack}: {answer}");
}

pub(crate) fn only_the_ca_bundle_can_be_changed(cluster: &Cluster) {
    let fleet = registered(cluster);
    let raygate = cluster.as_user(ACCOUNT, &[]);
    for hook in [Hook::Mutating, Hook::Validating] {
        let attacks = attacks(hook);
        // The role alone allows all of them.
        let binding = format!("{POLICY_BINDINGS}/raygate-ca-bundle");
        cluster.api.delete(&binding).expect(200);
        for patch in &attacks {
            wait_for("the account to be unrestricted", || {
                let answer = attack(&raygate, hook, patch);
                if answer.code == 403 {
                    Err(format!("{patch}: {answer}"))
                } else {
                    Ok(())
                }
            });
        }
        grant(cluster);
        wait_for("the account to be restricted again", || {
            let answer = attack(&raygate, hook, &attacks[0]);
            if answer.code == 403 { Ok(()) } else { Err(answer) }
        });
        for patch in &attacks {
            assert_denied(&attack(&raygate, hook, patch), "raygate-ca-bundle", patch);
        }
        for bundle in BUNDLES {
            let patch = json!([{"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": bundle}]);
            raygate.json_patch(&hook.configuration(), &patch).expect(200);
        }
        let patch = json!([{"op": "replace", "path": "/webhooks/0/timeoutSeconds", "value": 4}]);
        let path = hook.configuration();
        cluster.api.json_patch(&path, &patch).expect(200);

        // The order of two webhooks is the order of their calls.
        let mut second = cluster.api.get(&path).expect(200)["webhooks"][0].take();
        second["name"] = json!("second.raygate.dev");
        let add = json!([{"op": "add", "path": "/webhooks/-", "value": second}]);
        cluster.api.json_patch(&path, &add).expect(200);
        let swap = json!([{"op": "move", "from": "/webhooks/0", "path": "/webhooks/1"}]);
        assert_denied(&attack(&raygate, hook, &swap), "raygate-ca-bundle", &swap);
        let patch = json!([{"op": "replace", "path": "/webhooks/1/clientConfig/caBundle", "value": BUNDLES[0]}]);
        raygate.json_patch(&path, &patch).expect(200);
    }
    // Whatever further rights someone gives the account.
    let root = cluster.as_user(ACCOUNT, &["system:masters"]);
    for hook in [Hook::Mutating, Hook::Validating] {
        let mut configuration = cluster.api.get(&hook.configuration()).expect(200);
        configuration["metadata"] = json!({"name": "theft"});
        let created = root.post(&format!("{}?dryRun=All", hook.configurations()), &configuration);
        assert_denied(&created, "raygate-ca-bundle", &configuration);
        let deleted = root.delete(&format!("{}?dryRun=All", hook.configuration()));
        assert_denied(&deleted, "raygate-ca-bundle", &configuration);
    }
    drop(fleet);
}

pub(crate) fn only_its_own_secret_can_be_created(cluster: &Cluster) {
    grant(cluster);
    let raygate = cluster.as_user(ACCOUNT, &[]);
    let secrets = format!("/api/v1/namespaces/{SYSTEM}/secrets?dryRun=All");
    let token = |name: &str| {
        let annotations = json!({"kubernetes.io/service-account.name": "default"});
        json!({
            "metadata": {"name": name, "annotations": annotations},
            "type": "kubernetes.io/service-account-token",
        })
    };
    for secret in [
        token("raygate-certificates"),
        token("theft"),
        json!({"metadata": {"name": "theft"}, "type": "Opaque"}),
        json!({"metadata": {"generateName": "raygate-certificates"}, "type": "Opaque"}),
        json!({"metadata": {"name": "raygate-certificates"}, "type": "example.com/other"}),
    ] {
        cluster.api.post(&secrets, &secret).expect(201);
        assert_denied(&raygate.post(&secrets, &secret), "raygate-certificates", &secret);
    }
    let own = json!({"metadata": {"name": "raygate-certificates"}, "type": "Opaque"});
    raygate.post(&secrets, &own).expect(201);
}
