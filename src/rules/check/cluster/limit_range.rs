//! Finds containers and pods that a LimitRange of the namespace refuses.

use crate::diag::quoted;
use crate::facts::{LimitRange, Limits, Per};
use crate::k8s::path::Path;
use crate::k8s::quantity::Quantity;
use crate::policy::settings::Action;
use crate::ray::container::Slot;
use crate::ray::pod::Pod;
use crate::ray::{Kinds, Workload, flyte};
use crate::rules::check::resources::{is_exact, named, place, setting};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::edit::Op;
use crate::rules::{Cx, Finding, Findings};

use super::admitted::{self, Admitted, Amounts};

/// The check.
pub const CHECK: Check = Check {
    code: "RG806",
    title: "Resources must be within the LimitRanges of the namespace",
    action: Action::Fix,
    fixes: true,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("limit_range.md"),
    evidence: &[
        Evidence::Source(
            "Kubernetes 1.37.2",
            "plugin/pkg/admission/limitranger/admission.go",
            &[315, 318, 348, 351, 354],
        ),
        Evidence::Test("tests/facts.rs", "the_api_server_agrees"),
    ],
    run,
};

/// Up to this many whole units, Kubernetes compares thousandths (`apimachinery`, `resource.MaxMilliValue`).
const MOST_IN_MILLIS: i64 = i64::MAX / 1000;

/// What amounts belong to: a container, or all of a pod.
#[derive(Clone, Copy)]
struct Whole<'w> {
    pod: &'w Pod<'w>,
    container: Option<&'w Admitted<'w>>,
    requests: &'w Amounts<'w>,
    limits: &'w Amounts<'w>,
}

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(ranges) = cx.facts.limit_ranges().filter(|ranges| !ranges.is_empty()) else {
        return;
    };
    for pod in job.pods.iter().chain(&job.default_submitter) {
        let Some(containers) = admitted::containers(pod, ranges) else {
            continue;
        };
        findings.extend(containers.iter().flat_map(|one| below_default(pod, one, ranges)));
        let requests = admitted::total(containers.iter(), |one| &one.requests);
        let limits = admitted::total(containers.iter(), |one| &one.limits);
        for range in ranges {
            for item in &range.limits {
                let wholes: Vec<Whole<'_>> = match item.per {
                    Per::Container => containers
                        .iter()
                        .map(|one| Whole {
                            pod,
                            container: Some(one),
                            requests: &one.requests,
                            limits: &one.limits,
                        })
                        .collect(),
                    Per::Pod => vec![Whole {
                        pod,
                        container: None,
                        requests: &requests,
                        limits: &limits,
                    }],
                };
                for whole in wholes {
                    bounds(whole, range, item, findings);
                }
            }
        }
    }
}

/// The requests of a container that are above the limit which a LimitRange gives it.
fn below_default(pod: &Pod<'_>, admitted: &Admitted<'_>, ranges: &[LimitRange]) -> Vec<Finding> {
    let container = admitted.container;
    let is_below = |key: &str, request: &Quantity| {
        // Of what may not be overcommitted, a limit is required anyway: RG201 and RG205.
        container.limit(key).is_none()
            && !is_exact(key)
            && admitted.limits.get(key).is_some_and(|limit| limit < request)
    };
    let below = admitted.requests.iter().filter(|(key, request)| is_below(key, request));
    below
        .map(|(key, request)| {
            let default = admitted.limits.get(key).map(Quantity::to_string).unwrap_or_default();
            let of = ranges
                .iter()
                .find(|range| range.limits.iter().any(|limits| limits.default.contains_key(*key)));
            let of = of.map(|range| quoted(&range.name)).unwrap_or_default();
            let (shown, wanted) = (named(key), request.to_string());
            let path = block_path(pod, Some(admitted), "limits", key);
            let finding = Finding::new(
                path.clone(),
                format!(
                    "{}: {shown} request {wanted} is above {default}, the default limit of LimitRange {of}; the API server \
                     rejects the pod",
                    place(pod, container)
                ),
            )
            .fix(format!("set limits.{shown} to at least {wanted}"))
            .flyte(setting(pod, container, "limits", key, &wanted));
            match container.slot {
                Slot::Main | Slot::Init => {
                    let done = format!(
                        "{}: set {shown} limit to the request, {wanted}, above the default of LimitRange {of}",
                        place(pod, container)
                    );
                    finding.repair(done, path, Op::Set(wanted.into()))
                }
                _ => certain(container.slot, finding),
            }
        })
        .collect()
}

