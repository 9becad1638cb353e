//! The certificates: whether the API server trusts what raygate serves, and for how long.

use std::sync::Arc;
use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use kube::Client;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, RootCertStore};
use serde_json::Value;

use crate::cluster::objects;
use crate::install::{NAMESPACE, SERVICE};

use super::configuration::{Kind, name_of};
use super::workload::Pair;
use super::{Findings, service};

const CHECK: &str = "certificate";
const DAY: i64 = 86_400;
/// Fewer days left are too few, however short the certificate's life.
const LEAST_DAYS: i64 = 14;
/// Judges the `caBundle` of a configuration, and the certificate in the Secret below it.
pub(super) async fn judge(client: &Client, kind: Kind, configuration: &Value, now: Timestamp, findings: &mut Findings) {
    let name = name_of(configuration);
    let what = format!("caBundle of the {} {name}", kind.kind());
    let service = service(configuration);
    let pair = match service {
        Some((namespace, _)) => Some(Pair::find(client, namespace).await),
        None => None,
    };
    let secret = match (&pair, service) {
        (Some(pair), Some((namespace, _))) => first_secret(client, namespace, &pair.secrets).await,
        _ => Ok(None),
    };
    let found = secret.as_ref().ok().and_then(Option::as_ref);
    // Only raygate keeps the CA's key beside the pair.
    let is_raygates = pair.as_ref().is_some_and(|pair| pair.is_raygates)
        || found.is_some_and(|secret| secret.pointer("/data/ca.key").is_some());
    let renew = renew(configuration, is_raygates, service.unwrap_or((NAMESPACE, SERVICE)));
    let trust = trust(
        kind,
        name,
        found.filter(|secret| secret.pointer("/data/ca.crt").is_some()),
    );

    let bundle = configuration.pointer("/webhooks/0/clientConfig/caBundle");
    let bundle = match bundle.and_then(Value::as_str).map(certificates) {
        Some(Ok(bundle)) => bundle,
        Some(Err(problem)) => return findings.error(CHECK, format!("{what}: {problem}"), trust),
        None => {
            let seen = format!("{what}: there is none, so that only public CAs are trusted");
            return findings.error(CHECK, seen, trust);
        }
    };
    judge_life(&what, &bundle, now, &renew, findings);

    let Some((namespace, service)) = service else {
        return findings.note(
            CHECK,
            format!("{what}: the webhook calls a URL, so its certificate is in no Secret"),
        );
    };
    let secret = match secret {
        Ok(Some(secret)) => secret,
        Ok(None) => {
            let seen = format!(
                "there is no Secret {} in {namespace}",
                pair.map(|pair| pair.secrets.join(" or ")).unwrap_or_default()
            );
            return findings.error(CHECK, seen, renew);
        }
        Err(error) => return findings.unreadable(CHECK, &format!("the certificate's Secret in {namespace}"), &error),
    };
    let served = format!("tls.crt of the Secret {namespace}/{}", name_of(&secret));
    let chain = secret
        .pointer("/data/tls.crt")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let chain = match certificates(chain) {
        Ok(chain) => chain,
        Err(problem) => return findings.error(CHECK, format!("{served}: {problem}"), renew),
    };
    // Both configurations have the same one below them.
    if kind == Kind::Mutating {
        judge_life(&served, chain.get(..1).unwrap_or_default(), now, &renew, findings);
    }
    let host = format!("{service}.{namespace}.svc");
    match verify(&bundle, &chain, &host, now) {
        Ok(()) => findings.ok(CHECK, format!("{what} verifies {served} for {host}")),
        Err(problem) => {
            let seen = format!("{what} does not verify {served} for {host}: {problem}");
            findings.error(CHECK, seen, if is_of_the_certificate(&problem) { renew } else { trust });
        }
    }
}

/// Whether another certificate is what helps, whatever the bundle.
fn is_of_the_certificate(problem: &rustls::Error) -> bool {
    let rustls::Error::InvalidCertificate(problem) = problem else {
        return false;
    };
    matches!(
        problem,
        CertificateError::NotValidForName
            | CertificateError::NotValidForNameContext { .. }
            | CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
    )
}

/// The certificates of a base64 PEM file, as `caBundle` and Secrets hold them.
fn certificates(base64: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let pem = BASE64_STANDARD
        .decode(base64)
        .map_err(|error| format!("no base64: {error}"))?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|error| format!("no PEM: {error}"))?;
    if certificates.is_empty() {
        return Err("no certificate in it".to_owned());
    }
    for certificate in &certificates {
        x509_parser::parse_x509_certificate(certificate).map_err(|error| format!("no certificate: {error}"))?;
    }
    Ok(certificates)
}

