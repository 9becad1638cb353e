//! `raygate doctor`: what is wrong with raygate in a live cluster, and the command that repairs it. It only reads; what it
//! creates is a dry run.

mod certificate;
mod configuration;
mod trial;
mod workload;

use std::io::{self, Write};

use jiff::Timestamp;
use kube::Client;
use serde_json::{Value, json};

use crate::certs::DnsLabel;
use crate::cluster::describe;
use crate::cluster::objects::{self, Pages};
use crate::install::{CONFIGURATION, is_raygates};

use super::cluster::ClusterArgs;
use super::{CLEAN, FINDINGS, Failure};

use configuration::Kind;

/// The minor version of Kubernetes 1 from which on webhooks have match conditions for good.
const OLDEST_MINOR: u32 = 30;
/// Certificates and tokens stand clocks that differ by less.
const CLOCK_SECONDS: i64 = 60;

/// The arguments of `raygate doctor`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    cluster: ClusterArgs,
    /// The namespace in which a RayJob is created as a dry run
    #[arg(long, short, value_name = "NAMESPACE", default_value = "default")]
    namespace: DnsLabel,
    /// How to print what was found
    #[arg(long, value_enum, default_value = "text")]
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

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Ok,
    /// Not known, or nothing to judge.
    Note,
    /// It works, but not as it should.
    Warning,
    /// It does not work, or harms the cluster.
    Error,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What one check saw.
#[derive(Debug)]
struct Finding {
    check: &'static str,
    level: Level,
    seen: String,
    /// What repairs it: shell commands, a line each.
    repair: Option<String>,
}

/// All that was seen, in order.
#[derive(Debug, Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn ok(&mut self, check: &'static str, seen: impl Into<String>) {
        self.add(check, Level::Ok, seen, None);
    }

    fn note(&mut self, check: &'static str, seen: impl Into<String>) {
        self.add(check, Level::Note, seen, None);
    }

    fn warning(&mut self, check: &'static str, seen: impl Into<String>, repair: impl Into<String>) {
        self.add(check, Level::Warning, seen, Some(repair.into()));
    }

    fn error(&mut self, check: &'static str, seen: impl Into<String>, repair: impl Into<String>) {
        self.add(check, Level::Error, seen, Some(repair.into()));
    }

    fn add(&mut self, check: &'static str, level: Level, seen: impl Into<String>, repair: Option<String>) {
        let seen = seen.into();
        self.0.push(Finding {
            check,
            level,
            seen,
            repair,
        });
    }

    /// What may not be read is not known to be wrong.
    fn unreadable(&mut self, check: &'static str, what: &str, error: &kube::Error) {
        self.note(check, format!("cannot read {what}: {}", describe(error)));
    }

    fn count(&self, level: Level) -> usize {
        self.0.iter().filter(|finding| finding.level == level).count()
    }
}

/// Runs the command.
///
/// # Errors
/// [`Failure::Cluster`] if the API server cannot be reached, [`Failure::Output`] if the output cannot be written.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<u8, Failure> {
    if args.emergency {
        out.write_all(emergency().as_bytes())?;
        return Ok(CLEAN);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Cluster(format!("cannot start: {error}")))?;
    let findings = runtime.block_on(examine(args))?;
    match args.output {
        Format::Text => print_text(&findings, out)?,
        Format::Json => print_json(&findings, out)?,
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
    judge_version(&version.unwrap_or_default(), &mut findings);
    let date = objects::date(&client).await.map_err(|error| unreachable(&error))?;
    judge_clock(date.as_deref(), Timestamp::now(), &mut findings);
    let has_rayjobs = judge_kuberay(&client, &mut findings).await;

    let mut first = None;
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
                "raygate manifests --only webhooks --ca-file certs/ca.crt | kubectl apply -f -",
            );
        }
        for configuration in own {
            configuration::judge(kind, &configuration, &others, &mut findings);
            certificate::judge(&client, kind, &configuration, Timestamp::now(), &mut findings).await;
            first.get_or_insert(configuration);
        }
    }
    let service = first.as_ref().and_then(service);
    workload::judge(&client, first.is_some(), service, &mut findings).await;
    if has_rayjobs {
        trial::judge(
            &client,
            args.namespace.as_str(),
            service.map(|(namespace, _)| namespace),
            &mut findings,
        )
        .await;
    }
    Ok(findings)
}

/// The namespace and name of the Service that a configuration calls; none where it calls a URL.
fn service(configuration: &Value) -> Option<(&str, &str)> {
    let service = configuration.pointer("/webhooks/0/clientConfig/service")?;
    Some((service.get("namespace")?.as_str()?, service.get("name")?.as_str()?))
}

/// The objects of a list, which do not say themselves of what kind they are.
async fn list(client: &Client, path: &str, kind: &str) -> Result<Vec<Value>, kube::Error> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let query = if query.is_empty() {
        String::new()
    } else {
        format!("&{query}")
    };
    let mut pages = Pages::of(client, path, &query);
    let mut objects = Vec::new();
    while let Some(page) = pages.next().await? {
        for mut object in page.items {
            if let Some(object) = object.as_object_mut() {
                object.insert("kind".to_owned(), kind.into());
            }
            objects.push(object);
        }
    }
    Ok(objects)
}

