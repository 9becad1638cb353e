//! `raygate serve`: from flags and environment to a running server.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::self_managed::SelfManagedArgs;
use super::{CLEAN, Failure, POLICY, USAGE, policies};
use crate::admission::Gate;
use crate::cluster::AccessError;
use crate::engine::Bundle;
use crate::install::{KindError, KindList};
use crate::metrics::Metrics;
use crate::reload::facts::FactsFile;
use crate::reload::policies::{Accept, PoliciesError, PolicyFiles};
use crate::reload::{self, Follower};
use crate::self_managed::{Keeper, KeeperError};
use crate::server::{CertificateSource, ClientCa, Limits, Options, PairFiles, Server, Signals, StartError, duration};
use crate::telemetry::traces::{self, TracesError};
use crate::telemetry::{self, Format, TelemetryError, error_chain};

/// How long replicas stay reachable after "not ready" where load balancers must hear of it first.
const CLUSTER_DRAIN_DELAY: Duration = Duration::from_secs(5);

/// A shorter pause between two looks at files would be a busy loop.
const SHORTEST_POLL: Duration = Duration::from_millis(10);

/// Serves the webhook. Without any flag: the shipped policies, on this machine alone, with a certificate made in memory.
#[derive(Args, Clone, Debug)]
pub struct ServeArgs {
    /// Directory of policies, followed when its files change; may be repeated. Without it the shipped policies serve
    #[arg(
        long = "policies",
        value_name = "DIR",
        env = "RAYGATE_POLICIES",
        value_delimiter = ':'
    )]
    pub policies: Vec<PathBuf>,

    /// Start even if files contain an error, with an alert, until they are fixed. The valid policy documents are used, the
    /// broken ones are not enforced; if no policy is valid, the built-in policies are used. With a broken certificate,
    /// raygate waits and is not ready. Without this flag, raygate prints every error and exits
    #[arg(long, env = "RAYGATE_FALLBACK", value_parser = switch)]
    pub fallback: bool,

    /// Accept policy directories without any policy file: Ray objects are then only checked. Without this flag, an empty
    /// directory is an error, because a missing volume looks the same
    #[arg(long, env = "RAYGATE_ALLOW_EMPTY_POLICIES", value_parser = switch)]
    pub allow_empty: bool,

    /// File with facts about the cluster, as `raygate snapshot` writes them; followed when the file changes. A file that is
    /// missing, broken or too old costs only the findings that need facts
    #[arg(long, value_name = "FILE", env = "RAYGATE_FACTS")]
    pub facts: Option<PathBuf>,

    /// Report what raygate would do to objects of these kinds, and neither change nor deny them: in the log, the metrics
    /// and the audit annotations. Without a list, or with `true`, all kinds
    #[arg(
        long,
        value_name = "KINDS",
        env = "RAYGATE_PREVIEW",
        value_parser = previewed,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true"
    )]
    pub preview: Option<KindList>,

    /// Certificate chain in PEM, the server's own first; followed when the file changes
    #[arg(long, value_name = "FILE", env = "RAYGATE_TLS_CERT", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,

    /// Key of that certificate in PEM
    #[arg(long, value_name = "FILE", env = "RAYGATE_TLS_KEY", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// CA certificates in PEM; only clients with a certificate of one of them may connect to the webhook port, and so post
    /// reviews. Followed when the file changes. Without it, raygate answers every client
    #[arg(long, value_name = "FILE", env = "RAYGATE_CLIENT_CA", requires = "client_name")]
    pub client_ca: Option<PathBuf>,

    /// A name that such a certificate must have, as common name or DNS name; may be repeated
    #[arg(
        long,
        value_name = "NAME",
        env = "RAYGATE_CLIENT_NAMES",
        value_parser = clap::builder::NonEmptyStringValueParser::new(),
        value_delimiter = ',',
        requires = "client_ca"
    )]
    pub client_name: Vec<String>,

    /// Where reviews are taken, over TLS
    #[arg(long, value_name = "ADDRESS:PORT", env = "RAYGATE_BIND", value_parser = address, default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 8443)))]
    pub bind: SocketAddr,

    /// Where /healthz, /readyz and /metrics are answered, over plain HTTP
    #[arg(long, value_name = "ADDRESS:PORT", env = "RAYGATE_METRICS_BIND", value_parser = address, default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)))]
    pub metrics_bind: SocketAddr,

    /// How long to go on serving after SIGTERM, until the cluster sends nobody any more, such as `5s`.
    /// Default: 5s in a Kubernetes pod, 0 elsewhere
    #[arg(long, value_name = "DURATION", env = "RAYGATE_DRAIN_DELAY", value_parser = drain_delay)]
    pub drain_delay: Option<Duration>,

    /// How often raygate looks at the files of policies and certificate, such as `1s`. It uses a change when a second look
    /// finds the same; SIGHUP makes it use a change immediately
    #[arg(long, value_name = "DURATION", env = "RAYGATE_POLL", value_parser = poll, default_value = "1s")]
    pub poll: Duration,

    /// `json` or `text`. Default: text on a terminal, json elsewhere
    #[arg(long, value_name = "FORMAT", env = "RAYGATE_LOG_FORMAT")]
    pub log_format: Option<Format>,

    /// What is logged, such as `info` or `raygate::server=debug,info`
    #[arg(long, value_name = "FILTER", env = "RAYGATE_LOG", default_value = telemetry::DEFAULT_FILTER)]
    pub log: String,

    /// Certificates that raygate keeps itself.
    #[command(flatten)]
    pub self_managed: SelfManagedArgs,
}

