//! `raygate scan`: the RayJobs of a live cluster, judged by a set of policies. It only reads.

mod json;
mod progress;
mod reports;
mod scanned;
mod table;

use std::io::Write;
use std::path::PathBuf;

use jiff::Timestamp;
use serde_json::Value;

use crate::cluster::objects::Pages;
use crate::cluster::{Cause, describe};
use crate::engine::{Bundle, How, admit};
use crate::input::request::created_anew;
use crate::json::Tree;

use super::cluster::ClusterArgs;
use super::{CLEAN, FINDINGS, Failure, policies};

use progress::Progress;
use scanned::{Scanned, Total};

/// The arguments of `raygate scan`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Only the RayJobs of this namespace, instead of all
    #[arg(long, short, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// Only the RayJobs with these labels, as kubectl writes them: domain=production,team!=x
    #[arg(long, short = 'l', value_name = "SELECTOR")]
    selector: Option<String>,
    /// A directory of policy files, instead of the shipped policies (may be given several times)
    #[arg(long, env = "RAYGATE_POLICIES", value_delimiter = ':', value_name = "DIR")]
    policies: Vec<PathBuf>,
    /// How to print what was found
    #[arg(long, value_enum, default_value = "table")]
    output: Format,
    /// List the RayJobs too of which there is nothing to say
    #[arg(long)]
    all: bool,
}

/// How to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A line for each RayJob, for people
    Table,
    /// One JSON document
    Json,
    /// A List of openreports.io/v1alpha1 Reports, one for each namespace, to apply
    Openreports,
    /// The same as wgpolicyk8s.io/v1alpha2 PolicyReports
    Policyreports,
}

/// Runs the command.
///
/// # Errors
/// [`Failure`] if the policies are broken, the cluster refuses, or the output cannot be written.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<u8, Failure> {
    let (bundle, loaded) = policies::bundle(&args.policies)?;
    if !loaded.diagnostics.is_empty() {
        anstream::eprintln!("{}", policies::rendered(&loaded));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Cluster(format!("cannot start: {error}")))?;
    let mut total = Total::default();
    let mut found = Vec::new();
    runtime.block_on(scan(args, &bundle, |scanned| {
        total.count(&scanned);
        if args.all || scanned.is_notable() {
            found.push(scanned);
        }
    }))?;
    found.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    match args.output {
        Format::Table => table::print(&found, &total, &bundle, out)?,
        Format::Json => json::print(&found, &total, &bundle, out)?,
        Format::Openreports => reports::print(reports::OPENREPORTS, &found, Timestamp::now(), out)?,
        Format::Policyreports => reports::print(reports::POLICYREPORTS, &found, Timestamp::now(), out)?,
    }
    Ok(if total.denied > 0 { FINDINGS } else { CLEAN })
}

/// Reads the RayJobs page by page, and hands on what the policies would answer to the creation of each.
async fn scan(args: &Args, bundle: &Bundle, mut found: impl FnMut(Scanned)) -> Result<(), Failure> {
    let client = args.cluster.connect().await?;
    let path = match &args.namespace {
        Some(namespace) => format!("/apis/ray.io/v1/namespaces/{}/rayjobs", encoded(namespace)),
        None => "/apis/ray.io/v1/rayjobs".to_owned(),
    };
    let query = args
        .selector
        .as_ref()
        .map_or_else(String::new, |selector| format!("&labelSelector={}", encoded(selector)));
    let progress = Progress::start();
    let mut judged = 0_u64;
    let mut pages = Pages::of(&client, &path, &query);
    while let Some(page) = pages.next().await.map_err(|error| refused(&error))? {
        for object in page.items {
            found(judge(bundle, object));
            judged += 1;
        }
        progress.show(judged, page.left);
    }
    Ok(())
}

fn refused(error: &kube::Error) -> Failure {
    let help = match Cause::of(error) {
        Cause::NotFound => "; the cluster has no RayJobs: is KubeRay installed?",
        Cause::Forbidden => "; the right to list rayjobs.ray.io is needed",
        Cause::Unreachable => "; is this the right cluster? see --kubeconfig and --context",
        _ => "",
    };
    Failure::Cluster(format!("cannot list the RayJobs: {}{help}", describe(error)))
}

fn judge(bundle: &Bundle, object: Value) -> Scanned {
    let text = |pointer: &str| {
        let text = object.pointer(pointer).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let (namespace, name, uid) = (
        text("/metadata/namespace"),
        text("/metadata/name"),
        text("/metadata/uid"),
    );
    let object = Tree::of(&object).unwrap_or_default();
    let request = created_anew(bundle, object, Timestamp::now());
    Scanned {
        namespace,
        name,
        uid,
        outcome: admit(bundle, request, How::Both),
    }
}

/// A text as a part of a query or a path.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
        out
    })
}
