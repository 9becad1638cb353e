//! What kubectl makes of the kustomizations.

use std::{
    env, fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::Value;

use crate::{certs, deployed, documents, manifests, of_kind, repository, sorted};

/// `RAYGATE_KUBECTL`, which then has to work, or a kubectl on the path, if there is one.
fn kubectl() -> Option<PathBuf> {
    let on_path = || {
        let path = env::var_os("PATH")?;
        env::split_paths(&path)
            .map(|directory| directory.join("kubectl"))
            .find(|file| file.is_file())
    };
    let kubectl = env::var_os("RAYGATE_KUBECTL").map(PathBuf::from).or_else(on_path);
    if kubectl.is_none() {
        // Written past the test harness, which keeps the output of a passing test to itself.
        let told = b"SKIPPED: kustomize is not tried; put a kubectl on the path, or name one in RAYGATE_KUBECTL\n";
        std::io::stderr().write_all(told).unwrap();
    }
    kubectl
}

fn kustomize(kubectl: &Path, directory: &Path) -> Vec<Value> {
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
    let copy = tempfile::tempdir().unwrap();
    for directory in ["deploy", "policies", "certs"] {
        fs::create_dir(copy.path().join(directory)).unwrap();
        for file in fs::read_dir(repository(directory))
            .unwrap()
            .map(|entry| entry.unwrap().path())
        {
            if file.extension().is_some_and(|extension| extension == "yaml") {
                fs::copy(&file, copy.path().join(directory).join(file.file_name().unwrap())).unwrap();
            }
        }
    }
    copy
}

#[test]
fn deploy_renders() {
    let Some(kubectl) = kubectl() else { return };
    let objects = kustomize(&kubectl, &repository("deploy"));
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
