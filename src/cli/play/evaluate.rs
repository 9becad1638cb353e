//! What the page shows of its texts: how each object is judged, as `check` and `explain` say it, and what is wrong with the
//! texts.

use std::sync::Arc;

use jiff::tz::Offset;
use serde_json::{Value, json};

use crate::admission::denial;
use crate::cli::check::diff;
use crate::cli::check::report::{Seen, json as report};
use crate::cli::explain::walk;
use crate::diag::{Diagnostic, Sources};
use crate::engine::bundle::known;
use crate::engine::decode::MISMATCH;
use crate::engine::trace::trace;
use crate::engine::{Bundle, Change, Finder, Judged, Request, Verdict};
use crate::facts::Known;
use crate::input::request::Requests;
use crate::input::{self, InputError, Piece, asked::Asked, asked::Found};
use crate::play::Wrong;
use crate::policy::Origin;
use crate::policy::lint;
use crate::policy::settings::Action;
use crate::ray::kind::{GROUP, RAY_JOB};
use crate::rules::check;

use super::state::{OBJECT, State};

/// How many objects of a text are judged.
const MOST: usize = 20;

/// Answers `evaluate`.
///
/// # Errors
/// [`Wrong`] if the date or the release of KubeRay is none.
pub(super) fn answer(state: &State) -> Result<Value, Wrong> {
    let now = state.now()?;
    let loaded = state.load();
    let mut about_policies = loaded.diagnostics.clone();
    if loaded.is_usable() {
        about_policies.extend(lint::not_enforced(&loaded));
        about_policies.extend(loaded.endings(Offset::UTC.to_datetime(now).date()));
        about_policies.extend(lint::lint(&loaded, &known()));
    }
    let (facts, facts_sources, about_facts) = state.read_facts();
    let (overrides, old_sources, mut about_old) = state.overrides();
    let bundle = state.bundle(&loaded)?;
    let mut requests = Requests::new(overrides, None).map_err(|error| Wrong::Input(error.to_string()))?;
    let (mut about_object, mut judged, mut skipped, mut more) = (Vec::new(), Vec::new(), Vec::new(), 0);
    let _: Result<(), InputError> = input::read_text(OBJECT, &state.object, &loaded.sources, &mut |sources, piece| {
        let (source, node) = match piece {
            Piece::Remark(diagnostic) | Piece::Unreadable(diagnostic) => {
                about_object.push(diagnostic.to_json(sources));
                return Ok(());
            }
            Piece::Document(source, node) => (source, node),
        };
        if !loaded.is_usable() {
            return Ok(());
        }
        match requests.of(node) {
            Ok(Found::Skipped(found)) => skipped.push(json!({
                "kind": found.kind,
                "name": found.name,
                "reason": found.reason,
                "line": sources.location(node.span).map(|place| place.line),
            })),
            Ok(Found::Asked(_)) if judged.len() >= MOST => more += 1,
            Ok(Found::Asked(asked)) => {
                let (request, decoded) = asked.request(&bundle, now);
                let request = Request {
                    facts: Arc::clone(&facts),
                    ..request
                };
                let mut trace = trace(&bundle, request);
                decoded.complete(&bundle, &mut trace.outcome);
                let mut sections = walk::sections(&bundle, &trace);
                let known = Known::of(&facts, now, &asked.namespace);
                sections.push(("facts about the cluster", walk::facts_of(known)));
                let sections = sections.iter().filter(|(_, rows)| !rows.as_slice().is_empty());
                let trace_json = json!({
                    "asker": walk::asker(&trace, &bundle),
                    "sections": sections
                        .map(|(title, rows)| json!({"title": title, "rows": rows.as_slice()}))
                        .collect::<Vec<_>>(),
                });
                let seen = Seen {
                    sources,
                    source,
                    cluster: None,
                    asked: &asked,
                    outcome: &trace.outcome,
                    hidden: &[],
                };
                let mut one = object(&seen);
                if let Some(map) = one.as_object_mut() {
                    map.insert("trace".into(), trace_json);
                    map.insert("user".into(), trace.subject.user.as_str().into());
                    map.insert("answer".into(), reply(&asked, &seen, &bundle));
                }
                judged.push(one);
            }
            Err(error) => {
                let error = if matches!(error, InputError::NoOld { .. }) {
                    "an update needs the object as it is: the old object must have the same kind, namespace and name"
                        .to_owned()
                } else {
                    error.to_string()
                };
                about_old.push(Diagnostic::error("update", error));
            }
        }
        Ok(())
    });
    let located = |diagnostics: &[Diagnostic], sources: &Sources| {
        let all: Vec<Value> = diagnostics.iter().map(|one| one.to_json(sources)).collect();
        all
    };
    Ok(json!({
        "usable": loaded.is_usable(),
        "diagnostics": {
            "policies": located(&about_policies, &loaded.sources),
            "facts": located(&about_facts, &facts_sources),
            "old": located(&about_old, &old_sources),
            "object": about_object,
        },
        "objects": judged,
        "skipped": skipped,
        "more": more,
    }))
}

