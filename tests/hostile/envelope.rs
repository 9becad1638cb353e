//! Items 12 to 23: bodies that are no review, and reviews that are no request of ours.

use serde_json::{Value, json};

use crate::binary::{UID, create, review, shared};
use crate::jobs::{GROUP, assert_allowed, assert_denied, at, container, judged, mutated, seed, with};

/// Posts to both endpoints, and fails unless each refuses the body with a 400 that says why.
#[track_caller]
fn assert_malformed(body: &[u8]) {
    for path in ["/mutate", "/validate"] {
        let answer = shared().post(path, body);
        let shown = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
        assert_eq!(answer.status, 400, "{shown}: {}", answer.text());
        let text = answer.text();
        assert!(
            text.len() > 20 && text.trim_end().lines().count() == 1,
            "{shown}: {text}"
        );
    }
}

fn edited(edit: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut review: Value = serde_json::from_slice(&create(&seed(1))).expect("a review is JSON");
    edit(&mut review);
    review.to_string().into_bytes()
}

#[test]
fn item_12_bodies_that_are_no_review() {
    let whole = create(&seed(1));
    let cut = &whole[..whole.len() / 2];
    let marked = [b"\xef\xbb\xbf".as_slice(), &whole].concat();
    let trailing = [whole.as_slice(), b"{}"].concat();
    for body in [
        b"".as_slice(),
        b"null",
        b"[]",
        b"\"review\"",
        b"{}",
        cut,
        &marked,
        &trailing,
    ] {
        assert_malformed(body);
    }
}

#[test]
fn item_13_text_that_is_no_text() {
    let text = String::from_utf8(create(&seed(1))).expect("a review is UTF-8");
    let broken = |with: &[u8]| {
        let at = text.find("flytepropeller").expect("the user stands in the review");
        [&text.as_bytes()[..at], with, &text.as_bytes()[at..]].concat()
    };
    assert_malformed(&broken(b"\xff\xfe"));
    assert_malformed(&broken(b"\\ud800"));
    assert_malformed(&broken(b"\0"));
    // An escaped NUL is a legal text. It is taken literally, and leads nowhere.
    let nul = with(seed(1), "/spec/entrypoint", json!("python\u{0} -c x"));
    let after = mutated(shared(), &nul);
    assert_eq!(after["spec"]["entrypoint"], nul["spec"]["entrypoint"]);
}

#[test]
fn item_14_duplicate_keys() {
    let text = String::from_utf8(create(&seed(1))).expect("a review is UTF-8");
    let twice = |key: &str, extra: &str| text.replacen(&format!("\"{key}\":"), &format!("{extra},\"{key}\":"), 1);
    for body in [
        twice("request", "\"request\":{\"uid\":\"other\"}"),
        twice("uid", "\"uid\":\"other\""),
        twice("spec", "\"spec\":{}"),
        twice("rayClusterSpec", "\"rayClusterSpec\":{}"),
    ] {
        assert_ne!(body, text);
        assert_malformed(body.as_bytes());
    }
}

#[test]
fn item_15_nesting() {
    for depth in [200, 100_000] {
        let nest = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_malformed(nest.as_bytes());
        let text = String::from_utf8(create(&seed(1))).expect("a review is UTF-8");
        assert_malformed(
            text.replacen("\"spec\":", &format!("\"deep\":{nest},\"spec\":"), 1)
                .as_bytes(),
        );
    }
    shared().assert_serving();
}

#[test]
fn item_16_numbers() {
    let text = String::from_utf8(create(&with(seed(1), "/spec/backoffLimit", json!(7_654_321)))).expect("UTF-8");
    assert_malformed(text.replace("7654321", "1e400").as_bytes());
    assert_malformed(text.replace("7654321", "01").as_bytes());
    for number in ["-0", "9223372036854775808", "0.1", "-1", "1e3"] {
        for path in ["/mutate", "/validate"] {
            let body = text.replace("7654321", number);
            let answer = shared().post(path, body.as_bytes());
            assert_eq!(
                (answer.status, &answer.json()["response"]["uid"]),
                (200, &json!(UID)),
                "{number}"
            );
            // What a number is stays the API server's and KubeRay's to read: no patch writes it anew.
            let original: Value = serde_json::from_str(&body).expect("legal JSON");
            let object = &original["request"]["object"];
            let after = crate::jobs::apply(object, &answer.json());
            assert_eq!(
                after["spec"]["backoffLimit"], object["spec"]["backoffLimit"],
                "{number}"
            );
        }
    }
    assert_denied(
        &judged(shared(), &with(seed(1), "/spec/backoffLimit", json!(-1))),
        "RG133",
    );
    let part = with(
        seed(1),
        &format!("{}/resources/limits/nvidia.com~1gpu", container(GROUP)),
        json!(0.5),
    );
    assert_denied(&judged(shared(), &part), "RG205");
}

