//! The options of authentication.

use serde_json::Value;

use crate::ray::RayJob;
use crate::ray::job::text;
use crate::rules::check::kuberay::{cluster_field, given};

pub(super) const AUTH: &str = "authOptions";

pub(super) fn auth<'a>(job: &RayJob<'a>) -> Option<&'a Value> {
    cluster_field(job, AUTH)
}

pub(super) fn is_by_token(auth: &Value) -> bool {
    text(auth, "mode") == Some("token")
}

pub(super) fn is_by_kubernetes(auth: &Value) -> bool {
    given(auth, "enableK8sTokenAuth").and_then(Value::as_bool) == Some(true)
}