/// An object as `check --output json` prints it, with what only the page shows.
fn object(seen: &Seen<'_>) -> Value {
    let mut one = report::judged(seen);
    let outcome = seen.outcome;
    if let Some(findings) = one.get_mut("findings").and_then(Value::as_array_mut) {
        for (finding, judged) in findings.iter_mut().zip(&outcome.findings) {
            if let Some(finding) = finding.as_object_mut() {
                finding.insert("title".into(), title(judged).into());
                finding.insert("fixable".into(), judged.finding.repair.is_some().into());
                finding.insert("decided".into(), seen.decided(judged).into());
            }
        }
    }
    if let Some(changes) = one.get_mut("changes").and_then(Value::as_array_mut) {
        for (found, change) in changes.iter_mut().zip(&outcome.changes) {
            if let Some(found) = found.as_object_mut() {
                found.insert("repair".into(), repair(seen, change));
            }
        }
    }
    let diff: Vec<Value> = diff::of(seen)
        .iter()
        .map(|line| {
            json!({
                "sign": line.sign,
                "text": line.text,
                "origin": line.origin.as_ref().map(|origin| &origin.text),
                "place": line.origin.as_ref().and_then(|origin| origin.place.as_deref()).map(place),
            })
        })
        .collect();
    let place = seen.sources.location(seen.asked.root.span);
    if let Some(one) = one.as_object_mut() {
        one.insert("column".into(), json!(place.map(|place| place.column)));
        one.insert("diff".into(), diff.into());
    }
    one
}

fn place(origin: &Origin) -> Value {
    json!({"file": &*origin.file, "line": origin.line, "column": origin.column})
}

/// The title of what found something.
fn title(judged: &Judged) -> &'static str {
    match &judged.finder {
        Finder::Check(check) => check.title,
        Finder::Rule(_) => "A rule of the platform",
        Finder::Server(page) => page.title,
    }
}

/// Where the text has what a check has repaired; null for what an injector did.
fn repair(seen: &Seen<'_>, change: &Change) -> Value {
    match check::find(change.by) {
        None => Value::Null,
        Some(check) => {
            let done = change.done.as_deref().unwrap_or(check.title);
            let mut place = Diagnostic::note(check.code, done)
                .at(seen.locate(&change.path), "")
                .to_json(seen.sources);
            if let Some(place) = place.as_object_mut() {
                place.insert("title".into(), check.title.into());
            }
            place
        }
    }
}

/// What whoever asks is answered: the text that the Flyte console or kubectl shows, and the status.
fn reply(asked: &Asked<'_>, seen: &Seen<'_>, bundle: &Bundle) -> Value {
    let outcome = seen.outcome;
    let kind = asked.kind();
    let denied: Vec<&Judged> = outcome
        .findings
        .iter()
        .filter(|judged| judged.action == Action::Deny)
        .collect();
    // What does not fit the CRD is rejected between the two webhooks, in words of the API server.
    let unfit: Vec<String> = denied
        .iter()
        .filter(|judged| judged.code() == MISMATCH.code)
        .map(|judged| format!("{}: {}", judged.finding.path, judged.finding.message))
        .collect();
    let webhook = kind.name.to_ascii_lowercase();
    let by_webhook = |text: String| format!("admission webhook \"{webhook}.raygate.dev\" denied the request: {text}");
    let ((code, reason), message) = match outcome.verdict {
        Verdict::Deny if !unfit.is_empty() => {
            let text = format!(
                "{}.{GROUP} \"{}\" is invalid: {}",
                kind.name,
                asked.name,
                unfit.join(", ")
            );
            ((422, "Invalid"), Some(text))
        }
        Verdict::Deny => (
            denial::status(bundle.platform()),
            Some(by_webhook(denial::message(&denied))),
        ),
        Verdict::Retry => ((429, "TooManyRequests"), Some(by_webhook(denial::retry(Some(kind))))),
        Verdict::Allow => ((200, "OK"), None),
    };
    json!({
        "code": code,
        "reason": reason,
        "message": message,
        "console": if kind.is(&RAY_JOB) { "Flyte console" } else { "kubectl" },
        "own_words": unfit.is_empty(),
    })
}
