//! `raygate doctor`: what is wrong with raygate in a live cluster, and the command that repairs it. It only reads; what it
//! creates is a dry run.

mod account;
mod certificate;
mod clocks;
mod configuration;
mod emergency;
mod findings;
mod lists;
mod observer;
mod platform;
mod queues;
pub(super) mod release;
mod trial;
mod workload;

use std::io::Write;

use jiff::Timestamp;

use crate::certs::DnsLabel;
use crate::cluster::describe;
use crate::cluster::objects;
use crate::install::{CONFIGURATION, is_raygates, registered_kinds};

use super::cluster::ClusterArgs;
use super::{CLEAN, FINDINGS, Failure};

use configuration::Kind;
use findings::{Findings, Level};
use lists::{list, service};
use workload::Chosen;

/// The arguments of `raygate doctor`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    cluster: ClusterArgs,
    /// The namespace in which an object of each kind is created, as a dry run
    #[arg(long, short, value_name = "NAMESPACE", default_value = "default")]
    namespace: DnsLabel,
    /// How to print what was found
    #[arg(short, long, value_enum, default_value = "text")]
    output: Format,
    /// Ask nobody, and print how to get raygate out of the way
    #[arg(long)]
    emergency: bool,
}

/// How to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A line for each check, and below it the command that repairs what was found
    Text,
    /// One JSON document
    Json,
}

/// Runs the command.
///
/// # Errors
/// [`Failure::Cluster`] if the API server cannot be reached, [`Failure::Output`] if the output cannot be written.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<u8, Failure> {
    if args.emergency {
        out.write_all(emergency::text().as_bytes())?;
        return Ok(CLEAN);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Cluster(format!("cannot start: {error}")))?;
    let findings = runtime.block_on(examine(args))?;
    match args.output {
        Format::Text => findings.print_text(out)?,
        Format::Json => findings.print_json(out)?,
    }
    Ok(if findings.count(Level::Error) > 0 {
        FINDINGS
    } else {
        CLEAN
    })
}

async fn examine(args: &Args) -> Result<Findings, Failure> {
    let client = args.cluster.connect().await?;
    let mut findings = Findings::default();
    let unreachable = |error: &kube::Error| {
        Failure::Cluster(format!(
            "cannot ask the API server for its version: {}; is this the right cluster? see --kubeconfig and --context",
            describe(error)
        ))
    };
    let version = objects::get(&client, "/version")
        .await
        .map_err(|error| unreachable(&error))?;
    platform::judge_version(&version.unwrap_or_default(), &mut findings);
    let date = objects::date(&client).await.map_err(|error| unreachable(&error))?;
    clocks::judge(date.as_deref(), Timestamp::now(), &mut findings);
    let served = platform::judge_kuberay(&client, &mut findings).await;

    let (mut first, mut registered, mut previewed, mut kuberay) = (None, None, Vec::new(), None);
    for kind in Kind::BOTH {
        let configurations = match list(&client, kind.path(), kind.kind()).await {
            Ok(configurations) => configurations,
            Err(error) => {
                findings.unreadable(kind.check(), "the webhook configurations", &error);
                continue;
            }
        };
        let (own, others): (Vec<_>, Vec<_>) = configurations.into_iter().partition(is_raygates);
        if own.is_empty() {
            findings.error(
                kind.check(),
                format!("there is no {} {CONFIGURATION}", kind.kind()),
                workload::registration(&client).await,
            );
        }
        for configuration in own {
            let chosen = match service(&configuration) {
                Some((namespace, _)) => Chosen::find(&client, namespace).await,
                None => Chosen::default(),
            };
            configuration::judge(kind, &configuration, &others, &chosen, &mut findings);
            certificate::judge(&client, kind, &configuration, Timestamp::now(), &mut findings).await;
            registered = Some(registered_kinds(&configuration));
            previewed = chosen.previewed;
            kuberay = chosen.kuberay;
            first.get_or_insert(configuration);
        }
    }
    release::judge(&client, kuberay, &mut findings).await;
    let service = first.as_ref().and_then(service);
    workload::judge(&client, first.is_some(), service, &mut findings).await;
    if let Some((namespace, _)) = service {
        account::judge(&client, namespace, &mut findings).await;
        observer::judge(&client, namespace, &mut findings).await;
    }
    if let Some(registered) = &registered {
        platform::judge_unjudged(&served, registered, &mut findings);
    }
    let registered = registered.unwrap_or_default();
    let namespaces = (args.namespace.as_str(), service.map(|(namespace, _)| namespace));
    for kind in served.iter().filter(|kind| registered.include(kind)) {
        if previewed.iter().any(|previewed| previewed.is(kind)) {
            trial::previewed(kind, &mut findings);
        } else {
            trial::judge(&client, kind, namespaces, &mut findings).await;
        }
    }
    queues::judge(&client, served.iter(), &mut findings).await;
    Ok(findings)
}
