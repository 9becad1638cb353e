//! Finds volume sources that lack a required field, or have a value that no volume can have.

use crate::diag::{listed, quoted};
use crate::json::Json;
use crate::k8s::json::{below, child, given, items, text};
use crate::k8s::path::Path;
use crate::k8s::quantity::Quantity;
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Findings};

use super::fault::{Faults, in_each_pod};
use super::source::only_source;

/// The check.
pub const CHECK: Check = Check {
    code: "RG905",
    title: "Volume sources must be complete",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("volume_fields.md"),
    evidence: &[
        Evidence::Source(
            "Kubernetes 1.37.2",
            "pkg/apis/core/validation/validation.go",
            &[558, 975, 1015, 1032, 2504, 2514],
        ),
        Evidence::Test("tests/pods.rs", "no_pod_is_rejected_that_kubernetes_accepts"),
    ],
    run,
};

/// The texts that a source requires.
const REQUIRED: [(&str, &[&str]); 13] = [
    ("awsElasticBlockStore", &["volumeID"]),
    ("azureFile", &["secretName", "shareName"]),
    ("configMap", &["name"]),
    ("csi", &["driver"]),
    ("flexVolume", &["driver"]),
    ("gcePersistentDisk", &["pdName"]),
    ("glusterfs", &["endpoints", "path"]),
    ("hostPath", &["path"]),
    ("iscsi", &["targetPortal", "iqn"]),
    ("nfs", &["server", "path"]),
    ("persistentVolumeClaim", &["claimName"]),
    ("rbd", &["image"]),
    ("secret", &["secretName"]),
];

/// How a claim may be mounted.
const ACCESS_MODES: [&str; 4] = ["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"];

/// The largest mode of a file.
const MODE_MAX: i64 = 0o777;

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    in_each_pod(job, findings, |faults| {
        for (index, volume) in items(faults.pod.spec, "volumes").iter().enumerate() {
            let Some((key, source)) = only_source(volume).filter(|(_, source)| source.is_object()) else {
                continue;
            };
            let place = Source {
                name: quoted(text(volume, "name").unwrap_or_default()),
                path: faults
                    .pod
                    .spec_path()
                    .then_key("volumes")
                    .then_index(index)
                    .then_key(key),
                key,
            };
            let required = REQUIRED
                .iter()
                .filter(|(known, _)| *known == key)
                .flat_map(|(_, fields)| *fields);
            for field in required {
                if text(source, field).is_none_or(str::is_empty) {
                    place.lacks(faults, field);
                }
            }
            look(faults, &place, source);
        }
    });
}

/// A source of a volume, for messages.
struct Source {
    name: String,
    path: Path,
    key: &'static str,
}

impl Source {
    fn lacks(&self, faults: &mut Faults<'_, '_, '_>, field: &'static str) {
        let what = format!("volume {}: its {} has no {field}", self.name, self.key);
        faults.report(self.path.key(field), &what, &format!("set {field}"));
    }

    fn report(&self, faults: &mut Faults<'_, '_, '_>, path: Path, wrong: &str, fix: &str) {
        faults.report(path, &format!("volume {}: {wrong}", self.name), fix);
    }
}

fn look(faults: &mut Faults<'_, '_, '_>, place: &Source, source: Json<'_>) {
    let mode = child(source, "defaultMode").as_i64();
    if mode.is_some_and(|mode| !(0..=MODE_MAX).contains(&mode)) {
        let wrong = format!("defaultMode {} is not between 0 and 511", mode.unwrap_or_default());
        let fix = "write the mode as a decimal number, such as 420 for 0644";
        place.report(faults, place.path.key("defaultMode"), &wrong, fix);
    }
    match place.key {
        "configMap" | "secret" => files(faults, place, source, &place.path),
        "emptyDir" => {
            let medium = text(source, "medium").unwrap_or_default();
            if !matches!(medium, "" | "Memory" | "HugePages") && !medium.starts_with("HugePages-") {
                let what = format!("volume {}: its medium {} is unknown", place.name, quoted(medium));
                let fix = "write Memory, HugePages or HugePages-2Mi, or leave it out for the disk";
                faults.never_starts(None, place.path.key("medium"), &what, fix);
            }
            let limit = given(source, "sizeLimit").and_then(|limit| Quantity::from_json(limit).ok());
            if limit.is_some_and(|limit| limit.is_negative()) {
                place.report(
                    faults,
                    place.path.key("sizeLimit"),
                    "its sizeLimit is negative",
                    "write a positive size",
                );
            }
        }
        "hostPath" if text(source, "path").is_some_and(has_backsteps) => {
            place.report(
                faults,
                place.path.key("path"),
                "its path contains `..`",
                "write the path without `..`",
            );
        }
        "nfs" if text(source, "path").is_some_and(|path| !path.is_empty() && !path.starts_with('/')) => {
            place.report(
                faults,
                place.path.key("path"),
                "its path is relative",
                "write an absolute path",
            );
        }
        "ephemeral" => claim(faults, place, source),
        "projected" => {
            for (index, projection) in items(source, "sources").iter().enumerate() {
                projected(faults, place, projection, &place.path.key("sources").index(index));
            }
        }
        _ => {}
    }
}

