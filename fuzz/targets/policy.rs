//! Any bytes as a policy file: it loads, or every diagnostic can be shown to a person and to a machine.
#![no_main]

use libfuzzer_sys::fuzz_target;
use raygate::engine::Bundle;
use raygate::engine::bundle::known;
use raygate::policy::load::{Source, load};

fuzz_target!(|bytes: &[u8]| {
    let file = Source {
        name: "policy.yaml".to_owned(),
        bytes: bytes.to_vec(),
    };
    let loaded = load(&[file], &known());
    for diagnostic in &loaded.diagnostics {
        assert!(!diagnostic.render(&loaded.sources, false).is_empty());
        assert!(!diagnostic.concise(&loaded.sources).contains('\n'));
        let _ = diagnostic.to_json(&loaded.sources);
    }
    if loaded.is_usable() {
        assert_eq!(Bundle::new(loaded.set).digest().len(), 64);
    }
});
