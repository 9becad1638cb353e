//! Any bytes as certificate files: a pair that serves, or an error with a reason; and as the CA of the webhooks.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use raygate::certs::CaBundle;
use raygate::server::PairFiles;

static FILES: LazyLock<PairFiles> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("raygate-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("create a folder");
    let path = |name: &str| -> PathBuf { folder.join(name) };
    PairFiles {
        certificate: path("tls.crt"),
        key: path("tls.key"),
    }
});

fuzz_target!(|bytes: &[u8]| {
    let cut = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let (certificate, key) = bytes.split_at(cut);
    std::fs::write(&FILES.certificate, certificate).expect("write a file");
    std::fs::write(&FILES.key, key).expect("write a file");
    match FILES.load() {
        Ok(pair) => assert!(!pair.chain().is_empty()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    if let Ok(text) = std::str::from_utf8(certificate) {
        match CaBundle::from_pem(text) {
            Ok(bundle) => assert!(!bundle.base64().is_empty()),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
});
