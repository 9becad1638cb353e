//! Checks the runtime environment of a job.

use crate::diag::{listed, quoted};
use crate::k8s::image::Image;
use crate::k8s::json::text;
use crate::policy::settings::Action;
use crate::ray::release::Release;
use crate::ray::runtime_env::{self, Effect, Problem, Way};
use crate::ray::serve_config::Releases;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};
use crate::yaml::{Entry, Node, NodeValue};

/// The check.
pub const CHECK: Check = Check {
    code: "RG705",
    title: "runtimeEnvYAML must be an environment that Ray accepts",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::ALL,
    page: include_str!("runtime_env.md"),
    evidence: &[
        Evidence::Test("tests/runtime_env.rs", "environments_are_judged_as_ray_judges_them"),
        Evidence::Source("KubeRay 1.7.0", "ray-operator/controllers/ray/common/job.go", &[177]),
    ],
    run,
};

/// The most problems that are reported of one environment, and the most names that one message repeats.
const MOST: usize = 20;
const SHOWN: usize = 5;

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    // Duplicate keys, merges and tags: KubeRay may read another value than we do.
    let Some(Ok(Some(document))) = job.runtime_env() else {
        return;
    };
    let is_exact = document.differences().is_empty();
    let environment = document.root();
    let way = match job.submission_mode() {
        "HTTPMode" => Way::Posted,
        _ => Way::Submitted,
    };
    let releases = release(job).map(Releases::around);
    let mut report = |message: &str, fix: &str| {
        findings.push(
            Finding::new(job.job_path("runtimeEnvYAML"), format!("runtimeEnvYAML: {message}"))
                .fix(fix)
                .flyte("RayJobConfig(runtime_env={…})"),
        );
    };
    let problems = runtime_env::problems(environment, way).into_iter();
    for Problem {
        found,
        fix,
        effect,
        path,
    } in problems.filter(|_| is_exact).take(MOST)
    {
        match effect {
            Effect::Rejected(by) if concerns(by, releases) => {
                report(&format!("{found}, {} it and the job fails", by.who_rejects()), &fix);
            }
            Effect::Ignored(by) if concerns(by, releases) => report(&format!("{found}, Ray ignores it"), &fix),
            Effect::Missing(by) if concerns(by, releases) => match path.as_deref() {
                // An absolute path is meant for the image.
                Some(path) if path.starts_with('/') => {}
                Some(_) if way == Way::Posted => report(&format!("{found} in the image of the head"), &fix),
                Some(_) => report(&format!("{found} in the image of the submitter"), &fix),
                None => report(&format!("{found}, {} it and the job fails", by.who_rejects()), &fix),
            },
            _ => {}
        }
    }
    if super::passes_a_shell(cx, job) {
        let replaced = |entry: &&Entry| is_replaced(&entry.key.text) || has_replaced(&entry.value);
        let entries = environment.as_mapping().unwrap_or_default().iter();
        let replaced: Vec<String> = entries
            .filter(replaced)
            .take(SHOWN)
            .map(|entry| quoted(&entry.key.text))
            .collect();
        if !replaced.is_empty() {
            report(
                &format!(
                    "the submitter's shell replaces `$` and backquotes in {}",
                    listed(&replaced)
                ),
                "remove $ and backquotes, or set the variables on the pods",
            );
        }
    }
}

/// The release of Ray that the author names: by `rayVersion`, or by the image of the head.
fn release(job: &Workload<'_>) -> Option<Release> {
    let named = job
        .cluster_field("rayVersion")
        .and_then(|version| Release::leading(version.as_str()?));
    let of_image = || {
        let image = Image::parse(text(job.head()?.main()?.value, "image")?).ok()?;
        Release::of_image(image.repository(), image.tag()?)
    };
    named.or_else(of_image)
}

/// Whether what these releases do concerns the cluster's release, or any release where that is unknown.
fn concerns(by: Releases, cluster: Option<Releases>) -> bool {
    let cluster = cluster.unwrap_or(Releases::ALL);
    by & cluster == cluster
}

/// Whether bash would replace something of a text in double quotes.
fn is_replaced(text: &str) -> bool {
    text.contains('`')
        || text
            .split('$')
            .skip(1)
            .any(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '{' | '(')))
}

fn has_replaced(node: &Node) -> bool {
    match &node.value {
        NodeValue::String(text) => is_replaced(text),
        NodeValue::Sequence(items) => items.iter().any(has_replaced),
        NodeValue::Mapping(entries) => entries
            .iter()
            .any(|entry| is_replaced(&entry.key.text) || has_replaced(&entry.value)),
        _ => false,
    }
}
