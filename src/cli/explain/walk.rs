//! `raygate explain FILE`: the way of an object through the policies, part by part.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use crate::cli::{CLEAN, Failure, policies};
use crate::diag::{Sources, columns, listed, safe};
use crate::engine::trace::{Idle, Trace, trace};
use crate::engine::{Bundle, Change, Request, Verdict};
use crate::facts::{Fact, Facts, Known};
use crate::input::asked::Found;
use crate::input::request::{Overrides, Requests};
use crate::input::{self, Piece};
use crate::k8s::glob::Glob;
use crate::k8s::quantity::Quantity;
use crate::policy::exemption::Grant;
use crate::policy::select::Decision;
use crate::policy::selector::Key;
use crate::policy::settings::Mode;
use crate::policy::{Origin, RayPolicy, Subject};
use crate::ray::Workload;
use crate::rules::Cx;
use crate::rules::check::cluster::placements;

/// Explains each Ray object of a file.
///
/// # Errors
/// [`Failure`] if the policies are broken, or the file cannot be read or holds no Ray object.
pub fn run(
    file: &PathBuf,
    (bundle, facts): (&Bundle, &Arc<Facts>),
    overrides: Overrides,
    now: Timestamp,
    out: &mut dyn Write,
) -> Result<u8, Failure> {
    let mut requests = Requests::new(overrides, None)?;
    let files = input::files(std::slice::from_ref(file))?;
    let mut explained = 0;
    input::read::<Failure>(&files, &Sources::new(), &mut |sources, piece| {
        match piece {
            Piece::Document(_, node) => {
                if let Found::Asked(asked) = requests.of(node)? {
                    if explained > 0 {
                        writeln!(out)?;
                    }
                    explained += 1;
                    let named = format!("{} {}/{}", asked.kind().name, asked.namespace, asked.name);
                    let (request, decoded) = asked.request(bundle, now);
                    let request = Request {
                        facts: Arc::clone(facts),
                        ..request
                    };
                    let mut trace = trace(bundle, request);
                    decoded.complete(bundle, &mut trace.outcome);
                    let mut text = page(&named, bundle, &trace);
                    let known = Known::of(facts, now, &asked.namespace);
                    placed(bundle, &trace, known).write("nodes for its pods", &mut text);
                    facts_of(known).write("facts about the cluster", &mut text);
                    out.write_all(text.as_bytes())?;
                }
            }
            Piece::Unreadable(diagnostic) => return Err(Failure::Usage(diagnostic.concise(sources))),
            Piece::Remark(_) => {}
        }
        Ok(())
    })?;
    if explained == 0 {
        return Err(Failure::Usage(format!("{} has no Ray object", file.display())));
    }
    Ok(CLEAN)
}

/// The bundle that `--policies` names; its warnings go to standard error.
///
/// # Errors
/// [`Failure`] if the policies are broken or cannot be read.
pub fn bundle(directories: &[PathBuf]) -> Result<Bundle, Failure> {
    let (bundle, loaded) = policies::bundle(directories)?;
    if !loaded.diagnostics.is_empty() {
        anstream::eprintln!("{}", policies::rendered(&loaded));
    }
    Ok(bundle)
}

/// Rows of a section: what it is about, what became of it, and where that stands.
#[derive(Debug, Default)]
pub struct Rows(Vec<[String; 3]>);

impl Rows {
    /// The rows, in order.
    pub fn as_slice(&self) -> &[[String; 3]] {
        &self.0
    }

    fn add(&mut self, name: impl Into<String>, what: impl Into<String>, place: impl Into<String>) {
        self.0.push([
            safe(&name.into()).into_owned(),
            safe(&what.into()).into_owned(),
            place.into(),
        ]);
    }

    /// The rows under a title, in columns; nothing where there are none.
    fn write(&self, title: &str, text: &mut String) {
        const WIDEST: usize = 88;
        if self.0.is_empty() {
            return;
        }
        let _ = writeln!(text, "\n{title}");
        for row in columns(&self.0, [0; 3], WIDEST) {
            let _ = writeln!(text, "  {row}");
        }
    }
}

