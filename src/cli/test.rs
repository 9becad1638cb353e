//! `raygate test`: the cases beside the policies.

mod junit;
mod report;

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;

use crate::engine::Bundle;
use crate::engine::bundle::known;
use crate::files::{self, Bounded, bounded};
use crate::suite::{Suite, Tested, bless as rewrite, coverage, run as engine};
use crate::yaml::Limits;

use super::{CLEAN, FINDINGS, Failure, policies};

/// The arguments of `raygate test`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Directories of policy files and of the *.test.yaml beside them; together they are one set of policies
    #[arg(value_name = "DIR", default_value = "policies")]
    directories: Vec<PathBuf>,
    /// A directory or file of policies that hold beside these, and whose own tests and coverage are left alone (may be
    /// given several times)
    #[arg(long, value_name = "DIR")]
    policies: Vec<PathBuf>,
    /// Rewrite the `want` of each case that comes out otherwise: what it names, or the verdict and the findings
    #[arg(long)]
    bless: bool,
    /// Take out each part of the policies in turn, and report what no case notices
    #[arg(long)]
    coverage: bool,
    /// How to print the results
    #[arg(short, long, value_enum, default_value = "full")]
    output: Format,
}

/// How to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Each case, with its differences
    Full,
    /// One line a failure
    Concise,
    /// One JSON object for each case
    Jsonl,
    /// JUnit's XML
    Junit,
}

/// Runs the command.
///
/// # Errors
/// [`Failure`] if the policies are broken, a file cannot be read or written, or the output cannot be written.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<u8, Failure> {
    if let Some(file) = args.directories.iter().find(|directory| directory.is_file()) {
        let name = file.display();
        return Err(Failure::Usage(format!(
            "{name} is a file; name the directory of the policies and their tests"
        )));
    }
    let (bundle, loaded) = policies::bundle(&[args.directories.as_slice(), &args.policies].concat())?;
    if !loaded.diagnostics.is_empty() {
        anstream::eprintln!("{}", policies::rendered(&loaded));
    }
    let mut suite = read(&args.directories)?;
    if args.bless && bless_all(&suite, &bundle)? {
        suite = read(&args.directories)?;
    }
    let results = suite.run(&bundle);
    let all_pass = !results.is_empty() && results.iter().all(Tested::passed);
    let covered = if args.coverage && all_pass {
        let beside = match args.policies.as_slice() {
            [] => Vec::new(),
            policies => policies::read(policies)?.sources,
        };
        Some(coverage::coverage(
            &policies::read(&args.directories)?.sources,
            &beside,
            &known(),
            &suite,
        ))
    } else {
        None
    };
    match args.output {
        Format::Full => report::full(&suite, &results, out)?,
        Format::Concise => report::concise(&suite, &results, out)?,
        Format::Jsonl => report::jsonl(&suite, &results, out)?,
        Format::Junit => junit::print(&suite, &results, covered.as_ref(), out)?,
    }
    if args.output == Format::Full {
        report::total(&results, args.coverage, covered.as_ref(), out)?;
    } else if let Some(covered) = covered.as_ref().filter(|_| args.output != Format::Junit) {
        report::unnoticed(covered, args.output == Format::Jsonl, out)?;
    }
    let is_covered = covered.is_none_or(|covered| covered.unnoticed.is_empty());
    Ok(if all_pass && is_covered { CLEAN } else { FINDINGS })
}

/// Rewrites the cases of directories that come out otherwise than they want.
///
/// # Errors
/// [`Failure::Usage`] if a file cannot be read or written.
pub(super) fn bless(directories: &[PathBuf], bundle: &Bundle) -> Result<(), Failure> {
    bless_all(&read(directories)?, bundle)?;
    Ok(())
}

fn read(directories: &[PathBuf]) -> Result<Suite, Failure> {
    let files = files::tests(directories)?;
    Ok(Suite::load(&files, &|file| {
        let most = u64::try_from(Limits::manifests().bytes).unwrap_or(u64::MAX);
        let read = File::open(file).and_then(|open| bounded(open, most));
        match read.map_err(|error| error.to_string())? {
            Bounded { is_cut: true, .. } => Err(format!("it has more than {most} bytes")),
            Bounded { bytes, .. } => Ok(bytes),
        }
    }))
}

/// Rewrites the cases that come out otherwise than they want; whether there was one.
fn bless_all(suite: &Suite, bundle: &Bundle) -> Result<bool, Failure> {
    let mut any = false;
    let results = suite.run(bundle);
    for file in &suite.files {
        let stale: Vec<_> = results
            .iter()
            .filter(|tested| std::ptr::eq(tested.file, file))
            .filter_map(|tested| {
                tested
                    .case
                    .filter(|case| case.want.is_none() || !tested.differences.is_empty())
            })
            .map(|case| (case, engine::run(case, bundle)))
            .collect();
        if stale.is_empty() {
            continue;
        }
        let name = &file.name;
        let text = rewrite::blessed(file, &stale, &suite.sources)
            .map_err(|error| Failure::Usage(format!("cannot bless {name}: {error}")))?;
        fs::write(name, text).map_err(|error| Failure::Usage(format!("cannot write {name}: {error}")))?;
        any = true;
    }
    Ok(any)
}
