//! Finds a RayJob whose pods together may take more accelerators of one kind of the Platform than `limits.accelerators`
//! allows, each group at the autoscaler's most.

use crate::diag::quoted;
use crate::k8s::json::{items, text};
use crate::k8s::nodes;
use crate::policy::settings::{Accelerator, Action};
use crate::ray::device::{CLAIM_TEMPLATE, device_class};
use crate::ray::effective;
use crate::ray::facts::pods_at_most;
use crate::ray::{Kinds, Pod, Workload};
use crate::rules::check::resources::over_budget;
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG322",
    title: "A job must stay within the limit of each kind of accelerator",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("max_accelerators.md"),
    evidence: &[Evidence::Budget("accelerators")],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for (name, most) in &cx.policy.limits.accelerators {
        let Some(kind) = cx.platform.accelerators.get(name) else {
            continue;
        };
        let pods = job.all_pods();
        let count = pods.fold(0, |sum: i64, pod| {
            sum.saturating_add(each(pod, kind).saturating_mul(pods_at_most(job, pod)))
        });
        if count > *most {
            let sum = format!("{count} accelerators {}", quoted(name));
            let finding = over_budget(job, &sum, &most.to_string(), count, |pod| each(pod, kind));
            findings.extend(finding.map(|finding| finding.entry(name)));
        }
    }
}

/// The accelerators of a kind that one pod may take.
fn each(pod: &Pod<'_>, kind: &Accelerator) -> i64 {
    let claims = items(pod.spec, "resourceClaims").iter();
    let claimed = claims.filter_map(|claim| kind.claim_templates.get(text(claim, CLAIM_TEMPLATE)?).copied());
    let claimed = claimed.fold(0, i64::saturating_add);
    let labels = kind
        .node_selector
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()));
    if !nodes::may_run_on(pod.spec, &labels.collect()) {
        return claimed;
    }
    let of_unit = |key: &str| match device_class(key).and_then(|class| kind.device_classes.get(class)) {
        Some(count) => *count,
        None => i64::from(kind.resource.as_deref() == Some(key)),
    };
    let requests = effective::requests(pod).into_iter();
    let requested = requests.map(|(key, quantity)| of_unit(key).saturating_mul(quantity.value()));
    requested.fold(claimed, i64::saturating_add)
}