/// The sections of a page after the one about who asks, each with its title; those without rows are left out.
pub fn sections(bundle: &Bundle, trace: &Trace<'_, '_>) -> Vec<(&'static str, Rows)> {
    let mut sections = vec![
        ("policies, the highest priority last", policies_of(trace)),
        ("exemptions", exemptions(trace)),
        ("repairs and injectors", injectors(trace)),
        ("limits", limits(trace)),
        ("checks and rules", checks(trace, bundle)),
        ("policies in Preview would have", previews(trace)),
    ];
    sections.retain(|(_, rows)| !rows.0.is_empty());
    sections
}

fn page(named: &str, bundle: &Bundle, trace: &Trace<'_, '_>) -> String {
    let mut text = format!("{}\n", safe(named));
    text.push_str(&asker(trace, bundle));
    for (title, rows) in sections(bundle, trace) {
        rows.write(title, &mut text);
    }
    let verdict = match trace.outcome.verdict {
        Verdict::Allow => "allowed",
        Verdict::Deny => "denied",
        Verdict::Retry => "to be asked again: what is forced is missing",
    };
    let _ = writeln!(
        text,
        "\n{verdict}, with {} places filled in or repaired",
        trace.outcome.changes.len()
    );
    text
}

/// Who asks, in three lines.
pub fn asker(trace: &Trace<'_, '_>, bundle: &Bundle) -> String {
    let mut text = String::new();
    let Subject {
        identity,
        verified,
        namespace,
        user,
        today,
        ..
    } = &trace.subject;
    let shown = |text: &str| {
        if text.is_empty() {
            "-".to_owned()
        } else {
            safe(text).into_owned()
        }
    };
    let flyte = &bundle.platform().flyte;
    let why = if *verified {
        "verified: one of Flyte's service accounts asks, in the namespace of its project and domain".to_owned()
    } else if flyte.service_accounts.is_empty() {
        "not verified: the Platform lists no service account of Flyte".to_owned()
    } else if !flyte.service_accounts.contains(user) {
        "not verified: the user is none of Flyte's service accounts".to_owned()
    } else {
        let template = flyte.namespace.as_deref().unwrap_or_default();
        format!("not verified: the namespace is not the {template} of this project and domain")
    };
    let _ = writeln!(
        &mut text,
        "  {} by {} in {} on {today}",
        trace.subject.operation,
        shown(user),
        shown(namespace)
    );
    let _ = writeln!(
        &mut text,
        "  project {}, domain {}, workflow {}, task {}\n  {why}",
        shown(&identity.project),
        shown(&identity.domain),
        shown(&identity.workflow),
        shown(&identity.task)
    );
    text
}

fn policies_of(trace: &Trace<'_, '_>) -> Rows {
    let mut rows = Rows::default();
    for (policy, decision) in &trace.policies {
        rows.add(&*policy.name, fate(policy, decision, trace), policy.origin.to_string());
    }
    rows
}

fn fate(policy: &RayPolicy, decision: &Decision<'_>, trace: &Trace<'_, '_>) -> String {
    let mode = match policy.mode {
        Mode::Disabled => return "is Disabled".to_owned(),
        Mode::Preview => ", in Preview",
        Mode::Enforce => "",
    };
    match decision {
        Decision::For(selected) if selected.trusted => format!("matched{mode}"),
        Decision::For(selected) if selected.certain => {
            format!("matched{mode}, on the object's own word: it may tighten limits and actions, not loosen them")
        }
        Decision::For(_) => {
            let why = trace
                .saw
                .get(&policy.name)
                .map(|why| format!(": its `when` has no value, {why}"));
            let why = why.unwrap_or_default();
            format!("may be for it{mode}, so it may tighten and do nothing else{why}")
        }
        Decision::Missed(key, globs) => missed(*key, globs, &trace.subject),
        Decision::False => match trace.saw.get(&policy.name).map_or("", String::as_str) {
            "" => "not matched: `when` is false".to_owned(),
            saw => format!("not matched: `when` is false, {saw}"),
        },
        Decision::Excluded(position) => {
            let exclude = policy.excludes.get(*position);
            let patterns = exclude.into_iter().flat_map(|exclude| &exclude.patterns);
            let fits: Vec<String> = patterns
                .map(|(key, globs)| format!(", `{}` is in {} {}", key.read(&trace.subject), name(*key), list(globs)))
                .collect();
            format!("not matched: exclude[{position}] fits{}", fits.concat())
        }
    }
}

fn missed(key: Key, globs: &[Glob], subject: &Subject) -> String {
    match key.read(subject) {
        "" => format!("not matched: the object has nothing for {} {}", name(key), list(globs)),
        saw => format!("not matched: `{saw}` is not in {} {}", name(key), list(globs)),
    }
}

