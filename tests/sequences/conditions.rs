//! The match conditions of the shipped webhook configuration, evaluated as the API server does.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use cel::{Context, Env, Program, Value as Cel};
use raygate::yaml::{self, Limits, Reading};
use serde_json::{Value, json};

static CONDITIONS: LazyLock<Vec<(String, Program)>> = LazyLock::new(|| {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/base/webhooks.yaml");
    let mut sources = raygate::diag::Sources::new();
    let text = fs::read(file).unwrap();
    let (_, nodes, _) = yaml::read(
        &mut sources,
        "webhooks.yaml",
        &text,
        Reading::Kubectl,
        &Limits::policies(),
    );
    let configuration = nodes[0].to_json();
    let conditions = configuration["webhooks"][0]["matchConditions"].as_array().unwrap();
    let env = Env::stdlib();
    let compiled = conditions.iter().map(|condition| {
        let [name, expression] = ["name", "expression"].map(|key| condition[key].as_str().unwrap());
        (name.to_owned(), env.compile(expression).unwrap())
    });
    compiled.collect()
});

/// Whether a request goes to the webhooks.
pub fn match_request(user: &str, old: Option<&Value>, new: &Value) -> bool {
    let mut context = Context::default();
    let kind = json!({"group": "ray.io", "version": "v1", "kind": new["kind"]});
    let request = json!({"userInfo": {"username": user}, "kind": kind});
    for (name, value) in [
        ("object", new),
        ("oldObject", old.unwrap_or(&Value::Null)),
        ("request", &request),
    ] {
        context.add_variable(name, value).unwrap();
    }
    CONDITIONS
        .iter()
        .all(|(name, program)| match program.execute(&context) {
            Ok(Cel::Bool(is_matched)) => is_matched,
            // The failure policy decides: the validating webhook's denies.
            other => panic!("{name}: {other:?}"),
        })
}

#[test]
fn conditions_are_evaluated() {
    let object = json!({"kind": "RayCluster", "metadata": {"labels": {"a": "b"}}, "spec": {"enableInTreeAutoscaling": true,
        "workerGroupSpecs": [{"groupName": "w", "replicas": 1, "template": {"spec": {"containers": [{"name": "c"}]}}}]}});
    let changed = |pointer: &str, value: Value| {
        let mut object = object.clone();
        *object.pointer_mut(pointer).unwrap() = value;
        object
    };
    const OPERATOR: &str = "system:serviceaccount:ray-system:kuberay-operator";
    const KUEUE: &str = "system:serviceaccount:kueue-system:kueue-controller-manager";
    let scaled = changed("/spec/workerGroupSpecs/0/replicas", json!(2));
    let renamed = changed("/spec/workerGroupSpecs/0/groupName", json!("v"));
    let labelled = changed("/metadata/labels/a", json!("c"));
    let mut suspended = object.clone();
    suspended["spec"]["suspend"] = json!(true);
    for (user, old, new, goes) in [
        ("u", None, &object, true),
        (OPERATOR, None, &object, false),
        ("u", Some(&object), &object, false),
        ("u", Some(&object), &scaled, false),
        ("u", Some(&object), &renamed, true),
        (OPERATOR, Some(&object), &renamed, false),
        ("u", Some(&object), &labelled, true),
        ("u", Some(&object), &suspended, true),
        (KUEUE, Some(&object), &suspended, false),
        (KUEUE, Some(&suspended), &object, true),
    ] {
        assert_eq!(match_request(user, old, new), goes, "{user} {new}");
    }
}
