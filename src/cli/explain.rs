//! `raygate explain`: the page of a code or of a key of the policy language.

use std::io::Write;

use crate::diag::{CodePage, suggest};
use crate::policy::{codes, schema};
use crate::rules::check;
use crate::{suite, yaml};

use super::{CLEAN, Failure};

/// The arguments of `raygate explain`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A code such as RG203, or a key such as defaults.sharedMemory.size
    topic: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// [`Failure::Usage`] where nothing has that name, [`Failure::Output`] if the output cannot be written.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<u8, Failure> {
    match &args.topic {
        Some(topic) => write!(out, "{}", page(topic)?)?,
        None => {
            for family in check::FAMILIES {
                writeln!(out, "{}xx  {}", family.prefix, family.title)?;
                for check in family.checks {
                    writeln!(out, "  {}  {:<6}  {}", check.code, check.action.name(), check.title)?;
                }
            }
            writeln!(out, "\nraygate explain CODE prints a page.")?;
        }
    }
    Ok(CLEAN)
}

fn page(topic: &str) -> Result<String, Failure> {
    let code = topic.to_ascii_uppercase();
    if let Some(check) = check::find(&code) {
        return Ok(check.markdown());
    }
    if let Some(page) = diagnostics().find(|page| page.code == code) {
        return Ok(format!("# {}: {}\n\n{}\n", page.code, page.title, page.text));
    }
    if let Some(entry) = schema::find(topic) {
        return Ok(entry.markdown());
    }
    let mut names: Vec<String> = check::all().map(|check| check.code.to_owned()).collect();
    names.extend(diagnostics().map(|page| page.code.to_owned()));
    names.extend(
        schema::entries()
            .into_iter()
            .map(|entry| entry.path.trim_start_matches("spec.").to_owned()),
    );
    let near = suggest(topic, names.iter().map(String::as_str)).map_or_else(
        || "raygate explain lists the codes".to_owned(),
        |near| format!("did you mean {near}?"),
    );
    Err(Failure::Usage(format!("there is no code and no key {topic:?}; {near}")))
}

/// The diagnostics of files, of all rooms that read them.
pub fn diagnostics() -> impl Iterator<Item = &'static CodePage> {
    yaml::CODES.iter().chain(codes::CODES).chain(suite::CODES)
}
