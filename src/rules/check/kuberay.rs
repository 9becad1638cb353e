//! RG1xx: what KubeRay itself refuses, after the RayJob exists. A code ends in the number of its rule in this project's
//! count of KubeRay's rules (`validation.go`, the RayCluster controller and the CRD, KubeRay 1.1 to 1.7).
//!
//! All rules look at once, where KubeRay stops at the first that is broken. Rules on the cluster's spec hold since
//! KubeRay 1.4, which asks them of the RayJob; 1.3 asked most of them of the RayCluster alone, and the RayJob waited for
//! it in vain. They hold beside a `clusterSelector` too, as in KubeRay, except for those that only the RayCluster meets
//! (RG181 to RG185): with a selector none is made. `spec.managedBy` changes nothing here: where another controller
//! manages the RayJob, a KubeRay of another cluster refuses it later.
//!
//! These rules have no check of their own:
//!
//! | Rule | Why |
//! |---|---|
//! | RG145, no `minReplicas` or `maxReplicas` without autoscaling | the CRD fills in both before admission |
//! | RG180, the RayCluster's name | KubeRay makes it of the RayJob's: RG101 and RG102 say so already |
//! | RG182, a cluster both suspending and suspended | only the copy in the RayJob's status can be seen: it warns |
//! | RG184, TLS without cert-manager | the object does not show what is installed in the cluster |
//! | RG186, a child that the API server refuses | RG2xx to RG6xx find the causes in the pod templates |

pub mod auth_and_network;
pub mod autoscaler;
pub mod deletion;
pub mod fault_tolerance;
pub mod group_parameters;
pub mod groups;
pub mod history_server;
pub mod lifecycle;
pub mod modes;
pub mod names;
pub mod ray_version;
pub mod runtime_env;
pub mod status;
pub mod tls;

use serde_json::Value;

use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::job::{items, text};
use crate::ray::{Container, KubeRay, Pod, RayJob};
use crate::rules::{Check, Cx, Findings};

use super::Versions;

/// The family, in the order of its codes.
pub static CHECKS: &[&Check] = &[
    &names::NAME_TOO_LONG,
    &names::NAME_FORM,
    &lifecycle::SUSPEND_WITHOUT_SHUTDOWN,
    &lifecycle::TTL_NEGATIVE,
    &lifecycle::TTL_WITHOUT_SHUTDOWN,
    &deletion::GATE_OFF,
    &deletion::RULES_WITH_SHUTDOWN,
    &deletion::TWO_STYLES,
    &deletion::EMPTY_STRATEGY,
    &deletion::HALF_A_STRATEGY,
    &deletion::NO_POLICY,
    &deletion::policies::SELECTED_CLUSTER,
    &deletion::policies::WORKERS_WITH_AUTOSCALING,
    &deletion::policies::SHUTDOWN_AND_KEEP,
    &deletion::rules::CONDITION,
    &deletion::rules::TTL_NEGATIVE,
    &deletion::rules::SELECTED_CLUSTER,
    &deletion::rules::DUPLICATE,
    &deletion::rules::ORDER,
    &lifecycle::SUSPEND_WITH_SELECTOR,
    &lifecycle::NO_CLUSTER,
    &lifecycle::EMPTY_SELECTOR,
    &modes::SIDECAR_WITH_SELECTOR,
    &lifecycle::RETRIES_WITH_SELECTOR,
    &modes::INTERACTIVE_RETRIES,
    &modes::SIDECAR_TEMPLATE,
    &modes::SIDECAR_CONFIG,
    &modes::SIDECAR_RESTART_POLICY,
    &auth_and_network::KUBERNETES_TOKENS,
    &runtime_env::NOT_A_MAPPING,
    &lifecycle::ACTIVE_DEADLINE,
    &lifecycle::PRE_RUNNING_DEADLINE,
    &lifecycle::BACKOFF_NEGATIVE,
    &status::WAITING,
    &groups::HEAD_WITHOUT_CONTAINERS,
    &groups::WORKERS_WITHOUT_CONTAINERS,
    &group_parameters::RESOURCES_TWICE,
    &group_parameters::LABELS_PARAMETER,
    &group_parameters::LABEL_SYNTAX,
    &groups::MIN_NEGATIVE,
    &groups::MAX_NEGATIVE,
    &groups::MIN_ABOVE_MAX,
    &autoscaler::GROUP_IDLE_TIMEOUT,
    &autoscaler::GROUP_PRIORITY,
    &fault_tolerance::ANNOTATION_AND_OPTIONS,
    &fault_tolerance::ADDRESS_WITHOUT_OPTIONS,
    &fault_tolerance::PASSWORD_PARAMETER,
    &fault_tolerance::PASSWORD_VARIABLE,
    &fault_tolerance::ADDRESS_VARIABLE,
    &fault_tolerance::NAMESPACE_ANNOTATION,
    &fault_tolerance::USERNAME,
    &fault_tolerance::embedded::CONFLICT,
    &fault_tolerance::embedded::STORAGE_WITH_REDIS,
    &groups::SUSPENDED_GATE_OFF,
    &groups::SUSPENDED_WITH_AUTOSCALING,
    &autoscaler::V2_WITHOUT_AUTOSCALING,
    &autoscaler::VERSION_TWICE,
    &autoscaler::restart_policy::HEAD,
    &autoscaler::restart_policy::WORKERS,
    &autoscaler::IDLE_TIMEOUT,
    &autoscaler::START_COMMAND,
    &history_server::COLLECTOR,
    &auth_and_network::TOKEN_VERSION,
    &auth_and_network::KUBERNETES_TOKEN_OPTIONS,
    &auth_and_network::NETWORK_POLICY,
    &tls::CONFLICT,
    &groups::UPGRADE_STRATEGY,
    &status::SUSPENDING_AND_SUSPENDED,
    &autoscaler::restart_policy::WORKERS_V1,
    &group_parameters::OBJECT_STORE,
];

