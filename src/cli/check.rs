//! `raygate check`: Ray objects, reviews and audit logs judged offline, by the server's own engine.

mod against;
pub mod diff;
mod dry_run;
mod judge;
mod lint;
pub mod report;
mod total;

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::Offset;

use crate::admission;
use crate::diag::{Sources, suggest};
use crate::engine::bundle::known;
use crate::engine::{self, Bundle, Operation};
use crate::facts::Known;
use crate::files::{Bounded, bounded};
use crate::input::asked::Found;
use crate::input::request::{Overrides, Requests};
use crate::input::{self, Piece};
use crate::policy::lint::{lint as lints, missing_nodes};
use crate::policy::load;
use crate::policy::load::{Loaded, Source};
use crate::ray::{KubeRay, version};
use crate::rules::check;
use crate::yaml::{self, Limits, Node, Reading};

use super::cluster::ClusterArgs;
use super::facts::Cluster;
use super::time::time;
use super::{CLEAN, FINDINGS, Failure, POLICY, facts, policies};

use against::Side;
use dry_run::DryRun;
use judge::{Answer, How, judge};
use report::{Format, Report, Seen};
use total::{FailOn, Total};

/// The arguments of `raygate check`.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("objects").args(["files", "filenames"]).multiple(true))]
pub struct Args {
    /// Ray objects, AdmissionReviews or events of an audit log, in YAML or JSON, many in a file or one a line; a directory
    /// stands for the manifests below it, - for standard input. A policy file is checked by itself. Without any file, the
    /// policies of --policies are checked
    files: Vec<PathBuf>,
    /// The same, as with kubectl (may be given several times)
    #[arg(short = 'f', long = "filename", value_name = "FILE")]
    filenames: Vec<PathBuf>,
    /// A directory of policy files, instead of the shipped policies (may be given several times)
    #[arg(long, env = "RAYGATE_POLICIES", value_delimiter = ':', value_name = "DIR")]
    policies: Vec<PathBuf>,
    /// Compare with the policies of this directory (may be given several times): list what they, the set before, and
    /// --policies, the set after, say differently of each request
    #[arg(
        long,
        value_delimiter = ':',
        value_name = "DIR",
        requires = "objects",
        conflicts_with = "diff"
    )]
    against: Vec<PathBuf>,
    /// How to print what was found
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
    /// Print nothing: the exit code says what was found
    #[arg(short, long)]
    quiet: bool,
    /// Show each object before and after, and behind each changed line the policy that changed it
    #[arg(long, requires = "objects", conflicts_with = "no_mutate")]
    diff: bool,
    /// What is known of the cluster: a file of `raygate snapshot`, or a List that kubectl printed. Given several times,
    /// each object is judged for each cluster
    #[arg(long, value_name = "FILE", requires = "objects")]
    facts: Vec<PathBuf>,
    /// What makes the exit code 1
    #[arg(long, value_enum, default_value_t, value_name = "ACTION")]
    fail_on: FailOn,
    /// Show only findings whose code begins so, such as RG1 or RG203 (may be given several times). The verdict and the
    /// exit code stay those of all findings; with --fail-on warn or audit, the warnings and notes that are shown count
    #[arg(long, value_name = "PREFIX", value_delimiter = ',')]
    only: Vec<String>,
    /// Judge each object as it is, without what the mutating webhook would do
    #[arg(long, requires = "objects")]
    no_mutate: bool,
    /// Ask as this Kubernetes user, instead of the recorded one. Without it, a manifest that Flyte made is asked for by
    /// Flyte
    #[arg(long, value_name = "USER", requires = "objects")]
    as_user: Option<String>,
    /// Ask in this namespace, instead of the object's
    #[arg(short, long, value_name = "NAMESPACE", requires = "objects")]
    namespace: Option<String>,
    /// Ask for this operation, instead of the recorded one. Without it, a manifest is created
    #[arg(long, value_enum, requires = "objects")]
    operation: Option<Asks>,
    /// The file with the objects as they are, found by kind and name: the request updates them
    #[arg(long, value_name = "FILE", requires = "objects")]
    old: Option<PathBuf>,
    /// Judge as of this time, a date such as 2026-11-26 (its first moment, in UTC) or 2026-11-26T14:00:00Z, instead of
    /// now: exemptions end
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: Option<Timestamp>,
    /// Judge for this KubeRay, such as 1.4, instead of the Platform's
    #[arg(long, value_name = "VERSION")]
    kuberay_version: Option<KubeRay>,
    /// Feature gates of KubeRay, beside the Platform's: RayJobDeletionPolicy=true
    #[arg(long, value_name = "GATE=BOOL", value_delimiter = ',', value_parser = feature_gate)]
    feature_gates: Vec<(String, bool)>,
    /// Ask the API server too: post the pods, the Job and the Service that KubeRay would create, with dryRun=All, and
    /// report what it rejects. Creates nothing; needs the right to create them
    #[arg(long, requires = "objects", conflicts_with = "against")]
    server_dry_run: bool,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// What a request may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Asks {
    /// To make the object
    Create,
    /// To change it; needs it as it is
    Update,
}

