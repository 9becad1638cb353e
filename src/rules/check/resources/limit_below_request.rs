//! Finds a container whose limit for CPU, memory or ephemeral storage is below its request.

use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::edit::Op;
use crate::rules::{Cx, Finding, Findings};

use super::tiny_memory::LEAST;
use super::{is_exact, named, place, setting};

/// The check.
pub const CHECK: Check = Check {
    code: "RG203",
    title: "Limits must be at least the requests",
    action: Action::Fix,
    fixes: true,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("limit_below_request.md"),
    evidence: &[Evidence::Source(
        "Kubernetes 1.37.2",
        "pkg/apis/core/validation/validation.go",
        &[8302],
    )],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in &job.pods {
        for container in pod.authored() {
            for request in container.requests.iter().filter(|request| !is_exact(request.key)) {
                let Some(limit) = container.limit(request.key) else {
                    continue;
                };
                let (Some(least), Some(most)) = (request.quantity(), limit.quantity()) else {
                    continue;
                };
                // A negative limit is RG205's: what its author meant is anybody's guess.
                if most >= least || most.is_negative() {
                    continue;
                }
                let (key, wanted, shown) = (request.key, request.seen(), named(request.key));
                let resources = pod.container_path(container).then_key("resources");
                let path = resources.key("limits").name(key);
                let finding = Finding::new(
                    path.clone(),
                    format!(
                        "{}: {shown} limit {} is below its request {wanted}, no pod can be created",
                        place(pod, container),
                        limit.seen()
                    ),
                )
                .fix(format!("set limits.{shown} to at least {wanted}"))
                .flyte(setting(pod, container, "limits", key, &wanted))
                .beside(resources.key("requests").name(key), "needs at least this");
                // A limit in which no process can start would be RG217's.
                if key == "memory" && least.value() < LEAST {
                    findings.push(finding);
                    continue;
                }
                findings.push(finding.repair(
                    format!(
                        "{}: {shown} limit {} raised to its request {wanted}",
                        place(pod, container),
                        limit.seen()
                    ),
                    path,
                    Op::Set(request.canonical()),
                ));
            }
        }
    }
}
