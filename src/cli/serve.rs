//! `raygate serve`: from flags and environment to a running server.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::{Failure, policies};
use crate::admission::Gate;
use crate::engine::Bundle;
use crate::metrics::Metrics;
use crate::server::{CertificateSource, Limits, Options, PairFiles, Server, Signals, StartError, duration};
use crate::telemetry::{self, Format, TelemetryError};

/// How long replicas stay reachable after "not ready" where load balancers must hear of it first.
const CLUSTER_DRAIN_DELAY: Duration = Duration::from_secs(5);

/// Serves the webhook. Without any flag: the shipped policies, on this machine alone, with a certificate made in memory.
#[derive(Args, Clone, Debug)]
pub struct ServeArgs {
    /// Directory of policies; may be repeated. Without it the shipped policies serve
    #[arg(
        long = "policies",
        value_name = "DIR",
        env = "RAYGATE_POLICIES",
        value_delimiter = ':'
    )]
    pub policies: Vec<PathBuf>,

    /// On broken policies, serve KubeRay's own rules with an alarm instead of refusing to start: a gate that fails
    /// closed stops every RayJob while it is down
    #[arg(long, env = "RAYGATE_FALLBACK")]
    pub fallback: bool,

    /// Certificate chain in PEM, the server's own first; followed when the file changes
    #[arg(long, value_name = "FILE", env = "RAYGATE_TLS_CERT", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,

    /// Key of that certificate in PEM
    #[arg(long, value_name = "FILE", env = "RAYGATE_TLS_KEY", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// Where reviews are taken, over TLS
    #[arg(long, value_name = "ADDRESS:PORT", env = "RAYGATE_BIND", default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 8443)))]
    pub bind: SocketAddr,

    /// Where /healthz, /readyz and /metrics are answered, over plain HTTP
    #[arg(long, value_name = "ADDRESS:PORT", env = "RAYGATE_METRICS_BIND", default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)))]
    pub metrics_bind: SocketAddr,

    /// How long to go on serving after SIGTERM, until the cluster sends nobody any more, such as `5s`.
    /// Default: 5s in a Kubernetes pod, 0 elsewhere
    #[arg(long, value_name = "DURATION", env = "RAYGATE_DRAIN_DELAY", value_parser = drain_delay)]
    pub drain_delay: Option<Duration>,

    /// `json` or `text`. Default: text on a terminal, json elsewhere
    #[arg(long, value_name = "FORMAT", env = "RAYGATE_LOG_FORMAT")]
    pub log_format: Option<Format>,

    /// What is logged, such as `info` or `raygate::server=debug,info`
    #[arg(long, value_name = "FILTER", env = "RAYGATE_LOG", default_value = telemetry::DEFAULT_FILTER)]
    pub log: String,
}

/// Why `serve` ended without having served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Logging.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// Policies.
    #[error(transparent)]
    Policies(Failure),
    /// Sockets, certificate, TLS.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The async runtime or its signals.
    #[error("starting the server")]
    Runtime(#[source] std::io::Error),
}

/// Serves until SIGTERM or SIGINT, and returns when all is drained. A second signal ends the wait.
pub fn run(args: &ServeArgs) -> Result<(), ServeError> {
    let format = args.log_format.unwrap_or_else(Format::detect);
    let _flush = telemetry::init(format, &args.log)?;
    let metrics = Arc::new(Metrics::new());
    let gate = load_gate(&args.policies, args.fallback, &metrics)?;
    metrics.bundle(gate.bundle().short_digest(), gate.bundle().policies().policies.len());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(ServeError::Runtime)?;
    let served = runtime.block_on(serve(args, gate, metrics, format));
    // The drain has waited for all that is worth it; what still runs has no one to answer to.
    runtime.shutdown_background();
    served
}

/// Compiles the policies of these directories, or the shipped ones where there is none.
fn load_gate(directories: &[PathBuf], fallback: bool, metrics: &Metrics) -> Result<Gate, ServeError> {
    match policies::bundle(directories) {
        Ok((bundle, loaded)) => {
            for diagnostic in &loaded.diagnostics {
                tracing::warn!(policy = diagnostic.concise(&loaded.sources), "policy warning");
            }
            Ok(Gate::new(bundle))
        }
        Err(failure) if fallback => {
            tracing::error!(
                error = %failure,
                "the policies are broken: only KubeRay's own rules are enforced, nothing is injected"
            );
            metrics.policies_broken(true);
            Ok(Gate::new(Bundle::kuberay_only()))
        }
        Err(failure) => Err(ServeError::Policies(failure)),
    }
}

async fn serve(args: &ServeArgs, gate: Gate, metrics: Arc<Metrics>, format: Format) -> Result<(), ServeError> {
    // Caught before the sockets open: from here on a signal always drains.
    let mut first = Signals::catch().map_err(ServeError::Runtime)?;
    let mut second = Signals::catch().map_err(ServeError::Runtime)?;
    let gate = Arc::new(gate);
    let server = Server::bind(args.options(), Arc::clone(&gate) as _, metrics).await?;
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
                (Some(certificate), Some(key)) => CertificateSource::Files(PairFiles {
                    certificate: certificate.clone(),
                    key: key.clone(),
                }),
                _ => CertificateSource::InMemory,
            },
            drain_delay: self.drain_delay.unwrap_or(default_delay),
            limits: Limits::default(),
        }
    }
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
         \x20 certificate  ends at {ends}\n\
         \x20 policies     {policies}\n\
         \n\
         Post a RayJob to it:\n\
         \x20 raygate sample | curl -sk https://{webhook}/mutate -H 'content-type: application/json' --data-binary @-\n",
        version = env!("CARGO_PKG_VERSION"),
        ends = server.certificates().current().ends(),
        policies = gate.summary(),
    );
    // Standard output may be closed; serving goes on all the same.
    let _ = std::io::stdout().lock().write_all(banner.as_bytes());
}

/// An address that a client on this machine can use: "all addresses" is none to connect to.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
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
        assert!(matches!(both.certificate, CertificateSource::Files(_)));
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
        let error = parse(&["--drain-delay", "5"]).unwrap_err().to_string();
        assert!(error.contains("`5s`"), "{error}");
    }

    #[test]
    fn the_banner_names_an_address_to_connect_to() {
        let address = |text: &str| reachable(text.parse().unwrap()).to_string();
        assert_eq!(address("0.0.0.0:8443"), "127.0.0.1:8443");
        assert_eq!(address("[::]:8443"), "[::1]:8443");
        assert_eq!(address("10.0.0.7:1"), "10.0.0.7:1");
    }
}