/// The releases that ask the rules on the cluster's spec of the RayJob itself.
const CLUSTER_RULES: Versions = Versions::since(KubeRay::V1_4);

/// The gate of worker suspension and of deletion by rules.
const DELETION_GATE: &str = "RayJobDeletionPolicy";

/// A check whose findings KubeRay refuses.
const fn refusal(
    code: &'static str,
    title: &'static str,
    versions: Versions,
    page: &'static str,
    run: fn(&Cx<'_>, &RayJob<'_>, &mut Findings),
) -> Check {
    Check {
        code,
        title,
        action: Action::Deny,
        fixes: false,
        versions,
        page,
        run,
    }
}

/// A check whose findings KubeRay only mentions, or that may be out of date when they are seen.
const fn warning(
    code: &'static str,
    title: &'static str,
    versions: Versions,
    page: &'static str,
    run: fn(&Cx<'_>, &RayJob<'_>, &mut Findings),
) -> Check {
    Check {
        action: Action::Warn,
        ..refusal(code, title, versions, page, run)
    }
}

/// The value under `key`, unless it is missing or null.
fn given<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    value.get(key).filter(|value| !value.is_null())
}

/// A field of `rayClusterSpec`, unless it is missing or null.
fn cluster_field<'a>(job: &RayJob<'a>, key: &str) -> Option<&'a Value> {
    given(job.cluster?, key)
}

/// The path of a field of `rayClusterSpec`.
fn cluster_path(key: &'static str) -> Path {
    Path::of(["spec", "rayClusterSpec", key])
}

/// The head and the container in which KubeRay runs Ray.
fn head_container<'j, 'a>(job: &'j RayJob<'a>) -> Option<(&'j Pod<'a>, &'j Container<'a>)> {
    let head = job.head()?;
    Some((head, head.main()?))
}

/// The position of a variable in `env`: the first of its name, as KubeRay takes it.
fn position(holder: &Value, variable: &str) -> Option<usize> {
    items(holder, "env")
        .iter()
        .position(|entry| text(entry, "name") == Some(variable))
}

/// Where a variable of the head's Ray container stands.
fn head_variable(job: &RayJob<'_>, variable: &str) -> Option<Path> {
    let (head, container) = head_container(job)?;
    let index = position(container.value, variable)?;
    Some(head.container_path(container).then_key("env").index(index))
}

/// A restart policy other than `Never`, the API server's default left aside.
fn restart_policy<'a>(pod: &Pod<'a>) -> Option<&'a str> {
    text(pod.spec, "restartPolicy").filter(|policy| !policy.is_empty() && *policy != "Never")
}
