//! Rules on autoscaling (KubeRay 1.6 and 1.7, `validation.go`). KubeRay calls the autoscaler v2 where
//! `autoscalerOptions.version` says so; the variable in the head counts for the groups' settings only.

pub mod group_idle_timeout;
pub mod group_priority;
pub mod negative_idle_timeout;
pub mod restarting_head;
pub mod restarting_workers;
pub mod restarting_workers_v1;
pub mod start_command;
pub mod v2_without_autoscaling;
pub mod version_twice;

use crate::diag::quoted;
use crate::json::Json;
use crate::k8s::json::text;
use crate::k8s::path::Path;
use crate::ray::{Pod, Workload, flyte};
use crate::rules::{Finding, Findings};

use super::{head_container, head_variable, restart_policy};

/// The variable of the head that turns the autoscaler v2 on.
const V2_VARIABLE: &str = "RAY_enable_autoscaler_v2";

/// The field that does.
const V2_FIELD: &str = "set autoscalerOptions.version to v2";

fn options<'a>(job: &Workload<'a>) -> Option<Json<'a>> {
    job.cluster_field("autoscalerOptions")
}

fn version<'a>(job: &Workload<'a>) -> Option<&'a str> {
    text(options(job)?, "version")
}

fn is_v2(job: &Workload<'_>) -> bool {
    version(job) == Some("v2")
}

/// Where the head's variable turns v2 on.
fn v2_variable(job: &Workload<'_>) -> Option<Path> {
    let (_, container) = head_container(job)?;
    let value = text(container.env(V2_VARIABLE)?, "value")?;
    let path = head_variable(job, V2_VARIABLE)?;
    matches!(value, "1" | "true").then(|| path.key("value"))
}

fn restarting<'j, 'a: 'j>(pods: impl IntoIterator<Item = &'j Pod<'a>>, version: &str, findings: &mut Findings) {
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
