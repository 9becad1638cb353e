//! What kubectl makes of the kustomizations.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use raygate::facts::Fact;
use serde_json::{Value, json};

use crate::{certs, deployed, documents, kubectl::kubectl, manifests, of_kind, only, repository, sorted};

pub(crate) fn kustomize(kubectl: &Path, directory: &Path) -> Vec<Value> {
    let mut command = Command::new(kubectl);
    let output = command
        .arg("kustomize")
        .arg(directory)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    documents(&String::from_utf8(output.stdout).unwrap())
}

/// What is in a field of bytes. kustomize breaks long base64 into lines, which Kubernetes' decoder skips.
fn decode(value: &Value) -> Vec<u8> {
    BASE64_STANDARD
        .decode(value.as_str().unwrap().replace('\n', ""))
        .unwrap()
}

/// A copy of the kustomizations into which certificates may be written.
fn copied() -> tempfile::TempDir {
    fn copy_yaml(from: &Path, to: &Path) {
        fs::create_dir(to).unwrap();
        for entry in fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path()) {
            let place = to.join(entry.file_name().unwrap());
            if entry.is_dir() {
                copy_yaml(&entry, &place);
            } else if entry
                .extension()
                .is_some_and(|extension| extension == "yaml" || extension == "json")
            {
                fs::copy(&entry, place).unwrap();
            }
        }
    }
    let copy = tempfile::tempdir().unwrap();
    for directory in ["deploy", "policies", "certs"] {
        copy_yaml(&repository(directory), &copy.path().join(directory));
    }
    copy
}

/// An overlay of one's own: a directory of `deploy/` with components.
pub(crate) fn combined(directory: &str, components: &[&str]) -> (tempfile::TempDir, std::path::PathBuf) {
    let copy = copied();
    let own = copy.path().join("own");
    fs::create_dir(&own).unwrap();
    let components = components.iter().map(|name| format!("\n- ../deploy/components/{name}"));
    let kustomization = format!(
        "resources: [../deploy/{directory}]\ncomponents:{}\n",
        components.collect::<String>()
    );
    fs::write(own.join("kustomization.yaml"), kustomization).unwrap();
    (copy, own)
}

#[test]
fn the_command_prints_what_kustomize_builds() {
    let Some(kubectl) = kubectl() else { return };
    let components = [
        "autoscaler",
        "client-certificates",
        "fail-open",
        "monitoring",
        "observer",
    ];
    for (certificates, directory) in [
        ("files", "base"),
        ("cert-manager", "overlays/cert-manager"),
        ("self-managed", "overlays/self-managed"),
    ] {
        for wanted in [
            &[] as &[&str],
            &components[..1],
            &components[1..2],
            &components[2..3],
            &components[3..],
            &components,
        ] {
            let (_copy, own) = combined(directory, wanted);
            let built = kustomize(&kubectl, &own);
            let mut arguments = vec!["--certificates", certificates];
            wanted
                .iter()
                .for_each(|component| arguments.extend(["--with", component]));
            let mut printed = documents(&manifests(&[&arguments[..], &["--only", "server"]].concat()));
            let (_directory, ca) = crate::made_certs();
            if certificates == "files" {
                arguments.extend(["--ca-file", &ca]);
            }
            printed.extend(documents(&manifests(
                &[&arguments[..], &["--only", "webhooks"]].concat(),
            )));
            for object in &mut printed {
                if let Some(client) = object.pointer_mut("/webhooks/0/clientConfig") {
                    client.as_object_mut().unwrap().remove("caBundle");
                }
            }
            assert_eq!(sorted(built), sorted(printed), "{directory} with {wanted:?}");
        }
    }
}

