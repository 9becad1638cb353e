//! `raygate check`: RayJobs and reviews judged offline.

use std::fs;
use std::io::{IsTerminal, Read, Write};
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::admission::denial;
use crate::diag::{Diagnostic, SourceId, Sources, suggest};
use crate::engine::judge::answer_validate;
use crate::engine::{Bundle, Document, Finder, Judged, Operation, Outcome, Request, Verdict, judge};
use crate::k8s::path::{Path, Step};
use crate::policy::settings::Action;
use crate::ray::{KubeRay, defaults, version};
use crate::yaml::{self, Limits, Node, Reading};

use super::{CLEAN, FINDINGS, Failure, policies};

/// The arguments of `raygate check`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// RayJob manifests or AdmissionReviews: YAML or JSON, one or many documents, or a JSON object a line; - reads
    /// standard input. Without any, the policies themselves are checked
    files: Vec<PathBuf>,
    /// A directory of policy files, instead of the shipped policies (may be given several times)
    #[arg(long, env = "RAYGATE_POLICIES", value_delimiter = ':', value_name = "DIR")]
    policies: Vec<PathBuf>,
    /// How to print what was found
    #[arg(long, value_enum, default_value = "full")]
    output: Format,
    /// Only findings whose code begins so, such as RG1 or RG203
    #[arg(long, value_name = "PREFIX")]
    only: Vec<String>,
    /// Judge each object as it is, without what /mutate would do
    #[arg(long)]
    no_mutate: bool,
    /// Judge for this KubeRay, such as 1.4, instead of the Platform's
    #[arg(long, value_name = "VERSION")]
    kuberay_version: Option<KubeRay>,
    /// Feature gates of KubeRay, beside the Platform's: RayJobDeletionPolicy=true
    #[arg(long, value_name = "GATE=BOOL", value_delimiter = ',', value_parser = feature_gate)]
    feature_gates: Vec<(String, bool)>,
}

/// How to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// With the lines of the file underlined
    Full,
    /// One line a finding
    Concise,
    /// One JSON object for each input object, in order
    Jsonl,
}

/// What became of one input document.
enum Judgement {
    Judged {
        name: String,
        namespace: String,
        outcome: Box<Outcome>,
    },
    Skipped {
        kind: String,
        name: String,
        namespace: String,
        reason: String,
    },
}

/// Runs the command.
///
/// # Errors
/// [`Failure`] if the policies are broken, a file cannot be read or the output cannot be written.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<u8, Failure> {
    let (bundle, loaded) = policies::bundle(&args.policies)?;
    let bundle = for_kuberay(bundle, args);
    if !loaded.diagnostics.is_empty() {
        anstream::eprintln!("{}", policies::rendered(&loaded));
    }
    if args.files.is_empty() {
        let names: Vec<&str> = bundle.policies().policies.iter().map(|policy| &*policy.name).collect();
        writeln!(
            out,
            "ok: {} policies ({}), bundle {}",
            names.len(),
            names.join(", "),
            bundle.short_digest()
        )?;
        return Ok(CLEAN);
    }
    let mut total = Total::default();
    for file in &args.files {
        let (name, bytes) = read(file)?;
        check_file(args, &bundle, &name, &bytes, out, &mut total)?;
    }
    if args.output == Format::Full {
        writeln!(out, "{total}")?;
    }
    Ok(if total.denied + total.broken > 0 {
        FINDINGS
    } else {
        CLEAN
    })
}

#[derive(Default)]
struct Total {
    judged: usize,
    denied: usize,
    warned: usize,
    changed: usize,
    skipped: usize,
    broken: usize,
}

impl std::fmt::Display for Total {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}: {} denied, {} with warnings, {} changed",
            counted(self.judged, "RayJob"),
            self.denied,
            self.warned,
            self.changed
        )?;
        if self.skipped > 0 {
            write!(f, "; {} other objects skipped", self.skipped)?;
        }
        if self.broken > 0 {
            write!(f, "; {} could not be read", self.broken)?;
        }
        Ok(())
    }
}

fn read(file: &PathBuf) -> Result<(String, Vec<u8>), Failure> {
    if file.as_os_str() == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes)?;
        return Ok(("<stdin>".to_owned(), bytes));
    }
    let name = file.display().to_string();
    match fs::read(file) {
        Ok(bytes) => Ok((name, bytes)),
        Err(error) => Err(Failure::Usage(format!("cannot read {name}: {error}"))),
    }
}

