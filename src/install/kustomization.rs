//! The kustomizations of `deploy/` that `raygate manifests` prints, put together as kustomize does it.
//!
//! Understood is what they use: `resources`, `components`, and JSON patches with a target. Tests hold the result against
//! that of kubectl.

use serde_json::Value;

use crate::diag::{self, Sources};
use crate::yaml::{self, Limits, Reading};

/// Files of `deploy/` and their text.
macro_rules! embedded {
    ($($path:literal),+ $(,)?) => {
        &[$(($path, include_str!(concat!("../../deploy/", $path)))),+]
    };
}

const FILES: &[(&str, &str)] = embedded![
    "base/deployment.yaml",
    "base/kustomization.yaml",
    "base/namespace.yaml",
    "base/networkpolicy.yaml",
    "base/pdb.yaml",
    "base/service.yaml",
    "base/serviceaccount.yaml",
    "base/webhooks.yaml",
    "components/autoscaler/hpa.yaml",
    "components/autoscaler/kustomization.yaml",
    "components/autoscaler/no-replicas.patch.yaml",
    "components/client-certificates/deployment.patch.yaml",
    "components/client-certificates/kustomization.yaml",
    "components/fail-open/deployment.patch.yaml",
    "components/fail-open/fail-open.patch.yaml",
    "components/fail-open/kustomization.yaml",
    "components/monitoring/kustomization.yaml",
    "components/monitoring/servicemonitor.yaml",
    "components/observer/deployment.patch.yaml",
    "components/observer/kustomization.yaml",
    "components/observer/networkpolicy.patch.yaml",
    "components/observer/rbac.yaml",
    "overlays/cert-manager/certificates.yaml",
    "overlays/cert-manager/inject-ca.patch.yaml",
    "overlays/cert-manager/kustomization.yaml",
    "overlays/self-managed/admission-policies.yaml",
    "overlays/self-managed/deployment.patch.yaml",
    "overlays/self-managed/kustomization.yaml",
    "overlays/self-managed/networkpolicy.patch.yaml",
    "overlays/self-managed/rbac.yaml",
];

/// The directory that generates the ConfigMap of the policies, which the caller brings.
const POLICIES: &str = "../policies";

/// A file of `deploy/` that does not fit the others.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a defect of this raygate: deploy/{file}: {problem}")]
pub struct BuildError {
    file: String,
    problem: String,
}

/// The objects of a directory below `deploy/`, such as `overlays/cert-manager`.
pub(super) fn build(directory: &str, policies: &Value) -> Result<Vec<Value>, BuildError> {
    let mut objects = Vec::new();
    add_component(directory, policies, &mut objects)?;
    Ok(objects)
}

/// Adds the objects of a directory to others, and then applies its patches to all of them: a component differs from
/// other kustomizations in nothing else.
pub(super) fn add_component(directory: &str, policies: &Value, objects: &mut Vec<Value>) -> Result<(), BuildError> {
    let path = join(directory, "kustomization.yaml");
    for kustomization in read(&path)? {
        for resource in strings(&kustomization, "resources") {
            let resource = join(directory, resource);
            if resource == POLICIES {
                objects.push(policies.clone());
            } else if resource.ends_with(".yaml") {
                objects.extend(read(&resource)?);
            } else {
                objects.extend(build(&resource, policies)?);
            }
        }
        for component in strings(&kustomization, "components") {
            add_component(&join(directory, component), policies, objects)?;
        }
        let patches = kustomization.get("patches").and_then(Value::as_array);
        for patch in patches.into_iter().flatten() {
            let file = join(directory, patch["path"].as_str().unwrap_or_default());
            apply(&file, &patch["target"], objects)?;
        }
    }
    Ok(())
}

