//! What a review takes of memory: the trees of the object and of the old object, and what it adds to them.
#![allow(
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

use peak_alloc::PeakAlloc;
use raygate::admission::{Endpoint, Gate};
use raygate::engine::Bundle;
use serde_json::{Value, json};

/// Counts the bytes that are allocated. While memory grows by copying, both copies count.
#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const MIB: usize = 1 << 20;

fn seed() -> Value {
    serde_json::from_str(include_str!("rayjobs/seed-01-gpu-training.json")).unwrap()
}

/// A RayJob with this value in the pod template of its first worker group.
fn with(field: &str, value: Value) -> Value {
    let mut job = seed();
    job["spec"]["rayClusterSpec"]["workerGroupSpecs"][0]["template"]["spec"][field] = value;
    job
}

fn review(object: &Value, old: Option<&Value>) -> Vec<u8> {
    let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "u", "kind": {"group": "ray.io", "version": "v1", "kind": "RayJob"},
        "operation": if old.is_some() { "UPDATE" } else { "CREATE" },
        "namespace": "a", "name": "b", "userInfo": {"username": "c"}, "object": object, "oldObject": old,
    }});
    review.to_string().into_bytes()
}

/// What answering the review allocates at its peak, the body left out, in bytes.
fn peak(gate: &Gate, endpoint: Endpoint, body: &[u8]) -> usize {
    // What is remembered of policies is remembered once.
    let answer = |body| gate.answer(endpoint, body, jiff::Timestamp::UNIX_EPOCH);
    assert_eq!(answer(body).status, 200);
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let text = String::from_utf8(answer(body).body).unwrap();
    assert!(!text.contains("RG001"), "the object has too many values");
    MEMORY.peak_usage() - before
}

/// One test, because all tests of a program share its memory.
#[test]
fn a_review_takes_its_trees_and_what_it_adds() {
    let gate = Gate::new(Bundle::embedded());
    let maps = with("x", vec![json!({"a": {"a": {}}}); 6_500].into());
    let tolerations = with("tolerations", vec![json!({"key": "a"}); 9_000].into());
    let mut groups = seed();
    groups["spec"]["rayClusterSpec"]["workerGroupSpecs"] =
        vec![json!({"template": {"spec": {"containers": [{}]}}}); 3_900].into();
    for (what, object, bound) in [
        ("maps", maps, 2 * MIB),
        ("tolerations", tolerations, 2 * MIB),
        // Each of these groups is completed, and has findings of its own.
        ("groups", groups, 96 * MIB),
    ] {
        let mut other = object.clone();
        other["spec"]["entrypoint"] = "python other.py".into();
        for body in [review(&object, None), review(&object, Some(&other))] {
            for endpoint in [Endpoint::Mutate, Endpoint::Validate] {
                let peak = peak(&gate, endpoint, &body);
                println!("{what}, {endpoint:?}: {peak} bytes for a review of {}", body.len());
                assert!(peak < bound, "{what}, {endpoint:?}: {peak} bytes");
            }
        }
    }
}