fn judge_version(version: &Value, findings: &mut Findings) {
    let text = |key: &str| version.get(key).and_then(Value::as_str).unwrap_or_default();
    let git = text("gitVersion");
    // Some providers write `31+`.
    let minor = text("minor").trim_end_matches(|c: char| !c.is_ascii_digit());
    match minor.parse::<u32>() {
        Ok(minor) if text("major") == "1" && minor < OLDEST_MINOR => findings.warning(
            "api-server",
            format!("it is Kubernetes {git}; the oldest that raygate supports is 1.{OLDEST_MINOR}"),
            format!("# upgrade the cluster to Kubernetes 1.{OLDEST_MINOR} or later"),
        ),
        _ => findings.ok("api-server", format!("it answers: Kubernetes {git}")),
    }
}

fn judge_clock(date: Option<&str>, now: Timestamp, findings: &mut Findings) {
    let Some(theirs) = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok()) else {
        return findings.note("clock", "the API server does not tell its time");
    };
    let ahead = now.as_second() - theirs.timestamp().as_second();
    let seen = format!("this machine's clock and the API server's differ by {} s", ahead.abs());
    if ahead.abs() <= CLOCK_SECONDS {
        return findings.ok("clock", seen);
    }
    let side = if ahead > 0 { "ahead" } else { "behind" };
    findings.warning(
        "clock",
        format!("{seen}: this one is {side}; certificates are judged by both"),
        "timedatectl set-ntp true  # on the machine whose clock is wrong",
    );
}

/// Whether the cluster has RayJobs of the version that raygate judges.
async fn judge_kuberay(client: &Client, findings: &mut Findings) -> bool {
    let group = match objects::get(client, "/apis/ray.io/v1").await {
        Ok(group) => group.unwrap_or_default(),
        Err(error) => {
            findings.unreadable("kuberay", "the API group ray.io", &error);
            return false;
        }
    };
    let resources = group.get("resources").and_then(Value::as_array).into_iter().flatten();
    let served = resources
        .filter_map(|resource| resource.get("name"))
        .any(|name| name == "rayjobs");
    if served {
        findings.ok("kuberay", "rayjobs.ray.io is served as v1");
    } else {
        findings.error(
            "kuberay",
            "rayjobs.ray.io is not served as v1: KubeRay 1.0 or later is not installed",
            "kubectl get crd rayjobs.ray.io -o jsonpath='{.spec.versions[*].name}'  # then install KubeRay",
        );
    }
    served
}

fn print_text(findings: &Findings, out: &mut dyn Write) -> io::Result<()> {
    for finding in &findings.0 {
        writeln!(
            out,
            "{:<8} {:<12} {}",
            finding.level.name(),
            finding.check,
            finding.seen
        )?;
        for line in finding.repair.iter().flat_map(|repair| repair.lines()) {
            writeln!(out, "{:<21} > {line}", "")?;
        }
    }
    let (errors, warnings) = (findings.count(Level::Error), findings.count(Level::Warning));
    writeln!(
        out,
        "\n{} checks, {errors} errors, {warnings} warnings",
        findings.0.len()
    )?;
    if errors > 0 {
        writeln!(out, "To get raygate out of the way at once: raygate doctor --emergency")?;
    }
    Ok(())
}

fn print_json(findings: &Findings, out: &mut dyn Write) -> io::Result<()> {
    let row = |finding: &Finding| json!({"check": finding.check, "level": finding.level.name(), "seen": finding.seen, "repair": finding.repair});
    let rows: Vec<Value> = findings.0.iter().map(row).collect();
    let document = json!({
        "findings": rows,
        "total": {"errors": findings.count(Level::Error), "warnings": findings.count(Level::Warning)},
    });
    writeln!(out, "{document:#}")
}

/// How to get raygate out of the way, for a cluster in which it stands in the way.
fn emergency() -> String {
    let ignore = configuration::patch(
        Kind::Validating,
        CONFIGURATION,
        "/webhooks/0/failurePolicy",
        &json!("Ignore"),
    );
    let fail = configuration::patch(
        Kind::Validating,
        CONFIGURATION,
        "/webhooks/0/failurePolicy",
        &json!("Fail"),
    );
    format!(
        "\
raygate out of the way: none of this needs raygate, and only RayJobs are concerned.

1. Let RayJobs pass while raygate does not answer. Where it answers, it still completes and refuses:

    {ignore}

   Back to normal:

    {fail}

2. Or take raygate away altogether, also where it answers wrongly. Every RayJob then passes as its author wrote it:

    kubectl delete validatingwebhookconfiguration,mutatingwebhookconfiguration {CONFIGURATION}

   Back to normal: install again, as it was installed, which puts both back:

    kubectl apply -k certs                                     # by kubectl
    helm upgrade raygate deploy/chart --namespace raygate-system --reuse-values   # by Helm
    raygate manifests --only webhooks --ca-file certs/ca.crt | kubectl apply -f - # by the command

RayJobs created meanwhile stay as they are: `raygate scan` lists those that would have been refused.
Then find the cause: raygate doctor
"
    )
}
