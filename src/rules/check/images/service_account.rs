//! Looks at an autoscaled job whose head names a service account.

use crate::diag::quoted;
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG609",
    title: "Autoscaled clusters should have a service account of their own",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("service_account.md"),
    evidence: &[Evidence::Reason(
        "KubeRay gives the account of the head the right to create and delete pods",
    )],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(head) = job.head().filter(|_| job.autoscales()) else {
        return;
    };
    let Some((key, account)) = head.service_account() else {
        return;
    };
    let shared_by = if account == "default" {
        "every pod of the namespace"
    } else if job
        .workers()
        .any(|pod| pod.service_account().is_some_and(|(_, name)| name == account))
    {
        "every worker"
    } else {
        return;
    };
    findings.push(
        Finding::new(
            head.spec_path().then_key(key),
            format!(
                "head: service account {} lets {shared_by} create and delete pods, as autoscaling needs",
                quoted(account)
            ),
        )
        .fix("give the head a service account of its own"),
    );
}
