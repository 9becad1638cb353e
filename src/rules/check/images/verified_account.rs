//! Finds pods that run as a service account that the Platform trusts.

use crate::diag::quoted;
use crate::policy::settings::Action;
use crate::ray::kind::SUBMITTER;
use crate::ray::pod::SERVICE_ACCOUNT_NAME;
use crate::ray::{Kinds, Role, Workload, flyte};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG610",
    title: "Pods must not use a trusted user's service account",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("verified_account.md"),
    evidence: &[Evidence::Guard("it guards the accounts that raygate trusts")],
    run,
};

/// The account of a pod that names none.
const DEFAULT: (&str, &str) = (SERVICE_ACCOUNT_NAME, "default");

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let owner = |account: &str| {
        let user = format!("system:serviceaccount:{}:{account}", cx.namespace);
        let is_flytes = cx.platform.flyte.service_accounts.contains(&user);
        [
            (is_flytes, "Flyte"),
            (cx.platform.is_operator(&user), "KubeRay"),
            (cx.platform.is_queue_controller(&user), "the queue controller"),
        ]
        .into_iter()
        .find_map(|(is_its, owner)| is_its.then_some(owner))
    };
    let message = |whose: &str, account: &str, owner: &str| {
        let account = quoted(account);
        format!("{whose}: service account {account} belongs to {owner}. The pod could act as that user")
    };
    for pod in &job.pods {
        let account = match pod.service_account() {
            // KubeRay makes an account of a new name for the head.
            None if pod.role == Role::Head && job.autoscales() => continue,
            account => account,
        };
        let (key, name) = account.unwrap_or(DEFAULT);
        let Some(owner) = owner(name) else { continue };
        let path = job.nearest(pod.spec_path().then_key(key));
        findings.push(
            Finding::new(path, message(&pod.title(), name, owner))
                .fix("use another service account")
                .flyte(flyte::setting(pod, "pod_template=PodTemplate(…)")),
        );
    }
    // KubeRay's own submitter names no account (KubeRay 1.7, `common/job.go`, `GetDefaultSubmitterTemplate`).
    if job.default_submitter.is_some()
        && let (_, account) = DEFAULT
        && let Some(owner) = owner(account)
    {
        let path = job.nearest(job.kind.submitter_path());
        findings.push(
            Finding::new(path, message("submitter", account, owner))
                .fix(format!("set {SUBMITTER} with another service account")),
        );
    }
}
