//! The commands: what is read and printed. What they do stands in the rooms to the right of this one.

pub mod certs;
pub mod check;
pub mod cluster;
pub mod doctor;
pub mod explain;
pub mod facts;
pub mod init;
mod junit;
pub mod man;
pub mod manifests;
pub mod observe;
mod outcome;
mod page;
pub mod play;
pub mod policies;
pub mod sample;
pub mod scan;
pub mod schema;
pub mod self_managed;
pub mod serve;
pub mod snapshot;
pub mod test;
mod time;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use outcome::CUT_OFF;
use outcome::is_coloured;
pub use outcome::{CLEAN, CLUSTER, FINDINGS, Failure, INTERNAL, POLICY, USAGE};

/// What the exit codes say.
pub const EXIT_CODES: &[(u8, &str)] = &[
    (CLEAN, "clean: nothing was found"),
    (
        FINDINGS,
        "findings: an object is denied, a document cannot be read, two sets of policies differ, a test fails, raygate does \
         not work in the cluster",
    ),
    (USAGE, "usage: the command was called wrongly, or a file cannot be read"),
    (POLICY, "policy error: the policies are broken"),
    (CLUSTER, "cluster error: the cluster cannot be reached, or refuses"),
    (
        INTERNAL,
        "internal: the output cannot be written, or raygate has a defect",
    ),
    (CUT_OFF, "cut off: the reader of the output ended first"),
];

/// Admission for Ray on Kubernetes: completes the Ray objects that Flyte and others create, and rejects those that cannot
/// work.
#[derive(Debug, Parser)]
#[command(name = "raygate", version, arg_required_else_help = true, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the webhook
    Serve(Box<serve::ServeArgs>),
    /// Judge Ray objects and reviews offline, with the server's own engine
    Check(check::Args),
    /// Open a page to try objects and policies: on this machine only, with the server's own engine
    Play(play::Args),
    /// Run the tests of policies: the cases in *.test.yaml beside them
    Test(test::Args),
    /// Explain a code, a key of the policy language, or what becomes of a Ray object; without an argument, list the codes
    Explain(explain::Args),
    /// Print the JSON Schema of policy files, for editors
    Schema,
    /// Print a review that asks to create a Ray object, to post to a server
    Sample(sample::Args),
    /// Make a CA and a serving certificate
    Certs(certs::Args),
    /// Print the Kubernetes objects that install raygate
    Manifests(manifests::Args),
    /// Judge the Ray objects of a live cluster by a set of policies, without changing anything
    Scan(scan::Args),
    /// Write a first set of policies into a directory, drafted from what is known of a cluster
    Init(init::Args),
    /// Print what is known of a cluster: the facts for --facts
    Snapshot(snapshot::Args),
    /// Keep a file with facts about a cluster up to date, for `raygate serve --facts`
    Observe(observe::Args),
    /// Check raygate in a live cluster, and print the command that repairs what is wrong
    Doctor(doctor::Args),
    /// Print the completions of a shell: source <(raygate completions bash)
    Completions(CompletionsArgs),
    /// Write the man pages of all commands to a directory
    Man(man::Args),
}

/// The arguments of `raygate completions`.
#[derive(Debug, clap::Args)]
struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

/// The whole command line, for whoever describes it.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the command line, and says how it went: see [`EXIT_CODES`].
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    if let Command::Serve(args) = &cli.command {
        return ended(serve::run(args).map_err(Failure::from));
    }
    let mut out = io::stdout().lock();
    let result = match cli.command {
        Command::Serve(_) => Ok(CLEAN),
        Command::Check(args) => check::run(&args, &mut out),
        Command::Play(args) => play::run(&args, &mut out),
        Command::Test(args) => test::run(&args, &mut out),
        Command::Schema => schema::run(&mut out),
        Command::Explain(args) => explain::run(&args, &mut out),
        Command::Sample(args) => sample::run(&args, &mut out),
        Command::Scan(args) => scan::run(&args, &mut out),
        Command::Observe(args) => observe::run(&args),
        Command::Init(args) => init::run(&args, &mut out),
        Command::Snapshot(args) => snapshot::run(&args, &mut out),
        Command::Doctor(args) => doctor::run(&args, &mut out),
        Command::Man(args) => man::run(&args, command()),
        Command::Certs(args) => certs::run(&args, jiff::Timestamp::now(), &mut out)
            .map(|()| CLEAN)
            .map_err(Into::into),
        Command::Completions(args) => {
            // The generator panics where its output cannot be written, as to a closed pipe.
            let mut script = Vec::new();
            clap_complete::generate(args.shell, &mut command(), "raygate", &mut script);
            out.write_all(&script).map(|()| CLEAN).map_err(Into::into)
        }
        Command::Manifests(args) => policies::texts(&args.policies).and_then(|files| {
            let files: Vec<_> = files.iter().map(|(name, text)| (&**name, &**text)).collect();
            manifests::run(&args, &files, &mut out).map_err(Into::into)
        }),
    };
    ended(result.and_then(|code| Ok(out.flush().map(|()| code)?)))
}

fn ended(result: Result<u8, Failure>) -> ExitCode {
    match result {
        Ok(code) => ExitCode::from(code),
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::from(CUT_OFF),
        Err(failure) => {
            anstream::eprintln!("{failure}");
            ExitCode::from(failure.code())
        }
    }
}
