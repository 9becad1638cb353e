//! Finds a head without a dashboard, or with one that only the head itself reaches.

use crate::diag::quoted;
use crate::json::Json;
use crate::k8s::json::{given, items};
use crate::policy::settings::Action;
use crate::ray::kind::{RAY_CLUSTER, RAY_SERVICE};
use crate::ray::{Container, Kind, Kinds, KubeRay, Pod, Workload, flyte, told};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG511",
    title: "The head must have a dashboard that KubeRay can reach",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("no_dashboard.md"),
    evidence: &[
        Evidence::Source(
            "KubeRay 1.7.0",
            "ray-operator/controllers/ray/rayjob_controller.go",
            &[218],
        ),
        Evidence::Source("KubeRay 1.7.0", "ray-operator/controllers/ray/common/pod.go", &[732]),
    ],
    run,
};

/// What `ray start` reads as no, in any case (click, `BoolParamType`).
const NO: [&str; 6] = ["false", "0", "no", "n", "off", "f"];

/// What a cluster without a dashboard cannot do. KubeRay's probes of the head ask the dashboard, too.
fn effect(kind: &Kind, asks_agent: bool) -> &'static str {
    if kind.has_job() {
        "KubeRay can neither submit the job nor see its status"
    } else if kind.is(&RAY_SERVICE) {
        "KubeRay can neither deploy the applications nor see their status"
    } else if asks_agent {
        "the head's probes of KubeRay 1.5 and earlier fail"
    } else {
        "KubeRay's probes of the head fail"
    }
}

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(head) = job.head() else { return };
    let is_off = head
        .start_param("include-dashboard")
        .is_some_and(|value| NO.iter().any(|no| value.trim().eq_ignore_ascii_case(no)));
    // Of a RayCluster, KubeRay asks the dashboard nothing itself.
    let has_probes = |container: &Container<'_>| {
        ["readinessProbe", "livenessProbe"]
            .iter()
            .all(|probe| given(container.value, probe).is_some())
    };
    let is_cluster = job.kind.is(&RAY_CLUSTER);
    // For such a release of Ray, KubeRay 1.6 and later probes the head by its agent, which runs without the dashboard.
    let version = job.cluster_field("rayVersion").and_then(Json::as_str);
    let asks_agent = is_cluster && version.is_some_and(told::answers_one_probe);
    let is_known = cx.platform.names_kuberay;
    let agent_answers = asks_agent && is_known && cx.kuberay() >= KubeRay::V1_6;
    let is_needed = !is_cluster || (!agent_answers && !head.main().is_some_and(has_probes));
    if is_off && is_needed {
        let finding = Finding::new(
            head.group_path().keys(["rayStartParams", "include-dashboard"]),
            format!("head: no dashboard, {}", effect(job.kind, asks_agent)),
        )
        .fix("leave include-dashboard out of rayStartParams")
        .flyte(flyte::setting(
            head,
            "ray_start_params={\"include-dashboard\": \"true\"}",
        ));
        // A command of the author may not read the parameter.
        let may_work = told::starts_ray_itself(job, head) || (asks_agent && !is_known);
        findings.push(if may_work { finding.warn_only() } else { finding });
    } else if let Some(host) = head
        .start_param("dashboard-host")
        .filter(|host| told::is_loopback(host))
    {
        let finding = Finding::new(
            head.group_path().keys(["rayStartParams", "dashboard-host"]),
            format!(
                "head: the dashboard listens on {} only; {} cannot connect to it",
                quoted(host),
                if job.kind.has_job() {
                    "KubeRay and the submitter"
                } else {
                    "other pods"
                }
            ),
        )
        .fix("remove dashboard-host from rayStartParams; KubeRay sets it to 0.0.0.0")
        .flyte(flyte::setting(head, "ray_start_params={…}"));
        let may_work = job.kind.is(&RAY_CLUSTER) || told::starts_ray_itself(job, head) || forwards_dashboard(head);
        findings.push(if may_work { finding.warn_only() } else { finding });
    }
}

/// Whether another container of the head declares a port, to which it may forward from the dashboard's Service.
fn forwards_dashboard(head: &Pod<'_>) -> bool {
    head.running()
        .skip(1)
        .any(|sidecar| !items(sidecar.value, "ports").is_empty())
}
