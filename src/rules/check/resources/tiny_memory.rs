//! Finds a container whose memory limit is below 6 MB.

use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::{place, setting};

/// The check.
pub const CHECK: Check = Check {
    code: "RG217",
    title: "Memory limits must be large enough for a process",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("tiny_memory.md"),
    evidence: &[
        Evidence::Source("Linux", "mm/page_counter.c", &[]),
        Evidence::Source("runc 1.3.3", "libcontainer/process_linux.go", &[628]),
    ],
    run,
};

/// The memory below which runc cannot start a container, in bytes. Other runtimes may need less.
pub const LEAST: i64 = 6_000_000;

/// A page of memory on the smallest pages, in bytes: Linux rounds a lower limit down to nothing.
const PAGE: i64 = 4096;

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in &job.pods {
        for container in pod.authored() {
            let Some(limit) = container.limit("memory") else {
                continue;
            };
            let Some(quantity) = limit.quantity() else {
                continue;
            };
            if quantity.is_zero() || quantity.is_negative() || quantity.value() >= LEAST {
                continue;
            }
            let seen = limit.seen();
            let meant = match seen.strip_suffix('m') {
                Some(number) => format!("{number}Mi"),
                None if seen.bytes().all(|byte| byte.is_ascii_digit()) => format!("{seen}Gi"),
                None => "1Gi".to_owned(),
            };
            let bytes = quantity.value();
            let is_certain = bytes < PAGE;
            let effect = if is_certain { "no process" } else { "hardly any process" };
            let unit = if bytes == 1 { "byte" } else { "bytes" };
            let finding = Finding::new(
                pod.container_path(container).keys(["resources", "limits", "memory"]),
                format!(
                    "{}: memory limit {seen} is {bytes} {unit}, {effect} can start",
                    place(pod, container)
                ),
            )
            .fix(format!("write the unit, such as {meant}"))
            .flyte(setting(pod, container, "limits", "memory", &meant));
            findings.push(if is_certain { finding } else { finding.warn_only() });
        }
    }
}
