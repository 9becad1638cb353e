//! Who may ask: the page itself, and no other site.

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, HOST, ORIGIN};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest as _, Sha256};

/// The header with the token.
const TOKEN: &str = "x-raygate-token";
/// The header with what a page may load.
pub(super) const POLICY: HeaderName = HeaderName::from_static("content-security-policy");
/// What any other answer may load, if it is opened as a page.
const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'";
/// What every answer says.
const HEADERS: &[(&str, &str)] = &[
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cache-control", "no-store"),
];

/// The names under which this server is asked, and the token of this start.
pub(super) struct Door {
    hosts: [String; 2],
    token: String,
}

impl Door {
    pub(super) fn new(port: u16) -> io::Result<Door> {
        Ok(Door {
            hosts: ["127.0.0.1", "localhost"].map(|name| format!("{name}:{port}")),
            token: random()?,
        })
    }

    /// The page with its secrets, and what it may load: its own files, and the style sheets that its editor makes, which
    /// carry the nonce.
    pub(super) fn page(&self, template: &str) -> io::Result<(String, HeaderValue)> {
        let nonce = random()?;
        let policy = format!(
            "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; connect-src 'self'; img-src 'self'; \
             base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        );
        let page = template.replace("{{token}}", &self.token).replace("{{nonce}}", &nonce);
        let policy = HeaderValue::from_str(&policy).map_err(io::Error::other)?;
        Ok((page, policy))
    }

    /// Why a request is refused.
    fn refuses(&self, request: &Request) -> Option<(StatusCode, &'static str)> {
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
        let host = header(HOST.as_str()).unwrap_or_default();
        if !self.hosts.iter().any(|own| own == host) {
            return Some((
                StatusCode::MISDIRECTED_REQUEST,
                "open the address that raygate printed\n",
            ));
        }
        if !request.uri().path().starts_with("/api/") {
            return None;
        }
        let is_own = header(ORIGIN.as_str()).is_none_or(|origin| origin == format!("http://{host}"));
        if !is_own || header("sec-fetch-site").is_some_and(|site| site != "same-origin") {
            return Some((StatusCode::FORBIDDEN, "another site may not ask\n"));
        }
        if !is_same(header(TOKEN).unwrap_or_default(), &self.token) {
            return Some((
                StatusCode::FORBIDDEN,
                "the token is missing, or that of an earlier start: load the page again\n",
            ));
        }
        if header(CONTENT_TYPE.as_str()) != Some("application/json") {
            return Some((StatusCode::UNSUPPORTED_MEDIA_TYPE, "ask in application/json\n"));
        }
        None
    }
}

/// Refuses what other sites ask, and says in every answer what a browser may do with it.
pub(super) async fn keep(State(door): State<Arc<Door>>, request: Request, next: Next) -> Response {
    let mut response = match door.refuses(&request) {
        Some(refusal) => refusal.into_response(),
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(*name, HeaderValue::from_static(value));
    }
    headers.entry(POLICY).or_insert(HeaderValue::from_static(NOTHING));
    response
}

/// Whether two texts are the same, in a time that tells nothing about them.
fn is_same(one: &str, other: &str) -> bool {
    let digest = |text: &str| Sha256::digest(text.as_bytes());
    digest(one) == digest(other)
}

/// 128 random bits in hexadecimal.
fn random() -> io::Result<String> {
    let mut bytes = [0; 16];
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let filled = provider.secure_random.fill(&mut bytes);
    filled.map_err(|_| io::Error::other("the system has no random bytes"))?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}
