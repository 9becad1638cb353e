//! Rules on authentication, the network policy and encryption within the cluster (KubeRay 1.6 and 1.7, `validation.go`).

pub mod kubernetes_token_options;
pub mod kubernetes_tokens;
pub mod network_policy;
pub mod tls;
pub mod token_without_ray_version;

use serde_json::Value;

use crate::k8s::json::{given, text};
use crate::ray::Workload;

const AUTH: &str = "authOptions";

fn auth<'a>(job: &Workload<'a>) -> Option<&'a Value> {
    job.cluster_field(AUTH)
}

fn is_by_token(auth: &Value) -> bool {
    text(auth, "mode") == Some("token")
}

fn is_by_kubernetes(auth: &Value) -> bool {
    given(auth, "enableK8sTokenAuth").and_then(Value::as_bool) == Some(true)
}
