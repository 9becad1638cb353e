//! Writing an answer. The types are raygate's own: the patch is base64 text, and the status carries code, reason and
//! causes in every denial.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::diag::{safe, truncated};
use crate::engine::bound::too_many_values;
use crate::engine::{Bundle, Judged, Outcome, Verdict, mutate};
use crate::policy::settings::Action;
use crate::ray::Kind;
use crate::ray::kind::GROUP;

use super::denial::{self, Cause};
use super::review::{API_VERSION, Review};
use super::{Answer, Record, codes};

/// The longest warning, in bytes; kubectl shows one line each, and the API server cuts at 256 characters.
const LONGEST_WARNING: usize = 250;
/// All warnings together, in bytes; the API server drops what is beyond 4096 characters.
const ALL_WARNINGS: usize = 3500;

/// The answer to a review.
#[derive(Debug)]
pub struct Response {
    review: Answered,
    kind: Option<&'static Kind>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answered {
    api_version: &'static str,
    kind: &'static str,
    response: Body,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    uid: String,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    audit_annotations: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Status {
    status: &'static str,
    message: String,
    reason: &'static str,
    code: u16,
    details: Details,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Details {
    group: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    causes: Vec<Cause>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_seconds: Option<u32>,
}

impl Response {
    /// The object may be stored as it is.
    pub fn allow(review: &Review<'_>) -> Response {
        Response {
            kind: review.kind(),
            review: Answered {
                api_version: API_VERSION,
                kind: "AdmissionReview",
                response: Body {
                    uid: review.uid.to_string(),
                    allowed: true,
                    status: None,
                    patch_type: None,
                    patch: None,
                    audit_annotations: BTreeMap::new(),
                    warnings: Vec::new(),
                },
            },
        }
    }

    fn deny(review: &Review<'_>, (code, reason): (u16, &'static str), message: &str, causes: Vec<Cause>) -> Response {
        let mut response = Response::allow(review);
        let kind = response.kind.map(|kind| kind.name).unwrap_or_default();
        let body = &mut response.review.response;
        body.allowed = false;
        body.status = Some(Status {
            status: "Failure",
            message: safe(message).into_owned(),
            reason,
            code,
            details: Details {
                group: GROUP,
                kind,
                causes,
                retry_after_seconds: None,
            },
        });
        response
    }

    /// The request may pass at the next try.
    pub fn retry(review: &Review<'_>, message: &str) -> Response {
        let mut response = Response::deny(review, (429, "TooManyRequests"), message, Vec::new());
        if let Some(status) = &mut response.review.response.status {
            status.details.retry_after_seconds = Some(1);
        }
        response
    }

    /// A denial that is raygate's own defect.
    pub fn defect(review: &Review<'_>) -> Response {
        let (name, word) = denial::called(review.kind());
        let message = format!(
            "raygate could not judge this {name}: this is a defect of raygate, not of the {word}; please report it \
             ({})",
            codes::DEFECT.code
        );
        let cause = Cause {
            reason: codes::DEFECT.code.to_owned(),
            message: message.clone(),
            field: String::new(),
        };
        Response::deny(review, (403, "Forbidden"), &message, vec![cause])
    }

    /// A denial of an object with more values than raygate reads.
    pub fn too_many_values(review: &Review<'_>, bundle: &Bundle) -> Response {
        let denied = too_many_values(denial::called(review.kind()).0);
        let status = denial::status(bundle.platform());
        Response::deny(review, status, &denial::one(&denied), denial::causes(&[&denied]))
    }

    /// With a warning for whoever sent the request.
    #[must_use]
    pub fn warning(mut self, text: &str) -> Response {
        let warnings = &mut self.review.response.warnings;
        let used: usize = warnings.iter().map(String::len).sum();
        if used < ALL_WARNINGS {
            warnings.push(truncated(&safe(text), LONGEST_WARNING).into_owned());
        }
        self
    }

    /// The answer of `/mutate`: the patch, and a warning for each repair.
    pub fn mutated(review: &Review<'_>, bundle: &Bundle, outcome: &Outcome<'_>) -> Response {
        let mut response = Response::allow(review);
        for change in &outcome.changes {
            if let Some(done) = change.done.as_deref().filter(|done| !done.is_empty()) {
                response = response.warning(&format!("{done} ({})", change.by));
            }
        }
        let body = &mut response.review.response;
        if outcome.document.is_changed() {
            let patch = serde_json::to_vec(&outcome.document.cheapest_patch()).unwrap_or_else(|_| b"[]".to_vec());
            body.patch = base64_text(&patch);
            body.patch_type = body.patch.as_ref().map(|_| "JSONPatch");
            let recorded = mutate::recorded(outcome.document.value()).map(str::to_owned);
            let applied = recorded.unwrap_or_else(|| mutate::record(bundle, &outcome.changes, None, BTreeMap::new()));
            body.audit_annotations.insert("applied", applied);
        }
        body.audit_annotations
            .insert("bundle", bundle.short_digest().to_owned());
        body.audit_annotations.extend(previewed(outcome));
        response
    }

    /// The answer of `/validate`: the verdict, with all findings.
    pub fn judged(review: &Review<'_>, bundle: &Bundle, outcome: &Outcome<'_>) -> Response {
        let denied: Vec<&Judged> = outcome
            .findings
            .iter()
            .filter(|judged| judged.action == Action::Deny)
            .collect();
        let mut response = match outcome.verdict {
            Verdict::Allow => Response::allow(review),
            Verdict::Retry => Response::retry(review, &denial::retry(review.kind())),
            Verdict::Deny => {
                let status = denial::status(bundle.platform());
                Response::deny(review, status, &denial::message(&denied), denial::causes(&denied))
            }
        };
        let warned = outcome.findings.iter().filter(|judged| judged.action == Action::Warn);
        let warned: Vec<&Judged> = warned.collect();
        for judged in warned.iter().take(denial::MOST) {
            let longest = LONGEST_WARNING.saturating_sub(judged.code().len() + " []".len());
            response = response.warning(&denial::shortened(judged, longest));
        }
        let rest = warned
            .len()
            .saturating_sub(denial::MOST)
            .saturating_add(denial::not_kept(&warned));
        if rest > 0 {
            response = response.warning(&format!("{rest} more warnings are not shown"));
        }
        if outcome.verdict == Verdict::Allow && !outcome.changes.is_empty() {
            response = response.warning(&denial::not_applied(review.kind()));
        }
        let audit = &mut response.review.response.audit_annotations;
        audit.insert("bundle", bundle.short_digest().to_owned());
        if !outcome.findings.is_empty() {
            let findings: Vec<String> = outcome
                .findings
                .iter()
                .take(denial::MOST)
                .map(|judged| {
                    let finding = format!("{} {} {}", judged.action.name(), judged.code(), judged.finding.path);
                    match &judged.exemption {
                        Some(name) => format!("{finding} by exemption {name}"),
                        None => finding,
                    }
                })
                .collect();
            audit.insert("findings", truncated(&safe(&findings.join("; ")), 4096).into_owned());
        }
        audit.extend(previewed(outcome));
        response
    }

    /// The bytes for the socket.
    pub fn answer(self, record: Record) -> Answer {
        let body = serde_json::to_vec(&self.review).unwrap_or_default();
        Answer {
            status: 200,
            body,
            record,
        }
    }
}

/// Bytes in base64, as JSON text: nothing in it needs to be escaped.
fn base64_text(bytes: &[u8]) -> Option<Box<RawValue>> {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4 + 2);
    text.push('"');
    STANDARD.encode_string(bytes, &mut text);
    text.push('"');
    RawValue::from_string(text).ok()
}

/// The audit annotation with what policies in Preview would have done, where they would have done something.
fn previewed(outcome: &Outcome<'_>) -> Option<(&'static str, String)> {
    let would = outcome.previews.iter().flat_map(|preview| {
        let would = preview.would.iter().take(denial::MOST);
        would.map(|one| format!("{}: {} {} {}", preview.policy, one.effect.name(), one.code, one.path))
    });
    let would: Vec<String> = would.collect();
    (!would.is_empty()).then(|| ("preview", truncated(&safe(&would.join("; ")), 4096).into_owned()))
}
