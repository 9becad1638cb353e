//! Finds probes and lifecycle hooks with a `host`.

use crate::diag::quoted;
use crate::k8s::pod_security::hosts;
use crate::policy::settings::Action;
use crate::ray::{Kinds, Place, Workload, flyte};
use crate::rules::check::resources::place as place_of;
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG614",
    title: "Probes and hooks must not set a host",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("probe_hosts.md"),
    evidence: &[Evidence::Reason(
        "the node sends the request to a host that the author chooses, but the pod may work",
    )],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for place in job.places() {
        let Place::Container(pod, container) = place else {
            continue;
        };
        for (keys, host) in hosts(container.value) {
            let handler = keys.iter().rev().nth(2).copied().unwrap_or_default();
            findings.push(
                Finding::new(
                    keys.iter().fold(place.path(), |path, key| path.then_key(key)),
                    format!(
                        "{}: {handler} sets the host {}, so the node sends the request there",
                        place_of(pod, container),
                        quoted(host)
                    ),
                )
                .fix("leave host out")
                .flyte(flyte::setting(pod, "pod_template=PodTemplate(…)")),
            );
        }
    }
}
