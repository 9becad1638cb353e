//! Finds security contexts that contradict themselves or have impossible values.

use crate::diag::quoted;
use crate::json::Json;
use crate::k8s::json::{below, child, given, items, text};
use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::{Container, Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Findings};

use super::fault::{Faults, in_each_pod};

/// The check.
pub const CHECK: Check = Check {
    code: "RG919",
    title: "Security contexts must not contradict themselves",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("security_contexts.md"),
    evidence: &[
        Evidence::Source(
            "Kubernetes 1.37.2",
            "pkg/apis/core/validation/validation.go",
            &[5404, 8827],
        ),
        Evidence::Test("tests/pods.rs", "no_pod_is_rejected_that_kubernetes_accepts"),
    ],
    run,
};

/// The largest id of a user or group.
const ID_MAX: i64 = 2_147_483_647;
const PROFILES: [&str; 3] = ["RuntimeDefault", "Unconfined", "Localhost"];

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    in_each_pod(job, findings, |faults| {
        let context = child(faults.pod.spec, "securityContext");
        look(
            faults,
            None,
            context,
            &faults.pod.spec_path().then_key("securityContext"),
        );
        for container in faults.containers() {
            let at = faults.pod.container_path(container).then_key("securityContext");
            look(faults, Some(container), child(container.value, "securityContext"), &at);
            let own = child(container.value, "securityContext");
            let effective = |key| given(own, key).or_else(|| given(context, key));
            let is_forbidden = effective("runAsNonRoot").and_then(Json::as_bool) == Some(true);
            if is_forbidden && effective("runAsUser").and_then(Json::as_i64) == Some(0) {
                let what = "runAsNonRoot is true and runAsUser is 0, which is root";
                let fix = "set runAsUser to another user, such as 1000";
                let path = match given(own, "runAsUser") {
                    Some(_) => at.key("runAsUser"),
                    None => faults.pod.spec_path().keys(["securityContext", "runAsUser"]),
                };
                faults.never_starts(Some(container), path, what, fix);
            }
        }
    });
}

fn look(faults: &mut Faults<'_, '_, '_>, container: Option<&Container<'_>>, context: Json<'_>, at: &Path) {
    let mut report = |path: Path, what: &str, fix: &str| {
        let finding = faults.finding(container, path, what, fix);
        faults.push(finding);
    };
    let mut ids: Vec<(Path, &str, i64)> = ["runAsUser", "runAsGroup", "fsGroup"]
        .into_iter()
        .filter(|key| container.is_none() || *key != "fsGroup")
        .filter_map(|key| Some((at.key(key), key, child(context, key).as_i64()?)))
        .collect();
    let groups = items(context, "supplementalGroups")
        .iter()
        .enumerate()
        .filter(|_| container.is_none());
    let group = |(index, id): (usize, Json<'_>)| {
        Some((
            at.key("supplementalGroups").index(index),
            "supplementalGroups",
            id.as_i64()?,
        ))
    };
    ids.extend(groups.filter_map(group));
    for (path, key, id) in ids.into_iter().filter(|(_, _, id)| !(0..=ID_MAX).contains(id)) {
        report(
            path,
            &format!("{key} {id} is not between 0 and {ID_MAX}"),
            "write an id that is not negative",
        );
    }
    let escalates = child(context, "allowPrivilegeEscalation").as_bool();
    if container.is_some() && escalates == Some(false) && child(context, "privileged").as_bool() == Some(true) {
        let what = "its securityContext is privileged and forbids privilege escalation";
        report(
            at.key("allowPrivilegeEscalation"),
            what,
            "remove privileged or allowPrivilegeEscalation",
        );
    }
    let is_profile = |kind: Option<&str>| kind.is_some_and(|kind| PROFILES.contains(&kind));
    if let Some(profile) = given(context, "seccompProfile").filter(|profile| profile.is_object()) {
        let (kind, at) = (text(profile, "type"), at.key("seccompProfile"));
        let local = given(profile, "localhostProfile");
        if !is_profile(kind) {
            let what = format!(
                "its seccompProfile has the unknown type {}",
                quoted(kind.unwrap_or_default())
            );
            report(at.key("type"), &what, "write RuntimeDefault, Unconfined or Localhost");
        } else if (kind == Some("Localhost")) != local.is_some() {
            let what = "the localhostProfile of its seccompProfile does not fit the type";
            report(
                at.key("localhostProfile"),
                what,
                "set localhostProfile for the type Localhost only",
            );
        }
    }
    let sysctls = items(below(context, &[]), "sysctls")
        .iter()
        .enumerate()
        .filter(|_| container.is_none());
    for (index, sysctl) in sysctls {
        if sysctl.is_object() && text(sysctl, "name").is_none_or(str::is_empty) {
            report(
                at.key("sysctls").index(index).then_key("name"),
                "a sysctl has no name",
                "set its name",
            );
        }
    }
}