/// Applies a file of operations to the objects of the target's kind and name, of which there must be one.
fn apply(file: &str, target: &Value, objects: &mut [Value]) -> Result<(), BuildError> {
    let error = |problem: String| BuildError {
        file: file.to_owned(),
        problem,
    };
    let operations = read(file)?.into_iter().next().unwrap_or_default();
    let patch: json_patch::Patch = serde_json::from_value(operations).map_err(|problem| error(problem.to_string()))?;
    let object = objects
        .iter_mut()
        .find(|object| object["kind"] == target["kind"] && object.pointer("/metadata/name") == target.get("name"))
        .ok_or_else(|| error(format!("nothing is the target {target}")))?;
    json_patch::patch(object, &patch).map_err(|problem| error(problem.to_string()))
}

/// The documents of a file.
fn read(path: &str) -> Result<Vec<Value>, BuildError> {
    let error = |problem: String| BuildError {
        file: path.to_owned(),
        problem,
    };
    let (_, text) = FILES
        .iter()
        .find(|(name, _)| *name == path)
        .ok_or_else(|| error("is not built in".to_owned()))?;
    let mut sources = Sources::new();
    let (_, nodes, diagnostics) = yaml::read(
        &mut sources,
        path,
        text.as_bytes(),
        Reading::Kubectl,
        &Limits::manifests(),
    );
    match diagnostics.first() {
        Some(first) if diag::any_error(&diagnostics) => Err(error(first.concise(&sources))),
        _ => Ok(nodes.iter().map(yaml::Node::to_json).collect()),
    }
}

fn strings<'a>(kustomization: &'a Value, key: &str) -> impl Iterator<Item = &'a str> {
    kustomization
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

/// A path relative to a directory, with each `..` resolved where that is possible.
fn join(directory: &str, path: &str) -> String {
    let mut steps: Vec<&str> = directory.split('/').collect();
    for step in path.split('/') {
        if step == ".." && steps.last().is_some_and(|last| *last != "..") {
            steps.pop();
        } else {
            steps.push(step);
        }
    }
    steps.join("/")
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use clap::ValueEnum as _;

    use super::*;
    use crate::install::Component;

    fn yaml_files(directory: &Path, files: &mut Vec<String>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                yaml_files(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "yaml") {
                let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
                files.push(path.strip_prefix(deploy).unwrap().to_str().unwrap().to_owned());
            }
        }
    }

    #[test]
    fn every_file_is_built_in() {
        let mut files = Vec::new();
        let components = Component::value_variants()
            .iter()
            .map(|component| component.directory());
        for directory in ["base", "overlays/cert-manager", "overlays/self-managed"]
            .into_iter()
            .chain(components)
        {
            let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(directory);
            yaml_files(&directory, &mut files);
        }
        files.sort();
        let built_in: Vec<_> = FILES.iter().map(|(name, _)| *name).collect();
        assert_eq!(built_in, files);
    }

    /// A key that is not understood would be passed over in silence.
    #[test]
    fn kustomizations_use_what_is_understood() {
        for (name, _) in FILES.iter().filter(|(name, _)| name.ends_with("kustomization.yaml")) {
            let [kustomization] = &read(name).unwrap()[..] else {
                panic!("{name} is one document");
            };
            for key in kustomization.as_object().unwrap().keys() {
                let known = ["apiVersion", "kind", "resources", "components", "patches"];
                assert!(known.contains(&key.as_str()), "{name}: {key}");
            }
            for patch in kustomization["patches"].as_array().into_iter().flatten() {
                let target = patch["target"].as_object().unwrap();
                assert_eq!(target.keys().collect::<Vec<_>>(), ["kind", "name"], "{name}");
                assert_eq!(patch.as_object().unwrap().len(), 2, "{name}");
            }
        }
    }

    #[test]
    fn paths_are_resolved() {
        assert_eq!(join("base", "../../policies"), POLICIES);
        assert_eq!(join("overlays/kind", "../self-managed"), "overlays/self-managed");
        assert_eq!(join("overlays/kind", "../../base"), "base");
    }
}
