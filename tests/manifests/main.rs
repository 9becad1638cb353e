//! `deploy/`, `raygate certs` and `raygate manifests`: what they write is what a cluster takes, and no more.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may panic, and a benchmark prints its result"
)]

mod certs;
mod chart;
mod command;
mod deploy;
#[path = "../tools/go.rs"]
mod go;
#[path = "../tools/helm.rs"]
mod helm;
mod image;
#[path = "../tools/kubectl.rs"]
mod kubectl;
mod kustomize;

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Parser as _;
use jiff::Timestamp;
use raygate::cli::{
    certs::{self as certs_command, Error as CertsError},
    manifests::{self as manifests_command, Error as ManifestsError},
};
use serde_json::{Map, Value, json};

/// A moment in September 2026, in seconds since 1970.
const NOW: i64 = 1_790_000_000;

#[derive(clap::Parser)]
struct CertsCommand {
    #[command(flatten)]
    args: certs_command::Args,
}

#[derive(clap::Parser)]
struct ManifestsCommand {
    #[command(flatten)]
    args: manifests_command::Args,
}

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn documents(yaml: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(yaml).unwrap()
}

fn certs(arguments: &[&str]) -> Result<String, CertsError> {
    let command = CertsCommand::parse_from([&["certs"], arguments].concat());
    let mut out = Vec::new();
    certs_command::run(&command.args, now(), &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

/// Runs `raygate manifests` with these policy files.
fn manifests_of(policies: &[(String, String)], arguments: &[&str]) -> Result<String, ManifestsError> {
    let command = ManifestsCommand::parse_from([&["manifests"], arguments].concat());
    let policies: Vec<_> = policies.iter().map(|(name, text)| (&**name, &**text)).collect();
    let mut out = Vec::new();
    manifests_command::run(&command.args, &policies, &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

/// Runs `raygate manifests --check` on a text, and returns the exit code and what was printed.
fn check(yaml: &str) -> Result<(u8, String), ManifestsError> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), yaml).unwrap();
    let command = ManifestsCommand::parse_from(["manifests", "--check", file.path().to_str().unwrap()]);
    let mut out = Vec::new();
    let code = manifests_command::run(&command.args, &[], &mut out)?;
    Ok((code, String::from_utf8(out).unwrap()))
}

/// Runs `raygate manifests` with the policies that it embeds.
fn manifests(arguments: &[&str]) -> String {
    let embedded = raygate::engine::bundle::EMBEDDED.iter();
    let policies: Vec<_> = embedded
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect();
    manifests_of(&policies, arguments).unwrap()
}

/// A directory with the files of `raygate certs`, and the path of its `ca.crt`.
fn made_certs() -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    certs(&["--out", directory.path().to_str().unwrap()]).unwrap();
    let ca = directory.path().join("ca.crt").to_str().unwrap().to_owned();
    (directory, ca)
}

/// The policy files that `policies/kustomization.yaml` puts into the ConfigMap.
fn policies() -> Vec<(String, String)> {
    let kustomization = &documents(&read(&repository("policies/kustomization.yaml")))[0];
    let files = kustomization["configMapGenerator"][0]["files"].as_array().unwrap();
    let file = |name: &Value| {
        let name = name.as_str().unwrap();
        (name.to_owned(), read(&repository("policies").join(name)))
    };
    files.iter().map(file).collect()
}

/// The objects of `deploy/base`, as its files and the generator of the ConfigMap say.
fn deployed() -> Vec<Value> {
    let kustomization = &documents(&read(&repository("deploy/base/kustomization.yaml")))[0];
    let objects = |resource: &Value| match resource.as_str().unwrap() {
        "../../policies" => vec![config_map()],
        file => documents(&read(&repository("deploy/base").join(file))),
    };
    let resources = kustomization["resources"].as_array().unwrap();
    resources.iter().flat_map(objects).collect()
}

fn config_map() -> Value {
    let policies = policies().into_iter();
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "raygate-policies",
            "namespace": "raygate-system",
            "labels": {"app.kubernetes.io/name": "raygate"},
        },
        "data": policies.map(|(name, text)| (name, Value::from(text))).collect::<Map<_, _>>(),
    })
}

/// The objects by kind and name, so that their order does not matter.
fn sorted(mut objects: Vec<Value>) -> Vec<Value> {
    objects.sort_by_key(|object| format!("{} {}", object["kind"], object["metadata"]["name"]));
    objects
}

fn of_kind<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    let found: Vec<_> = objects.iter().filter(|object| object["kind"] == kind).collect();
    assert_eq!(found.len(), 1, "objects of kind {kind}");
    found[0]
}

/// The one element of a list.
fn only(list: &Value) -> &Value {
    let list = list.as_array().unwrap();
    assert_eq!(list.len(), 1, "{list:?}");
    &list[0]
}
