//! Finds a worker group on TPUs whose `cloud.google.com/gke-tpu-topology` differs from the TPUs that it asks for.

use crate::diag::quoted;
use crate::k8s::json::text;
use crate::policy::settings::Action;
use crate::ray::{Container, Kinds, Workload, flyte};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG318",
    title: "TPU chips, hosts and topology should agree",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("tpu_topology.md"),
    evidence: &[Evidence::Reason(
        "GKE and the libraries of the job decide what a part of a slice can do, and raygate asks neither",
    )],
    run,
};

const TPU: &str = "google.com/tpu";
const TOPOLOGY: &str = "cloud.google.com/gke-tpu-topology";

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in job.workers() {
        let Some(topology) = pod.spec.get("nodeSelector").and_then(|labels| text(labels, TOPOLOGY)) else {
            continue;
        };
        let chips = pod
            .running()
            .flat_map(Container::asked)
            .filter(|resource| resource.key == TPU)
            .filter_map(|resource| resource.quantity())
            .fold(0_i64, |sum, chips| sum.saturating_add(chips.value().max(0)));
        let selector = pod.spec_path().then_key("nodeSelector").name(TOPOLOGY);
        let hosts = pod.group_number("numOfHosts", 1);
        let shown = quoted(topology);
        let finding = match product(topology) {
            None => Finding::new(
                selector,
                format!("{}: TPU topology {shown} is not a topology of GKE's", pod.title()),
            )
            .fix("write a topology like 2x4 or 2x2x4"),
            Some(_) if chips == 0 => Finding::new(
                selector,
                format!(
                    "{}: TPU topology {shown} is selected and no {TPU} is asked for",
                    pod.title()
                ),
            )
            .fix(format!("set limits[\"{TPU}\"] to the chips of one host")),
            Some(slice) if hosts.saturating_mul(chips) != slice => Finding::new(
                pod.group_path().then_key("numOfHosts"),
                format!(
                    "{}: {hosts} hosts of {chips} TPU chips are not the {slice} of topology {shown}",
                    pod.title()
                ),
            )
            .fix(if slice % chips == 0 {
                format!("set numOfHosts to {}", slice / chips)
            } else {
                "make hosts × chips of a host equal the topology".to_owned()
            }),
            Some(_) => continue,
        };
        findings.push(finding.flyte(flyte::setting(pod, "pod_template=PodTemplate(…)")));
    }
}

/// The chips of a topology: `2x4` has 8.
fn product(topology: &str) -> Option<i64> {
    let mut chips: i64 = 1;
    let mut sides = 0;
    for side in topology.split('x') {
        let is_number = !side.is_empty() && side.bytes().all(|byte| byte.is_ascii_digit());
        let side: i64 = side.parse().ok().filter(|side| is_number && *side > 0)?;
        chips = chips.checked_mul(side)?;
        sides += 1;
    }
    (2..=3).contains(&sides).then_some(chips)
}
