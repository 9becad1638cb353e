//! The options of the autoscaler.

use super::super::{cluster_field, head_container, head_variable, restart_policy};
use crate::diag::quoted;
use crate::k8s::json::text;
use crate::k8s::path::Path;
use crate::ray::{Pod, Workload, flyte};
use crate::rules::{Finding, Findings};
use serde_json::Value;

/// The variable of the head that turns the autoscaler v2 on.
pub(super) const V2_VARIABLE: &str = "RAY_enable_autoscaler_v2";

/// The field that does.
pub(super) const V2_FIELD: &str = "set autoscalerOptions.version to v2";

pub(super) fn options<'a>(job: &Workload<'a>) -> Option<&'a Value> {
    cluster_field(job, "autoscalerOptions")
}

pub(super) fn version<'a>(job: &Workload<'a>) -> Option<&'a str> {
    text(options(job)?, "version")
}

pub(super) fn is_v2(job: &Workload<'_>) -> bool {
    version(job) == Some("v2")
}

/// Where the head's variable turns v2 on.
pub(super) fn v2_variable(job: &Workload<'_>) -> Option<Path> {
    let (_, container) = head_container(job)?;
    let value = text(container.env(V2_VARIABLE)?, "value")?;
    let path = head_variable(job, V2_VARIABLE)?;
    matches!(value, "1" | "true").then(|| path.key("value"))
}

pub(super) fn restarting<'j, 'a: 'j>(
    pods: impl IntoIterator<Item = &'j Pod<'a>>,
    version: &str,
    findings: &mut Findings,
) {
    for pod in pods {
        if let Some(policy) = restart_policy(pod) {
            findings.push(
                Finding::new(
                    pod.spec_path().then_key("restartPolicy"),
                    format!(
                        "{}: restartPolicy {} under the autoscaler {version}",
                        pod.title(),
                        quoted(policy)
                    ),
                )
                .fix("set restartPolicy to Never")
                .flyte(flyte::setting(pod, "pod_template=PodTemplate(…)")),
            );
        }
    }
}
