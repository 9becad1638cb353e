//! `raygate snapshot`: what is known of a cluster, read once.

use std::io::Write;
use std::path::PathBuf;

use jiff::Timestamp;
use kube::Client;

use crate::cluster::objects::{self, Pages};
use crate::cluster::{Cause, describe};
use crate::facts::{Builder, Fact, Facts, State};
use crate::json::Tree;
use crate::yaml;

use super::cluster::ClusterArgs;
use super::{CLEAN, Failure, facts};

/// The arguments of `raygate snapshot`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A file with Kubernetes objects, as `kubectl get … --all-namespaces -o yaml` prints them, instead of a live cluster; -
    /// reads standard input, and takes it for what is true now
    file: Option<PathBuf>,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// What to call the cluster, instead of the context of the kubeconfig
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// How to print the facts
    #[arg(short, long, value_enum, default_value = "yaml")]
    output: Format,
}

/// How to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// YAML, for people
    Yaml,
    /// JSON on one line
    Json,
}

/// Runs the command.
///
/// # Errors
/// [`Failure`] if the cluster cannot be reached, the file has no facts, or the output cannot be written. A kind that may not
/// be read is no failure: it is unknown, and the facts say why.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<u8, Failure> {
    let mut facts = match &args.file {
        Some(file) => facts::of_file(file)?,
        None => {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|error| Failure::Cluster(format!("cannot start: {error}")))?;
            runtime.block_on(of_cluster(&args.cluster))?
        }
    };
    if let Some(name) = &args.name {
        facts.cluster.clone_from(name);
    }
    let document = facts.document();
    match args.output {
        Format::Yaml => out.write_all(yaml::emit(&document).as_bytes())?,
        Format::Json => writeln!(out, "{document}")?,
    }
    Ok(CLEAN)
}

/// Reads the facts of a live cluster, which has the name of the context.
///
/// # Errors
/// [`Failure::Cluster`] if the cluster cannot be reached. A kind that may not be read is unknown.
pub(super) async fn of_cluster(cluster: &ClusterArgs) -> Result<Facts, Failure> {
    let client = cluster.connect().await?;
    let refused = |error: &kube::Error| {
        let error = describe(error);
        Failure::Cluster(format!(
            "cannot read the cluster: {error}; is this the right one? see --context"
        ))
    };
    let version = objects::get(&client, "/version")
        .await
        .map_err(|error| refused(&error))?;
    let version = version.and_then(|version| Some(version.get("gitVersion")?.as_str()?.to_owned()));
    let name = cluster.context.as_deref().unwrap_or_default();
    let mut builder = Builder::new(name, &version.unwrap_or_default());
    let known = |read_at| State::Known {
        read_at: Some(read_at),
        is_partial: false,
    };
    for fact in Fact::ALL {
        let read_at = Timestamp::now();
        let state = match list(&client, fact, &mut builder).await {
            Ok(()) => known(read_at),
            Err(error) if Cause::of(&error) == Cause::NotFound && fact.is_none_if_unserved() => known(read_at),
            Err(error) if Cause::of(&error) == Cause::Unreachable => return Err(refused(&error)),
            Err(error) => State::Unknown(describe(&error)),
        };
        builder.state(fact, state);
    }
    Ok(builder.finish())
}

/// Reads all objects of a kind, page by page.
async fn list(client: &Client, fact: Fact, builder: &mut Builder) -> Result<(), kube::Error> {
    let mut pages = Pages::of(client, fact.path(), fact.query());
    while let Some(page) = pages.next().await? {
        for object in &page.items {
            builder.add(fact, Tree::of(object).unwrap_or_default().root());
        }
    }
    Ok(())
}
