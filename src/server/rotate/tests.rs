//! The ways in which certificate files change under a running server.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use tempfile::TempDir;

use super::*;

fn made() -> (String, String) {
    made_until(4000)
}

/// A pair that ends with the beginning of a year.
fn made_until(year: i32) -> (String, String) {
    let mut parameters = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    parameters.not_after = rcgen::date_time_ymd(year, 1, 1);
    let key = rcgen::KeyPair::generate().unwrap();
    (parameters.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

fn write(dir: &Path, pair: &(String, String)) {
    fs::write(dir.join("tls.crt"), &pair.0).unwrap();
    fs::write(dir.join("tls.key"), &pair.1).unwrap();
}

fn start(dir: &Path) -> (Follower<Rotation>, Arc<CertificateStore>) {
    let files = PairFiles {
        certificate: dir.join("tls.crt"),
        key: dir.join("tls.key"),
    };
    Rotation::start(files, false, Arc::new(Metrics::new())).unwrap()
}

/// What the second of two looks finds, after the first has found that something changed.
fn settled(rotation: &mut Follower<Rotation>) -> Found<Arc<Pair>, PairError> {
    assert!(matches!(rotation.look(), Found::Unsettled));
    rotation.look()
}

/// What handshakes get, as bytes that two pairs never share.
fn served(store: &CertificateStore) -> Vec<u8> {
    store.current().unwrap().chain()[0].to_vec()
}

#[test]
fn a_new_pair_takes_over_and_the_same_one_does_nothing() {
    let dir = TempDir::new().unwrap();
    write(dir.path(), &made());
    let (mut rotation, store) = start(dir.path());
    let first = served(&store);
    assert!(matches!(rotation.look(), Found::Same));
    write(dir.path(), &made());
    assert!(matches!(settled(&mut rotation), Found::New(_)));
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
    assert!(matches!(settled(&mut rotation), Found::New(_)));
    assert_ne!(served(&store), first);
}

#[test]
fn a_chain_half_written_is_waited_for() {
    let dir = TempDir::new().unwrap();
    write(dir.path(), &made());
    let (mut rotation, store) = start(dir.path());
    let first = served(&store);
    let (next, issuer) = (made(), made().0);
    // The leaf alone fits the key, and no client could follow it to its CA.
    write(dir.path(), &next);
    assert!(matches!(rotation.look(), Found::Unsettled));
    assert_eq!(served(&store), first);
    fs::write(dir.path().join("tls.crt"), format!("{}{issuer}", next.0)).unwrap();
    assert!(matches!(settled(&mut rotation), Found::New(_)));
    assert_eq!(store.current().unwrap().chain().len(), 2);
}

#[test]
fn what_stays_broken_changes_nothing_until_it_is_mended() {
    let dir = TempDir::new().unwrap();
    let good = made();
    write(dir.path(), &good);
    let (mut rotation, store) = start(dir.path());
    let first = served(&store);
    fs::write(dir.path().join("tls.key"), made().1).unwrap();
    let found = settled(&mut rotation);
    assert!(matches!(
        found,
        Found::Broken {
            error: PairError::Mismatch { .. },
            known: false
        }
    ));
    fs::remove_file(dir.path().join("tls.key")).unwrap();
    let found = settled(&mut rotation);
    assert!(matches!(
        found,
        Found::Broken {
            error: PairError::Read { .. },
            known: false
        }
    ));
    assert_eq!(served(&store), first, "a broken pair never replaces a good one");
    write(dir.path(), &good);
    assert!(matches!(rotation.look(), Found::Mended));
}

#[test]
fn no_bad_pair_replaces_a_good_one() {
    let dir = TempDir::new().unwrap();
    write(dir.path(), &made());
    let (mut rotation, store) = start(dir.path());
    let first = served(&store);
    let (other, ended) = (made(), made_until(2020));
    let (certificate, key) = made();
    let half = certificate.len() / 2;
    let bad: [(&str, (String, String)); 7] = [
        ("mismatched", (certificate.clone(), other.1)),
        ("exchanged", (key.clone(), certificate.clone())),
        ("ended", ended),
        ("half a certificate", (certificate[..half].to_owned(), key.clone())),
        ("half a key", (certificate.clone(), key[..key.len() / 2].to_owned())),
        ("empty", (String::new(), String::new())),
        ("garbage", ("\u{0}\u{1}".repeat(1000), "{}".to_owned())),
    ];
    for (name, pair) in bad {
        write(dir.path(), &pair);
        assert!(
            matches!(settled(&mut rotation), Found::Broken { known: false, .. }),
            "{name}"
        );
        assert_eq!(served(&store), first, "{name}");
    }
    write(dir.path(), &(certificate, key));
    assert!(matches!(settled(&mut rotation), Found::New(_)));
}
