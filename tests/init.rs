//! `raygate init`: what it drafts is loaded, and its tests pass, whatever the facts are.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// Runs raygate in a folder, with this on standard input.
fn raygate(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut raygate = Command::new(env!("CARGO_BIN_EXE_raygate"))
        .current_dir(folder)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that reads nothing has closed its end.
    let _ = raygate.stdin.take().unwrap().write_all(input.as_bytes());
    raygate.wait_with_output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&*output.stdout, &*output.stderr].concat()).into_owned()
}

/// Drafts policies from facts, runs their tests, and returns the text of a file.
fn drafted(kinds: &str, file: &str) -> String {
    let folder = TempDir::new().unwrap();
    let facts = format!("apiVersion: raygate.dev/v1beta1\nkind: ClusterFacts\nkinds: {kinds}\n");
    let drafted = raygate(folder.path(), &["init", "mine", "--facts", "-"], &facts);
    assert!(drafted.status.success(), "{kinds}: {}", text(&drafted));
    assert!(drafted.stderr.is_empty(), "{kinds}: {}", text(&drafted));
    let tested = raygate(folder.path(), &["test", "--coverage", "mine"], "");
    assert!(tested.status.success(), "{kinds}: {}", text(&tested));
    let linted = raygate(folder.path(), &["check", "--policies", "mine"], "");
    assert!(linted.status.success(), "{kinds}: {}", text(&linted));
    // What is there is never overwritten.
    let again = raygate(folder.path(), &["init", "mine", "--facts", "-"], &facts);
    assert_eq!(again.status.code(), Some(2), "{}", text(&again));
    fs::read_to_string(folder.path().join("mine").join(file)).unwrap_or_default()
}

const QUEUES: &str = "{
  ServiceAccount: {items: [{metadata: {namespace: flyte, name: flytepropeller}}]},
  LocalQueue: {items: [
    {metadata: {namespace: ml-a, name: ray-gpu}, spec: {clusterQueue: gpu}},
    {metadata: {namespace: ml-b, name: ray-gpu}, spec: {clusterQueue: gpu}},
    {metadata: {namespace: ml-b, name: ray-cpu}, spec: {clusterQueue: cpu}}]},
  ResourceFlavor: {items: [
    {metadata: {name: a100}, spec: {nodeLabels: {nvidia.com/gpu.product: NVIDIA-A100},
      nodeTaints: [{key: nvidia.com/gpu, value: present, effect: NoSchedule}]}}]},
  ClusterQueue: {items: [
    {metadata: {name: gpu}, spec: {namespaceSelector: {}, resourceGroups: [{coveredResources: [nvidia.com/gpu],
      flavors: [{name: a100, resources: [{name: nvidia.com/gpu, nominalQuota: 16}]}]}]}},
    {metadata: {name: cpu}, spec: {namespaceSelector: {}}}]}}";

#[test]
fn queues_and_flavors_become_policies() {
    let platform = drafted(QUEUES, "platform.yaml");
    for line in [
        "    # ResourceFlavor a100 of ClusterQueue gpu\n    a100:\n",
        "nvidia.com/gpu.product: NVIDIA-A100\n",
        "    - system:serviceaccount:flyte:flytepropeller\n",
    ] {
        assert!(platform.contains(line), "{line:?} is not in\n{platform}");
    }
    let policy = drafted(QUEUES, "policy.yaml");
    assert!(policy.contains("maxGpusPerJob: 16}"), "{policy}");
    let queues = drafted(QUEUES, "queues.yaml");
    assert_eq!(queues.matches("mode: Preview\n").count(), 3, "{queues}");
    assert!(queues.contains("when: job.gpus > 0\n"), "{queues}");
    let cases = drafted(QUEUES, "tests/queues.test.yaml");
    assert_eq!(cases.matches("exact: true\n").count(), 3, "{cases}");
    let case = drafted(QUEUES, "tests/a100.test.yaml");
    assert!(case.contains(".nodeSelector"), "{case}");
    assert!(case.contains("want:\n  verdict: Allow\n"), "{case}");
}

#[test]
fn nodes_become_kinds_of_accelerators() {
    let nodes = "{Node: {items: [
      {metadata: {name: a, labels: {nvidia.com/gpu.product: NVIDIA-L4}}, spec: {taints: [{key: gpu, effect: NoSchedule}]},
        status: {allocatable: {cpu: 8, nvidia.com/gpu: 1}}},
      {metadata: {name: b, labels: {node.kubernetes.io/instance-type: inf2.xlarge}},
        status: {allocatable: {cpu: 4, aws.amazon.com/neuron: 1}}},
      {metadata: {name: c}, status: {allocatable: {cpu: 4}}}]}}";
    let platform = drafted(nodes, "platform.yaml");
    for line in [
        "    # 1 node, each with 1 of nvidia.com/gpu at most\n    nvidia-l4:\n",
        "        nvidia.com/gpu.product: NVIDIA-L4\n",
        "        key: gpu\n",
        "    inf2-xlarge:\n",
    ] {
        assert!(platform.contains(line), "{line:?} is not in\n{platform}");
    }
}

#[test]
fn any_facts_lead_to_policies_that_load() {
    let plain = drafted("{}", "platform.yaml");
    assert!(plain.contains("nvidia.com/gpu"), "{plain}");
    // Names that Kubernetes would not take.
    let strange = QUEUES
        .replace("a100", r#""a\n- b: {c""#)
        .replace("ml-b", "'*'")
        .replace("ray-cpu", "\"on\"");
    drafted(&strange, "platform.yaml");
    let no_facts = raygate(
        Path::new("."),
        &["init", "/nowhere/at/all", "--facts", "-"],
        "kind: Pod",
    );
    assert_eq!(no_facts.status.code(), Some(2));
}
