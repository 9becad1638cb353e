//! The findings of this family: what is wrong in a pod, and what the API server does then.

use crate::diag::{placeholder, quoted};
use crate::k8s::names::NameError;
use crate::k8s::path::Path;
use crate::ray::build::is_built;
use crate::ray::{Container, Pod, Workload, flyte};
use crate::rules::check::resources::place;
use crate::rules::{Finding, Findings};

/// A pod that is looked at, and what is found in it.
pub(super) struct Faults<'w, 'a, 'f> {
    /// The pod.
    pub(super) pod: &'w Pod<'a>,
    /// The object that it belongs to.
    pub(super) job: &'w Workload<'a>,
    is_built: bool,
    findings: &'f mut Findings,
    /// How many more findings there may be.
    left: usize,
}

/// The most findings of one check in one pod. It bounds the memory of a review.
const MOST: usize = 50;

/// Looks at each pod template of an object. What is wrong in a pod that KubeRay never builds only warns.
pub(super) fn in_each_pod<'w, 'a>(
    job: &'w Workload<'a>,
    findings: &mut Findings,
    look: impl Fn(&mut Faults<'w, 'a, '_>),
) {
    for pod in &job.pods {
        look(&mut Faults {
            pod,
            job,
            is_built: is_built(job, pod),
            findings,
            left: MOST,
        });
    }
}

/// Why a text is no name: a template's variable that nobody filled in, or a character.
pub(super) fn reason(error: &NameError, text: &str) -> String {
    placeholder(text).map_or_else(
        || error.with_advice(),
        |variable| format!("nobody filled in the variable {}", quoted(variable)),
    )
}

impl<'w, 'a> Faults<'w, 'a, '_> {
    /// The containers that the author describes: those of the template, and the autoscaler's options.
    pub(super) fn containers(&self) -> impl Iterator<Item = &'w Container<'a>> + use<'w, 'a> {
        self.pod.authored()
    }

    /// Reports what the API server rejects the pod for. `what` goes on after the name of the pod and a colon.
    pub(super) fn report(&mut self, path: Path, what: &str, fix: &str) {
        let finding = self.finding(None, path, what, fix);
        self.push(finding);
    }

    /// Reports what is wrong in a container.
    pub(super) fn report_in(&mut self, container: &Container<'_>, path: Path, what: &str, fix: &str) {
        let finding = self.finding(Some(container), path, what, fix);
        self.push(finding);
    }

    /// Reports what only some supported releases of Kubernetes reject: `who` names them.
    pub(super) fn warn(&mut self, container: Option<&Container<'_>>, path: Path, (what, who): (&str, &str), fix: &str) {
        let message = format!("{}: {what}, so {who} rejects the pod", self.place(container));
        let finding = Finding::new(path, message).fix(fix).warn_only();
        self.push(self.with_flyte(finding));
    }

    /// Reports what the API server accepts, and the kubelet refuses to start.
    pub(super) fn never_starts(&mut self, container: Option<&Container<'_>>, path: Path, what: &str, fix: &str) {
        let started = container.map_or("pod", |_| "container");
        let message = format!(
            "{}: {what}, so the kubelet never starts the {started}",
            self.place(container)
        );
        let finding = Finding::new(path, message).fix(fix).warn_only();
        self.push(self.with_flyte(finding));
    }

    /// A finding, for those that can be repaired.
    pub(super) fn finding(&self, container: Option<&Container<'_>>, path: Path, what: &str, fix: &str) -> Finding {
        let effect = if self.is_built { "rejects" } else { "would reject" };
        let message = format!("{}: {what}, so the API server {effect} the pod", self.place(container));
        let finding = self.with_flyte(Finding::new(path, message).fix(fix));
        if self.is_built { finding } else { finding.warn_only() }
    }

    /// Adds a finding, unless there are too many.
    pub(super) fn push(&mut self, finding: Finding) {
        if self.left > 0 {
            self.left -= 1;
            self.findings.push(finding);
        }
    }

    fn place(&self, container: Option<&Container<'_>>) -> String {
        container.map_or_else(|| self.pod.title(), |container| place(self.pod, container))
    }

    fn with_flyte(&self, finding: Finding) -> Finding {
        finding.flyte(flyte::setting(self.pod, "pod_template=PodTemplate(…)"))
    }
}
