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

/// Nodes with four GPUs, these labels and these taints.
fn gpu_nodes(labels: &str, taints: &str) -> String {
    format!(
        "{{metadata: {{labels: {{{labels}}}}}, spec: {{taints: [{taints}]}},
        status: {{allocatable: {{cpu: 16, memory: 64Gi, nvidia.com/gpu: 4}}}}}}"
    )
}

#[test]
fn kinds_whose_names_collide_are_all_kept_and_none_is_the_default() {
    let long = "A".repeat(63);
    for (labels, names) in [
        (
            vec![
                "cloud.google.com/gke-accelerator: nvidia-l4",
                "nvidia.com/gpu.product: NVIDIA-L4",
            ],
            vec!["nvidia-l4".to_owned(), "nvidia-l4-2".to_owned()],
        ),
        (
            vec![
                "nvidia.com/gpu.product: A_B",
                "nvidia.com/gpu.product: a-b",
                "nvidia.com/gpu.product: a.b",
                "nvidia.com/gpu.product: A.B",
            ],
            ["a-b", "a-b-2", "a-b-3", "a-b-4"].map(str::to_owned).to_vec(),
        ),
        (
            vec!["nvidia.com/gpu.product: plain", "nvidia.com/gpu.product: '---'"],
            vec!["plain-2".to_owned(), "nvidia-com-gpu".to_owned()],
        ),
        (
            vec![
                &format!("nvidia.com/gpu.product: {long}"),
                &format!("nvidia.com/gpu.product: {}", long.to_lowercase()),
            ],
            vec!["a".repeat(63), format!("{}-2", "a".repeat(61))],
        ),
    ] {
        let nodes: Vec<String> = labels.iter().map(|labels| gpu_nodes(labels, "")).collect();
        let kinds = format!("{{Node: {{items: [{}]}}}}", nodes.join(", "));
        let platform = drafted(&kinds, "platform.yaml");
        for name in &names {
            assert!(
                platform.contains(&format!("\n    {name}:\n")),
                "{name} is not in\n{platform}"
            );
        }
        assert_eq!(
            platform.matches("resource: nvidia.com/gpu\n").count(),
            names.len(),
            "{platform}"
        );
        let policy = drafted(&kinds, "policy.yaml");
        assert!(!policy.contains("  accelerators:"), "{policy}");
    }
}

#[test]
fn nodes_of_karpenter_are_selected_by_labels_that_karpenter_knows() {
    const LATE: &str = "karpenter.sh/nodepool: gpu, nvidia.com/gpu.product: NVIDIA-H100";
    let kinds = |labels: &str, pool: &str| {
        let pool = format!("{{items: [{{metadata: {{name: gpu}}, spec: {{template: {pool}}}}}]}}");
        format!("{{NodePool: {pool}, Node: {{items: [{}]}}}}", gpu_nodes(labels, ""))
    };
    const EMPTY: &str = "{spec: {requirements: []}}";
    for (labels, pool, selected) in [
        (
            format!("{LATE}, karpenter.k8s.aws/instance-gpu-name: h100"),
            EMPTY,
            Some("karpenter.k8s.aws/instance-gpu-name: h100"),
        ),
        (
            format!("{LATE}, node.kubernetes.io/instance-type: p5.48xlarge"),
            EMPTY,
            Some("node.kubernetes.io/instance-type: p5.48xlarge"),
        ),
        (LATE.to_owned(), EMPTY, None),
        (
            LATE.to_owned(),
            "{metadata: {labels: {nvidia.com/gpu.product: NVIDIA-H100}}, spec: {}}",
            Some("nvidia.com/gpu.product: NVIDIA-H100"),
        ),
    ] {
        let platform = drafted(&kinds(&labels, pool), "platform.yaml");
        let found = platform
            .split_once("nodeSelector:\n")
            .map(|(_, rest)| rest.lines().next().unwrap().trim());
        assert_eq!(found, selected, "{labels}: {platform}");
    }
}

#[test]
fn a_draft_tolerates_what_the_shipped_policies_tolerate_and_the_taints_of_the_nodes() {
    let queue = |flavors: &[&str]| {
        let quotas: Vec<String> = flavors
            .iter()
            .map(|name| format!("{{name: {name}, resources: [{{name: nvidia.com/gpu, nominalQuota: 4}}]}}"))
            .collect();
        format!(
            "ClusterQueue: {{items: [{{metadata: {{name: cq}}, spec: {{namespaceSelector: {{}}, resourceGroups: [
              {{coveredResources: [nvidia.com/gpu], flavors: [{}]}}]}}}}]}}",
            quotas.join(", ")
        )
    };
    let nodes = [
        gpu_nodes(
            "tier: spot",
            "{key: nvidia.com/gpu, value: 'true', effect: NoSchedule}, {key: team, effect: NoSchedule}",
        ),
        gpu_nodes(
            "tier: on-demand",
            "{key: nvidia.com/gpu, value: 'true', effect: NoSchedule}",
        ),
    ]
    .join(", ");
    // An unlabelled flavor is for all nodes.
    let one = format!(
        "{{Node: {{items: [{nodes}]}}, ResourceFlavor: {{items: [{{metadata: {{name: default-flavor}}, spec: {{}}}}]}}, {}}}",
        queue(&["default-flavor"])
    );
    let platform = drafted(&one, "platform.yaml");
    assert!(platform.contains("key: nvidia.com/gpu\n"), "{platform}");
    assert!(platform.contains("key: team\n"), "{platform}");
    // Flavors by other labels, with nodes and without.
    for nodes in [nodes.as_str(), ""] {
        let flavor = |name: &str| format!("{{metadata: {{name: {name}}}, spec: {{nodeLabels: {{tier: {name}}}}}}}");
        let two = format!(
            "{{Node: {{items: [{nodes}]}}, ResourceFlavor: {{items: [{}, {}]}}, {}}}",
            flavor("spot"),
            flavor("on-demand"),
            queue(&["spot", "on-demand"])
        );
        let platform = drafted(&two, "platform.yaml");
        assert_eq!(platform.matches("key: nvidia.com/gpu\n").count(), 2, "{platform}");
        assert_eq!(
            platform.matches("key: team\n").count(),
            usize::from(!nodes.is_empty()),
            "{platform}"
        );
    }
}

#[test]
fn taints_that_pass_are_not_tolerated() {
    let node = gpu_nodes(
        "cloud.google.com/gke-accelerator: nvidia-l4",
        "{key: nvidia.com/gpu, effect: NoSchedule}, {key: cloud.google.com/impending-node-termination, effect: NoSchedule}",
    );
    let platform = drafted(&format!("{{Node: {{items: [{node}]}}}}"), "platform.yaml");
    assert_eq!(platform.matches("key: ").count(), 1, "{platform}");
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
