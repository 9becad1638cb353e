//! Further attempts on what rests on an object's own words: the record of `/mutate`, and exemptions. Each would have to store
//! an image or a size that the policy refuses.

use serde_json::{Value, json};

use crate::binary::{Raygate, create, review};
use crate::jobs::{GROUP, apply, at, container, seed, with};

const APPLIED: &str = "raygate.dev/applied";
const EVIL: &str = "docker.io/evil/miner:1";

const POLICIES: &str = r#"
apiVersion: raygate.dev/v1beta1
kind: Platform
spec:
  flyte: {serviceAccounts: ["system:serviceaccount:flyte:flytepropeller"], namespace: "{project}-{domain}"}
---
apiVersion: raygate.dev/v1beta1
kind: RayPolicy
metadata: {name: strict}
spec:
  match: {}
  limits: {maxGpusPerJob: 8, allowedImages: ["ghcr.io/my-org/**"]}
---
apiVersion: raygate.dev/v1beta1
kind: Exemption
metadata: {name: hero}
spec:
  match: {projects: [hero], domains: [production]}
  waive: [RG601]
  raise: {maxGpusPerJob: 512}
  owner: ml
  reason: one run
  expires: 9999-12-31
"#;

fn strict() -> Raygate {
    Raygate::start_with(|command, folder| {
        let own = folder.join("policies");
        std::fs::create_dir(&own).expect("create a folder");
        std::fs::write(own.join("own.yaml"), POLICIES).expect("write a policy");
        command
            .arg("--policies")
            .arg(format!("{}/policies/default.yaml", env!("CARGO_MANIFEST_DIR")));
        command.arg("--policies").arg(own);
    })
}

/// A review by somebody in a namespace.
fn by(review: &[u8], user: &str, namespace: &str) -> Vec<u8> {
    let mut review: Value = serde_json::from_slice(review).expect("JSON");
    *at(&mut review, "/request/userInfo/username") = json!(user);
    *at(&mut review, "/request/namespace") = json!(namespace);
    review.to_string().into_bytes()
}

/// What the API server stores of a change by a tenant; `None` where it is refused.
fn stored(raygate: &Raygate, old: &Value, new: &Value) -> Option<Value> {
    let ask = |path: &str, new: &Value| {
        let review = by(&review("UPDATE", new, old), "tenant", "mlplatform-production");
        raygate.post(path, &review).json()
    };
    let new = apply(new, &ask("/mutate", new));
    (ask("/validate", &new)["response"]["allowed"] == true).then_some(new)
}

/// What is stored of a new object of a tenant.
fn created(raygate: &Raygate, object: &Value) -> Option<Value> {
    let ask = |path: &str, object: &Value| {
        let review = by(&create(object), "tenant", "mlplatform-production");
        raygate.post(path, &review).json()
    };
    let object = apply(object, &ask("/mutate", object));
    (ask("/validate", &object)["response"]["allowed"] == true).then_some(object)
}

fn large(job: Value) -> Value {
    let counts = |mut job: Value, key: &str| {
        at(&mut job, GROUP)[key] = json!(40);
        job
    };
    counts(counts(job, "replicas"), "maxReplicas")
}

fn with_image(job: Value) -> Value {
    with(job, &format!("{}/image", container(GROUP)), json!(EVIL))
}

/// A RayJob that the policy admits, suspended.
fn small() -> Value {
    let mut job = with(seed(1), "/spec/suspend", json!(true));
    at(&mut job, &container(GROUP))["resources"] = json!({
        "requests": {"cpu": "2", "memory": "8Gi", "nvidia.com/gpu": "1"},
        "limits": {"cpu": "2", "memory": "8Gi", "nvidia.com/gpu": "1"},
    });
    for key in ["replicas", "minReplicas", "maxReplicas"] {
        at(&mut job, GROUP)[key] = json!(1);
    }
    job
}

