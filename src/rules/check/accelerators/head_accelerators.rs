//! Finds a head that asks for accelerators while there are worker groups.

use crate::policy::settings::Action;
use crate::ray::facts::size;
use crate::ray::{Kinds, Workload};
use crate::rules::check::resources::named;
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::{devices, resource_path};

/// The check.
pub const CHECK: Check = Check {
    code: "RG303",
    title: "The head should not request accelerators",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("head_accelerators.md"),
    evidence: &[Evidence::Reason(
        "tasks run on the workers, so the GPUs of the head are usually idle (flyteorg/flyte#4377)",
    )],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(head) = job.head().filter(|_| job.workers().next().is_some()) else {
        return;
    };
    let asked = head
        .running()
        .find_map(|container| Some((container, devices(cx, container).next()?)));
    let Some((container, device)) = asked else { return };
    findings.push(
        Finding::new(
            resource_path(head, container, device.key),
            format!(
                "head: {} {} for a pod that only coordinates, most often idle",
                device.seen(),
                named(device.key)
            ),
        )
        .fix("ask for accelerators in the worker groups only")
        .flyte("HeadNodeConfig(requests=Resources(cpu=\"4\", mem=\"16Gi\"))")
        .weight(size(head, &cx.platform.devices()).gpus),
    );
}