/// Patterns as policies have them.
fn list(globs: &[Glob]) -> String {
    let globs: Vec<&str> = globs.iter().map(|glob| glob.as_str()).collect();
    format!("[{}]", globs.join(", "))
}

fn name(key: Key) -> &'static str {
    match key {
        Key::Projects => "projects",
        Key::Domains => "domains",
        Key::Workflows => "workflows",
        Key::Tasks => "tasks",
        Key::Namespaces => "namespaces",
        Key::Users => "users",
        Key::Kinds => "kinds",
    }
}

fn exemptions(trace: &Trace<'_, '_>) -> Rows {
    let mut rows = Rows::default();
    for (exemption, grant) in &trace.exemptions {
        let what = match grant {
            Grant::Holds => {
                let waived = exemption.waive.iter().map(|(code, _)| format!("waives {code}"));
                let raised = exemption
                    .raise
                    .iter()
                    .filter_map(|leaf| Some(format!("raises {} to {}", leaf.path.last()?, shown(&leaf.value))));
                let all: Vec<String> = waived.chain(raised).collect();
                format!("holds until {}: {}", exemption.expires, listed(&all))
            }
            Grant::Ended => format!("no: its last day was {}", exemption.expires),
            Grant::Missed(key, globs) => missed(*key, globs, &trace.subject),
            Grant::Unverified => "no: only the object's own word says that it is for this".to_owned(),
        };
        rows.add(&*exemption.name, what, exemption.origin.to_string());
    }
    rows
}

/// Each change under the injector or the repair that made it, and why the other injectors made none.
fn injectors(trace: &Trace<'_, '_>) -> Rows {
    let mut rows = Rows::default();
    let mut by: Vec<(&str, Vec<&Change>)> = Vec::new();
    for change in &trace.outcome.changes {
        match by.iter_mut().find(|(name, _)| *name == change.by) {
            Some((_, changes)) => changes.push(change),
            None => by.push((change.by, vec![change])),
        }
    }
    for (name, changes) in by {
        for (position, change) in changes.iter().enumerate() {
            let shown = if position == 0 { name } else { "" };
            let done = change.done.clone().filter(|done| !done.is_empty());
            let origin = change.origin.as_ref().map_or_else(|| "built-in".to_owned(), place);
            rows.add(shown, done.unwrap_or_else(|| change.path.to_string()), origin);
        }
    }
    for (injector, idle) in &trace.idle {
        let why = match idle {
            Idle::Skipped => "nothing: the author has turned it off, which a policy allows".to_owned(),
            Idle::NothingSet => format!("nothing: no matching policy sets {}", listed(injector.settings)),
            Idle::NothingMissing => "nothing to add".to_owned(),
        };
        rows.add(injector.name, why, "");
    }
    rows
}

fn place(origin: &Arc<Origin>) -> String {
    format!("{} at {origin}", origin.policy)
}

fn limits(trace: &Trace<'_, '_>) -> Rows {
    let mut rows = Rows::default();
    let effective = &trace.compiled.effective;
    let Ok(serde_json::Value::Object(limits)) = serde_json::to_value(&effective.limits) else {
        return rows;
    };
    let unraised = trace.compiled.unraised.as_ref().map(|unraised| &unraised.effective);
    let entries = limits.iter().flat_map(|(key, value)| match value.as_object() {
        Some(map) => map
            .iter()
            .map(|(name, value)| (format!("{key}.{name}"), value))
            .collect(),
        None => vec![(key.clone(), value)],
    });
    for (key, value) in entries.filter(|(_, value)| !value.is_null()) {
        let key = key.as_str();
        let origin = effective.limit_origin(key).map(|origin| place(&origin));
        let raised = unraised
            .filter(|_| effective.raised.contains_key(key))
            .and_then(|unraised| unraised.limit_origin(key))
            .map(|origin| format!(", which raises that of {}", place(&origin)));
        let loosened = match raised {
            Some(raised) => raised,
            None => loosened(trace, key, value),
        };
        rows.add(key, shown(value), origin.unwrap_or_default() + &loosened);
    }
    rows
}

