//! `raygate explain`: the page of a code or of a key of the policy language, or the way of a Ray object.

pub mod walk;

use std::io::Write;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::admission;
use crate::cel::language;
use crate::diag::{self, CodePage, columns, suggest};
use crate::policy::load::Loaded;
use crate::policy::{Origin, codes, lint, schema};
use crate::rules::check;
use crate::{suite, yaml};

use super::{CLEAN, Failure, facts, policies};
use crate::input::request::Overrides;

/// The arguments of `raygate explain`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A code such as RG203, a rule of --policies such as rule/NAME, a key such as defaults.sharedMemory.size, or a file with a Ray object or a review of one (-
    /// reads standard input): then each policy, injector and check tells what became of it there
    topic: Option<String>,
    /// For a file: a directory of policy files, instead of the shipped policies (may be given several times)
    #[arg(long, env = "RAYGATE_POLICIES", value_delimiter = ':', value_name = "DIR")]
    policies: Vec<PathBuf>,
    /// For a file: ask as this Kubernetes user, instead of the recorded one or Flyte
    #[arg(long, value_name = "USER")]
    as_user: Option<String>,
    /// For a file: ask in this namespace, instead of the object's
    #[arg(long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// For a file: what is known of the cluster, as `raygate snapshot` or kubectl print it
    #[arg(long, value_name = "FILE")]
    facts: Option<PathBuf>,
    /// For a file: as of this time, a date or 2026-11-26T14:00:00Z, instead of now: exemptions end
    #[arg(long, value_name = "TIME", value_parser = super::time::time)]
    at: Option<Timestamp>,
}

/// Runs the command.
///
/// # Errors
/// [`Failure::Usage`] where nothing has that name, [`Failure::Output`] if the output cannot be written.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<u8, Failure> {
    match &args.topic {
        Some(topic) if topic == "-" || PathBuf::from(topic).exists() => {
            let overrides = Overrides {
                user: args.as_user.clone(),
                namespace: args.namespace.clone(),
                ..Overrides::default()
            };
            let bundle = walk::bundle(&args.policies)?;
            let now = args.at.unwrap_or_else(Timestamp::now);
            let facts = facts::one(args.facts.as_ref())?;
            return walk::run(&PathBuf::from(topic), (&bundle, &facts), overrides, now, out);
        }
        Some(topic) if topic.starts_with("rule/") => write!(out, "{}", rule(topic, &args.policies)?)?,
        Some(topic) => write!(out, "{}", page(topic)?)?,
        None => {
            write!(out, "{}", answered_by_the_server())?;
            for family in check::FAMILIES {
                write!(out, "{}", listed(family))?;
            }
            writeln!(out, "Said of files")?;
            for page in diagnostics() {
                writeln!(out, "  {}  {}", page.code, page.title)?;
            }
            writeln!(
                out,
                "\nraygate explain CODE prints a page; raygate explain Platform, RayPolicy or Exemption lists the keys of policies."
            )?;
        }
    }
    Ok(CLEAN)
}

/// The codes that the server itself answers with, a line each.
fn answered_by_the_server() -> String {
    let mut text = "RG0xx  answered by raygate itself\n".to_owned();
    let rows = admission::codes::CODES
        .iter()
        .map(|page| [page.code, "Deny", page.title]);
    list(rows, &mut text);
    text
}

/// The checks of a family, a line each.
fn listed(family: &check::Family) -> String {
    let mut text = format!("{}xx  {}\n", family.prefix, family.title);
    let rows = family.checks.iter();
    list(
        rows.map(|check| [check.code, check.action.name(), check.title]),
        &mut text,
    );
    text
}

