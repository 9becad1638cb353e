//! The ways in which certificate files change under a running server.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use tempfile::TempDir;

use super::*;

fn made() -> (String, String) {
    let parameters = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    (parameters.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

fn write(dir: &Path, pair: &(String, String)) {
    fs::write(dir.join("tls.crt"), &pair.0).unwrap();
    fs::write(dir.join("tls.key"), &pair.1).unwrap();
}

fn start(dir: &Path) -> (Rotation, Arc<CertificateStore>) {
    Rotation::start(PairFiles {
        certificate: dir.join("tls.crt"),
        key: dir.join("tls.key"),
    })
    .unwrap()
}

/// What handshakes get, as bytes that two pairs never share.
fn served(store: &CertificateStore) -> Vec<u8> {
    store.current().chain()[0].to_vec()
}

#[test]
fn a_new_pair_takes_over_and_the_same_one_does_nothing() {
    let dir = TempDir::new().unwrap();
    write(dir.path(), &made());
    let (mut rotation, store) = start(dir.path());
    let first = served(&store);
    assert!(matches!(rotation.look(), Found::Same));
    write(dir.path(), &made());
    assert!(matches!(rotation.look(), Found::New(_)));
    assert_ne!(served(&store), first);
    assert!(matches!(rotation.look(), Found::Same));
}

#[test]
fn a_secret_that_is_exchanged_through_its_symlink_is_seen() {
    let dir = TempDir::new().unwrap();
    let version = |name: &str| {
        let version = dir.path().join(name);
        fs::create_dir(&version).unwrap();
        write(&version, &made());
    };
    version("..2026_01");
    symlink("..2026_01", dir.path().join("..data")).unwrap();
    symlink("..data/tls.crt", dir.path().join("tls.crt")).unwrap();
    symlink("..data/tls.key", dir.path().join("tls.key")).unwrap();
    let (mut rotation, store) = start(dir.path());
    let first = served(&store);
    version("..2026_02");
    symlink("..2026_02", dir.path().join("..data_tmp")).unwrap();
    fs::rename(dir.path().join("..data_tmp"), dir.path().join("..data")).unwrap();
    fs::remove_dir_all(dir.path().join("..2026_01")).unwrap();
    assert!(matches!(rotation.look(), Found::New(_)));
    assert_ne!(served(&store), first);
}

#[test]
fn a_writer_half_way_is_waited_for_and_not_reported() {
    let dir = TempDir::new().unwrap();
    write(dir.path(), &made());
    let (mut rotation, store) = start(dir.path());
    let first = served(&store);
    let next = made();
    fs::write(dir.path().join("tls.crt"), &next.0).unwrap();
    assert!(matches!(rotation.look(), Found::Suspect(PairError::Mismatch { .. })));
    assert_eq!(served(&store), first);
    fs::write(dir.path().join("tls.key"), &next.1).unwrap();
    assert!(matches!(rotation.look(), Found::New(_)));
}

#[test]
fn what_stays_broken_is_reported_once_for_each_fault() {
    let dir = TempDir::new().unwrap();
    let good = made();
    write(dir.path(), &good);
    let (mut rotation, store) = start(dir.path());
    let first = served(&store);
    fs::write(dir.path().join("tls.key"), "garbage").unwrap();
    assert!(matches!(rotation.look(), Found::Suspect(_)));
    assert!(matches!(rotation.look(), Found::Broken { known: false, .. }));
    assert!(matches!(rotation.look(), Found::Broken { known: true, .. }));
    fs::remove_file(dir.path().join("tls.key")).unwrap();
    assert!(
        matches!(rotation.look(), Found::Suspect(PairError::Read { .. })),
        "another fault is another report"
    );
    assert!(matches!(rotation.look(), Found::Broken { known: false, .. }));
    assert_eq!(served(&store), first, "a broken pair never replaces a good one");
    write(dir.path(), &good);
    assert!(matches!(rotation.look(), Found::Same));
}

#[test]
fn reports_reach_the_metrics() {
    let metrics = Metrics::new();
    let dir = TempDir::new().unwrap();
    write(dir.path(), &made());
    let (mut rotation, store) = start(dir.path());
    write(dir.path(), &made());
    report(&rotation.look(), &metrics);
    fs::write(dir.path().join("tls.crt"), "").unwrap();
    report(&rotation.look(), &metrics);
    report(&rotation.look(), &metrics);
    report(&rotation.look(), &metrics);
    let text = metrics.encode();
    assert!(text.contains("raygate_certificate_reloads_total 1\n"), "{text}");
    assert!(text.contains("raygate_certificate_reload_failures_total 2\n"), "{text}");
    let ends = store.current().not_after;
    assert!(
        text.contains(&format!("raygate_certificate_expiry_timestamp_seconds {ends}\n")),
        "{text}"
    );
}
