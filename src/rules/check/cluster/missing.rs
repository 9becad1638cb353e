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
        let near = suggest(name, known.clone());
        let fix = match near {
            Some(near) => format!("use {}, the closest name", quoted(near)),
            None => {
                let names: Vec<String> = known.clone().map(quoted).take(SHOWN).collect();
                let more = known.clone().count().saturating_sub(SHOWN);
                match (names.is_empty(), more) {
                    (true, _) => format!("create the {}, or leave {} out", field.word, field.key),
                    (false, 0) if names.len() == 1 => format!("use {}", listed(&names)),
                    (false, 0) => format!("use one of {}", listed(&names)),
                    (false, more) => format!("use one of {} and {more} more", names.join(", ")),
                }
            }
        };
        let finding = Finding::new(
            pod.spec_path().then_key(field.key),
            format!(
                "{}: {} {} does not exist {place}, the API server rejects the pod",
                pod.title(),
                field.word,
                quoted(name)
            ),
        )
        .fix(fix)
        .flyte(flyte::setting(pod, "pod_template=PodTemplate(…)"));
        findings.push(match cx.facts.is_recent(field.fact) {
            true => finding,
            false => finding.warn_only(),
        });
    }
}
