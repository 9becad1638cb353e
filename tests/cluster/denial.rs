//! A refused RayJob as its author's client gets the refusal.

use serde_json::{Value, json};

use crate::api::Answer;
use crate::cluster::{Cluster, rayjobs};
use crate::gate::{Gate, WEBHOOK};
use crate::nodes::create_pod;
use crate::rayjobs::{NVIDIA, load, name, ray_pod, with_duplicate_group};

/// What Flyte's parser takes for something else than a refusal.
const STEERING_WORDS: [&str; 5] = [
    "exceeded quota",
    "etcdserver:",
    "already exists",
    "requested:",
    "limited:",
];

/// Asserts that an answer is a denial of ours, complete and well formed; returns the text after the API server's own.
#[track_caller]
pub(crate) fn assert_denied(answer: &Answer) -> &str {
    assert_eq!((answer.code, answer.reason()), (403, "Forbidden"), "{answer}");
    assert_eq!(answer.body["code"], 403);
    let prefix = format!("admission webhook \"{WEBHOOK}\" denied the request: ");
    let text = answer
        .message()
        .strip_prefix(&prefix)
        .unwrap_or_else(|| panic!("{}", answer.message()));
    assert!(!causes(answer).is_empty(), "{answer}");
    for cause in causes(answer) {
        for part in ["reason", "message", "field"] {
            assert!(
                cause[part].as_str().is_some_and(|it| !it.is_empty()),
                "{part} of {cause:#}"
            );
        }
    }
    let lower = answer.body.to_string().to_lowercase();
    for words in STEERING_WORDS {
        assert!(!lower.contains(words), "`{words}` in {lower}");
    }
    text
}

fn causes(answer: &Answer) -> &[Value] {
    answer.body["details"]["causes"].as_array().map_or(&[], Vec::as_slice)
}

/// Status code, reason, causes and text, and nothing stored.
pub(crate) fn a_denial_reaches_the_client_whole(cluster: &Cluster) {
    let _gate = Gate::open(cluster);
    let job = with_duplicate_group(load("seed-02"));
    let answer = cluster.api.post(&rayjobs(), &job);
    let text = assert_denied(&answer);
    let first_line = text.lines().next().unwrap_or_default();
    assert!(
        first_line.contains("gpu-workers"),
        "the first line names the group: {text}"
    );
    let fields: Vec<_> = causes(&answer)
        .iter()
        .filter_map(|cause| cause["field"].as_str())
        .collect();
    assert!(
        fields.iter().any(|field| field.contains("workerGroupSpecs")),
        "{fields:?}"
    );
    assert_eq!(cluster.rayjob(name(&job)).code, 404);
}

/// Two mistakes of different kinds: the author hears of both at once.
pub(crate) fn all_findings_come_at_once(cluster: &Cluster) {
    let gate = Gate::open(cluster);
    let mut job = with_duplicate_group(load("seed-02"));
    job["spec"]["rayClusterSpec"]["workerGroupSpecs"][1]["template"]["spec"]["containers"][0]["image"] =
        json!("my image");
    let answer = gate.probe(&job);
    assert_denied(&answer);
    let of = |field: &str| {
        causes(&answer)
            .iter()
            .any(|it| it["field"].as_str().is_some_and(|it| it.contains(field)))
    };
    assert!(of("workerGroupSpecs[1]") && of("workerGroupSpecs[2]"), "{answer}");
}

/// A GPU limit unlike its request is a pod that the API server refuses: whatever raygate does, none is stored.
pub(crate) fn no_unequal_gpu_amounts_are_stored(cluster: &Cluster) {
    let gate = Gate::open(cluster);
    for (request, limit) in [("1", "2"), ("2", "1")] {
        let mut job = load("seed-02");
        let worker = &mut job["spec"]["rayClusterSpec"]["workerGroupSpecs"][0]["template"]["spec"]["containers"][0];
        worker["resources"]["requests"][NVIDIA] = json!(request);
        worker["resources"]["limits"][NVIDIA] = json!(limit);
        assert_eq!(
            create_pod(cluster, "raw-worker", ray_pod(&job, "gpu-workers").template).code,
            422
        );
        let answer = gate.probe(&job);
        if answer.code == 201 {
            create_pod(cluster, "worker", ray_pod(&answer.body, "gpu-workers").template).expect(201);
            cluster.clear();
        } else {
            assert_denied(&answer);
        }
    }
}

/// An author's own text in a denial cannot make Flyte wait for a quota, or take the job for created.
pub(crate) fn no_text_of_the_author_steers_flyte(cluster: &Cluster) {
    let gate = Gate::open(cluster);
    for words in STEERING_WORDS {
        let mut job = load("seed-02");
        job["spec"]["rayClusterSpec"]["workerGroupSpecs"][0]["groupName"] = json!(format!("{words} limits.cpu=x"));
        assert_denied(&gate.probe(&with_duplicate_group(job)));
    }
}
