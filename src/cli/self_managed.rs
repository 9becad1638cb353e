//! The flags of `raygate serve --self-managed`.

use std::time::Duration;

use super::cluster::ClusterArgs;
use crate::certs::DnsLabel;
use crate::install::{self, BaseUrl, KindList};
use crate::self_managed::{Options, SHORTEST_LIFE};
use crate::server::duration;

/// Certificates that raygate makes and renews itself.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Self-managed certificates")]
pub struct SelfManagedArgs {
    /// Make a CA and a serving certificate, keep them in a Secret that all replicas share, renew them, and write the CA
    /// into raygate's own two webhook configurations
    #[arg(long, env = "RAYGATE_SELF_MANAGED", conflicts_with_all = ["tls_cert", "tls_key"])]
    pub self_managed: bool,

    /// The namespace of the Secret and of the Service
    #[arg(long, value_name = "NAME", env = "RAYGATE_NAMESPACE", default_value = install::NAMESPACE)]
    pub namespace: DnsLabel,

    /// The Secret; created if it is not there
    #[arg(long, value_name = "NAME", env = "RAYGATE_SECRET", default_value = install::OWN_SECRET, value_parser = object_name)]
    pub secret: String,

    /// The Service that the API server calls
    #[arg(long, value_name = "NAME", env = "RAYGATE_SERVICE", default_value = install::SERVICE)]
    pub service: DnsLabel,

    /// The address that the API server calls and not the Service, as given to `raygate manifests`
    #[arg(long, value_name = "https://HOST:PORT", env = "RAYGATE_URL")]
    pub url: Option<BaseUrl>,

    /// The name of both webhook configurations
    #[arg(long, value_name = "NAME", env = "RAYGATE_WEBHOOK_CONFIGURATION", default_value = install::CONFIGURATION, value_parser = object_name)]
    pub webhook_configuration: String,

    /// Objects pass unjudged while raygate is unreachable, as from `raygate manifests --with fail-open`
    #[arg(long, env = "RAYGATE_FAIL_OPEN")]
    pub fail_open: bool,

    /// The kinds that both webhook configurations register, as given to `raygate manifests --kinds`
    #[arg(long, value_name = "KINDS", env = install::KINDS, default_value_t)]
    pub kinds: KindList,

    /// Namespaces whose objects raygate never judges, separated by commas, as given to `raygate manifests --exclude`
    #[arg(
        long,
        value_name = "NAMESPACES",
        env = "RAYGATE_EXCLUDED_NAMESPACES",
        value_delimiter = ','
    )]
    pub excluded_namespaces: Vec<DnsLabel>,

    /// The life of a CA, such as `8760h`; renewed with a third of it left
    #[arg(long, value_name = "DURATION", env = "RAYGATE_CA_LIFE", default_value = "8760h", value_parser = life)]
    pub ca_life: Duration,

    /// The life of a serving certificate, such as `2160h`; renewed with a third of it left
    #[arg(long, value_name = "DURATION", env = "RAYGATE_CERTIFICATE_LIFE", default_value = "2160h", value_parser = life)]
    pub certificate_life: Duration,

    /// The cluster.
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

impl SelfManagedArgs {
    /// What is to be kept; `None` where someone else keeps it.
    pub fn options(&self) -> Option<Options> {
        self.self_managed.then(|| Options {
            namespace: self.namespace.clone(),
            secret: self.secret.clone(),
            service: self.service.clone(),
            url: self.url.clone(),
            configuration: self.webhook_configuration.clone(),
            fail_open: self.fail_open,
            kinds: self.kinds.clone(),
            excluded_namespaces: self.excluded_namespaces.clone(),
            ca_life: self.ca_life,
            certificate_life: self.certificate_life,
        })
    }
}

/// The name of a Secret or of a webhook configuration: RFC 1123 labels, separated by dots.
fn object_name(text: &str) -> Result<String, String> {
    if text.len() <= 253 && text.split('.').all(|label| label.parse::<DnsLabel>().is_ok()) {
        Ok(text.to_owned())
    } else {
        Err("write up to 253 of a-z, 0-9, `-` and `.`, with a letter or digit at both ends".to_owned())
    }
}

fn life(text: &str) -> Result<Duration, String> {
    duration::parse(text)
        .filter(|life| *life >= SHORTEST_LIFE)
        .ok_or_else(|| {
            format!(
                "write a number with its unit, {} s or more, such as `2160h`",
                SHORTEST_LIFE.as_secs()
            )
        })
}
