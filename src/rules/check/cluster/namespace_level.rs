//! Finds pods below the Pod Security level that their namespace enforces.

use crate::diag::quoted;
use crate::facts::Known;
use crate::k8s::pod_security::{Level, Profile, Version};
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::images::pod_security::{violations, without_context};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG808",
    title: "Pods must meet the Pod Security level of the namespace",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("namespace_level.md"),
    evidence: &[
        Evidence::Source(
            "Kubernetes 1.37.2",
            "k8s.io/pod-security-admission/admission/admission.go",
            &[481],
        ),
        Evidence::Test("tests/facts.rs", "the_api_server_agrees"),
    ],
    run,
};

const ENFORCE: &str = "pod-security.kubernetes.io/enforce";
const ENFORCE_VERSION: &str = "pod-security.kubernetes.io/enforce-version";

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    if job.runs_elsewhere() {
        return;
    }
    let Some((level, versions)) = enforced(&cx.facts) else {
        return;
    };
    let profile = |minor: u8| Profile {
        level,
        version: match minor {
            Version::NEWEST => Version::Latest,
            minor => Version::Minor(minor),
        },
    };
    let of = format!(" of namespace {}", quoted(cx.namespace));
    let (oldest, newest) = (*versions.start(), *versions.end());
    for pod in &job.pods {
        let of_version = |minor: u8| {
            let mut found = Findings::new();
            violations(job, pod, profile(minor), &of, &mut found);
            found
        };
        let found = of_version(newest);
        // The API server may be of any of these releases, and must refuse the pod in each.
        if !found.is_empty() && (oldest..newest).all(|minor| !of_version(minor).is_empty()) {
            findings.extend(found);
        }
    }
    if level == Level::Restricted {
        without_context(job, profile(newest), &of, findings);
    }
}

/// The level that the namespace enforces, and the releases whose rules may apply: the API server's own, or the older one
/// that the namespace names. `None` where that is unknown, or nothing is forbidden.
fn enforced(facts: &Known<'_>) -> Option<(Level, std::ops::RangeInclusive<u8>)> {
    let labels = facts.labels()?;
    let level = labels.get(ENFORCE)?;
    let level = Level::ALL.into_iter().find(|known| known.name() == level)?;
    let named = match labels.get(ENFORCE_VERSION).map(String::as_str) {
        None | Some("latest") => Version::NEWEST,
        Some(version) => version.strip_prefix("v1.")?.parse().ok()?,
    };
    // Rules older than those here are unknown.
    if level == Level::Privileged || named < Version::OLDEST {
        return None;
    }
    let named = named.min(Version::NEWEST);
    let oldest = match facts.minor() {
        Some(minor) => named.min(minor).max(Version::OLDEST),
        None => Version::OLDEST,
    };
    let newest = match facts.minor() {
        Some(_) => oldest,
        None => named,
    };
    Some((level, oldest..=newest))
}