/// Why `serve` ended without having served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Logging.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// Traces.
    #[error(transparent)]
    Traces(#[from] TracesError),
    /// Policies.
    #[error(transparent)]
    Policies(PoliciesError),
    /// Sockets, certificate, TLS.
    #[error(transparent)]
    Start(#[from] StartError),
    /// No way to the cluster that the certificates are kept in.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Certificates that cannot be kept.
    #[error(transparent)]
    Keeper(#[from] KeeperError),
    /// The async runtime or its signals.
    #[error("starting the server")]
    Runtime(#[source] std::io::Error),
}

/// Serves until SIGTERM or SIGINT, and returns the exit code when all is drained. A second signal ends the wait.
pub fn run(args: &ServeArgs) -> Result<u8, ServeError> {
    let format = args.log_format.unwrap_or_else(Format::detect);
    let _flush = telemetry::init(format, &args.log)?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores.min(Limits::MOST_WORKERS))
        .enable_all()
        .build()
        .map_err(ServeError::Runtime)?;
    // Before anything that takes time: the first process of a container would neither hear a signal nor die of it.
    let signals = runtime
        .block_on(async {
            // Whether or not there are files to look at again, nobody who asks for that means an end.
            let _ = reload::catch_hangups();
            Ok([Signals::catch()?, Signals::catch()?])
        })
        .map_err(ServeError::Runtime)?;
    let metrics = Arc::new(Metrics::new());
    let (follower, gate) = match load_gate(args, &metrics) {
        Err(ServeError::Policies(error)) => return Ok(refuse(&error)),
        loaded => loaded?,
    };
    let traces = traces::start(runtime.handle())?;
    let served = runtime.block_on(serve(args, signals, gate, follower, metrics, format));
    // While the runtime still turns: the last traces go out over it.
    if let Some(traces) = traces {
        traces.flush();
    }
    // The drain has waited for all that is worth it; what still runs has no one to answer to.
    runtime.shutdown_background();
    served.map(|()| CLEAN)
}

/// Prints what is wrong with the policy files and what to do, and says how to exit.
fn refuse(error: &PoliciesError) -> u8 {
    anstream::eprintln!("{}", error.rendered());
    // The last line of the log is what people see first.
    tracing::error!(
        "raygate did not start; fix the files, or set RAYGATE_FALLBACK=true to start with the valid documents (or the \
         built-in policies, if no policy is valid)"
    );
    if error.found.unreadable.is_empty() {
        POLICY
    } else {
        USAGE
    }
}

/// The policies of the directories, which are followed, or the shipped ones where there is none.
fn load_gate(
    args: &ServeArgs,
    metrics: &Arc<Metrics>,
) -> Result<(Option<Follower<PolicyFiles>>, Arc<Gate>), ServeError> {
    if args.policies.is_empty() {
        let gate = Gate::previewing(Bundle::embedded(), args.previewed());
        reload::policies::in_use(&gate, metrics);
        return Ok((None, Arc::new(gate)));
    }
    let accept = Accept {
        broken: args.fallback,
        empty: args.allow_empty,
        preview: args.previewed(),
    };
    match PolicyFiles::start(args.policies.clone(), accept, Arc::clone(metrics)) {
        Ok((follower, gate)) => Ok((Some(follower), gate)),
        Err(error) => Err(ServeError::Policies(error)),
    }
}

async fn serve(
    args: &ServeArgs,
    [mut first, mut second]: [Signals; 2],
    gate: Arc<Gate>,
    follower: Option<Follower<PolicyFiles>>,
    metrics: Arc<Metrics>,
    format: Format,
) -> Result<(), ServeError> {
    if let Some(follower) = follower {
        tokio::spawn(reload::follow(follower, args.poll));
    }
    if let Some(file) = &args.facts {
        let facts = FactsFile::start(file.clone(), Arc::clone(&gate), Arc::clone(&metrics));
        tokio::spawn(reload::follow(facts, args.poll));
    }
    let server = Server::bind(args.options(), Arc::clone(&gate) as _, Arc::clone(&metrics)).await?;
    if let Some(options) = args.self_managed.options() {
        let client = args.self_managed.cluster.access().connect().await?;
        let directories = args.policies.clone();
        let controllers = move || policies::controllers(&directories);
        let keeper = Keeper::new(&client, options, controllers, server.certificates(), metrics)?;
        tokio::spawn(keeper.keep());
    }
    if format == Format::Text {
        print_banner(&server, &gate);
    }
    let stop = async {
        let signal = first.next().await;
        tracing::info!(signal, "shutting down");
    };
    let impatience = async {
        second.next().await;
        second.next().await
    };
    tokio::select! {
        () = server.run(stop) => {}
        signal = impatience => tracing::warn!(signal, "asked again: stopped without draining"),
    }
    Ok(())
}

impl ServeArgs {
    /// The names of the kinds in Preview.
    fn previewed(&self) -> Vec<String> {
        let kinds = self.preview.iter().flat_map(KindList::iter);
        kinds.map(|kind| kind.name.to_owned()).collect()
    }

    fn options(&self) -> Options {
        let in_cluster = std::env::var_os("KUBERNETES_SERVICE_HOST").is_some();
        let default_delay = if in_cluster {
            CLUSTER_DRAIN_DELAY
        } else {
            Duration::ZERO
        };
        Options {
            bind: self.bind,
            metrics_bind: self.metrics_bind,
            certificate: match (&self.tls_cert, &self.tls_key) {
                _ if self.self_managed.self_managed => CertificateSource::Handed,
                (Some(certificate), Some(key)) => CertificateSource::Files {
                    files: PairFiles {
                        certificate: certificate.clone(),
                        key: key.clone(),
                    },
                    wait: self.fallback,
                },
                _ => CertificateSource::InMemory,
            },
            clients: self.client_ca.clone().map(|file| ClientCa {
                file,
                names: self.client_name.clone(),
            }),
            drain_delay: self.drain_delay.unwrap_or(default_delay),
            limits: Limits {
                poll: self.poll,
                ..Limits::default()
            },
        }
    }
}

/// The value of a variable that stands for a flag. An empty one counts as unset.
fn switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "on" | "1" => Ok(true),
        "" | "false" | "f" | "no" | "n" | "off" | "0" => Ok(false),
        _ => Err("write `true` or `false`".to_owned()),
    }
}

