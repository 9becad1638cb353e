//! # What it does
//! Finds pods that run as a service account that the Platform trusts: one of `flyte.serviceAccounts`,
//! `kuberay.operators` or `queue.controllers`, in the namespace of the RayJob. It reads `serviceAccountName` and its
//! deprecated alias `serviceAccount`. No Exemption waives it.
//!
//! # Why it is bad
//! The pod holds the account's token. Its code can send requests as Flyte, as KubeRay or as the queue, and raygate judges
//! those by what the platform trusts these users with. Every KubeRay release.
//!
//! # What fixes it
//! Use the service account of the team or of the execution. The Platform should list only accounts of namespaces in which
//! no jobs run.
//!
//! # Fails
//! ```yaml
//! metadata: {namespace: flyte}
//! platform: {flyte: {serviceAccounts: ["system:serviceaccount:flyte:flytepropeller"]}}
//! spec: {rayClusterSpec: {headGroupSpec: {template: {spec: {serviceAccountName: flytepropeller}}}}}
//! ```
//!
//! # Passes
//! ```yaml
//! metadata: {namespace: flyte}
//! platform: {flyte: {serviceAccounts: ["system:serviceaccount:flyte:flytepropeller"]}}
//! spec: {rayClusterSpec: {headGroupSpec: {template: {spec: {serviceAccountName: team}}}}}
//! ```

use crate::k8s::text::quoted;
use crate::policy::settings::Action;
use crate::ray::{RayJob, Role, flyte};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG610",
    title: "Pods must not use a trusted user's service account",
    action: Action::Deny,
    fixes: false,
    versions: Versions::ALL,
    page: include_str!("verified_account.rs"),
    run,
};

/// The account of a pod that names none.
const DEFAULT: (&str, &str) = ("serviceAccountName", "default");

fn run(cx: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    for pod in &job.pods {
        let account = match pod.service_account() {
            // KubeRay makes an account for the head of an autoscaled cluster that names none.
            None if pod.role == Role::Head && job.autoscales() => continue,
            account => account,
        };
        let (key, name) = account.unwrap_or(DEFAULT);
        let user = format!("system:serviceaccount:{}:{name}", cx.namespace);
        let whose = if cx.platform.flyte.service_accounts.contains(&user) {
            "Flyte"
        } else if cx.platform.is_operator(&user) {
            "KubeRay"
        } else if cx.platform.is_queue_controller(&user) {
            "the queue controller"
        } else {
            continue;
        };
        findings.push(
            Finding::new(
                job.nearest(pod.spec_path().then_key(key)),
                format!(
                    "{}: service account {} belongs to {whose}. The pod could act as that user",
                    pod.title(),
                    quoted(name)
                ),
            )
            .fix("use another service account")
            .flyte(flyte::setting(pod, "pod_template=PodTemplate(…)")),
        );
    }
}
