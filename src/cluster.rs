//! A client of the Kubernetes API, for what talks to a cluster: self-managed certificates, `doctor` and `scan`.
//!
//! Whoever answers reviews has none: nothing that a RayJob says can make raygate ask the API server for anything.

mod error;

pub mod objects;

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use kube::config::{InClusterError, KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};

pub use error::{Cause, describe};

/// How long a connection, and the API server's next byte on it, may take.
const CONNECT: Duration = Duration::from_secs(5);
const READ: Duration = Duration::from_secs(30);

/// Which cluster, and as whom. The default is what `kubectl` would take, and in a pod its service account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// This kubeconfig file, instead of those that `KUBECONFIG` names or `~/.kube/config`.
    pub kubeconfig: Option<PathBuf>,
    /// This context of it, instead of its current one.
    pub context: Option<String>,
}

/// Why there is no client. Says nothing about whether the cluster is there: nobody has asked it yet.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// A kubeconfig that cannot be used.
    #[error("cannot use the kubeconfig{}", .0.as_ref().map(|path| format!(" {}", path.display())).unwrap_or_default())]
    Kubeconfig(Option<PathBuf>, #[source] KubeconfigError),
    /// Neither a kubeconfig nor a pod's service account.
    #[error(
        "found no cluster: there is no kubeconfig (give --kubeconfig, or set KUBECONFIG), and this is no pod with a \
         service account's token"
    )]
    Nowhere(#[source] InClusterError),
    /// TLS, a proxy, or the way to log in is of a kind that cannot be used.
    #[error("cannot make a client of the cluster: {}", describe(.0))]
    Client(kube::Error),
}

impl Access {
    /// A client that repeats nothing by itself: its callers see, and count, each answer. Must be called within a Tokio
    /// runtime.
    ///
    /// # Errors
    /// When no configuration is found, or it cannot be used.
    pub async fn connect(&self) -> Result<Client, AccessError> {
        let mut config = self.config().await?;
        config.default_retry = false;
        config.connect_timeout = Some(CONNECT);
        config.read_timeout = Some(READ);
        config.write_timeout = Some(READ);
        // Without it, a connection that was idle for long times out at once.
        config.reset_reader_on_write = true;
        Client::try_from(config).map_err(AccessError::Client)
    }

    async fn config(&self) -> Result<Config, AccessError> {
        let options = KubeConfigOptions {
            context: self.context.clone(),
            ..KubeConfigOptions::default()
        };
        let unusable = |error| AccessError::Kubeconfig(self.kubeconfig.clone(), error);
        if let Some(path) = &self.kubeconfig {
            let kubeconfig = Kubeconfig::read_from(path).map_err(unusable)?;
            return Config::from_custom_kubeconfig(kubeconfig, &options)
                .await
                .map_err(unusable);
        }
        match Config::from_kubeconfig(&options).await {
            Ok(config) => Ok(config),
            Err(error) if self.context.is_none() && is_absent(&error) => {
                Config::incluster().map_err(AccessError::Nowhere)
            }
            Err(error) => Err(unusable(error)),
        }
    }
}

/// Whether nobody has asked for a kubeconfig and there is none.
fn is_absent(error: &KubeconfigError) -> bool {
    env::var_os("KUBECONFIG").is_none_or(|value| value.is_empty())
        && match error {
            KubeconfigError::FindPath => true,
            KubeconfigError::ReadConfig(error, _) => error.kind() == std::io::ErrorKind::NotFound,
            _ => false,
        }
}

#[cfg(test)]
mod tests;