fn check_file(
    args: &Args,
    bundle: &Bundle,
    name: &str,
    bytes: &[u8],
    out: &mut dyn Write,
    total: &mut Total,
) -> Result<(), Failure> {
    let mut sources = Sources::new();
    let (source, documents, diagnostics) =
        yaml::read(&mut sources, name, bytes, Reading::Kubectl, &Limits::manifests());
    let mut broken: Vec<&Diagnostic> = diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).collect();
    broken.sort_by_key(|diagnostic| start_of(diagnostic));
    let mut broken = broken.into_iter().peekable();
    for warning in diagnostics.iter().filter(|diagnostic| !diagnostic.is_error()) {
        anstream::eprintln!("{}", warning.concise(&sources));
    }
    for node in &documents {
        let mut is_broken = false;
        while let Some(diagnostic) = broken.next_if(|diagnostic| start_of(diagnostic) < node.span.end) {
            is_broken |= start_of(diagnostic) >= node.span.start;
            print_broken(args, diagnostic, &sources, out, total)?;
        }
        if !is_broken {
            for item in listed(node) {
                let judgement = judge_one(args, bundle, item);
                print(args, &sources, source, item, &judgement, out, total)?;
            }
        }
    }
    for diagnostic in broken {
        print_broken(args, diagnostic, &sources, out, total)?;
    }
    Ok(())
}

fn start_of(diagnostic: &Diagnostic) -> usize {
    diagnostic.primary.as_ref().map_or(0, |(span, _)| span.start)
}

/// The items of a List, or the document itself.
fn listed(node: &Node) -> Vec<&Node> {
    let kind = node.get("kind").and_then(Node::as_str).unwrap_or_default();
    match node.get("items").and_then(Node::as_sequence) {
        Some(items) if kind == "List" || kind == "RayJobList" => items.iter().collect(),
        _ => vec![node],
    }
}

/// A feature gate that decides something, with its setting.
fn feature_gate(text: &str) -> Result<(String, bool), String> {
    let Some((name, Ok(on))) = text.split_once('=').map(|(name, on)| (name, on.parse())) else {
        return Err("write it like RayJobDeletionPolicy=true".to_owned());
    };
    let known = || version::GATES.iter().map(|gate| gate.name);
    if known().any(|gate| gate == name) {
        return Ok((name.to_owned(), on));
    }
    let near = suggest(name, known())
        .map(|near| format!("; did you mean {near}?"))
        .unwrap_or_default();
    Err(format!("no feature gate that decides anything here{near}"))
}

/// The bundle for the KubeRay that the arguments name.
fn for_kuberay(bundle: Bundle, args: &Args) -> Bundle {
    if args.kuberay_version.is_none() && args.feature_gates.is_empty() {
        return bundle;
    }
    let mut set = bundle.policies().clone();
    if let Some(version) = args.kuberay_version {
        set.platform.kuberay = version;
        set.platform.names_kuberay = true;
    }
    set.platform.feature_gates.extend(args.feature_gates.iter().cloned());
    Bundle::new(set)
}

