//! The commands: what is read and printed. What they do stands in the rooms to the right of this one.

pub mod certs;
pub mod check;
pub mod explain;
pub mod manifests;
pub mod policies;
pub mod sample;
pub mod schema;
pub mod serve;
pub mod test;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Nothing was found.
pub const CLEAN: u8 = 0;
/// Something was found.
pub const FINDINGS: u8 = 1;
/// The command was called wrongly, or cannot read its input.
pub const USAGE: u8 = 2;
/// The policies are broken.
pub const POLICY: u8 = 3;

/// Admission for Ray on Kubernetes: completes the RayJobs that Flyte creates, and refuses those that cannot work.
#[derive(Debug, Parser)]
#[command(name = "raygate", version, arg_required_else_help = true, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the webhook
    Serve(serve::ServeArgs),
    /// Judge RayJobs and reviews offline, with the server's own engine
    Check(check::Args),
    /// Run the tests of policies: the cases in *.test.yaml beside them
    Test(test::Args),
    /// Explain a code, or a key of the policy language; without an argument, list the codes
    Explain(explain::Args),
    /// Print the JSON Schema of policy files, for editors
    Schema,
    /// Print a review that asks to create a RayJob, to post to a server
    Sample(sample::Args),
    /// Make a CA and a serving certificate
    Certs(certs::Args),
    /// Print the Kubernetes objects that install raygate
    Manifests(manifests::Args),
}

/// Runs the command line, and says how it went: 0 clean, 1 findings, 2 usage, 3 policy error.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    if let Command::Serve(args) = &cli.command {
        return ended(serve::run(args).map(|()| CLEAN).map_err(Failure::from));
    }
    let mut out = io::stdout().lock();
    let result = match cli.command {
        Command::Serve(_) => Ok(CLEAN),
        Command::Check(args) => check::run(&args, &mut out),
        Command::Test(args) => test::run(&args, &mut out),
        Command::Schema => schema::run(&mut out),
        Command::Explain(args) => explain::run(&args, &mut out),
        Command::Sample(args) => sample::run(&args, &mut out),
        Command::Certs(args) => certs::run(&args, jiff::Timestamp::now(), &mut out)
            .map(|()| CLEAN)
            .map_err(Into::into),
        Command::Manifests(args) => manifests::run(&args, crate::engine::bundle::EMBEDDED, &mut out)
            .map(|()| CLEAN)
            .map_err(Into::into),
    };
    ended(result.and_then(|code| Ok(out.flush().map(|()| code)?)))
}

fn ended(result: Result<u8, Failure>) -> ExitCode {
    match result {
        Ok(code) => ExitCode::from(code),
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::from(CLEAN),
        Err(failure) => {
            anstream::eprintln!("{failure}");
            ExitCode::from(failure.code())
        }
    }
}

/// Why a command stopped.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Its output could not be written.
    #[error("error: writing the output failed: {0}")]
    Output(#[from] io::Error),
    /// A file could not be read, or an argument makes no sense.
    #[error("error: {0}")]
    Usage(String),
    /// The policies are broken; the text holds the diagnostics.
    #[error("{0}")]
    Policies(String),
}

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Failure::Policies(_) => POLICY,
            Failure::Output(_) | Failure::Usage(_) => USAGE,
        }
    }
}

impl From<serve::ServeError> for Failure {
    fn from(error: serve::ServeError) -> Self {
        match error {
            serve::ServeError::Policies(failure) => failure,
            other => Failure::Usage(chain(&other)),
        }
    }
}

/// An error and what caused it, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

impl From<certs::Error> for Failure {
    fn from(error: certs::Error) -> Self {
        Failure::Usage(error.to_string())
    }
}

impl From<manifests::Error> for Failure {
    fn from(error: manifests::Error) -> Self {
        Failure::Usage(error.to_string())
    }
}