#[test]
fn records_that_an_author_writes() {
    let raygate = strict();
    let live = created(&raygate, &small()).expect("the small job");
    let record = live["metadata"]["annotations"][APPLIED].clone();
    assert!(record.is_string(), "{live}");
    // What `/mutate` would have recorded of the job that is refused.
    let refused = with_image(large(small()));
    let completed = raygate.post("/mutate", &by(&create(&refused), "tenant", "mlplatform-production"));
    let of_refused = apply(&refused, &completed.json())["metadata"]["annotations"][APPLIED].clone();
    let text = record.as_str().expect("text");
    let mut fields: Value = serde_json::from_str(text).expect("a record is JSON");
    fields["bundle"] = json!("0");
    let records = [
        ("its own", record.clone()),
        ("that of the refused job", of_refused),
        ("empty", json!("")),
        ("no JSON", json!("{")),
        ("a list", json!("[]")),
        ("null", json!("null")),
        ("no text", json!(1)),
        ("another bundle", json!(fields.to_string())),
        ("twice", json!(format!("{text}{text}"))),
        ("with more after it", json!(format!("{text} x"))),
        ("without digits", json!(text.replace(|c: char| c.is_ascii_digit(), "0"))),
        ("large", json!("x".repeat(200_000))),
        ("deep", json!("[".repeat(100_000))),
    ];
    for (what, record) in &records {
        // In the same request, and in one before it.
        let forged = with(
            live.clone(),
            "/metadata/annotations/raygate.dev~1applied",
            record.clone(),
        );
        let prepared = stored(&raygate, &live, &forged).unwrap_or_else(|| live.clone());
        for (old, new) in [(&live, &forged), (&prepared, &prepared)] {
            for attack in [
                with_image(new.clone()),
                large(new.clone()),
                with_image(large(new.clone())),
            ] {
                for attack in [attack.clone(), with(attack, "/spec/suspend", json!(false))] {
                    let Some(after) = stored(&raygate, old, &attack) else {
                        continue;
                    };
                    // What is stored is what was there.
                    let group = |object: &Value| {
                        let group = object.pointer(GROUP).expect("a group").clone();
                        (
                            group["replicas"].clone(),
                            group["maxReplicas"].clone(),
                            group["template"].clone(),
                        )
                    };
                    assert_eq!(group(&after), group(old), "{what}");
                }
            }
        }
    }
}

#[test]
fn exemptions_of_others() {
    let raygate = strict();
    let attack = with_image(large(small()));
    assert!(created(&raygate, &attack).is_none());
    let labelled = |project: &str, domain: &str| {
        let job = with(attack.clone(), "/metadata/labels/project", json!(project));
        with(job, "/metadata/labels/domain", json!(domain))
    };
    let flyte = "system:serviceaccount:flyte:flytepropeller";
    let hero = labelled("hero", "production");
    for (what, object, user, namespace) in [
        ("the labels", hero.clone(), "tenant", "mlplatform-production"),
        ("the labels in the namespace", hero.clone(), "tenant", "hero-production"),
        (
            "Flyte's user in another namespace",
            hero.clone(),
            flyte,
            "mlplatform-production",
        ),
        (
            "the namespace with other labels",
            attack.clone(),
            flyte,
            "hero-production",
        ),
        (
            "another account of Flyte",
            hero.clone(),
            "system:serviceaccount:flyte:default",
            "hero-production",
        ),
        ("a user named alike", hero.clone(), "flytepropeller", "hero-production"),
        (
            "the user with a space",
            hero.clone(),
            "system:serviceaccount:flyte:flytepropeller ",
            "hero-production",
        ),
        (
            "the user in capitals",
            hero.clone(),
            "SYSTEM:SERVICEACCOUNT:FLYTE:FLYTEPROPELLER",
            "hero-production",
        ),
        (
            "a namespace that only begins so",
            hero.clone(),
            flyte,
            "hero-production-2",
        ),
        (
            "an empty project",
            labelled("", "hero-production"),
            flyte,
            "hero-production",
        ),
        ("a pattern as the project", labelled("*", "*"), flyte, "hero-production"),
        (
            "the parts elsewhere",
            labelled("hero-production", ""),
            flyte,
            "hero-production",
        ),
    ] {
        let ask = |path: &str, object: &Value| raygate.post(path, &by(&create(object), user, namespace)).json();
        let completed = apply(&object, &ask("/mutate", &object));
        let answer = ask("/validate", &completed);
        assert_eq!(answer["response"]["allowed"], false, "{what}: {answer}");
    }
    // The one whom it is for.
    let review = by(&create(&hero), flyte, "hero-production");
    let completed = apply(&hero, &raygate.post("/mutate", &review).json());
    let review = by(&create(&completed), flyte, "hero-production");
    let answer = raygate.post("/validate", &review).json();
    assert_eq!(answer["response"]["allowed"], true, "{answer}");
    // A tenant may not change what was let in, and less of it passes.
    let worse = with(
        completed.clone(),
        &format!("{}/image", container("/spec/rayClusterSpec/headGroupSpec")),
        json!(EVIL),
    );
    assert!(stored(&raygate, &completed, &worse).is_none());
}