/// The tighter limit of a lower policy that a limit takes the place of. That is legal, and always said.
fn loosened(trace: &Trace<'_, '_>, key: &str, value: &serde_json::Value) -> String {
    let number = |value: &serde_json::Value| Quantity::from_value(value).ok();
    let enforced = trace
        .policies
        .iter()
        .filter(|(policy, decision)| policy.mode == Mode::Enforce && matches!(decision, Decision::For(_)));
    let tighter = enforced.flat_map(|(policy, _)| &policy.leaves).rfind(|leaf| {
        let limit = leaf.path.split_first();
        let is_limit = limit.is_some_and(|(group, keys)| group == "limits" && keys.join(".") == key);
        is_limit && matches!((number(&leaf.value), number(value)), (Some(one), Some(other)) if one < other)
    });
    tighter.map_or_else(String::new, |leaf| {
        format!(", which loosens {} of {}", shown(&leaf.value), place(&leaf.origin))
    })
}

/// A value of the policies: a text without its quotes.
fn shown(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn checks(trace: &Trace<'_, '_>, bundle: &Bundle) -> Rows {
    let mut rows = Rows::default();
    for judged in &trace.outcome.findings {
        let origin = judged
            .origin
            .as_ref()
            .map_or_else(|| "its own action".to_owned(), place);
        let word = judged.action.name().to_lowercase();
        rows.add(format!("{word} {}", judged.code()), judged.message(), origin);
    }
    let found = |code: &str| trace.outcome.findings.iter().any(|judged| judged.code() == code);
    for rule in &trace.compiled.effective.rules {
        if !found(&rule.code) {
            let what = if trace.resting.contains(&rule.code) {
                "does not look: its `when` is true nowhere"
            } else {
                "holds"
            };
            rows.add(&*rule.code, what, place(&rule.origin));
        }
    }
    for check in &trace.ignored {
        let origin = trace.compiled.effective.action_origin(check.code);
        rows.add(
            check.code,
            "is ignored",
            origin.map(|origin| place(&origin)).unwrap_or_default(),
        );
    }
    let mut quiet: BTreeMap<&str, usize> = BTreeMap::new();
    for (check, _) in &trace.compiled.checks {
        let is_asked = trace.not_asked.iter().all(|other| other.code != check.code);
        if is_asked && !found(check.code) {
            *quiet.entry(check.code.get(..3).unwrap_or(check.code)).or_default() += 1;
        }
    }
    let quiet: Vec<String> = quiet
        .iter()
        .map(|(family, count)| format!("{count} of {family}xx"))
        .collect();
    rows.add("nothing found", listed(&quiet), "");
    if !trace.not_asked.is_empty() {
        let what = format!("{} checks of other kinds, releases and gates", trace.not_asked.len());
        let release = bundle.platform().kuberay;
        let why = match bundle.platform().names_kuberay {
            true => format!("the Platform names KubeRay {release}"),
            false => format!("judged as KubeRay {release}, which the Platform does not name"),
        };
        rows.add("not asked", what, why);
    }
    rows
}

/// Whether a node can run each pod; nothing if the nodes are unknown.
fn placed(bundle: &Bundle, trace: &Trace<'_, '_>, known: Known<'_>) -> Rows {
    let mut rows = Rows::default();
    if known.places().is_none() {
        return rows;
    }
    let cx = Cx {
        policy: &trace.compiled.effective,
        platform: bundle.platform(),
        facts: known,
        namespace: known.namespace(),
        named: true,
        skipped: false,
    };
    for (pod, what) in placements(&cx, &Workload::of(trace.outcome.document.value())) {
        rows.add(pod, what, "");
    }
    rows
}

/// What is known of the cluster, and why the rest is not; nothing if there are no facts at all.
pub fn facts_of(known: Known<'_>) -> Rows {
    let mut rows = Rows::default();
    for fact in Fact::ALL.into_iter().filter(|_| !known.is_empty()) {
        let what = match known.unused(fact) {
            None => "known".to_owned(),
            Some(reason) => format!("unknown: {reason}"),
        };
        rows.add(fact.name(), what, "");
    }
    rows
}

fn previews(trace: &Trace<'_, '_>) -> Rows {
    let mut rows = Rows::default();
    for preview in &trace.outcome.previews {
        for would in &preview.would {
            let what = match would.message.as_str() {
                "" => would.path.to_string(),
                message => message.to_owned(),
            };
            rows.add(
                format!("{} {}", would.effect.name(), would.code),
                what,
                preview.policy.to_string(),
            );
        }
    }
    rows
}
