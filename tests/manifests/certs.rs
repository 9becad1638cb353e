//! The certificates, and the files they are in.

use std::{fs, os::unix::fs::PermissionsExt as _, sync::Arc};

use jiff::Timestamp;
use raygate::certs::{Issued, Order, issue};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
};
use x509_parser::pem::parse_x509_pem;

use crate::{NOW, certs, now, read};

fn issued(names: &[&str]) -> Issued {
    let names = names.iter().map(|name| name.parse().unwrap()).collect();
    let now = Timestamp::now();
    issue(&Order { names, days: 365, now }).unwrap()
}

/// Shakes hands in memory: does a client that trusts the CA take the server for `name`?
fn shake_hands(issued: &Issued, name: &str) -> Result<(), rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let ca = CertificateDer::from_pem_slice(issued.ca_certificate.as_bytes()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(ca).unwrap();
    let client = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let chain = CertificateDer::pem_slice_iter(issued.certificate.as_bytes());
    let server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(
            chain.collect::<Result<_, _>>().unwrap(),
            PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).unwrap(),
        )?;

    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut client = ClientConnection::new(Arc::new(client), name)?;
    let mut server = ServerConnection::new(Arc::new(server))?;
    for _round in 0..10 {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        let mut bytes = wire.as_slice();
        while !bytes.is_empty() {
            server.read_tls(&mut bytes).unwrap();
            server.process_new_packets()?;
        }
        wire.clear();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        let mut bytes = wire.as_slice();
        while !bytes.is_empty() {
            client.read_tls(&mut bytes).unwrap();
            client.process_new_packets()?;
        }
        if !client.is_handshaking() && !server.is_handshaking() {
            return Ok(());
        }
    }
    panic!("the handshake does not end");
}

#[test]
fn the_certificate_is_good_for_its_names_and_no_other() {
    let issued = issued(&["raygate", "raygate.ml.svc", "*.example.com", "10.0.0.7", "::1"]);
    for name in ["raygate", "raygate.ml.svc", "a.example.com", "10.0.0.7", "::1"] {
        shake_hands(&issued, name).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    for name in [
        "raygate.ml",
        "raygate.other.svc",
        "example.com",
        "a.b.example.com",
        "10.0.0.8",
    ] {
        let refused = shake_hands(&issued, name).unwrap_err();
        assert!(
            matches!(refused, rustls::Error::InvalidCertificate(_)),
            "{name}: {refused}"
        );
    }
}

#[test]
fn another_ca_is_not_trusted() {
    let ca_certificate = issued(&["raygate"]).ca_certificate;
    let mixed = Issued {
        ca_certificate,
        ..issued(&["raygate"])
    };
    let refused = shake_hands(&mixed, "raygate").unwrap_err();
    assert!(matches!(refused, rustls::Error::InvalidCertificate(_)), "{refused}");
}

#[test]
fn certificates_say_what_they_may_be_used_for() {
    let names = vec!["raygate".parse().unwrap()];
    let issued = issue(&Order {
        names,
        days: 30,
        now: now(),
    })
    .unwrap();
    let (_, ca) = parse_x509_pem(issued.ca_certificate.as_bytes()).unwrap();
    let ca = ca.parse_x509().unwrap();
    let constraints = ca.basic_constraints().unwrap().unwrap();
    assert!(constraints.critical && constraints.value.ca);
    assert_eq!(constraints.value.path_len_constraint, Some(0));
    let usage = ca.key_usage().unwrap().unwrap().value;
    assert!(usage.key_cert_sign() && usage.crl_sign() && !usage.digital_signature());

    let (_, leaf) = parse_x509_pem(issued.certificate.as_bytes()).unwrap();
    let leaf = leaf.parse_x509().unwrap();
    assert!(!leaf.is_ca());
    assert_eq!(leaf.issuer(), ca.subject());
    let usage = leaf.key_usage().unwrap().unwrap().value;
    assert!(usage.digital_signature() && !usage.key_cert_sign());
    let extended = leaf.extended_key_usage().unwrap().unwrap().value;
    assert!(extended.server_auth && !extended.client_auth && !extended.any);
    for certificate in [&ca, &leaf] {
        assert_eq!(certificate.validity().not_before.timestamp(), NOW - 3600);
        assert_eq!(certificate.validity().not_after.timestamp(), NOW + 30 * 86400);
        assert_eq!(certificate.public_key().parsed().unwrap().key_size(), 256);
    }
    assert_eq!(issued.not_after.as_second(), NOW + 30 * 86400);
    assert_ne!(ca.raw_serial(), leaf.raw_serial());
}

#[test]
fn impossible_orders_are_errors() {
    let order = Order {
        names: Vec::new(),
        days: 1,
        now: now(),
    };
    let nobody = issue(&order).err().unwrap().to_string();
    assert!(nobody.contains("at least one name"), "{nobody}");
    let names = vec!["raygate".parse().unwrap()];
    let endless = issue(&Order {
        names,
        days: u32::MAX,
        ..order
    })
    .err()
    .unwrap()
    .to_string();
    assert!(endless.contains("fewer days"), "{endless}");
}

#[test]
fn four_files_are_written_and_the_keys_are_private() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("new/certs");
    let names = ["--name", "gate.example.com", "--name", "127.0.0.1"];
    let printed = certs(&[&["--out", out.to_str().unwrap()], &names[..]].concat()).unwrap();
    for (file, mode) in [
        ("ca.crt", 0o644),
        ("ca.key", 0o600),
        ("tls.crt", 0o644),
        ("tls.key", 0o600),
    ] {
        let path = out.join(file);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, mode, "{file}");
        assert!(printed.contains(&format!("wrote {}\n", path.display())), "{printed}");
    }
    assert_eq!(fs::read_dir(&out).unwrap().count(), 4);
    for told in [
        "2027-09-21",
        "  raygate.raygate-system.svc\n",
        "  gate.example.com\n",
        "create secret tls raygate-tls --cert",
        "  raygate manifests --only server |",
    ] {
        assert!(printed.contains(told), "{told} in {printed}");
    }
    let (_, leaf) = parse_x509_pem(read(&out.join("tls.crt")).as_bytes()).unwrap();
    let leaf = leaf.parse_x509().unwrap();
    let names = &leaf.subject_alternative_name().unwrap().unwrap().value.general_names;
    assert_eq!(names.len(), 6, "{names:?}");
    assert!(PrivateKeyDer::from_pem_slice(read(&out.join("ca.key")).as_bytes()).is_ok());
}

#[test]
fn nothing_is_replaced_unless_forced() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().to_str().unwrap();
    let key = directory.path().join("tls.key");
    fs::write(&key, "mine").unwrap();
    let refused = certs(&["--out", out]).unwrap_err().to_string();
    assert!(refused.contains("tls.key") && refused.contains("--force"), "{refused}");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    assert_eq!(read(&key), "mine");

    let printed = certs(&["--out", out, "--force", "--namespace", "ml"]).unwrap();
    assert!(
        printed.contains("  raygate manifests --namespace ml --only webhooks --ca-file"),
        "{printed}"
    );
    assert!(read(&key).contains("PRIVATE KEY"));
    assert_eq!(key.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 4);
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let error = certs(&["--out", file.to_str().unwrap()]).unwrap_err().to_string();
    assert!(error.contains(file.to_str().unwrap()), "{error}");
}
