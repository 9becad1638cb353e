//! Rules on authentication, the network policy and encryption within the cluster (KubeRay 1.6 and 1.7, `validation.go`).

pub mod kubernetes_token_options;
pub mod kubernetes_tokens;
pub mod network_policy;
pub mod tls;
pub mod token_without_ray_version;

use crate::json::Json;
use crate::k8s::json::{given, text};
use crate::ray::Workload;

const AUTH: &str = "authOptions";

fn auth<'a>(job: &Workload<'a>) -> Option<Json<'a>> {
    job.cluster_field(AUTH)
}

fn is_by_token(auth: Json<'_>) -> bool {
    text(auth, "mode") == Some("token")
}

fn is_by_kubernetes(auth: Json<'_>) -> bool {
    given(auth, "enableK8sTokenAuth").and_then(Json::as_bool) == Some(true)
}
