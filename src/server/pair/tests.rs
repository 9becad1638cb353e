//! What can be served, and what is said of what cannot.

use std::fs;

use tempfile::TempDir;

use super::*;
use crate::telemetry::error_chain;

const DAY: i64 = 86_400;

/// A certificate and its key in PEM; the life is in seconds from now.
fn made(starts: i64, ends: i64) -> (String, String) {
    let at = |seconds: i64| time::OffsetDateTime::from_unix_timestamp(unix_now() + seconds).unwrap();
    let mut parameters = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    (parameters.not_before, parameters.not_after) = (at(starts), at(ends));
    let key = rcgen::KeyPair::generate().unwrap();
    (parameters.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

fn files(dir: &TempDir, certificate: &str, key: &str) -> PairFiles {
    let files = PairFiles {
        certificate: dir.path().join("tls.crt"),
        key: dir.path().join("tls.key"),
    };
    fs::write(&files.certificate, certificate).unwrap();
    fs::write(&files.key, key).unwrap();
    files
}

fn refusal(certificate: &str, key: &str) -> String {
    let dir = TempDir::new().unwrap();
    let text = error_chain(&files(&dir, certificate, key).load().unwrap_err());
    assert!(
        text.contains("tls.crt") || text.contains("tls.key"),
        "no file is named: {text}"
    );
    text
}

#[test]
fn a_good_pair_is_served_until_its_end() {
    let (certificate, key) = made(-DAY, DAY);
    let dir = TempDir::new().unwrap();
    let pair = files(&dir, &certificate, &key).load().unwrap();
    assert_eq!(pair.chain().len(), 1);
    assert!((pair.not_after - unix_now() - DAY).abs() <= 60);
}

#[test]
fn a_chain_keeps_its_order() {
    let (server, key) = made(-DAY, DAY);
    let (ca, _) = made(-DAY, DAY);
    let dir = TempDir::new().unwrap();
    assert_eq!(
        files(&dir, &format!("{server}{ca}"), &key)
            .load()
            .unwrap()
            .chain()
            .len(),
        2
    );
    assert!(refusal(&format!("{ca}{server}"), &key).contains("a chain starts with the server's own"));
}

#[test]
fn the_key_of_another_certificate_is_refused() {
    let ((certificate, _), (_, key)) = (made(-DAY, DAY), made(-DAY, DAY));
    let text = refusal(&certificate, &key);
    assert!(
        text.contains("tls.crt") && text.contains("tls.key") && text.contains("does not belong"),
        "{text}"
    );
}

#[test]
fn time_is_checked_at_both_ends() {
    let (certificate, key) = made(-2 * DAY, -DAY);
    let text = refusal(&certificate, &key);
    assert!(text.contains("the certificate ended at 20"), "{text}");
    let (certificate, key) = made(DAY, 2 * DAY);
    let text = refusal(&certificate, &key);
    assert!(text.contains("the certificate starts at 20"), "{text}");
    // Another machine's clock may be a little ahead.
    let (certificate, key) = made(CLOCK_SKEW / 2, DAY);
    files(&TempDir::new().unwrap(), &certificate, &key).load().unwrap();
}

#[test]
fn each_kind_of_garbage_is_named() {
    let (certificate, key) = made(-DAY, DAY);
    let half = |pem: &str| pem[..pem.len() / 2].to_owned();
    for (certificate, key, expected) in [
        (
            String::new(),
            key.clone(),
            "the file is empty; expected a PEM block `-----BEGIN CERTIFICATE-----`",
        ),
        (
            certificate.clone(),
            "\n\n".to_owned(),
            "the file is empty; expected a PEM block `-----BEGIN PRIVATE KEY-----`",
        ),
        (half(&certificate), key.clone(), "half-written"),
        (certificate.clone(), half(&key), "half-written"),
        (key.clone(), certificate.clone(), "the file holds a key"),
        (certificate.clone(), certificate.clone(), "the file holds a certificate"),
        ("garbage".to_owned(), key.clone(), "the file holds no such thing"),
        (
            certificate.clone(),
            key.replace("PRIVATE", "ENCRYPTED PRIVATE"),
            "the key is encrypted",
        ),
        (
            certificate.clone(),
            key.replace("\nMIG", "\nAAA"),
            "the key cannot be used",
        ),
        (
            certificate.replace("\nMIIB", "\nAAAA"),
            key.clone(),
            "its first certificate is broken",
        ),
        ("x".repeat(2 << 20), key.clone(), "more than 1 MiB"),
    ] {
        let text = refusal(&certificate, &key);
        assert!(text.contains(expected), "{text} lacks {expected}");
        assert!(!text.contains("MIG"), "a key leaked: {text}");
    }
}

#[test]
fn an_unreadable_file_is_named_with_its_reason() {
    let dir = TempDir::new().unwrap();
    let missing = PairFiles {
        certificate: dir.path().join("tls.crt"),
        key: dir.path().join("tls.key"),
    };
    let text = error_chain(&missing.load().unwrap_err());
    assert!(text.contains("tls.crt") && text.contains("No such file"), "{text}");
    // A directory in the place of a file, as a wrong mount gives.
    fs::create_dir(&missing.certificate).unwrap();
    let text = error_chain(&missing.load().unwrap_err());
    assert!(text.contains("Is a directory"), "{text}");
}

#[test]
fn the_pair_in_memory_names_this_machine_only() {
    let pair = Pair::in_memory().unwrap();
    let (_, parsed) = x509_parser::parse_x509_certificate(&pair.chain()[0]).unwrap();
    let names = parsed.subject_alternative_name().unwrap().unwrap();
    let names: Vec<String> = names.value.general_names.iter().map(ToString::to_string).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(names[0].contains("localhost"), "{names:?}");
    assert!(pair.not_after - unix_now() > 300 * DAY);
    assert!(parsed.validity().is_valid());
    // Two processes never share a key.
    assert_ne!(pair.chain(), Pair::in_memory().unwrap().chain());
}
