//! Finds pods that are larger than every node that they may run on.

use crate::diag::{listed, quoted};
use crate::facts::is_extended;
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload, flyte};
use crate::rules::check::resources::named;
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::fit::{Why, misses, resource_path};

/// The check.
pub const CHECK: Check = Check {
    code: "RG802",
    title: "Pods must not be larger than the nodes",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("pod_size.md"),
    evidence: &[
        Evidence::Source(
            "Kubernetes 1.37.2",
            "pkg/scheduler/framework/plugins/noderesources/fit.go",
            &[740, 750, 761],
        ),
        Evidence::Test("tests/capacity.rs", "the_scheduler_agrees"),
    ],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for (pod, miss) in misses(cx, job) {
        let (key, what, fix) = match &miss.why {
            Why::Resource {
                key,
                asked,
                most,
                whose,
            } if !is_extended(key) => {
                let shown = named(key);
                let what = format!("requests {shown} {asked}, and the largest of {whose} gives {most}");
                let fix = match most.is_zero() {
                    true => format!("leave {shown} out"),
                    false => format!("use more and smaller pods, each with less than {most} {shown}"),
                };
                (key.as_str(), what, fix)
            }
            Why::Limit { key, asked, most, pool } => {
                let shown = named(key);
                let pool = quoted(pool);
                let what =
                    format!("requests {shown} {asked}, and all nodes of NodePool {pool} together may have {most}");
                let fix = format!("use smaller pods, or raise the limits of NodePool {pool}");
                (key.as_str(), what, fix)
            }
            Why::Together { keys, whose } => {
                let shown: Vec<_> = keys.iter().map(|key| named(key)).collect();
                let what = format!("none of {whose} has enough {} together", listed(&shown));
                (
                    keys.first().map_or("cpu", String::as_str),
                    what,
                    "use more and smaller pods".to_owned(),
                )
            }
            _ => continue,
        };
        let message = format!("{}: {what}; the pod stays pending", pod.title());
        let finding = Finding::new(resource_path(pod, key), message)
            .fix(fix)
            .flyte(flyte::setting(pod, "requests=Resources(…)"));
        findings.push(miss.judged(finding));
    }
}