/// Runs the command.
///
/// # Errors
/// [`Failure`] if the policies of --against are broken, a file cannot be read or the output cannot be written.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<u8, Failure> {
    if args.diff && args.output != Format::Full {
        let shown = "--diff is a part of --output full; json and jsonl have the patch and the changes";
        return Err(Failure::Usage(shown.to_owned()));
    }
    let mut sink = std::io::sink();
    let out: &mut dyn Write = if args.quiet { &mut sink } else { out };
    let named: Vec<PathBuf> = args.files.iter().chain(&args.filenames).cloned().collect();
    let (own, files) = policy_files(input::files(&named)?);
    let loaded = policies::loaded(&args.policies)?;
    let mut report = args.output.report(out, args.diff);
    let today = Offset::UTC.to_datetime(args.at.unwrap_or_else(Timestamp::now)).date();
    for diagnostic in loaded.diagnostics.iter().chain(&loaded.endings(today)) {
        report.policies(&loaded.sources, diagnostic)?;
    }
    if !loaded.is_usable() {
        report.finish(None)?;
        return Ok(POLICY);
    }
    let bundle = for_kuberay(Bundle::new(loaded.set.clone()), args);
    for prefix in &args.only {
        known_code(prefix, &bundle)?;
    }
    if !own.is_empty() {
        let own = load(&own, &known());
        for diagnostic in own.diagnostics.iter().chain(&own.endings(today)) {
            report.policies(&own.sources, diagnostic)?;
        }
        if !own.is_usable() {
            report.finish(None)?;
            return Ok(POLICY);
        }
        if files.is_empty() {
            if args.output != Format::Full {
                report.finish(None)?;
                return Ok(CLEAN);
            }
            drop(report);
            return lint::run(&Bundle::new(own.set), out);
        }
    }
    if files.is_empty() {
        for diagnostic in lints(&loaded, &known()) {
            report.policies(&loaded.sources, &diagnostic)?;
        }
        if args.output != Format::Full {
            report.finish(None)?;
            return Ok(CLEAN);
        }
        drop(report);
        return lint::run(&bundle, out);
    }
    let clusters = facts::clusters(&args.facts)?;
    let mut requests = Requests::new(args.overrides(), args.old.as_ref())?;
    if args.against.is_empty() {
        return all(
            args,
            &files,
            &bundle,
            (&loaded, &clusters),
            &mut requests,
            report.as_mut(),
        );
    }
    drop(report);
    let [cluster] = clusters.as_slice() else {
        let many = "--against compares two sets of policies in one cluster; name one file with --facts";
        return Err(Failure::Usage(many.to_owned()));
    };
    compare(args, &files, &bundle, (&mut requests, &args.how(cluster)), out)
}

/// Judges every document.
fn all(
    args: &Args,
    files: &[PathBuf],
    bundle: &Bundle,
    (loaded, clusters): (&Loaded, &[Cluster]),
    requests: &mut Requests,
    report: &mut dyn Report,
) -> Result<u8, Failure> {
    for cluster in clusters {
        let now = args.at.unwrap_or_else(Timestamp::now);
        let known = Known::of(&cluster.facts, now, "");
        for diagnostic in missing_nodes(loaded, &known) {
            report.policies(&loaded.sources, &diagnostic)?;
        }
    }
    let names_clusters = clusters.len() > 1;
    let hows: Vec<(Option<&str>, How)> = clusters
        .iter()
        .map(|cluster| (Some(&*cluster.name).filter(|_| names_clusters), args.how(cluster)))
        .collect();
    let server = args
        .server_dry_run
        .then(|| DryRun::connect(&args.cluster))
        .transpose()?;
    let mut total = Total::default();
    input::read::<Failure>(files, &loaded.sources, &mut |sources, piece| {
        match piece {
            Piece::Remark(diagnostic) => report.remark(sources, diagnostic)?,
            Piece::Unreadable(diagnostic) => {
                total.unreadable += 1;
                report.unreadable(sources, diagnostic)?;
            }
            Piece::Document(source, node) => match requests.of(node)? {
                Found::Skipped(skipped) => {
                    total.skip(&skipped);
                    report.skipped(sources.name(source), &skipped)?;
                }
                Found::Asked(asked) => {
                    for (cluster, how) in &hows {
                        let Answer { mut outcome, hidden } = judge(bundle, &asked, how);
                        if let Some(server) = &server {
                            server.judge(bundle, &asked.namespace, &how.only, &mut outcome)?;
                        }
                        total.add(&outcome);
                        report.judged(&Seen {
                            sources,
                            source,
                            cluster: *cluster,
                            asked: &asked,
                            outcome: &outcome,
                            hidden: &hidden,
                        })?;
                    }
                }
            },
        }
        Ok(())
    })?;
    report.finish(Some(&total))?;
    Ok(if total.fails(args.fail_on) { FINDINGS } else { CLEAN })
}

