//! Names in a pod template of things that the cluster does not have.

use crate::diag::{listed, quoted, suggest};
use crate::facts::Fact;
use crate::k8s::json::text;
use crate::ray::{Workload, flyte};
use crate::rules::{Cx, Finding, Findings};

/// The most names that a message repeats.
const SHOWN: usize = 5;

/// A field that names something.
pub(super) struct Field {
    /// The field of the pod's spec.
    pub(super) key: &'static str,
    /// What it names.
    pub(super) fact: Fact,
    /// The same in words: `priority class`.
    pub(super) word: &'static str,
    /// Names that every cluster has.
    pub(super) built_in: &'static [&'static str],
}

/// Finds the pods that name something which is not among `known`. A list that is not recent only warns: somebody may have
/// created it since.
pub(super) fn find<'k>(
    field: &Field,
    cx: &Cx<'_>,
    job: &Workload<'_>,
    known: impl Iterator<Item = &'k str> + Clone,
    findings: &mut Findings,
) {
    let place = match field.fact {
        Fact::ServiceAccount => format!("in namespace {}", quoted(cx.namespace)),
        _ => "in this cluster".to_owned(),
    };
    for pod in &job.pods {
        let Some(name) = text(pod.spec, field.key).filter(|name| !name.is_empty()) else {
            continue;
        };
        if field.built_in.contains(&name) || known.clone().any(|known| known == name) {
            continue;
        }
        let finding = Finding::new(
            pod.spec_path().then_key(field.key),
            format!(
                "{}: {} {} does not exist {place}, the API server rejects the pod",
                pod.title(),
                field.word,
                quoted(name)
            ),
        )
        .fix(fix(name, known.clone(), field.word, field.key))
        .flyte(flyte::setting(pod, "pod_template=PodTemplate(…)"));
        findings.push(match cx.facts.is_recent(field.fact) {
            true => finding,
            false => finding.warn_only(),
        });
    }
}

/// What to use in place of a name that is missing: the closest one, or one of those that exist. `word` is what is named, and
/// `key` where.
pub(super) fn fix<'k>(name: &str, known: impl Iterator<Item = &'k str> + Clone, word: &str, key: &str) -> String {
    if let Some(near) = suggest(name, known.clone()) {
        return format!("use {}, the closest name", quoted(near));
    }
    let names: Vec<String> = known.clone().map(quoted).take(SHOWN).collect();
    match (names.len(), known.count().saturating_sub(SHOWN)) {
        (0, _) => format!("create the {word}, or leave {key} out"),
        (1, _) => format!("use {}", listed(&names)),
        (_, 0) => format!("use one of {}", listed(&names)),
        (_, more) => format!("use one of {} and {more} more", names.join(", ")),
    }
}
