//! Finds a container whose request for a GPU, or any other extended resource, differs from its limit.

use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::{is_exact, named, place, setting};

/// The check.
pub const CHECK: Check = Check {
    code: "RG202",
    title: "GPU requests must equal limits",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("gpu_request_unlike_limit.md"),
    evidence: &[Evidence::Source(
        "Kubernetes 1.37.2",
        "pkg/apis/core/validation/validation.go",
        &[8300],
    )],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in &job.pods {
        for container in pod.authored() {
            for request in container.requests.iter().filter(|request| is_exact(request.key)) {
                let Some(limit) = container.limit(request.key) else {
                    continue;
                };
                let (Some(requested), Some(most)) = (request.quantity(), limit.quantity()) else {
                    continue;
                };
                if requested == most {
                    continue;
                }
                let (key, shown) = (request.key, named(request.key));
                findings.push(
                    Finding::new(
                        pod.container_path(container).keys(["resources", "limits"]).name(key),
                        format!(
                            "{}: {shown} request {} and limit {} differ, no pod can be created",
                            place(pod, container),
                            request.seen(),
                            limit.seen()
                        ),
                    )
                    .fix(format!(
                        "give requests[\"{shown}\"] and limits[\"{shown}\"] the same number"
                    ))
                    .flyte(setting(pod, container, "limits", key, &request.seen())),
                );
            }
        }
    }
}
