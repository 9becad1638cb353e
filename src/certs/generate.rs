//! Makes a CA and a serving certificate: ECDSA over P-256, which every API server and client library verifies.

use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use time::OffsetDateTime;

use super::names::SubjectName;

/// How far before `now` certificates begin, in seconds, for verifiers whose clock is behind ours.
const BACKDATE: i64 = 60 * 60;

const SECONDS_PER_DAY: i64 = 24 * 60 * 60;

/// What certificate is wanted.
#[derive(Clone, Debug)]
pub struct Order {
    /// The names it is good for. A certificate without any is good for nothing, and refused.
    pub names: Vec<SubjectName>,
    /// The days from `now` to the end of both certificates.
    pub days: u32,
    /// The time of issue. Certificates begin an hour earlier.
    pub now: Timestamp,
}

/// A CA and one serving certificate, all as PEM; keys as PKCS #8.
pub struct Issued {
    /// The certificate of the CA, for the `caBundle` of a webhook.
    pub ca_certificate: String,
    /// The key of the CA: whoever holds it can pose as the webhook.
    pub ca_key: String,
    /// The serving certificate.
    pub certificate: String,
    /// The key of the serving certificate.
    pub key: String,
    /// When both certificates end.
    pub not_after: Timestamp,
}

/// Why no certificate was made.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The order names nobody.
    #[error("a serving certificate needs at least one name")]
    NoName,
    /// The end is outside the years that X.509 can write.
    #[error("certificates of {0} days would end after the year 9999: ask for fewer days")]
    Days(u32),
    /// The keys or signatures could not be made.
    #[error("cannot make keys and certificates: {0}")]
    Sign(#[from] rcgen::Error),
}

/// Makes a CA that can sign no further CA, and a certificate for servers signed by it.
///
/// # Errors
/// When the order has no name, when it reaches past the year 9999, or when the cryptographic library fails.
pub fn issue(order: &Order) -> Result<Issued, IssueError> {
    if order.names.is_empty() {
        return Err(IssueError::NoName);
    }
    let now = order.now.as_second();
    let end = now + i64::from(order.days) * SECONDS_PER_DAY;
    let range = || IssueError::Days(order.days);
    let not_after = Timestamp::from_second(end).map_err(|_| range())?;
    let period = [now - BACKDATE, end].map(OffsetDateTime::from_unix_timestamp);
    let [Ok(begin), Ok(end)] = period else {
        return Err(range());
    };

    let params = |names: &[SubjectName], common_name: &str| {
        let mut params = CertificateParams::new(names.iter().map(SubjectName::to_string).collect::<Vec<_>>())?;
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.not_before = begin;
        params.not_after = end;
        Ok::<_, rcgen::Error>(params)
    };

    let mut ca = params(&[], "raygate CA")?;
    ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?)?;

    let mut leaf = params(&order.names, "raygate")?;
    leaf.is_ca = IsCa::ExplicitNoCa;
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let certificate = leaf.signed_by(&key, &ca)?;

    Ok(Issued {
        ca_certificate: ca.pem(),
        ca_key: ca.key().serialize_pem(),
        certificate: certificate.pem(),
        key: key.serialize_pem(),
        not_after,
    })
}