/// Judges every document with two sets of policies.
fn compare(
    args: &Args,
    files: &[PathBuf],
    bundle: &Bundle,
    (requests, how): (&mut Requests, &How),
    out: &mut dyn Write,
) -> Result<u8, Failure> {
    let (other, _) = policies::bundle(&args.against)?;
    let other = for_kuberay(other, args);
    let sides = [(&args.against, &other), (&args.policies, bundle)].map(|(directories, bundle)| Side {
        name: named(directories),
        bundle,
    });
    let counts = against::run(&sides, requests, how, files, args.output, out)?;
    let broken = counts.total.unreadable + counts.total.misspelled;
    let fails = match args.fail_on {
        FailOn::Deny => counts.rejected + broken,
        FailOn::Warn => counts.rejected + counts.warned + broken,
        FailOn::Audit => counts.differ + broken,
        FailOn::Never => 0,
    };
    Ok(if fails > 0 { FINDINGS } else { CLEAN })
}

/// Takes the policy files out of these files: each document of them is one of raygate's own.
fn policy_files(files: Vec<PathBuf>) -> (Vec<Source>, Vec<PathBuf>) {
    let most = u64::try_from(Limits::policies().bytes).unwrap_or(u64::MAX);
    let (mut own, mut others) = (Vec::new(), Vec::new());
    for file in files {
        let read = File::open(&file).and_then(|open| bounded(open, most));
        let text = match read {
            Ok(Bounded {
                is_cut: false, bytes, ..
            }) if file.as_os_str() != "-" => String::from_utf8(bytes).ok(),
            // What cannot be read is reported where the objects are read.
            _ => None,
        };
        match text.filter(|text| is_policy_file(text)) {
            Some(text) => own.push(Source::new(&file.display().to_string(), &text)),
            None => others.push(file),
        }
    }
    (own, others)
}

fn is_policy_file(text: &str) -> bool {
    let api = |node: &Node| {
        node.get("apiVersion")
            .and_then(Node::as_str)
            .is_some_and(|api| api.starts_with("raygate.dev/"))
    };
    if !text.contains("raygate.dev/") {
        return false;
    }
    let id = Sources::new().add("", text);
    let (nodes, _) = yaml::parse(id, text, Reading::Cautious, &Limits::policies());
    !nodes.is_empty() && nodes.iter().all(api)
}

fn named(directories: &[PathBuf]) -> String {
    let names: Vec<String> = directories
        .iter()
        .map(|directory| directory.display().to_string())
        .collect();
    if names.is_empty() {
        "the shipped policies".to_owned()
    } else {
        names.join(", ")
    }
}

impl Args {
    fn overrides(&self) -> Overrides {
        Overrides {
            user: self.as_user.clone(),
            namespace: self.namespace.clone(),
            operation: self.operation.map(|asks| match asks {
                Asks::Create => Operation::Create,
                Asks::Update => Operation::Update,
            }),
            old: Vec::new(),
        }
    }

    fn how(&self, cluster: &Cluster) -> How {
        How {
            facts: Arc::clone(&cluster.facts),
            now: self.at.unwrap_or_else(Timestamp::now),
            way: if self.no_mutate {
                engine::How::AsItIs
            } else {
                engine::How::Both
            },
            only: self.only.clone(),
        }
    }
}

/// Refuses the beginning of a code that no code has.
fn known_code(prefix: &str, bundle: &Bundle) -> Result<(), Failure> {
    let rules = bundle.policies().policies.iter().flat_map(|policy| &policy.rules);
    let codes: Vec<&str> = check::all()
        .map(|check| check.code)
        .chain(admission::codes::CODES.iter().map(|page| page.code))
        .chain(rules.map(|rule| &*rule.code))
        .collect();
    if codes.iter().any(|code| code.starts_with(prefix)) {
        return Ok(());
    }
    let near = suggest(prefix, codes.iter().copied()).map_or_else(
        || "raygate explain lists the codes".to_owned(),
        |near| format!("did you mean {near}?"),
    );
    Err(Failure::Usage(format!("no code begins with {prefix:?}; {near}")))
}

/// A feature gate that decides something, with its setting.
fn feature_gate(text: &str) -> Result<(String, bool), String> {
    let Some((name, Ok(on))) = text.split_once('=').map(|(name, on)| (name, on.parse())) else {
        return Err("write it like RayJobDeletionPolicy=true".to_owned());
    };
    let known = || version::GATES.iter().map(|gate| gate.name);
    if known().any(|gate| gate == name) {
        return Ok((name.to_owned(), on));
    }
    let near = suggest(name, known())
        .map(|near| format!("; did you mean {near}?"))
        .unwrap_or_default();
    Err(format!("no feature gate that decides anything here{near}"))
}

/// The bundle for the KubeRay that the arguments name.
fn for_kuberay(bundle: Bundle, args: &Args) -> Bundle {
    if args.kuberay_version.is_none() && args.feature_gates.is_empty() {
        return bundle;
    }
    let mut set = bundle.policies().clone();
    if let Some(version) = args.kuberay_version {
        set.platform.kuberay = version;
        set.platform.names_kuberay = true;
    }
    set.platform.feature_gates.extend(args.feature_gates.iter().cloned());
    Bundle::new(set)
}
