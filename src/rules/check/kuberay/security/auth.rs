//! The options of authentication.

use super::super::{cluster_field, given};
use crate::k8s::json::text;
use crate::ray::Workload;
use serde_json::Value;

pub(super) const AUTH: &str = "authOptions";

pub(super) fn auth<'a>(job: &Workload<'a>) -> Option<&'a Value> {
    cluster_field(job, AUTH)
}

pub(super) fn is_by_token(auth: &Value) -> bool {
    text(auth, "mode") == Some("token")
}

pub(super) fn is_by_kubernetes(auth: &Value) -> bool {
    given(auth, "enableK8sTokenAuth").and_then(Value::as_bool) == Some(true)
}
