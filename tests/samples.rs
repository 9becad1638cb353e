//! The samples that KubeRay, Kueue and the clouds publish: none of them is rejected under the shipped policies.
//!
//! The samples are read from checkouts. `RAYGATE_SAMPLES` names them, each with the release of KubeRay that it is for:
//!
//! ```console
//! $ RAYGATE_SAMPLES="1.7=kuberay/ray-operator/config/samples 1.7=kueue/site/static/examples" \
//!     cargo test --test samples -- --ignored --nocapture
//! ```
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may panic, and a comparison prints its result"
)]

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

/// What `raygate check` says of the Ray objects in a folder.
fn checked(release: &str, folder: &str) -> Vec<Value> {
    let output = Command::new(env!("CARGO_BIN_EXE_raygate"))
        .args(["check", "--output", "json", "--kuberay-version", release, folder])
        .output()
        .expect("run raygate check");
    let document: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{folder}: {error}: {}", String::from_utf8_lossy(&output.stderr)));
    let objects = document["objects"].as_array().expect("objects");
    objects
        .iter()
        .filter(|object| object["skipped"].is_null())
        .cloned()
        .collect()
}

#[test]
#[ignore = "needs checkouts of the samples, which RAYGATE_SAMPLES names"]
fn no_sample_is_rejected() {
    let folders = std::env::var("RAYGATE_SAMPLES").expect("RAYGATE_SAMPLES names the checkouts");
    let (mut judged, mut wrong) = (0, Vec::new());
    for entry in folders.split_whitespace() {
        let (release, folder) = entry.split_once('=').expect("RELEASE=FOLDER");
        let mut codes: BTreeMap<String, usize> = BTreeMap::new();
        for object in checked(release, folder) {
            judged += 1;
            for finding in object["findings"].as_array().unwrap() {
                let (code, message) = (finding["code"].as_str().unwrap(), finding["message"].as_str().unwrap());
                // The reader of a sample fills in its variables.
                let is_unfilled = message.contains("nobody filled in");
                if finding["action"] == "Deny" && !is_unfilled {
                    wrong.push(format!("{} {}: {code} {message}", object["file"], object["name"]));
                }
                *codes
                    .entry(format!("{} {code}", finding["action"].as_str().unwrap()))
                    .or_default() += 1;
            }
        }
        println!("{folder}: {codes:?}");
    }
    assert!(judged > 0, "no Ray objects in {folders}");
    assert!(
        wrong.is_empty(),
        "{judged} Ray objects, rejected:\n{}",
        wrong.join("\n")
    );
    println!("{judged} Ray objects, none rejected");
}