#[test]
fn item_17_great_lengths() {
    let raygate = shared();
    let long = with(seed(1), "/spec/entrypoint", json!("x".repeat(1 << 20)));
    let env: Vec<Value> = (0..100_000)
        .map(|nth| json!({"name": format!("V{nth}"), "value": "1"}))
        .collect();
    let many = with(seed(1), &format!("{}/env", container(GROUP)), env.into());
    let mut groups = seed(1);
    let group = at(&mut groups, GROUP).clone();
    *at(&mut groups, "/spec/rayClusterSpec/workerGroupSpecs") = vec![group; 3_000].into();
    for job in [long, many, groups] {
        for path in ["/mutate", "/validate"] {
            let body = create(&job);
            let answer = raygate.post(path, &body);
            // Past the caller's patience an answer is a refusal too; what does not come is none.
            assert!(
                matches!(answer.status, 200 | 413 | 503 | 504),
                "{} for {} bytes",
                answer.status,
                body.len()
            );
        }
    }
    raygate.assert_serving();
}

#[test]
fn item_18_reviews_without_what_makes_them_one() {
    assert_malformed(&edited(|review| *at(review, "/request") = Value::Null));
    assert_malformed(&edited(|review| *at(review, "/request/uid") = json!("")));
    assert_malformed(&edited(|review| *at(review, "/request/uid") = json!(7)));
    assert_malformed(&edited(|review| {
        *at(review, "/apiVersion") = json!("admission.k8s.io/v1beta1")
    }));
    assert_malformed(&edited(|review| {
        *at(review, "/apiVersion") = json!("admission.k8s.io/v2")
    }));
    assert_malformed(&edited(|review| *at(review, "/kind") = json!("admissionreview")));
    for path in ["/mutate", "/validate"] {
        let answer = shared().post(path, &create(&seed(1))).json();
        assert_eq!(answer["apiVersion"], "admission.k8s.io/v1");
        assert_eq!(answer["kind"], "AdmissionReview");
        assert_eq!(answer["response"]["uid"], UID);
    }
}

#[test]
fn item_19_what_is_not_ours() {
    let raygate = shared();
    let before = raygate.metric("raygate_requests_total");
    for (pointer, value) in [
        ("/request/kind/group", json!("apps")),
        ("/request/kind/kind", json!("RayTune")),
        ("/request/kind/kind", json!("Pod")),
        ("/request/subResource", json!("status")),
        ("/request/subResource", json!("scale")),
        ("/request/operation", json!("DELETE")),
        ("/request/operation", json!("CONNECT")),
    ] {
        let body = edited(|review| {
            review["request"]["subResource"] = Value::Null;
            *at(review, pointer) = value;
        });
        for path in ["/mutate", "/validate"] {
            let response = raygate.post(path, &body).json()["response"].take();
            assert_allowed(&response);
            assert!(response.get("patch").is_none(), "{response}");
        }
    }
    assert!(raygate.metric("raygate_requests_total") >= before + 14.0);
    assert!(
        raygate.metrics().contains(r#"verdict="not-ours""#),
        "{}",
        raygate.metrics()
    );
}

#[test]
fn item_20_a_kind_in_other_letters() {
    for kind in ["rayjob", "RAYJOB", "RayJob "] {
        let body = edited(|review| *at(review, "/request/kind/kind") = json!(kind));
        let response = shared().post("/mutate", &body).json()["response"].take();
        assert_allowed(&response);
        assert!(
            response.get("patch").is_none(),
            "{kind:?} was taken for ours: {response}"
        );
    }
}

#[test]
fn item_21_objects_that_do_not_fit_the_operation() {
    assert_malformed(&review("CREATE", &Value::Null, &Value::Null));
    assert_malformed(&review("UPDATE", &seed(1), &Value::Null));
    assert_malformed(&review("UPDATE", &Value::Null, &seed(1)));
    assert_malformed(&review("CREATE", &json!([]), &Value::Null));
    assert_malformed(&review("CREATE", &json!("RayJob"), &Value::Null));
    assert_malformed(&review("PATCH", &seed(1), &Value::Null));
    let deleted = shared().post("/validate", &review("DELETE", &seed(1), &seed(1))).json();
    assert_allowed(&deleted["response"]);
}

#[test]
fn item_22_a_dry_run() {
    let raygate = shared();
    for path in ["/mutate", "/validate"] {
        let dry = edited(|review| review["request"]["dryRun"] = json!(true));
        let real = edited(|review| review["request"]["dryRun"] = json!(false));
        assert_eq!(raygate.post(path, &dry).text(), raygate.post(path, &real).text());
    }
}

#[test]
fn item_23_a_name_that_is_still_to_come() {
    let generated = |prefix: &str| {
        let mut job = seed(1);
        let metadata = at(&mut job, "/metadata").as_object_mut().expect("metadata");
        metadata.remove("name");
        metadata.insert("generateName".into(), json!(prefix));
        job
    };
    // In /mutate the name is open, so nothing is said of it; /validate sees it whole.
    let open = shared()
        .post(
            "/mutate",
            &create(&generated("a-name-that-will-be-quite-long-in-the-end-")),
        )
        .json();
    assert_allowed(&open["response"]);
    let complete = with(
        seed(1),
        "/metadata/name",
        json!("a-name-that-will-be-quite-long-in-the-end-x7k2p"),
    );
    assert_allowed(&judged(shared(), &with(seed(1), "/metadata/name", json!("short"))));
    let long = with(complete, "/metadata/name", json!(format!("{}-x7k2p", "n".repeat(60))));
    assert_denied(&judged(shared(), &long), "RG101");
}