/// What a LimitRange's item finds.
fn bounds(whole: Whole<'_>, range: &LimitRange, item: &Limits, findings: &mut Findings) {
    let per = item.per.name().to_lowercase();
    let of = format!("LimitRange {}", quoted(&range.name));
    let who = match whole.container {
        Some(one) => place(whole.pod, one.container),
        None => whole.pod.title(),
    };
    let mut find = |block: &'static str, key: &str, what: String, fix: String, value: &Quantity| {
        let path = block_path(whole.pod, whole.container, block, key);
        let mut finding = Finding::new(path, format!("{who}: {what} ({of})")).fix(fix);
        finding = match whole.container {
            Some(one) => finding.flyte(setting(whole.pod, one.container, block, key, &value.to_string())),
            None => finding.flyte(flyte::setting(whole.pod, "pod_template=PodTemplate(…)")),
        };
        findings.push(match whole.container {
            Some(one) => certain(one.container.slot, finding),
            None => finding,
        });
    };
    for (key, max) in &item.max {
        let shown = named(key);
        let fix = format!("set limits.{shown} to at most {max}");
        let (request, limit) = (whole.requests.get(key.as_str()), whole.limits.get(key.as_str()));
        match limit {
            None => find(
                "limits",
                key,
                format!("no {shown} limit, and the maximum per {per} is {max}"),
                fix,
                max,
            ),
            Some(limit) if is_above(limit, max, request) => find(
                "limits",
                key,
                format!("{shown} limit {limit} is above {max}, the maximum per {per}"),
                fix,
                max,
            ),
            Some(_) => {
                if let Some(request) = request.filter(|request| is_above(request, max, limit)) {
                    let what = format!("{shown} request {request} is above {max}, the maximum per {per}");
                    find(
                        "requests",
                        key,
                        what,
                        format!("set requests.{shown} to at most {max}"),
                        max,
                    );
                }
            }
        }
    }
    for (key, min) in &item.min {
        let shown = named(key);
        let fix = format!("set requests.{shown} to at least {min}");
        let (request, limit) = (whole.requests.get(key.as_str()), whole.limits.get(key.as_str()));
        match request {
            None => find(
                "requests",
                key,
                format!("no {shown} request, and the minimum per {per} is {min}"),
                fix,
                min,
            ),
            Some(request) if is_above(min, request, limit) => find(
                "requests",
                key,
                format!("{shown} request {request} is below {min}, the minimum per {per}"),
                fix,
                min,
            ),
            Some(_) => {
                if let Some(limit) = limit.filter(|limit| is_above(min, limit, request)) {
                    let what = format!("{shown} limit {limit} is below {min}, the minimum per {per}");
                    find(
                        "limits",
                        key,
                        what,
                        format!("set limits.{shown} to at least {min}"),
                        min,
                    );
                }
            }
        }
    }
    for (key, ratio) in &item.ratio {
        let shown = named(key);
        let positive = |amounts: &Amounts<'_>| amounts.get(key.as_str()).filter(|amount| !amount.is_zero()).cloned();
        let (request, limit) = (positive(whole.requests), positive(whole.limits));
        let fix = format!("set limits.{shown} to at most {ratio} times requests.{shown}");
        match (request, limit) {
            (Some(request), Some(limit)) if is_over_ratio(&limit, &request, ratio) => find(
                "limits",
                key,
                format!(
                    "{shown} limit {limit} is more than {ratio} times its request {request}, the maximum per {per}"
                ),
                fix,
                &request,
            ),
            (Some(_), Some(_)) => {}
            (request, _) => {
                let missing = if request.is_none() { "request" } else { "limit" };
                let what = format!("no {shown} {missing}, and limits may be {ratio} times the request per {per}");
                find(
                    if request.is_none() { "requests" } else { "limits" },
                    key,
                    what,
                    fix,
                    ratio,
                );
            }
        }
    }
}

/// Whether `one` is above `other`, as LimitRanger compares them: in thousandths, unless one of the three amounts is too
/// large for that.
fn is_above(one: &Quantity, other: &Quantity, third: Option<&Quantity>) -> bool {
    let third = third.unwrap_or(&Quantity::ZERO);
    if [one, other, third]
        .iter()
        .all(|amount| amount.value() <= MOST_IN_MILLIS)
    {
        one.milli_value() > other.milli_value()
    } else {
        one.value() > other.value()
    }
}

/// Whether a limit is too many times its request, in the floating-point numbers of LimitRanger.
fn is_over_ratio(limit: &Quantity, request: &Quantity, ratio: &Quantity) -> bool {
    let in_millis = [limit, request, ratio]
        .iter()
        .all(|amount| amount.value() <= MOST_IN_MILLIS);
    let amount = |quantity: &Quantity| match in_millis {
        true => quantity.milli_value() as f64,
        false => quantity.value() as f64,
    };
    let observed = amount(limit) / amount(request);
    if ratio.value() <= MOST_IN_MILLIS {
        observed * 1000.0 > ratio.milli_value() as f64
    } else {
        observed > ratio.value() as f64
    }
}

/// Where an amount is; for what no container says itself, and for what a pod has in all, the nearest place.
fn block_path(pod: &Pod<'_>, admitted: Option<&Admitted<'_>>, block: &'static str, key: &str) -> Path {
    match admitted.map(|admitted| admitted.container) {
        Some(container) if matches!(container.slot, Slot::WaitForHead | Slot::DefaultSubmitter) => {
            pod.container_path(container)
        }
        Some(container) => {
            let resources = pod.container_path(container).then_key("resources");
            resources.then_key(block).name(key)
        }
        None => pod.spec_path().then_key("containers"),
    }
}

/// A finding about a container that KubeRay makes by settings of its own, which may differ, only warns.
fn certain(slot: Slot, finding: Finding) -> Finding {
    match slot {
        Slot::WaitForHead | Slot::DefaultSubmitter => finding.warn_only(),
        _ => finding,
    }
}
