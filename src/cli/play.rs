//! `raygate play`: a page on this machine to try objects and policies.

mod case;
mod evaluate;
mod examples;
mod repair;
mod state;

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::Offset;
use serde_json::{Value, json};

use crate::engine::bundle::known;
use crate::files::{self, cannot_read};
use crate::play::{Oracle, Page, Wrong};
use crate::policy::json_schema;
use crate::ray::{KubeRay, crd};

use super::{CLEAN, Failure, explain, facts, policies, sample};

use state::{PolicyFile, State};

/// The stack of a thread that answers: as large as that of a command.
const STACK: usize = 8 << 20;

/// The arguments of `raygate play`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The Ray object to begin with; without one, a GPU training as Flyte sends it
    file: Option<PathBuf>,
    /// A directory of policy files to begin with, instead of the built-in policies (may be given several times)
    #[arg(long, env = "RAYGATE_POLICIES", value_delimiter = ':', value_name = "DIR")]
    policies: Vec<PathBuf>,
    /// Facts about a cluster to begin with, as `raygate snapshot` or kubectl print them
    #[arg(long, value_name = "FILE")]
    facts: Option<PathBuf>,
    /// The port on 127.0.0.1; 0 takes a free one. Links work for everyone whose page has the same port
    #[arg(long, default_value_t = 7171)]
    port: u16,
}

/// Serves the page until the process is told to end.
///
/// # Errors
/// [`Failure::Usage`] if a file cannot be read, or the port is in use.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<u8, Failure> {
    let player = Arc::new(Player { start: start(args)? });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_stack_size(STACK)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let page = Page::bind(args.port).await.map_err(|error| match error.kind() {
            ErrorKind::AddrInUse => {
                let port = args.port;
                Failure::Usage(format!("port {port} is in use; --port 0 takes a free one"))
            }
            _ => Failure::Usage(format!("cannot listen on port {}: {error}", args.port)),
        })?;
        writeln!(out, "Open {} in a browser. Ctrl-C ends it.", page.url())?;
        out.flush()?;
        page.serve(player, interrupted()).await?;
        Ok(CLEAN)
    })
}

/// Ends at Ctrl-C.
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// What the editors hold at first.
fn start(args: &Args) -> Result<State, Failure> {
    let object = match &args.file {
        Some(file) => text(file)?,
        None => examples::as_yaml(sample::RAYJOB),
    };
    let policies = policies::read(&args.policies)?
        .sources
        .into_iter()
        .map(|source| PolicyFile {
            name: source.name,
            text: String::from_utf8_lossy(&source.bytes).into_owned(),
        });
    Ok(State {
        object,
        policies: policies.collect(),
        facts: args.facts.as_deref().map(text).transpose()?.unwrap_or_default(),
        ..State::default()
    })
}

/// The text of a file.
fn text(path: &Path) -> Result<String, Failure> {
    let bytes = files::facts_bytes(path, facts::most()).map_err(|error| Failure::Usage(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| {
        let error = std::io::Error::new(ErrorKind::InvalidData, error);
        cannot_read(path, error).into()
    })
}

/// What answers the page.
struct Player {
    start: State,
}

impl Oracle for Player {
    fn ask(&self, question: &str, input: &Value) -> Result<Value, Wrong> {
        let state = || State::read(input.get("state").unwrap_or(&Value::Null));
        let word = |key: &str| input.get(key).and_then(Value::as_str).unwrap_or_default();
        match question {
            "start" => Ok(json!({
                "version": env!("CARGO_PKG_VERSION"),
                "state": self.start,
                "today": Offset::UTC.to_datetime(Timestamp::now()).date().to_string(),
                "kuberay": KubeRay::ALL.iter().rev().map(ToString::to_string).collect::<Vec<_>>(),
                "objects": examples::objects(),
                "policies": examples::policies(),
                "facts": examples::FACTS,
            })),
            "schema/policy" => Ok(json_schema::schema(&known())),
            "schema/ray" => Ok(crd::json_schema(word("kuberay").parse().unwrap_or_default())),
            "evaluate" => evaluate::answer(&state()?),
            "repair" => repair::answer(&state()?, input),
            "test-case" => case::answer(&state()?, word("name")),
            "explain" => {
                let page = explain::page(word("topic"));
                Ok(json!({"page": page.map_err(|failure| Wrong::Input(failure.to_string()))?}))
            }
            _ => Err(Wrong::Unknown),
        }
    }
}
