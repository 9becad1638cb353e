//! Makes a CA and a serving certificate: ECDSA over P-256, which every API server and client library verifies.

use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData as _,
};
use time::OffsetDateTime;
use x509_parser::pem::Pem;

use super::names::SubjectName;

/// How far before `now` certificates begin, in seconds, for verifiers whose clock is behind ours.
pub const BACKDATE: i64 = 60 * 60;

const SECONDS_PER_DAY: i64 = 24 * 60 * 60;

/// The subject of every CA that raygate makes.
const CA_NAME: &str = "raygate CA";

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
    /// A time outside the years that X.509 can write.
    #[error("a certificate cannot end at {0}")]
    Time(Timestamp),
    /// A CA that was made elsewhere, or whose key is another's.
    #[error("{0}")]
    Authority(&'static str),
    /// The keys or signatures could not be made.
    #[error("cannot make keys and certificates: {0}")]
    Sign(#[from] rcgen::Error),
}

/// A CA of raygate's own, with the key to sign with.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

impl Authority {
    /// A new CA that can sign no further CA, good from an hour before `now` until `end`.
    ///
    /// # Errors
    /// When `end` is past the year 9999, or when the cryptographic library fails.
    pub fn make(now: Timestamp, end: Timestamp) -> Result<Self, IssueError> {
        let params = ca_params(now, end)?;
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = params.self_signed(&key)?.pem();
        Ok(Self {
            issuer: Issuer::new(params, key),
            certificate,
        })
    }

    /// A CA that [`Authority::make`] made earlier.
    ///
    /// # Errors
    /// When the certificate is no such CA, or the key does not belong to it.
    pub fn from_pem(certificate: &str, key: &str) -> Result<Self, IssueError> {
        let unreadable = |_| IssueError::Authority("the CA's certificate cannot be read");
        let key = KeyPair::from_pem(key).map_err(|_| IssueError::Authority("the CA's key cannot be read"))?;
        let (_, pem) =
            x509_parser::pem::parse_x509_pem(certificate.as_bytes()).map_err(|_| IssueError::Authority("no PEM"))?;
        let parsed = Pem::parse_x509(&pem).map_err(unreadable)?;
        let ours = parsed.is_ca()
            && parsed
                .subject()
                .iter_common_name()
                .any(|name| name.as_str() == Ok(CA_NAME));
        if !ours {
            return Err(IssueError::Authority(
                "the first certificate is not a CA that raygate made",
            ));
        }
        if parsed.public_key().raw != key.subject_public_key_info() {
            return Err(IssueError::Authority("the CA's key does not belong to its certificate"));
        }
        // What the issuer takes from these is the subject; their times are of no account.
        let params = ca_params(Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH)?;
        Ok(Self {
            issuer: Issuer::new(params, key),
            certificate: certificate.to_owned(),
        })
    }

    /// The CA's certificate as PEM.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// The CA's key as PEM, in PKCS #8: whoever holds it can pose as the webhook.
    pub fn key(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// A serving certificate and its key, as PEM, good for these names from an hour before `now` until `end`.
    ///
    /// # Errors
    /// When there is no name, when `end` is past the year 9999, or when the cryptographic library fails.
    pub fn sign(&self, names: &[SubjectName], now: Timestamp, end: Timestamp) -> Result<(String, String), IssueError> {
        if names.is_empty() {
            return Err(IssueError::NoName);
        }
        let mut leaf = params(names, "raygate", now, end)?;
        leaf.is_ca = IsCa::ExplicitNoCa;
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        leaf.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        Ok((leaf.signed_by(&key, &self.issuer)?.pem(), key.serialize_pem()))
    }
}

/// Makes a CA that can sign no further CA, and a certificate for servers signed by it.
///
/// # Errors
/// When the order has no name, when it reaches past the year 9999, or when the cryptographic library fails.
pub fn issue(order: &Order) -> Result<Issued, IssueError> {
    if order.names.is_empty() {
        return Err(IssueError::NoName);
    }
    let end = order.now.as_second() + i64::from(order.days) * SECONDS_PER_DAY;
    let not_after = Timestamp::from_second(end).map_err(|_| IssueError::Days(order.days))?;
    let ca = Authority::make(order.now, not_after)?;
    let (certificate, key) = ca.sign(&order.names, order.now, not_after)?;
    Ok(Issued {
        ca_key: ca.key(),
        ca_certificate: ca.certificate,
        certificate,
        key,
        not_after,
    })
}

fn ca_params(now: Timestamp, end: Timestamp) -> Result<CertificateParams, IssueError> {
    let mut ca = params(&[], CA_NAME, now, end)?;
    ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(ca)
}

fn params(
    names: &[SubjectName],
    common_name: &str,
    now: Timestamp,
    end: Timestamp,
) -> Result<CertificateParams, IssueError> {
    let time = |second| OffsetDateTime::from_unix_timestamp(second).map_err(|_| IssueError::Time(end));
    let mut params = CertificateParams::new(names.iter().map(SubjectName::to_string).collect::<Vec<_>>())?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.not_before = time(now.as_second() - BACKDATE)?;
    params.not_after = time(end.as_second())?;
    Ok(params)
}
