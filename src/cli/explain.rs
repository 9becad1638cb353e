//! `raygate explain`: the page of a code or of a key of the policy language, or the way of a Ray object.

pub mod walk;

use std::io::Write;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::admission;
use crate::cel::language;
use crate::diag::{CodePage, columns, suggest};
use crate::policy::{codes, lint, schema};
use crate::rules::check;
use crate::{suite, yaml};

use super::{CLEAN, Failure, facts};
use crate::input::request::Overrides;

/// The arguments of `raygate explain`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A code such as RG203, a key such as defaults.sharedMemory.size, or a file with a Ray object or a review of one (-
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
    let near = suggest(topic, names.iter().map(String::as_str)).map_or_else(
        || "raygate explain lists the codes".to_owned(),
        |near| format!("did you mean {near}?"),
    );
    Err(Failure::Usage(format!(
        "there is no code, no key and no file {topic:?}; {near}"
    )))
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
