//! Finds a container that requests a GPU, or any other extended resource, without a limit for it.

use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::edit::Op;
use crate::rules::{Cx, Finding, Findings};

use super::{is_exact, named, place, setting};

/// The check.
pub const CHECK: Check = Check {
    code: "RG201",
    title: "GPU requests need a limit",
    action: Action::Fix,
    fixes: true,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("gpu_request_without_limit.md"),
    evidence: &[Evidence::Source(
        "Kubernetes 1.37.2",
        "pkg/apis/core/validation/validation.go",
        &[8305],
    )],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in &job.pods {
        for container in pod.authored() {
            for request in container.requests.iter().filter(|request| is_exact(request.key)) {
                if container.limit(request.key).is_some() || request.quantity().is_none() {
                    continue;
                }
                let (key, count, shown) = (request.key, request.seen(), named(request.key));
                let path = pod.container_path(container).keys(["resources", "limits"]).name(key);
                findings.push(
                    Finding::new(
                        job.nearest(path.clone()),
                        format!(
                            "{}: {count} {shown} requested without a limit, no pod can be created",
                            place(pod, container)
                        ),
                    )
                    .fix(format!("set limits[\"{shown}\"] to {count}"))
                    .flyte(setting(pod, container, "limits", key, &count))
                    .repair(
                        format!(
                            "{}: limit of {count} {shown} copied from the request",
                            place(pod, container)
                        ),
                        path,
                        Op::Set(request.canonical()),
                    ),
                );
            }
        }
    }
}
