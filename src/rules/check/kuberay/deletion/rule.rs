//! Rules on `deletionRules` (KubeRay 1.6, `validation.go`, `validateDeletionRules`). A rule that is wrong by itself is
//! left out when rules are compared with each other, whatever their order.

use crate::json::{Array, Json};
use crate::k8s::json::{given, items, text};
use crate::k8s::path::Path;
use crate::ray::{Kind, KubeRay, Workload};
use crate::rules::Cx;

use super::{strategy, strategy_path};

/// An element of `deletionRules`.
#[derive(Clone, Copy)]
pub(super) struct Rule<'a> {
    kind: &'static Kind,
    pub(super) index: usize,
    pub(super) value: Json<'a>,
}

/// What a rule waits for: the field, and the status in it.
pub(super) type Condition<'a> = (&'static str, &'a str);

/// The elements of `deletionRules`.
pub(super) fn all<'a>(job: &Workload<'a>) -> impl Iterator<Item = Rule<'a>> {
    strategy(job)
        .map_or(Array::EMPTY, |strategy| items(strategy, "deletionRules"))
        .iter()
        .enumerate()
        .map(|(index, value)| Rule {
            kind: job.kind,
            index,
            value,
        })
}

impl<'a> Rule<'a> {
    /// Where it stands.
    pub(super) fn path(self) -> Path {
        strategy_path(self.kind, "deletionRules").index(self.index)
    }

    /// Its policy, empty where it has none.
    pub(super) fn policy(self) -> &'a str {
        text(self.value, "policy").unwrap_or_default()
    }

    pub(super) fn status(self, key: &str) -> Option<Json<'a>> {
        given(given(self.value, "condition")?, key)
    }

    pub(super) fn ttl(self) -> i64 {
        self.status("ttlSeconds").and_then(Json::as_i64).unwrap_or(0)
    }

    /// The one status that it waits for. KubeRay 1.5 knows only `jobStatus`.
    pub(super) fn condition(self, kuberay: KubeRay) -> Option<Condition<'a>> {
        let status = |key| self.status(key).map(|status| status.as_str().unwrap_or_default());
        match (status("jobStatus"), status("jobDeploymentStatus")) {
            (job, _) if kuberay < KubeRay::V1_6 => Some(("jobStatus", job.unwrap_or_default())),
            (Some(job), None) => Some(("jobStatus", job)),
            (None, Some(deployment)) => Some(("jobDeploymentStatus", deployment)),
            _ => None,
        }
    }

    /// Whether it deletes what a selected cluster would lose.
    pub(super) fn deletes_cluster(self) -> bool {
        matches!(self.policy(), "DeleteCluster" | "DeleteWorkers")
    }
}

/// The rules that are right by themselves, each with what it waits for.
pub(super) fn sound<'a>(cx: &Cx<'_>, job: &Workload<'a>) -> impl Iterator<Item = (Rule<'a>, Condition<'a>)> {
    let (kuberay, selects, autoscales) = (cx.kuberay(), job.selects_cluster(), job.autoscales());
    all(job).filter_map(move |rule| {
        let condition = rule.condition(kuberay)?;
        let is_sound = rule.ttl() >= 0
            && !(selects && rule.deletes_cluster())
            && !(autoscales && rule.policy() == "DeleteWorkers");
        is_sound.then_some((rule, condition))
    })
}
