//! Rules on the store behind fault tolerance, Redis or an embedded RocksDB (KubeRay 1.7, `validation.go`,
//! `validateGcsFaultToleranceBackend`).

use serde_json::Value;

use crate::ray::RayJob;
use crate::ray::job::{items, text};
use crate::rules::check::Check;
use crate::rules::{Cx, Finding, Findings};

use super::super::{given, head_container, head_variable, refusal};
use super::{WITH_BACKENDS, options, options_path};

const GATE: &str = "GCSFaultToleranceEmbeddedStorage";
/// The volume that KubeRay adds for the store.
const VOLUME: &str = "gcs-storage";
/// Where it mounts it.
const MOUNT_PATH: &str = "/data/gcs";
/// The variables that it sets for it.
const VARIABLES: [&str; 2] = ["RAY_gcs_storage", "RAY_gcs_storage_path"];
/// The settings of a claim that KubeRay would make, which one of the author's own has already.
const OF_A_NEW_CLAIM: [&str; 3] = ["size", "storageClassName", "accessModes"];

fn is_embedded(options: &Value) -> bool {
    text(options, "backend") == Some("rocksdb")
}

/// K58.
pub const CONFLICT: Check = refusal(
    "RG158",
    "the embedded store of fault tolerance cannot be set up",
    WITH_BACKENDS,
    "# What it does
With `gcsFaultToleranceOptions.backend: rocksdb`, finds that the feature gate `GCSFaultToleranceEmbeddedStorage` is off,
that a setting of Redis is there too, that `storage.claimName` stands beside `size`, `storageClassName` or `accessModes`,
or that the head has what KubeRay adds itself: the variables `RAY_gcs_storage` and `RAY_gcs_storage_path`, a volume or
mount called `gcs-storage`, or a mount at `/data/gcs`.

# Why it is bad
KubeRay refuses the RayJob after it exists.

# What fixes it
Remove what the message names.

# Fails
```yaml
platform: {kuberay: {featureGates: {GCSFaultToleranceEmbeddedStorage: true}}}
spec: {rayClusterSpec: {gcsFaultToleranceOptions: {backend: rocksdb, redisAddress: \"redis:6379\"}}}
```

# Passes
```yaml
platform: {kuberay: {featureGates: {GCSFaultToleranceEmbeddedStorage: true}}}
spec: {rayClusterSpec: {gcsFaultToleranceOptions: {backend: rocksdb, storage: {size: 1Gi}}}}
```
",
    conflict,
);

fn conflict(cx: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    let Some(options) = options(job).filter(|options| is_embedded(options)) else {
        return;
    };
    if !cx.gate(GATE) {
        findings.push(
            Finding::new(
                options_path("backend"),
                format!("fault tolerance: rocksdb needs the feature gate {GATE}"),
            )
            .fix("use the backend redis, or have the gate turned on"),
        );
    }
    of_redis(options, findings);
    of_the_claim(options, findings);
    of_the_head(job, findings);
}

fn of_redis(options: &Value, findings: &mut Findings) {
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
                    options_path(key),
                    format!("fault tolerance: {key} is for Redis, and the backend is rocksdb"),
                )
                .fix(format!("remove gcsFaultToleranceOptions.{key}")),
            );
        }
    }
}

fn of_the_claim(options: &Value, findings: &mut Findings) {
    let Some(storage) = given(options, "storage") else {
        return;
    };
    if text(storage, "claimName").is_none_or(str::is_empty) {
        return;
    }
    let is_set = |key: &&str| match given(storage, key) {
        Some(Value::Array(modes)) => !modes.is_empty(),
        value => value.is_some(),
    };
    for key in OF_A_NEW_CLAIM.into_iter().filter(is_set) {
        findings.push(
            Finding::new(
                options_path("storage").key(key),
                format!("fault tolerance: {key} beside claimName, which has its own"),
            )
            .fix(format!("remove storage.{key}, or storage.claimName")),
        );
    }
}

fn of_the_head(job: &RayJob<'_>, findings: &mut Findings) {
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

/// K59.
pub const STORAGE_WITH_REDIS: Check = refusal(
    "RG159",
    "storage for fault tolerance by Redis",
    WITH_BACKENDS,
    "# What it does
Finds `gcsFaultToleranceOptions.storage` while the backend is Redis, as it is where none is named.

# Why it is bad
The storage is for the embedded store. KubeRay refuses the RayJob after it exists.

# What fixes it
`backend: rocksdb`, or no `storage`.

# Fails
```yaml
spec: {rayClusterSpec: {gcsFaultToleranceOptions: {redisAddress: \"redis:6379\", storage: {size: 1Gi}}}}
```

# Passes
```yaml
spec: {rayClusterSpec: {gcsFaultToleranceOptions: {backend: rocksdb, storage: {size: 1Gi}}}}
```
",
    |_, job, findings| {
        let is_set = |options: &Value| !is_embedded(options) && given(options, "storage").is_some();
        if options(job).is_some_and(is_set) {
            findings.push(
                Finding::new(
                    options_path("storage"),
                    "fault tolerance: storage is for rocksdb, and the backend is redis",
                )
                .fix("remove storage, or set backend to rocksdb"),
            );
        }
    },
);
