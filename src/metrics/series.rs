//! What all families and their series share.

use prometheus_client::registry::{Metric, Registry};

use crate::admission::Endpoint;

use super::table::FamilySpec;

/// The name of an endpoint in metrics and logs.
pub const fn endpoint_label(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Mutate => "mutate",
        Endpoint::Validate => "validate",
    }
}

pub(super) fn of<H>(of_each: &[H; 2], endpoint: Endpoint) -> &H {
    let [mutate, validate] = of_each;
    match endpoint {
        Endpoint::Mutate => mutate,
        Endpoint::Validate => validate,
    }
}

/// The encoder writes a counter's `_total` and the help text's full stop itself.
pub(super) fn register(registry: &mut Registry, spec: &FamilySpec, metric: impl Metric) {
    let name = spec.name.strip_suffix("_total").unwrap_or(spec.name);
    registry.register(name, spec.help.trim_end_matches('.'), metric);
}
