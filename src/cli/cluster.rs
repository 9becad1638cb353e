//! The flags that say which cluster.

use std::path::PathBuf;

use crate::cluster::Access;
use crate::telemetry::error_chain;

use super::Failure;

/// Which cluster a command talks to, and as whom.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ClusterArgs {
    /// The kubeconfig file. Default: as kubectl, KUBECONFIG or ~/.kube/config, and in a pod its service account
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig, instead of its current one
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
}

impl ClusterArgs {
    /// The same for the client.
    pub fn access(&self) -> Access {
        Access {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
        }
    }

    /// A client of that cluster.
    ///
    /// # Errors
    /// [`Failure::Cluster`] if no cluster is found, or its configuration cannot be used.
    pub async fn connect(&self) -> Result<kube::Client, Failure> {
        let client = self.access().connect().await;
        client.map_err(|error| Failure::Cluster(error_chain(&error)))
    }
}
