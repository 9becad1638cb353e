//! What is called a difference, and what is not.

use serde_json::json;

use super::*;
use crate::install::{
    Certificates, Controllers, IMAGE, Install, KindList, REPLICAS, is_webhook_configuration, objects,
};

/// Both configurations as they are printed.
fn printed() -> Vec<Value> {
    let [service, namespace] = ["raygate", "raygate-system"].map(|name| name.parse().unwrap());
    let objects = objects(&Install {
        namespace: &namespace,
        service: &service,
        image: &IMAGE.parse().unwrap(),
        replicas: REPLICAS,
        certificates: Certificates::Files(None),
        components: &[],
        url: None,
        kinds: &KindList::default(),
        excluded_namespaces: &[],
        controllers: &Controllers::default(),
        policies: &[],
    });
    objects.unwrap().into_iter().filter(is_webhook_configuration).collect()
}

fn parts(expected: &Value, found: &Value) -> Vec<Part> {
    differences(expected, Some(found)).iter().map(|it| it.part).collect()
}

#[test]
fn what_the_api_server_fills_in_is_no_difference() {
    let printed = printed();
    assert_eq!(printed.len(), 2);
    for expected in printed {
        let mut found = expected.clone();
        found["metadata"]["uid"] = json!("1");
        found["webhooks"][0]["objectSelector"] = json!({});
        found["webhooks"][0]["clientConfig"]["caBundle"] = json!("b3RoZXI=");
        assert_eq!(differences(&expected, Some(&found)), []);
    }
}

#[test]
fn each_edit_is_told_by_its_part() {
    let expected = printed().pop().unwrap();
    let edits: [(&str, Value, Part); 7] = [
        ("/webhooks/0/failurePolicy", json!("Ignore"), Part::FailurePolicy),
        ("/webhooks/0/rules/0/apiGroups/0", json!("*"), Part::Scope),
        ("/webhooks/0/rules/0/resources", json!(["rayjobs"]), Part::Scope),
        ("/webhooks/0/namespaceSelector", json!({}), Part::Scope),
        ("/webhooks/0/matchConditions", json!(null), Part::Scope),
        ("/webhooks/0/timeoutSeconds", json!(30), Part::Other),
        (
            "/webhooks/0/clientConfig/service",
            json!({"name": "other"}),
            Part::Target,
        ),
    ];
    for (path, value, part) in edits {
        let mut found = expected.clone();
        *found.pointer_mut(path).unwrap() = value;
        assert_eq!(parts(&expected, &found), [part], "{path}");
    }
    let mut ignored = expected.clone();
    ignored["webhooks"][0]["failurePolicy"] = json!("Ignore");
    let found = differences(&expected, Some(&ignored));
    assert_eq!(
        found[0].text,
        r#"failurePolicy of webhook rayjob.raygate.dev is "Ignore", not "Fail""#
    );
}

#[test]
fn long_values_are_quoted_where_they_differ() {
    let expected = printed().pop().unwrap();
    let mut found = expected.clone();
    let last = found.pointer_mut("/webhooks/0/matchConditions/2/expression").unwrap();
    *last = json!(last.as_str().unwrap().replace("kueue-system", "elsewhere"));
    let text = differences(&expected, Some(&found)).remove(0).text;
    assert!(text.contains("elsewhere") && text.contains("kueue-system"), "{text}");
    assert!(text.len() < 3 * QUOTED_BYTES, "{text}");
}

#[test]
fn empty_parts_of_a_spec_are_no_difference() {
    let written = json!({"spec": {"a": {"selector": {}, "list": [], "b": 1}, "c": null}});
    assert!(same_spec(&json!({"spec": {"a": {"b": 1}}}), &written));
    for other in [
        json!({"spec": {"a": {"b": 2}}}),
        json!({"spec": {"a": {"b": 1, "c": [{}]}}}),
        json!({"spec": {}}),
        json!({}),
        json!(null),
    ] {
        assert!(!same_spec(&other, &written), "{other}");
    }
}

#[test]
fn a_webhook_more_or_less_and_a_configuration_that_is_gone_are_told() {
    let expected = printed().remove(0);
    assert_eq!(differences(&expected, None)[0].part, Part::Missing);
    let mut other = expected.clone();
    other["webhooks"][0]["name"] = json!("pods.example.com");
    assert_eq!(parts(&expected, &other), [Part::Missing, Part::Scope]);
    for nonsense in [
        json!({}),
        json!({"webhooks": 3}),
        json!({"webhooks": [null]}),
        json!(null),
    ] {
        assert!(parts(&expected, &nonsense).contains(&Part::Missing), "{nonsense}");
    }
}
