//! Finds settings with which KubeRay cannot set up the embedded store of fault tolerance.

use crate::json::Json;
use crate::k8s::json::{given, items, text};
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::Check;
use crate::rules::{Cx, Finding, Findings};

use super::super::{gate_off, head_container, head_variable, validation};
use super::{WITH_BACKENDS, is_embedded, options, options_path};

/// The check.
pub const CHECK: Check = Check {
    code: "RG158",
    title: "The embedded store of fault tolerance must be complete",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: WITH_BACKENDS,
    page: include_str!("embedded_store.md"),
    evidence: &[validation(&[336, 340, 353, 357, 361])],
    run,
};

const GATE: &str = "GCSFaultToleranceEmbeddedStorage";

/// The volume that KubeRay adds for the store.
const VOLUME: &str = "gcs-storage";

/// Where it mounts it.
const MOUNT_PATH: &str = "/data/gcs";

/// The variables that it sets for it.
const VARIABLES: [&str; 2] = ["RAY_gcs_storage", "RAY_gcs_storage_path"];

/// The settings of a claim that KubeRay would make, which one of the author's own has already.
const OF_A_NEW_CLAIM: [&str; 3] = ["size", "storageClassName", "accessModes"];

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(options) = options(job).filter(|options| is_embedded(*options)) else {
        return;
    };
    if !cx.gate(GATE) {
        findings.push(gate_off(
            cx,
            options_path(job, "backend"),
            "fault tolerance by rocksdb",
            GATE,
            "use the backend redis",
        ));
    }
    of_redis(job, options, findings);
    of_the_claim(job, options, findings);
    of_the_head(job, findings);
}

fn of_redis(job: &Workload<'_>, options: Json<'_>, findings: &mut Findings) {
    let filled = |key: &str| text(options, key).is_some_and(|value| !value.is_empty());
    let present = |key: &str| given(options, key).is_some();
    for (key, is_set) in [
        ("redisAddress", filled("redisAddress")),
        ("redisUsername", present("redisUsername")),
        ("redisPassword", present("redisPassword")),
        ("externalStorageNamespace", filled("externalStorageNamespace")),
    ] {
        if is_set {
            findings.push(
                Finding::new(
                    options_path(job, key),
                    format!("fault tolerance: {key} is for Redis, and the backend is rocksdb"),
                )
                .fix(format!("remove gcsFaultToleranceOptions.{key}")),
            );
        }
    }
}

fn of_the_claim(job: &Workload<'_>, options: Json<'_>, findings: &mut Findings) {
    let Some(storage) = given(options, "storage") else {
        return;
    };
    if text(storage, "claimName").is_none_or(str::is_empty) {
        return;
    }
    let is_set = |key: &&str| match given(storage, key) {
        Some(value) => value.as_array().is_none_or(|modes| !modes.is_empty()),
        None => false,
    };
    for key in OF_A_NEW_CLAIM.into_iter().filter(is_set) {
        findings.push(
            Finding::new(
                options_path(job, "storage").key(key),
                format!("fault tolerance: {key} beside claimName, which has its own"),
            )
            .fix(format!("remove storage.{key}, or storage.claimName")),
        );
    }
}

fn of_the_head(job: &Workload<'_>, findings: &mut Findings) {
    let Some((head, container)) = head_container(job) else {
        return;
    };
    let mut own = |path, what: String| {
        findings.push(
            Finding::new(path, format!("head: {what} is KubeRay's own with the backend rocksdb"))
                .fix(format!("remove {what} from the head")),
        );
    };
    for variable in VARIABLES {
        if let Some(path) = head_variable(job, variable) {
            own(path, variable.to_owned());
        }
    }
    for (index, mount) in items(container.value, "volumeMounts").iter().enumerate() {
        if text(mount, "name") == Some(VOLUME) || text(mount, "mountPath") == Some(MOUNT_PATH) {
            own(
                head.container_path(container).then_key("volumeMounts").index(index),
                format!("the mount {VOLUME} at {MOUNT_PATH}"),
            );
        }
    }
    if let Some((index, _)) = head.volume(VOLUME) {
        own(
            head.spec_path().then_key("volumes").index(index),
            format!("the volume {VOLUME}"),
        );
    }
}
