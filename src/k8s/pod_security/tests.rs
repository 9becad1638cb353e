use serde_json::json;

use super::*;
use crate::k8s::path::Path;

fn profile(text: &str) -> Profile {
    text.parse().unwrap()
}

#[test]
fn profiles_are_written_as_kubernetes_prints_them() {
    for text in [
        "privileged",
        "baseline",
        "restricted",
        "baseline:v1.25",
        "restricted:v1.37",
    ] {
        assert_eq!(profile(text).to_string(), text);
    }
    assert_eq!(profile("restricted:latest").to_string(), "restricted");
    for text in [
        "",
        "Restricted",
        "strict",
        "restricted:",
        "restricted:1.30",
        "restricted:v1.24",
        "restricted:v1.38",
        "restricted:v1.+30",
        "restricted:v1.030",
        "restricted:v1.30.1",
        "restricted:latest:latest",
    ] {
        assert!(text.parse::<Profile>().is_err(), "{text}");
    }
}

#[test]
fn a_profile_covers_what_is_not_stricter_at_its_version() {
    for (one, other, covers) in [
        ("restricted", "baseline", true),
        ("restricted", "restricted:v1.37", true),
        ("baseline", "restricted", false),
        ("restricted:v1.30", "baseline", false),
        ("baseline", "baseline:v1.30", false),
        ("baseline:v1.30", "privileged", true),
        ("privileged", "baseline", false),
    ] {
        assert_eq!(profile(one).covers(profile(other)), covers, "{one} {other}");
    }
}

#[test]
fn a_violation_names_the_field() {
    let template = json!({"spec": {
        "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
        "initContainers": [{"name": "a", "securityContext": {
            "allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"], "add": ["SYS_ADMIN"]}}}],
        "containers": [{"name": "b", "ports": [{"hostPort": 80}]}],
    }});
    let at = Path::of(["spec", "template"]);
    let violations = Pod::of(&template, at).violations(profile("restricted"));
    let found: Vec<String> = violations
        .iter()
        .map(|violation| {
            format!(
                "{} {} {:?} {}",
                violation.control, violation.path, violation.container, violation.found
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            "hostPorts spec.template.spec.containers[0].ports[0].hostPort Some(1) hostPort is 80",
            "allowPrivilegeEscalation spec.template.spec.containers[0].securityContext.allowPrivilegeEscalation Some(1) allowPrivilegeEscalation is not set",
            "capabilities_restricted spec.template.spec.initContainers[0].securityContext.capabilities.add Some(0) capabilities.add has `SYS_ADMIN`",
            "capabilities_restricted spec.template.spec.containers[0].securityContext.capabilities.drop Some(1) capabilities.drop lacks ALL",
        ]
    );
}