/// How long the longest lived of them lasts: an older CA may stand beside its successor.
fn judge_life(what: &str, certificates: &[CertificateDer<'_>], now: Timestamp, renew: &str, findings: &mut Findings) {
    let lives = certificates.iter().filter_map(|certificate| {
        let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
        let validity = parsed.validity();
        Some((validity.not_after.timestamp(), validity.not_before.timestamp()))
    });
    let Some((ends, starts)) = lives.max() else { return };
    let left = ends - now.as_second();
    let days = left / DAY;
    if left <= 0 {
        findings.error(CHECK, format!("{what} has expired {} days ago", -days), renew);
    } else if starts > now.as_second() {
        let seen = format!("{what} is not valid yet: is this machine's clock behind?");
        findings.warning(CHECK, seen, renew);
    } else if left < (ends - starts) / 3 || days < LEAST_DAYS {
        findings.warning(CHECK, format!("{what} expires in {days} days ({left} s)"), renew);
    } else {
        findings.ok(CHECK, format!("{what} is valid for {days} more days ({left} s)"));
    }
}

/// Whether a client that trusts the bundle takes the chain for that host, now.
fn verify(
    bundle: &[CertificateDer<'static>],
    chain: &[CertificateDer<'static>],
    host: &str,
    now: Timestamp,
) -> Result<(), rustls::Error> {
    let general = |problem: String| rustls::Error::General(problem);
    let mut roots = RootCertStore::empty();
    for root in bundle {
        roots.add(root.clone())?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| general(error.to_string()))?;
    let name = ServerName::try_from(host).map_err(|error| general(error.to_string()))?;
    let now = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(now.as_second()).unwrap_or(0)));
    let (leaf, between) = chain
        .split_first()
        .ok_or_else(|| general("no certificate in it".to_owned()))?;
    let verified = verifier.verify_server_cert(leaf, between, &name, &[], now);
    verified.map(drop)
}

/// The first of these Secrets that is there.
async fn first_secret(client: &Client, namespace: &str, names: &[String]) -> Result<Option<Value>, kube::Error> {
    for name in names {
        let path = format!("/api/v1/namespaces/{namespace}/secrets/{name}");
        if let Some(secret) = objects::get(client, &path).await? {
            return Ok(Some(secret));
        }
    }
    Ok(None)
}

/// The command that makes a new certificate, by whoever keeps it; where that is raygate, the one that shows why it has not.
fn renew(configuration: &Value, is_raygates: bool, (namespace, service): (&str, &str)) -> String {
    let keeper = configuration.pointer("/metadata/annotations/cert-manager.io~1inject-ca-from");
    if let Some((namespace, certificate)) = keeper.and_then(Value::as_str).and_then(|keeper| keeper.split_once('/')) {
        return format!("cmctl renew --namespace {namespace} {certificate}");
    }
    if is_raygates {
        return format!("kubectl --namespace {namespace} logs --selector app.kubernetes.io/name=raygate");
    }
    let mut command = "raygate certs --out certs/new".to_owned();
    for (option, name, default) in [("--service", service, SERVICE), ("--namespace", namespace, NAMESPACE)] {
        if name != default {
            command += &format!(" {option} {name}");
        }
    }
    command + "  # it prints the commands that bring the new pair into the cluster"
}

fn namespace_of(object: &Value) -> Option<&str> {
    object.pointer("/metadata/namespace")?.as_str()
}

/// The command that sets the `caBundle` to the CA in that Secret, or to that of a file.
fn trust(kind: Kind, name: &str, secret: Option<&Value>) -> String {
    let ca = match secret.and_then(|secret| Some((namespace_of(secret)?, name_of(secret)))) {
        Some((namespace, secret)) => {
            format!("kubectl --namespace {namespace} get secret {secret} -o jsonpath='{{.data.ca\\.crt}}'")
        }
        None => "base64 < certs/ca.crt | tr -d '\\n'".to_owned(),
    };
    format!(
        "kubectl patch {} {name} --type json -p \
         \"[{{\\\"op\\\": \\\"add\\\", \\\"path\\\": \\\"/webhooks/0/clientConfig/caBundle\\\", \\\"value\\\": \\\"$({ca})\\\"}}]\"",
        kind.resource()
    )
}