#[test]
fn the_observer_may_read_the_facts_and_nothing_else() {
    let mut wanted: Vec<(String, String)> = Fact::ALL
        .map(|fact| {
            let (root, resource) = fact.path().rsplit_once('/').unwrap();
            let group = root.strip_prefix("/apis/").and_then(|group| group.split('/').next());
            (group.unwrap_or_default().to_owned(), resource.to_owned())
        })
        .to_vec();
    wanted.sort();
    let objects = documents(&manifests(&["--certificates", "cert-manager", "--with", "observer"]));
    let role = of_kind(&objects, "ClusterRole");
    let mut allowed = Vec::new();
    for rule in role["rules"].as_array().unwrap() {
        assert_eq!(rule["verbs"], json!(["list", "watch"]));
        let group = only(&rule["apiGroups"]).as_str().unwrap();
        for resource in rule["resources"].as_array().unwrap() {
            allowed.push((group.to_owned(), resource.as_str().unwrap().to_owned()));
        }
    }
    allowed.sort();
    assert_eq!(allowed, wanted);
    // Only the observer has a token.
    let pod = &of_kind(&objects, "Deployment")["spec"]["template"]["spec"];
    assert_eq!(pod["automountServiceAccountToken"], false);
    let containers = pod["containers"].as_array().unwrap();
    let with_token: Vec<&str> = containers
        .iter()
        .filter(|container| container["volumeMounts"].to_string().contains("observer-token"))
        .map(|container| container["name"].as_str().unwrap())
        .collect();
    assert_eq!(with_token, ["observer"]);
}

#[test]
fn a_component_narrows_the_kinds_as_the_command_does() {
    let Some(kubectl) = kubectl() else { return };
    let (_copy, own) = combined("overlays/self-managed", &["rayjobs-only"]);
    let narrowed = ["--certificates", "self-managed", "--kinds", "RayJob"];
    assert_eq!(
        sorted(kustomize(&kubectl, &own)),
        sorted(documents(&manifests(&narrowed)))
    );
}

#[test]
fn overlays_change_what_they_are_for() {
    let Some(kubectl) = kubectl() else { return };
    let built = |directory: &str| kustomize(&kubectl, &repository(directory));
    let (plain, open, kind) = (
        built("deploy/overlays/self-managed"),
        built("deploy/overlays/fail-open"),
        built("deploy/overlays/kind"),
    );
    assert_eq!(sorted(built("deploy")), sorted(plain.clone()));
    let without = |objects: &[Value], kinds: &[&str]| {
        let others = objects
            .iter()
            .filter(|object| kinds.iter().all(|kind| object["kind"] != *kind));
        sorted(others.cloned().collect())
    };
    let validating = "ValidatingWebhookConfiguration";
    let both = ["Deployment", validating];
    assert_eq!(without(&plain, &both), without(&open, &both));
    assert_eq!(only(&of_kind(&open, validating)["webhooks"])["failurePolicy"], "Ignore");
    let deployment = |objects: &[Value]| of_kind(objects, "Deployment").clone();
    let (mut told, untold) = (deployment(&open), deployment(&plain));
    let env = told.pointer_mut("/spec/template/spec/containers/0/env").unwrap();
    let last = env.as_array_mut().unwrap().pop().unwrap();
    assert_eq!(last, json!({"name": "RAYGATE_FAIL_OPEN", "value": "true"}));
    assert_eq!(told, untold);
    assert_eq!(without(&plain, &["Deployment"]), without(&kind, &["Deployment"]));
    assert_eq!(of_kind(&kind, "Deployment")["spec"]["replicas"], 1);
}

#[test]
fn the_base_renders() {
    let Some(kubectl) = kubectl() else { return };
    let objects = kustomize(&kubectl, &repository("deploy/base"));
    assert_eq!(sorted(objects), sorted(deployed()));
}

#[test]
fn certs_deploys_with_its_certificates() {
    let Some(kubectl) = kubectl() else { return };
    let copy = copied();
    let out = copy.path().join("certs");
    certs(&["--out", out.to_str().unwrap()]).unwrap();
    let mut objects = kustomize(&kubectl, &out);

    let secret = of_kind(&objects, "Secret");
    assert_eq!(secret["type"], "kubernetes.io/tls");
    for file in ["ca.crt", "tls.crt", "tls.key"] {
        assert_eq!(
            decode(&secret["data"][file]),
            fs::read(out.join(file)).unwrap(),
            "{file}"
        );
    }
    let pod = &of_kind(&objects, "Deployment")["spec"]["template"]["spec"];
    assert_eq!(pod["volumes"][0]["secret"]["secretName"], secret["metadata"]["name"]);

    let ca = out.join("ca.crt");
    let mut printed = documents(&manifests(&["--ca-file", ca.to_str().unwrap()]));
    objects.retain(|object| object["kind"] != "Secret");
    for object in objects.iter_mut().chain(&mut printed) {
        if let Some(bundle) = object.pointer_mut("/webhooks/0/clientConfig/caBundle") {
            assert_eq!(decode(&bundle.take()), fs::read(&ca).unwrap());
        }
    }
    assert_eq!(sorted(objects), sorted(printed));
}
