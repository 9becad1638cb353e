//! `raygate observe`: the facts about a cluster, kept up to date in a file for the server.

use std::path::PathBuf;

use crate::observe;
use crate::server::Signals;
use crate::telemetry::{self, Format, error_chain};

use super::cluster::ClusterArgs;
use super::{CLEAN, Failure};

/// The arguments of `raygate observe`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The file to write, for `raygate serve --facts`. It is replaced as a whole, so its directory must be writable
    #[arg(long, value_name = "FILE", env = "RAYGATE_FACTS")]
    out: PathBuf,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// What to call the cluster in the facts
    #[arg(long, value_name = "NAME", default_value = "")]
    name: String,
    /// `json` or `text`. Default: text on a terminal, json elsewhere
    #[arg(long, value_name = "FORMAT", env = "RAYGATE_LOG_FORMAT")]
    log_format: Option<Format>,
    /// What is logged, such as `info`
    #[arg(long, value_name = "FILTER", env = "RAYGATE_LOG", default_value = telemetry::DEFAULT_FILTER)]
    log: String,
}

/// Observes the cluster until SIGTERM or SIGINT.
///
/// # Errors
/// [`Failure`] if there is no cluster to ask, or the file cannot be written.
pub fn run(args: &Args) -> Result<u8, Failure> {
    let format = args.log_format.unwrap_or_else(Format::detect);
    let _flush = telemetry::init(format, &args.log).map_err(|error| Failure::Usage(error_chain(&error)))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Cluster(format!("cannot start: {error}")))?;
    runtime.block_on(async {
        let mut signals = Signals::catch().map_err(|error| Failure::Cluster(format!("cannot start: {error}")))?;
        let client = args.cluster.connect().await?;
        tokio::select! {
            observed = observe::observe(&client, &args.name, &args.out) => observed.map_err(|error| {
                Failure::Usage(format!("cannot write {}: {error}", args.out.display()))
            })?,
            signal = signals.next() => tracing::info!(signal, "shutting down"),
        }
        Ok(CLEAN)
    })
}
