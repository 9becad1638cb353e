//! `raygate scan`: the Ray objects of a live cluster, judged by a set of policies. It only reads.

mod json;
mod looks;
mod progress;
mod reports;
mod scanned;
mod table;

use std::collections::HashSet;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::cluster::objects::Pages;
use crate::cluster::{Cause, describe};
use crate::engine::{Bundle, How, Request, admit};
use crate::facts::Facts;
use crate::input::request::created_anew;
use crate::install::KindList;
use crate::json::Tree;
use crate::ray::kind::{KINDS, Kind, RAY_CLUSTER};

use super::cluster::ClusterArgs;
use super::page::Medium;
use super::{CLEAN, FINDINGS, Failure, facts, policies};

use progress::Progress;
use scanned::{Found, Scanned, Total};

/// The arguments of `raygate scan`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Only objects of this namespace
    #[arg(long, short, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// Only objects of these kinds, separated by commas, instead of all kinds that the cluster serves
    #[arg(long, value_name = "KINDS", default_value_t)]
    kinds: KindList,
    /// Only objects with these labels, as kubectl writes them: domain=production,team!=x
    #[arg(long, short = 'l', value_name = "SELECTOR")]
    selector: Option<String>,
    /// A directory of policy files, instead of the shipped policies (may be given several times)
    #[arg(long, env = "RAYGATE_POLICIES", value_delimiter = ':', value_name = "DIR")]
    policies: Vec<PathBuf>,
    /// What is known of the cluster: a file of `raygate snapshot`, or a List that kubectl printed
    #[arg(long, value_name = "FILE")]
    facts: Option<PathBuf>,
    /// How to print what was found
    #[arg(short, long, value_enum, default_value = "table")]
    output: Format,
    /// Also list objects that would be admitted unchanged and without warnings
    #[arg(long)]
    all: bool,
}

/// How to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A line for each object, for people
    Table,
    /// One JSON document
    Json,
    /// A List of openreports.io/v1alpha1 Reports, one for each namespace, to apply
    Openreports,
    /// The same as wgpolicyk8s.io/v1alpha2 PolicyReports
    Policyreports,
    /// One HTML file for a browser, which needs nothing else
    Html,
    /// Markdown, for pull requests and chats
    Markdown,
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
    let facts = facts::one(args.facts.as_ref())?;
    let mut found = runtime.block_on(scan(args, &bundle, &facts))?;
    let place = |scanned: &Scanned| (scanned.namespace.clone(), scanned.kind.name, scanned.name.clone());
    found.listed.sort_by_cached_key(place);
    let is_denied = found.totals.iter().any(|total| total.denied > 0);
    match args.output {
        Format::Table => table::print(&found, &bundle, out)?,
        Format::Json => json::print(&found, &bundle, out)?,
        Format::Openreports => reports::print(reports::OPENREPORTS, &found.listed, Timestamp::now(), out)?,
        Format::Policyreports => reports::print(reports::POLICYREPORTS, &found.listed, Timestamp::now(), out)?,
        Format::Html => looks::print(found, &bundle, Medium::Html, out)?,
        Format::Markdown => looks::print(found, &bundle, Medium::Markdown, out)?,
    }
    Ok(if is_denied { FINDINGS } else { CLEAN })
}

/// Reads the objects of each kind page by page, and judges each as if it were created now. RayClusters come last, when the
/// objects that may own them are known.
async fn scan(args: &Args, bundle: &Bundle, facts: &Arc<Facts>) -> Result<Found, Failure> {
    let client = args.cluster.connect().await?;
    let query = args
        .selector
        .as_ref()
        .map_or_else(String::new, |selector| format!("&labelSelector={}", encoded(selector)));
    let mut progress = Progress::start();
    let mut found = Found::default();
    let mut owners = HashSet::new();
    let (clusters, others): (Vec<_>, Vec<_>) = args.kinds.iter().partition(|kind| kind.is(&RAY_CLUSTER));
    for kind in others.into_iter().chain(clusters) {
        let path = match &args.namespace {
            Some(namespace) => format!("/apis/ray.io/v1/namespaces/{}/{}", encoded(namespace), kind.resource),
            None => format!("/apis/ray.io/v1/{}", kind.resource),
        };
        let mut total = Total::of(kind);
        let mut pages = Pages::of(&client, &path, &query);
        progress.begin(kind);
        loop {
            let page = match pages.next().await {
                Ok(Some(page)) => page,
                Ok(None) => break found.totals.push(total),
                Err(error) if Cause::of(&error) == Cause::NotFound => break,
                Err(error) => return Err(refused(kind, &error)),
            };
            for object in page.items {
                if owner(&object).is_some_and(|uid| owners.contains(uid)) && kind.is(&RAY_CLUSTER) {
                    total.children += 1;
                    continue;
                }
                let scanned = judge(kind, (bundle, facts), object);
                total.count(&scanned);
                owners.insert(scanned.uid.clone());
                if args.all || scanned.is_notable() {
                    found.listed.push(scanned);
                }
            }
            progress.show(total.objects + total.children, page.left);
        }
    }
    if found.totals.is_empty() {
        let kinds = &args.kinds;
        return Err(Failure::Cluster(format!(
            "the cluster does not serve {kinds}; is KubeRay installed?"
        )));
    }
    found
        .totals
        .sort_by_key(|total| KINDS.iter().position(|kind| kind.is(total.kind)));
    Ok(found)
}

/// The uid of the object that controls this one.
fn owner(object: &Value) -> Option<&str> {
    let owners = object.pointer("/metadata/ownerReferences")?.as_array()?;
    let controller = owners
        .iter()
        .find(|owner| owner.get("controller").is_some_and(|is| is == true))?;
    controller.get("uid")?.as_str()
}

fn refused(kind: &Kind, error: &kube::Error) -> Failure {
    let (name, resource) = (kind.name, kind.resource);
    let help = match Cause::of(error) {
        Cause::Forbidden => {
            format!("; the right to list {resource}.ray.io is needed, or name the kinds that you may list by --kinds")
        }
        Cause::Unreachable => "; is this the right cluster? see --kubeconfig and --context".to_owned(),
        _ => String::new(),
    };
    Failure::Cluster(format!("cannot list the {name}s: {}{help}", describe(error)))
}

fn judge(kind: &'static Kind, (bundle, facts): (&Bundle, &Arc<Facts>), object: Value) -> Scanned {
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
    let request = Request {
        facts: Arc::clone(facts),
        ..created_anew(bundle, object, Timestamp::now())
    };
    Scanned {
        kind,
        namespace,
        name,
        uid,
        outcome: admit(bundle, request, How::Enforced),
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
