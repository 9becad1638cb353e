//! Any bytes as the body of a review: both endpoints answer, with a review or a plain sentence.
#![no_main]

use std::sync::LazyLock;

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use raygate::admission::{Endpoint, Gate};
use raygate::engine::Bundle;

static GATE: LazyLock<Gate> = LazyLock::new(|| Gate::new(Bundle::embedded()));

fuzz_target!(|body: &[u8]| {
    for endpoint in [Endpoint::Mutate, Endpoint::Validate] {
        let answer = GATE.answer(endpoint, body, Timestamp::UNIX_EPOCH);
        match answer.status {
            200 => {
                let review: serde_json::Value = serde_json::from_slice(&answer.body).expect("an answer is JSON");
                let response = &review["response"];
                assert!(response["uid"].as_str().is_some_and(|uid| !uid.is_empty()));
                assert_eq!(response.get("patch").is_some(), response.get("patchType").is_some());
                assert_eq!(response["allowed"] == false, response.get("status").is_some());
            }
            400 => assert!(!answer.body.is_empty()),
            status => panic!("status {status}"),
        }
    }
});