/// The kinds in Preview: a list, or all or none by a switch.
pub(super) fn previewed(text: &str) -> Result<KindList, String> {
    match switch(text) {
        Ok(true) => Ok(KindList::default()),
        Ok(false) => Ok(KindList::of_resources([])),
        Err(_) => text.parse().map_err(|error: KindError| error.to_string()),
    }
}

fn poll(text: &str) -> Result<Duration, String> {
    duration::parse(text)
        .filter(|period| *period >= SHORTEST_POLL)
        .ok_or_else(|| "write a number with its unit, `10ms` or more, such as `1s`".to_owned())
}

fn drain_delay(text: &str) -> Result<Duration, String> {
    duration::parse(text).ok_or_else(|| "write a number with its unit, such as `5s` or `500ms`".to_owned())
}

/// What a person at a terminal wants to know first.
fn print_banner(server: &Server, gate: &Gate) {
    let (webhook, metrics) = (reachable(server.webhook_address()), reachable(server.metrics_address()));
    let banner = format!(
        "raygate {version}\n\
         \x20 reviews      https://{webhook}/mutate and /validate\n\
         \x20 operation    http://{metrics}/metrics, /healthz and /readyz?verbose\n\
         \x20 certificate  {ends}\n\
         \x20 policies     {policies}\n\
         \n\
         Post a RayJob to it:\n\
         \x20 raygate sample | curl -sk https://{webhook}/mutate -H 'content-type: application/json' --data-binary @-\n\
         The answer has a JSON Patch in base64. To read it, add:\n\
         \x20 | sed 's/.*\"patch\":\"\\([^\"]*\\)\".*/\\1/' | base64 -d\n",
        version = env!("CARGO_PKG_VERSION"),
        ends = server
            .certificates()
            .current()
            .map_or_else(|| "none yet".to_owned(), |pair| format!("ends at {}", pair.ends())),
        policies = gate.summary(),
    );
    // Standard output may be closed; serving goes on all the same.
    let _ = std::io::stdout().lock().write_all(banner.as_bytes());
}

/// An address that a client on this machine can use: "all addresses" is none to connect to.
/// An address to listen on.
fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "give an IP address and a port, for example 0.0.0.0:8443 or [::]:8443".to_owned())
}

fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        Failure::Usage(error_chain(&error))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        serve: ServeArgs,
    }

    fn parse(flags: &[&str]) -> Result<ServeArgs, clap::Error> {
        Cli::try_parse_from(std::iter::once("raygate").chain(flags.iter().copied())).map(|cli| cli.serve)
    }

    #[test]
    fn without_flags_it_serves_this_machine_alone() {
        let options = parse(&[]).unwrap().options();
        assert_eq!(options.bind.to_string(), "127.0.0.1:8443");
        assert_eq!(options.metrics_bind.to_string(), "127.0.0.1:8080");
        assert_eq!(options.certificate, CertificateSource::InMemory);
    }

    #[test]
    fn certificate_and_key_come_together() {
        let error = parse(&["--tls-cert", "tls.crt"]).unwrap_err();
        assert_eq!(error.kind(), clap::error::ErrorKind::MissingRequiredArgument);
        assert!(error.to_string().contains("--tls-key"), "{error}");
        let both = parse(&["--tls-cert", "tls.crt", "--tls-key", "tls.key"])
            .unwrap()
            .options();
        assert!(matches!(both.certificate, CertificateSource::Files { wait: false, .. }));
    }

    #[test]
    fn policies_repeat_and_separate_by_colon() {
        let args = parse(&["--policies", "a:b", "--policies", "c"]).unwrap();
        assert_eq!(args.policies, ["a", "b", "c"].map(PathBuf::from));
    }

    #[test]
    fn a_delay_needs_its_unit() {
        assert_eq!(
            parse(&["--drain-delay", "2s"]).unwrap().options().drain_delay,
            Duration::from_secs(2)
        );
        for (preview, expected) in [
            ("--preview", "RayJob RayCluster RayService RayCronJob"),
            ("--preview=true", "RayJob RayCluster RayService RayCronJob"),
            ("--preview=false", ""),
            ("--preview=", ""),
            ("--preview=RayService,RayCluster", "RayCluster RayService"),
        ] {
            assert_eq!(parse(&[preview]).unwrap().previewed().join(" "), expected, "{preview}");
        }
        let error = parse(&["--preview=RayJobs"]).unwrap_err().to_string();
        assert!(error.contains("`RayJobs` is not a kind"), "{error}");
        let error = parse(&["--drain-delay", "5"]).unwrap_err().to_string();
        assert!(error.contains("`5s`"), "{error}");
        assert_eq!(
            parse(&["--poll", "1m"]).unwrap().options().limits.poll,
            Duration::from_secs(60)
        );
        for poll in ["0", "1", "1ms"] {
            assert!(parse(&["--poll", poll]).is_err(), "{poll}");
        }
    }

    /// What `deploy/` sets in the pod's environment are flags of this command, with values that it takes.
    #[test]
    fn the_deployment_sets_what_is_understood() {
        use clap::CommandFactory as _;

        use crate::install::{self, Certificates, Install};
        for certificates in [Certificates::Files(None), Certificates::CertManager] {
            let objects = install::objects(&Install {
                namespace: &install::NAMESPACE.parse().unwrap(),
                service: &install::SERVICE.parse().unwrap(),
                image: &install::IMAGE.parse().unwrap(),
                replicas: install::REPLICAS,
                certificates,
                components: &[],
                url: None,
                kinds: &KindList::default(),
                excluded_namespaces: &[],
                controllers: &install::Controllers::default(),
                policies: &[],
            });
            let objects = objects.unwrap();
            let deployment = objects.iter().find(|object| object["kind"] == "Deployment").unwrap();
            let env = deployment
                .pointer("/spec/template/spec/containers/0/env")
                .unwrap()
                .as_array()
                .unwrap();
            assert!(env.len() > 5);
            let command = Cli::command();
            let mut flags = Vec::new();
            for variable in env {
                let (name, value) = (variable["name"].as_str().unwrap(), variable["value"].as_str().unwrap());
                let argument = command
                    .get_arguments()
                    .find(|argument| argument.get_env().is_some_and(|env| env == name))
                    .unwrap_or_else(|| panic!("serve knows no {name}"));
                flags.push(format!("--{}", argument.get_long().unwrap()));
                if argument.get_action().takes_values() {
                    flags.push(value.to_owned());
                }
            }
            let args = parse(&flags.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
            assert_eq!(args.drain_delay, Some(Duration::from_secs(5)));
            assert!(args.fallback);
        }
    }

    #[test]
    fn the_banner_names_an_address_to_connect_to() {
        let address = |text: &str| reachable(text.parse().unwrap()).to_string();
        assert_eq!(address("0.0.0.0:8443"), "127.0.0.1:8443");
        assert_eq!(address("[::]:8443"), "[::1]:8443");
        assert_eq!(address("10.0.0.7:1"), "10.0.0.7:1");
    }
}
