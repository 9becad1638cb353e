//! What becomes of the RayJobs that KubeRay creates for a RayCronJob: they are judged as objects of their own, and have
//! nothing of the RayCronJob but its template.

use std::sync::Arc;

use crate::diag::{CodePage, listed, quoted};
use crate::json::{Json, Object, Tree};
use crate::k8s::json::{below, text};
use crate::k8s::path::Path;
use crate::policy::settings::{Action, OPERATORS};
use crate::ray::kind::RAY_JOB;
use crate::ray::{Kind, Workload, cron_job};
use crate::rules::inject::accelerators::ACCELERATOR_LABEL;
use crate::rules::{Finding, SKIP_ANNOTATION};

use super::bundle::Bundle;
use super::document::Document;
use super::judge::{Asked, Finder, Judged, judge};
use super::mutate::{self, Completing};
use super::request::{Operation, Request};

/// A warning about the RayJobs of a RayCronJob.
pub const CHILDREN: CodePage = CodePage {
    code: "RG003",
    title: "RayJobs of a RayCronJob are judged without its labels, annotations and user",
    text: include_str!("child.md"),
};

/// How the labels and annotations begin that queues, schedulers and KubeRay read on a RayJob.
const READ: [&str; 6] = [
    "kueue.x-k8s.io/",
    "ray.io/",
    "volcano.sh/",
    "yunikorn.apache.org/",
    "kai.scheduler/",
    "scheduling.x-k8s.io/",
];

/// Flyte's labels, by which policies match.
const FLYTES: [&str; 4] = ["project", "domain", "workflow-name", "task-name"];

/// The most keys that a warning lists.
const MOST: usize = 5;

/// The warnings about the RayJobs that KubeRay will create for an object, if it is a RayCronJob: that raygate will deny them,
/// although it does not deny the object, and what they lose. `request` is the one for the object, and `findings` are those
/// in the object.
pub(super) fn warnings(bundle: &Bundle, request: &Request<'_>, object: Json<'_>, findings: &[Judged]) -> Vec<Judged> {
    let kind = Kind::of(object);
    let platform = bundle.platform();
    if !kind.is_template() || kind.job(object).is_null() || platform.previews(&RAY_JOB) {
        return Vec::new();
    }
    let made = cron_job::ray_job(&Workload::of(object));
    let Ok(made) = Tree::of(&made) else { return Vec::new() };
    let operators = platform.operators.as_ref().and_then(|operators| operators.first());
    let child = Request {
        operation: Operation::Create,
        namespace: request.namespace.clone(),
        user: operators
            .map(String::as_str)
            .or(OPERATORS.first().copied())
            .unwrap_or_default()
            .to_owned(),
        object: Tree::default(),
        old: None,
        facts: Arc::clone(&request.facts),
        now: request.now,
    };
    let facts = child.known();
    let mut document = Document::new(made);
    let (_, compiled) = child.compiled(document.value(), bundle);
    let _ = mutate::fill(bundle, &compiled, Completing { named: true, facts }, &mut document);
    let (subject, compiled) = child.compiled(document.value(), bundle);
    let asked = Asked {
        subject: &subject,
        facts,
        old: None,
        named: true,
    };
    let judged = judge(bundle, &compiled, &asked, document.value());
    let denies = |judged: &&Judged| judged.action == Action::Deny;
    let is_known = |code: &str| findings.iter().filter(denies).any(|known| known.code() == code);
    let mut denials = judged.iter().filter(denies).filter(|judged| !is_known(judged.code()));
    let denied = denials.next().map(|first| {
        let more = match denials.count() {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        let message = format!(
            "its RayJobs will be denied: {} [{}]{more}",
            first.finding.message,
            first.code()
        );
        Finding::new(kind.job_path(), message)
            .fix("correct the template, or ask for an exemption that also matches KubeRay's operator")
    });
    let lost = ["labels", "annotations"].map(|list| lost(list, object, document.value()));
    denied
        .into_iter()
        .chain(lost.into_iter().flatten())
        .map(warning)
        .collect()
}

fn warning(finding: Finding) -> Judged {
    Judged {
        finder: Finder::Server(&CHILDREN),
        finding,
        action: Action::Warn,
        origin: None,
        exemption: None,
    }
}

/// The labels or annotations of a RayCronJob that somebody reads on RayJobs, and that its RayJob does not have.
fn lost(list: &'static str, object: Json<'_>, made: Json<'_>) -> Option<Finding> {
    fn given<'a>(object: Json<'a>, list: &str) -> Option<Object<'a>> {
        below(object, &["metadata", list]).as_object()
    }
    let is_read = |key: &str| {
        READ.iter().any(|begin| key.starts_with(begin))
            || [SKIP_ANNOTATION, ACCELERATOR_LABEL].contains(&key)
            || list == "labels" && FLYTES.contains(&key)
    };
    let made = below(made, &["metadata", list]);
    let mut keys = given(object, list)?
        .iter()
        .filter(|(key, value)| is_read(key) && value.as_str() != text(made, key))
        .map(|(key, _)| quoted(key));
    let shown: Vec<String> = keys.by_ref().take(MOST).collect();
    if shown.is_empty() {
        return None;
    }
    let more = match keys.count() {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    let (noun, them) = match shown.as_slice() {
        [_] => (list.trim_end_matches('s'), "it"),
        _ => (list, "them"),
    };
    let message = format!(
        "{noun} {}{more} of the RayCronJob: its RayJobs do not get {them}",
        listed(&shown)
    );
    let fix = format!("let a policy for RayJobs set the {list} (defaults.job.{list}), or remove them");
    Some(Finding::new(Path::of(["metadata"]).name(list), message).fix(fix))
}
