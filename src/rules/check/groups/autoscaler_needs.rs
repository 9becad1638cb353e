//! Looks at jobs with `enableInTreeAutoscaling`.

use crate::json::Json;
use crate::k8s::json::text;
use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload, flyte};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG514",
    title: "Autoscaling should have groups that it can scale",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("autoscaler_needs.md"),
    evidence: &[Evidence::Reason(
        "the kubelet restarts a worker that the autoscaler ends, so its GPU is never freed (ray-project/kuberay#5012)",
    )],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    if !job.autoscales() {
        return;
    }
    let token = job
        .head()
        .filter(|head| head.spec.get("automountServiceAccountToken").and_then(Json::as_bool) == Some(false));
    if let Some(head) = token {
        findings.push(
            Finding::new(
                head.spec_path().then_key("automountServiceAccountToken"),
                "head: no service account token, the autoscaler cannot reach the API server",
            )
            .fix("leave automountServiceAccountToken out")
            .flyte(flyte::setting(head, "pod_template=PodTemplate(…)")),
        );
    }
    let version = job
        .cluster
        .and_then(|cluster| text(cluster.get("autoscalerOptions")?, "version"));
    if version == Some("v2") && cx.kuberay() >= KubeRay::V1_4 {
        return;
    }
    for pod in job.workers().filter(|pod| pod.spec.is_object()) {
        let policy = text(pod.spec, "restartPolicy").unwrap_or("Always");
        if policy != "Never" {
            findings.push(
                Finding::new(
                    pod.spec_path().then_key("restartPolicy"),
                    format!("{}: workers that the autoscaler ends are started again", pod.title()),
                )
                .fix("set restartPolicy to Never")
                .flyte(flyte::setting(pod, "pod_template=PodTemplate(…)")),
            );
        }
    }
}