fn has_backsteps(path: &str) -> bool {
    path.split('/').any(|step| step == "..")
}

/// The `items` of a source: which key goes into which file.
fn files(faults: &mut Faults<'_, '_, '_>, place: &Source, source: Json<'_>, path: &Path) {
    for (index, item) in items(source, "items").iter().enumerate() {
        let at = path.key("items").index(index);
        for field in ["key", "path"] {
            if text(item, field).is_none_or(str::is_empty) {
                let wrong = format!("an item of its {} has no {field}", place.key);
                place.report(faults, at.key(field), &wrong, &format!("set {field}"));
            }
        }
        let file = text(item, "path").unwrap_or_default();
        if file.starts_with('/') || has_backsteps(file) {
            let wrong = format!("the file {} is not below the volume's root", quoted(file));
            place.report(faults, at.key("path"), &wrong, "write a relative path without `..`");
        }
        let mode = child(item, "mode").as_i64();
        if mode.is_some_and(|mode| !(0..=MODE_MAX).contains(&mode)) {
            let wrong = format!("the mode {} is not between 0 and 511", mode.unwrap_or_default());
            place.report(
                faults,
                at.key("mode"),
                &wrong,
                "write the mode as a decimal number, such as 420 for 0644",
            );
        }
    }
}

/// The claim that Kubernetes makes for the pod.
fn claim(faults: &mut Faults<'_, '_, '_>, place: &Source, source: Json<'_>) {
    let template = child(source, "volumeClaimTemplate");
    if !template.is_object() {
        return place.lacks(faults, "volumeClaimTemplate");
    }
    let (spec, at) = (
        child(template, "spec"),
        place.path.keys(["volumeClaimTemplate", "spec"]),
    );
    if items(spec, "accessModes").is_empty() {
        place.report(
            faults,
            at.key("accessModes"),
            "its claim has no accessModes",
            "set accessModes: [ReadWriteOnce]",
        );
    }
    let modes: Vec<&str> = items(spec, "accessModes")
        .iter()
        .filter_map(|mode| mode.as_str())
        .collect();
    if let Some(mode) = modes.iter().find(|mode| !ACCESS_MODES.contains(mode)) {
        let wrong = format!("its claim has the unknown access mode {}", quoted(mode));
        let fix = format!("write one of {}", listed(&ACCESS_MODES));
        place.report(faults, at.key("accessModes"), &wrong, &fix);
    }
    let is_shared = |mode: &&str| *mode != "ReadWriteOncePod" && ACCESS_MODES.contains(mode);
    if modes.contains(&"ReadWriteOncePod") && modes.iter().any(is_shared) {
        let wrong = "its claim has ReadWriteOncePod beside another access mode";
        place.report(faults, at.key("accessModes"), wrong, "keep one of them");
    }
    if given(below(spec, &["resources", "requests"]), "storage").is_none() {
        let path = at.keys(["resources", "requests", "storage"]);
        place.report(
            faults,
            path,
            "its claim requests no storage",
            "set resources.requests.storage",
        );
    }
}

fn projected(faults: &mut Faults<'_, '_, '_>, place: &Source, projection: Json<'_>, path: &Path) {
    let sources = ["secret", "configMap", "downwardAPI", "serviceAccountToken"];
    let sources: Vec<&str> = sources
        .into_iter()
        .filter(|key| given(projection, key).is_some())
        .collect();
    if sources.len() > 1 {
        let fix = "make one entry of `sources` for each";
        place.report(
            faults,
            path.clone(),
            "an entry of its sources has more than one source",
            fix,
        );
    }
    for key in ["secret", "configMap"] {
        let Some(source) = given(projection, key).filter(|source| source.is_object()) else {
            continue;
        };
        let at = path.key(key);
        if text(source, "name").is_none_or(str::is_empty) {
            place.report(
                faults,
                at.key("name"),
                &format!("a projected {key} has no name"),
                "set name",
            );
        }
        files(faults, place, source, &at);
    }
    if let Some(token) = given(projection, "serviceAccountToken").filter(|token| token.is_object()) {
        let at = path.key("serviceAccountToken");
        if text(token, "path").is_none_or(str::is_empty) {
            place.report(
                faults,
                at.key("path"),
                "its serviceAccountToken has no path",
                "set path",
            );
        }
        if child(token, "expirationSeconds")
            .as_i64()
            .is_some_and(|seconds| seconds < 600)
        {
            let wrong = "its serviceAccountToken expires in less than 10 minutes";
            place.report(
                faults,
                at.key("expirationSeconds"),
                wrong,
                "set expirationSeconds to at least 600",
            );
        }
    }
}
