//! Any text as a document: a tree holds what serde_json reads, or the text is refused with the same error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use raygate::json::Tree;
use serde_json::Value;

fuzz_target!(|text: &str| {
    match (Tree::read(text), serde_json::from_str::<Value>(text)) {
        (Ok(tree), Ok(value)) => {
            assert!(tree.root() == value);
            assert_eq!(tree.root().to_string(), value.to_string());
        }
        // serde_json takes a key that stands twice, and so may find a later error.
        (Err(error), _) if error.to_string().starts_with("a key stands twice") => {}
        (Err(error), Err(expected)) => assert_eq!(error.to_string(), expected.to_string()),
        (Err(error), Ok(_)) => panic!("serde_json reads it: {error}"),
        (Ok(_), Err(expected)) => panic!("serde_json refuses it: {expected}"),
    }
});