fn judge_one(args: &Args, bundle: &Bundle, node: &Node) -> Judgement {
    let document = node.to_json();
    let text = |pointer: &str| {
        document
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let (kind, api) = (text("/kind"), text("/apiVersion"));
    let (object, mut request) = if kind == "AdmissionReview" {
        let request = document.get("request").cloned().unwrap_or(Value::Null);
        let object = request.get("object").cloned().unwrap_or(Value::Null);
        (object, request)
    } else {
        (document.clone(), Value::Null)
    };
    let at = |object: &Value, pointer: &str| {
        object
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let (name, namespace) = (
        Some(at(&object, "/metadata/name"))
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| at(&object, "/metadata/generateName")),
        Some(at(&request, "/namespace"))
            .filter(|ns| !ns.is_empty())
            .unwrap_or_else(|| at(&object, "/metadata/namespace")),
    );
    let (object_kind, object_api) = if kind == "AdmissionReview" {
        (at(&object, "/kind"), at(&object, "/apiVersion"))
    } else {
        (kind.clone(), api)
    };
    if object_kind != "RayJob" || !object_api.starts_with("ray.io/") {
        let reason = match object_kind.as_str() {
            "" => "no kind, so no RayJob".to_owned(),
            "RayJob" => format!("apiVersion {object_api:?} is not of ray.io"),
            kind => format!("kind {kind} is no RayJob"),
        };
        return Judgement::Skipped {
            kind: object_kind,
            name,
            namespace,
            reason,
        };
    }
    let operation = match at(&request, "/operation").as_str() {
        "UPDATE" => Operation::Update,
        "DELETE" => Operation::Delete,
        _ => Operation::Create,
    };
    let mut object = object;
    if request.is_null() {
        defaults::apply(&mut object);
    }
    let user = match request.pointer("/userInfo/username").and_then(Value::as_str) {
        Some(user) => user.to_owned(),
        None => bundle.likely_user(&object).to_owned(),
    };
    let old = request.get_mut("oldObject").map(Value::take).filter(Value::is_object);
    let request = Request {
        operation,
        namespace: namespace.clone(),
        user,
        object,
        old,
        named: true,
    };
    let mut outcome = if args.no_mutate {
        as_it_is(bundle, request)
    } else {
        as_the_cluster_would(bundle, request)
    };
    if !args.only.is_empty() {
        outcome
            .findings
            .retain(|judged| args.only.iter().any(|prefix| judged.code().starts_with(prefix)));
        let denies = outcome.findings.iter().any(|judged| judged.action == Action::Deny);
        outcome.verdict = if denies { Verdict::Deny } else { Verdict::Allow };
    }
    Judgement::Judged {
        name,
        namespace,
        outcome: Box::new(outcome),
    }
}

/// What `/mutate` and then `/validate` say.
fn as_the_cluster_would(bundle: &Bundle, request: Request) -> Outcome {
    let operation = request.operation;
    let (namespace, user, old) = (request.namespace.clone(), request.user.clone(), request.old.clone());
    let mutated = judge::answer_mutate(bundle, request);
    let mut object = mutated.document.value().clone();
    defaults::complete_name(&mut object);
    let judged = answer_validate(
        bundle,
        Request {
            operation,
            namespace,
            user,
            object,
            old,
            named: true,
        },
    );
    Outcome {
        findings: judged.findings,
        verdict: judged.verdict,
        ..mutated
    }
}

/// What `/validate` says of the object alone.
fn as_it_is(bundle: &Bundle, mut request: Request) -> Outcome {
    let document = Document::new(request.object.clone());
    defaults::complete_name(&mut request.object);
    Outcome {
        document,
        ..judge::answer_as_is(bundle, request)
    }
}

fn print_broken(
    args: &Args,
    diagnostic: &Diagnostic,
    sources: &Sources,
    out: &mut dyn Write,
    total: &mut Total,
) -> Result<(), Failure> {
    total.broken += 1;
    match args.output {
        Format::Jsonl => writeln!(out, "{}", json!({"error": diagnostic.concise(sources)}))?,
        Format::Concise => writeln!(out, "{}", diagnostic.concise(sources))?,
        Format::Full => writeln!(out, "{}", diagnostic.render(sources, is_coloured()))?,
    }
    Ok(())
}

fn is_coloured() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

fn print(
    args: &Args,
    sources: &Sources,
    source: SourceId,
    node: &Node,
    judgement: &Judgement,
    out: &mut dyn Write,
    total: &mut Total,
) -> Result<(), Failure> {
    match judgement {
        Judgement::Skipped {
            kind,
            name,
            namespace,
            reason,
        } => {
            total.skipped += 1;
            if args.output == Format::Jsonl {
                writeln!(
                    out,
                    "{}",
                    json!({"kind": kind, "name": name, "namespace": namespace, "skipped": reason})
                )?;
            }
        }
        Judgement::Judged {
            name,
            namespace,
            outcome,
        } => {
            total.judged += 1;
            total.denied += usize::from(outcome.verdict != Verdict::Allow);
            total.warned += usize::from(outcome.findings.iter().any(|judged| judged.action == Action::Warn));
            total.changed += usize::from(outcome.document.is_changed());
            match args.output {
                Format::Jsonl => writeln!(out, "{}", as_json(name, namespace, outcome))?,
                Format::Concise => concise(sources, node, outcome, out)?,
                Format::Full => full(sources, source, node, name, namespace, outcome, out)?,
            }
        }
    }
    Ok(())
}

fn as_json(name: &str, namespace: &str, outcome: &Outcome) -> Value {
    let finding = |judged: &Judged| {
        json!({
            "code": judged.code(),
            "action": judged.action.name(),
            "path": judged.finding.path.to_string(),
            "message": judged.finding.message,
            "fix": judged.finding.fix,
            "flyte": judged.finding.flyte,
        })
    };
    let repairs = outcome
        .changes
        .iter()
        .filter_map(|change| change.done.as_ref().map(|done| (change.by, done)));
    let warnings: Vec<String> = repairs
        .filter(|(_, done)| !done.is_empty())
        .map(|(by, done)| format!("{done} ({by})"))
        .chain(
            outcome
                .findings
                .iter()
                .filter(|judged| judged.action == Action::Warn)
                .map(denial::one),
        )
        .collect();
    json!({
        "kind": "RayJob",
        "name": name,
        "namespace": namespace,
        "allowed": outcome.verdict == Verdict::Allow,
        "findings": outcome.findings.iter().map(finding).collect::<Vec<_>>(),
        "warnings": warnings,
        "patch": serde_json::to_value(outcome.document.patch()).unwrap_or_default(),
        "object": outcome.document.value(),
    })
}

fn concise(sources: &Sources, node: &Node, outcome: &Outcome, out: &mut dyn Write) -> Result<(), Failure> {
    for judged in &outcome.findings {
        writeln!(out, "{}", diagnostic(node, judged, &outcome.document).concise(sources))?;
    }
    Ok(())
}

fn full(
    sources: &Sources,
    source: SourceId,
    node: &Node,
    name: &str,
    namespace: &str,
    outcome: &Outcome,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let verdict = if outcome.verdict == Verdict::Allow {
        "allowed"
    } else {
        "denied "
    };
    let count = |action: Action| outcome.findings.iter().filter(|judged| judged.action == action).count();
    let (errors, warnings) = (count(Action::Deny), count(Action::Warn));
    writeln!(
        out,
        "{verdict}  {}  RayJob {namespace}/{name}   {}, {}, {}",
        sources.name(source),
        counted(outcome.changes.len(), "change"),
        counted(errors, "error"),
        counted(warnings, "warning"),
    )?;
    for change in &outcome.changes {
        match change.done.as_deref() {
            Some("") => {}
            Some(done) => writeln!(out, "  fixed[{}] {done}", change.by)?,
            None => {}
        }
    }
    for judged in &outcome.findings {
        if judged.action == Action::Audit {
            writeln!(out, "  note[{}] {}", judged.code(), judged.finding.message)?;
        } else {
            let diagnostic = diagnostic(node, judged, &outcome.document);
            writeln!(out, "{}", diagnostic.render(sources, is_coloured()))?;
        }
    }
    Ok(())
}

/// `1 change`, `2 changes`.
fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// A finding as a diagnostic in the file. Its path leads into the object as it became, which differs from the file
/// by what was appended and moved; the nearest place that the file has is pointed at.
fn diagnostic(node: &Node, judged: &Judged, document: &Document) -> Diagnostic {
    let finding = &judged.finding;
    let mut diagnostic = match judged.action {
        Action::Deny | Action::Fix => Diagnostic::error(judged.static_code(), finding.message.clone()),
        Action::Warn => Diagnostic::warning(judged.static_code(), finding.message.clone()),
        Action::Audit | Action::Ignore => Diagnostic::note(judged.static_code(), finding.message.clone()),
    };
    let root = node
        .at(&[yaml::Step::Key("request"), yaml::Step::Key("object")])
        .unwrap_or(node);
    let path = document.original(&finding.path);
    let steps: Vec<yaml::Step<'_>> = steps(&path);
    diagnostic = diagnostic.at(root.locate(&steps), label(&path));
    if !finding.fix.is_empty() {
        diagnostic = diagnostic.help(finding.fix.clone());
    }
    if let Some(setting) = &finding.flyte {
        diagnostic = diagnostic.help(format!("Flyte: {setting}"));
    }
    let by = judged.origin.as_deref().unwrap_or("default");
    let (action, code) = (judged.action.name(), judged.code());
    let action = match &judged.finder {
        Finder::Check(_) => format!("{action} by {by}: raygate explain {code}"),
        Finder::Rule(rule) => format!("{action} by {code} of policy {} at {by}", rule.origin.policy),
    };
    diagnostic.help(action)
}

fn steps(path: &Path) -> Vec<yaml::Step<'_>> {
    path.steps()
        .iter()
        .map(|step| match step {
            Step::Key(key) => yaml::Step::Key(key),
            Step::Index(index) => yaml::Step::Index(*index),
        })
        .collect()
}

/// The end of a path, which is what a reader looks for.
fn label(path: &Path) -> String {
    let text = path.to_string();
    match text.rfind("containers[").or_else(|| text.rfind("rayStartParams")) {
        Some(at) => text.get(at..).unwrap_or(&text).to_owned(),
        None => text,
    }
}
