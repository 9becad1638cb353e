//! Rules on authentication, the network policy and encryption within the cluster (KubeRay 1.6 and 1.7, `validation.go`).

mod auth;
pub mod kubernetes_token_options;
pub mod kubernetes_tokens;
pub mod network_policy;
pub mod tls;
pub mod token_without_ray_version;

use auth::{AUTH, auth, is_by_kubernetes, is_by_token};
