//! Finds values of fields that have a fixed set of values.

use crate::diag::{listed, quoted, suggest};
use crate::json::Json;
use crate::k8s::json::{below, items, text};
use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::{Container, Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Findings};

use super::fault::{Faults, in_each_pod};
use super::source::only_source;

/// The check.
pub const CHECK: Check = Check {
    code: "RG922",
    title: "Fields with fixed values must have one of them",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("spelling.md"),
    evidence: &[
        Evidence::Source(
            "Kubernetes 1.37.2",
            "pkg/apis/core/validation/validation.go",
            &[3725, 4221],
        ),
        Evidence::Test("tests/pods.rs", "no_pod_is_rejected_that_kubernetes_accepts"),
    ],
    run,
};

/// A field, by its keys, and its values.
type Field = (&'static [&'static str], &'static [&'static str]);

const OF_PODS: [Field; 4] = [
    (
        &["dnsPolicy"],
        &["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"],
    ),
    (&["preemptionPolicy"], &["PreemptLowerPriority", "Never"]),
    (
        &["securityContext", "fsGroupChangePolicy"],
        &["OnRootMismatch", "Always"],
    ),
    (&["os", "name"], &["linux", "windows"]),
];

const OF_CONTAINERS: [Field; 2] = [
    (&["imagePullPolicy"], &["Always", "IfNotPresent", "Never"]),
    (&["terminationMessagePolicy"], &["File", "FallbackToLogsOnError"]),
];

const PROTOCOLS: Field = (&["protocol"], &["TCP", "UDP", "SCTP"]);
const PROPAGATIONS: Field = (&["mountPropagation"], &["None", "HostToContainer", "Bidirectional"]);
const HOST_PATHS: Field = (
    &["hostPath", "type"],
    &[
        "",
        "DirectoryOrCreate",
        "Directory",
        "FileOrCreate",
        "File",
        "Socket",
        "CharDevice",
        "BlockDevice",
    ],
);

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    in_each_pod(job, findings, |faults| {
        let pod = faults.pod;
        for field in &OF_PODS {
            look(faults, None, (pod.spec, &|| pod.spec_path()), field);
        }
        for (index, volume) in items(faults.pod.spec, "volumes").iter().enumerate() {
            if only_source(volume).is_some_and(|(key, _)| key == "hostPath") {
                let at = || pod.spec_path().then_key("volumes").then_index(index);
                look(faults, None, (volume, &at), &HOST_PATHS);
            }
        }
        for container in faults.containers() {
            let at = || pod.container_path(container);
            for field in &OF_CONTAINERS {
                look(faults, Some(container), (container.value, &at), field);
            }
            for (index, policy) in items(container.value, "resizePolicy").iter().enumerate() {
                let resource = text(policy, "resourceName").unwrap_or_default();
                if !matches!(resource, "" | "cpu" | "memory") {
                    let what = format!("resizePolicy has the resource {}", quoted(resource));
                    let path = at().then_key("resizePolicy").then_index(index).then_key("resourceName");
                    let who = (&*what, "Kubernetes from 1.33 on");
                    faults.warn(Some(container), path, who, "write cpu or memory");
                }
            }
            for (list, field) in [("ports", &PROTOCOLS), ("volumeMounts", &PROPAGATIONS)] {
                for (index, item) in items(container.value, list).iter().enumerate() {
                    look(
                        faults,
                        Some(container),
                        (item, &|| at().then_key(list).then_index(index)),
                        field,
                    );
                }
            }
        }
    });
}

fn look(
    faults: &mut Faults<'_, '_, '_>,
    container: Option<&Container<'_>>,
    (parent, at): (Json<'_>, &dyn Fn() -> Path),
    (keys, values): &Field,
) {
    let Some(value) = below(parent, keys).as_str().filter(|value| !value.is_empty()) else {
        return;
    };
    if values.contains(&value) {
        return;
    }
    let name = keys.join(".");
    let what = format!("{name} has the unknown value {}", quoted(value));
    let near = values.iter().find(|known| known.eq_ignore_ascii_case(value));
    let near = near.copied().or_else(|| suggest(value, values.iter().copied()));
    let known: Vec<&str> = values.iter().copied().filter(|value| !value.is_empty()).collect();
    let fix = near.map_or_else(
        || format!("write one of {}", listed(&known)),
        |near| format!("did you mean {near}?"),
    );
    let path = keys.iter().fold(at(), |path, key| path.then_key(key));
    let finding = faults.finding(container, path, &what, &fix);
    faults.push(finding);
}
