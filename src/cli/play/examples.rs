//! What the page offers to begin with: objects, policies of the library, and facts.

use serde_json::{Value, json};

use crate::json::Tree;
use crate::ray::kind::{KINDS, RAY_JOB};
use crate::yaml;

use super::super::sample;

/// A text of this repository: its title and the text.
type Example = (&'static str, &'static str);

/// Objects that somebody wrote by hand.
const WRITTEN: &[Example] = &[
    (
        "Rejected: two worker groups with one name",
        include_str!("../../../docs/examples/1-rejected.yaml"),
    ),
    (
        "Repaired: limits below requests",
        include_str!("../../../docs/examples/2-repaired.yaml"),
    ),
    (
        "Completed: nothing but the workload",
        include_str!("../../../docs/examples/3-completed.yaml"),
    ),
];

/// RayJobs as Flyte sends them.
const OF_FLYTE: &[Example] = &[
    (
        "GPU training",
        include_str!("../../../tests/rayjobs/seed-01-gpu-training.json"),
    ),
    (
        "Heterogeneous worker groups",
        include_str!("../../../tests/rayjobs/seed-02-heterogeneous-groups.json"),
    ),
    (
        "Autoscaling",
        include_str!("../../../tests/rayjobs/seed-03-autoscaling.json"),
    ),
    (
        "Pod template",
        include_str!("../../../tests/rayjobs/seed-04-pod-template.json"),
    ),
    (
        "Pod template, dropped as written",
        include_str!("../../../tests/rayjobs/seed-04x-pod-template-dropped-as-written.json"),
    ),
    (
        "Dynamic sizing",
        include_str!("../../../tests/rayjobs/seed-05-dynamic-sizing.json"),
    ),
    (
        "Ray Data pipeline",
        include_str!("../../../tests/rayjobs/seed-06-ray-data-pipeline.json"),
    ),
    (
        "Ray Serve validation",
        include_str!("../../../tests/rayjobs/seed-07-ray-serve-validation.json"),
    ),
    (
        "Full training pipeline",
        include_str!("../../../tests/rayjobs/seed-08-full-training-pipeline.json"),
    ),
    (
        "Runtime environment",
        include_str!("../../../tests/rayjobs/seed-09-runtime-env.json"),
    ),
];

/// Policies to add: the name of the file and its text.
const LIBRARY: &[Example] = &[
    (
        "policies/platform.yaml",
        include_str!("../../../policies/platform.yaml.example"),
    ),
    (
        "policies/library/air-gapped/air-gapped.yaml",
        include_str!("../../../policies/library/air-gapped/air-gapped.yaml"),
    ),
    (
        "policies/library/amd/amd.yaml",
        include_str!("../../../policies/library/amd/amd.yaml"),
    ),
    (
        "policies/library/cost-caps/cost-caps.yaml",
        include_str!("../../../policies/library/cost-caps/cost-caps.yaml"),
    ),
    (
        "policies/library/fits-a-node/fits-a-node.yaml",
        include_str!("../../../policies/library/fits-a-node/fits-a-node.yaml"),
    ),
    (
        "policies/library/kueue/kueue.yaml",
        include_str!("../../../policies/library/kueue/kueue.yaml"),
    ),
    (
        "policies/library/neuron/neuron.yaml",
        include_str!("../../../policies/library/neuron/neuron.yaml"),
    ),
    (
        "policies/library/nvidia-gke/nvidia-gke.yaml",
        include_str!("../../../policies/library/nvidia-gke/nvidia-gke.yaml"),
    ),
    (
        "policies/library/nvidia-karpenter/nvidia-karpenter.yaml",
        include_str!("../../../policies/library/nvidia-karpenter/nvidia-karpenter.yaml"),
    ),
    (
        "policies/library/nvidia-mig/nvidia-mig.yaml",
        include_str!("../../../policies/library/nvidia-mig/nvidia-mig.yaml"),
    ),
    (
        "policies/library/nvidia/nvidia.yaml",
        include_str!("../../../policies/library/nvidia/nvidia.yaml"),
    ),
    (
        "policies/library/production/production.yaml",
        include_str!("../../../policies/library/production/production.yaml"),
    ),
    (
        "policies/library/slim-images/slim-images.yaml",
        include_str!("../../../policies/library/slim-images/slim-images.yaml"),
    ),
    (
        "policies/library/spot/spot.yaml",
        include_str!("../../../policies/library/spot/spot.yaml"),
    ),
    (
        "policies/library/tpu-multi-host/tpu-multi-host.yaml",
        include_str!("../../../policies/library/tpu-multi-host/tpu-multi-host.yaml"),
    ),
    (
        "policies/library/tpu-single-host/tpu-single-host.yaml",
        include_str!("../../../policies/library/tpu-single-host/tpu-single-host.yaml"),
    ),
];

/// Facts about a small cluster, as `kubectl get -o yaml` prints them.
pub(super) const FACTS: &str = "\
apiVersion: v1
kind: List
items:
  - apiVersion: scheduling.k8s.io/v1
    kind: PriorityClass
    metadata: {name: training}
    value: 1000
  - apiVersion: v1
    kind: ResourceQuota
    metadata: {name: team, namespace: mlplatform-production}
    spec: {hard: {requests.nvidia.com/gpu: \"2\"}}
    status: {hard: {requests.nvidia.com/gpu: \"2\"}, used: {requests.nvidia.com/gpu: \"0\"}}
";

/// The objects: group, title and text of each.
pub(super) fn objects() -> Vec<Value> {
    let written = WRITTEN
        .iter()
        .map(|(title, text)| example("Written by hand", title, text));
    let of_flyte = OF_FLYTE
        .iter()
        .map(|(title, text)| example("As Flyte sends them", title, &as_yaml(text)));
    let training = Tree::read(sample::RAYJOB).unwrap_or_default();
    let others = KINDS.into_iter().filter(|kind| !kind.is(&RAY_JOB)).map(|kind| {
        let title = format!("GPU training as a {}", kind.name);
        example("Other kinds", &title, &yaml::emit(&kind.from_job(training.root())))
    });
    written.chain(of_flyte).chain(others).collect()
}

/// The policy files: name and text of each.
pub(super) fn policies() -> Vec<Value> {
    let files = LIBRARY.iter();
    files.map(|(name, text)| json!({"name": name, "text": text})).collect()
}

fn example(group: &str, title: &str, text: &str) -> Value {
    json!({"group": group, "title": title, "text": text})
}

/// A text of JSON as YAML; what is no JSON stays as it is.
pub(super) fn as_yaml(text: &str) -> String {
    serde_json::from_str(text).map_or_else(|_| text.to_owned(), |value: Value| yaml::emit(&value))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_rayjob_and_every_policy_of_the_library_is_offered() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert_eq!(
            fs::read_dir(root.join("tests/rayjobs")).unwrap().count(),
            OF_FLYTE.len()
        );
        for folder in fs::read_dir(root.join("policies/library")).unwrap() {
            let folder = folder.unwrap();
            if folder.path().is_dir() {
                let name = folder.file_name().into_string().unwrap();
                let file = format!("policies/library/{name}/{name}.yaml");
                assert!(LIBRARY.iter().any(|(known, _)| *known == file), "{file} is not offered");
            }
        }
    }
}