/// Codes with what becomes of them and their titles, a line each.
fn list(codes: impl Iterator<Item = [&'static str; 3]>, text: &mut String) {
    const ACTION: usize = 6;
    let rows: Vec<[String; 3]> = codes.map(|row| row.map(str::to_owned)).collect();
    for row in columns(&rows, [0, ACTION, 0], usize::MAX) {
        text.push_str(&format!("  {row}\n"));
    }
}

/// The page of a code or of a key.
///
/// # Errors
/// [`Failure::Usage`] where nothing has that name.
pub fn page(topic: &str) -> Result<String, Failure> {
    let code = topic.to_ascii_uppercase();
    let prefix = code.trim_end_matches('X');
    if let Some(family) = check::FAMILIES.iter().find(|family| family.prefix == prefix) {
        return Ok(listed(family));
    }
    if prefix == "RG0" {
        return Ok(answered_by_the_server());
    }
    if let Some(check) = check::find(&code) {
        return Ok(check.markdown());
    }
    if let Some(page) = code_pages().find(|page| page.code == code) {
        return Ok(page.markdown());
    }
    if let Some(entry) = schema::find(topic) {
        return Ok(entry.markdown());
    }
    if let Some(text) = schema::keys(topic).or_else(|| language::page(topic)) {
        return Ok(text);
    }
    let mut names: Vec<String> = check::all().map(|check| check.code.to_owned()).collect();
    names.extend(code_pages().map(|page| page.code.to_owned()));
    names.extend(
        schema::entries()
            .into_iter()
            .map(|entry| entry.path.trim_start_matches("spec.").to_owned()),
    );
    let near = sibling(topic, &names)
        .or_else(|| suggest(topic, names.iter().map(String::as_str)).map(str::to_owned))
        .map_or_else(
            || "raygate explain lists the codes".to_owned(),
            |near| format!("did you mean {near}?"),
        );
    Err(Failure::Usage(format!(
        "there is no code, no key and no file {topic:?}; {near}"
    )))
}

/// The key below the same parent that begins as the topic does, or else all of them.
fn sibling(topic: &str, names: &[String]) -> Option<String> {
    let (parent, last) = topic.rsplit_once('.')?;
    let below: Vec<&str> = names
        .iter()
        .filter_map(|name| name.strip_prefix(parent)?.strip_prefix('.'))
        .filter(|key| !key.contains('.'))
        .collect();
    let begins = |key: &&&str| key.to_lowercase().starts_with(&last.to_lowercase());
    let near = suggest(last, below.iter().copied()).or_else(|| below.iter().find(begins).copied());
    match near {
        Some(near) => Some(format!("{parent}.{near}")),
        None if below.is_empty() => None,
        None => Some(format!("one of {parent}.{{{}}}", below.join(", "))),
    }
}

/// The page of a rule of these policies.
fn rule(code: &str, directories: &[PathBuf]) -> Result<String, Failure> {
    let (bundle, loaded) = policies::bundle(directories)?;
    let rules = || {
        bundle
            .policies()
            .policies
            .iter()
            .flat_map(|policy| policy.rules.iter().map(move |rule| (policy, rule)))
    };
    let Some((policy, rule)) = rules().find(|(_, rule)| &*rule.code == code) else {
        let codes: Vec<&str> = rules().map(|(_, rule)| &*rule.code).collect();
        let near = match suggest(code, codes.iter().copied()) {
            Some(near) => format!("did you mean {near}?"),
            None if codes.is_empty() => "these policies have no rules; name yours with --policies".to_owned(),
            None => format!("the rules are {}", diag::listed(&codes)),
        };
        return Err(Failure::Usage(format!("there is no {code}; {near}")));
    };
    let origin = &rule.origin;
    let mut text = format!(
        "# {code}\n\nA rule of policy {} at {}:{}.\n\n```yaml\n",
        policy.name, origin.file, origin.line
    );
    for line in written(&loaded, origin) {
        text.push_str(&line);
        text.push('\n');
    }
    text.push_str("```\n");
    Ok(text)
}

/// The lines of the file in which a rule stands, without their margin.
fn written(loaded: &Loaded, origin: &Origin) -> Vec<String> {
    let Some(source) = loaded.sources.named(&origin.file) else {
        return Vec::new();
    };
    let lines: Vec<&str> = source.text.lines().collect();
    let first = origin.line.saturating_sub(1);
    let margin = |line: &str| line.len() - line.trim_start().len();
    let begin = lines.get(first).copied().unwrap_or_default();
    let dash = margin(begin);
    let rest = lines.get(first + 1..).unwrap_or_default();
    let below = rest
        .iter()
        .take_while(|line| line.trim().is_empty() || margin(line) > dash);
    let mut out: Vec<String> = std::iter::once(&begin)
        .chain(below)
        .map(|line| line.get(dash..).unwrap_or_default().to_owned())
        .collect();
    while out.last().is_some_and(|line| line.trim().is_empty()) {
        out.pop();
    }
    out
}

/// The pages that are not of checks: the server's own codes and the diagnostics of files.
pub fn code_pages() -> impl Iterator<Item = &'static CodePage> {
    admission::codes::CODES.iter().chain(diagnostics())
}

/// The diagnostics of files, of all rooms that read them.
pub fn diagnostics() -> impl Iterator<Item = &'static CodePage> {
    yaml::CODES
        .iter()
        .chain(codes::CODES)
        .chain(lint::CODES)
        .chain(suite::CODES)
}
